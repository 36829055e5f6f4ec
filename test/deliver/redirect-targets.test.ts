/** Where a redirect or a name may not lead, however it is written: nothing is dialled there. */
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { bytesInMemory } from '../../src/core/bytes-in-memory.ts';
import { type AllowList, parseAllowList } from '../../src/deliver/allow-list.ts';
import { attempt, DEFAULT_TRY_LIMITS, type Outcome } from '../../src/deliver/attempt.ts';
import type { Resolve } from '../../src/deliver/dialler.ts';
import { answer, ScriptedTarget } from './scripted-target.ts';

const BODY = Buffer.from('audio');
/** The one name that may be anywhere: whoever has it is whoever redirects. */
const ALLOWED = parseAllowList('outside.example');

const sendTo = (url: string, resolve: Resolve, policy: AllowList = ALLOWED): Promise<Outcome> =>
  attempt(
    { url: new URL(url), method: 'PUT', body: bytesInMemory(BODY), size: BODY.length, headers: {} },
    { policy, resolve, limits: { ...DEFAULT_TRY_LIMITS, graceMs: 0, connectMs: 2000, tryMs: 5000 } },
  );

const codeOf = (outcome: Outcome): string => (outcome.kind === 'taken' ? 'taken' : outcome.error.code);

/** What listens inside, so that whoever dials it is seen. */
let dialled = 0;
let port = 0;
const inside = createServer((socket) => {
  dialled++;
  socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
});
beforeAll(async () => {
  await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
  const address = inside.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterAll(() => void inside.close());

const outsideThat = async (location: string): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(answer(307, { Location: location }));
  onTestFinished(() => target.close());
  return target;
};

describe('a redirect may not lead', () => {
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '１２７.0.0.1',
    '0.0.0.0',
    '0',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::127.0.0.1]',
    '[2002:7f00:1::]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '169.254.169.254',
    '0xA9FEA9FE',
    '168.63.129.16',
    '100.100.100.200',
    'localhost',
    'localhost.',
    'uploads.localhost',
    'outside.example@127.0.0.1',
    'outside.example:x@[::1]',
  ])
    test(`to http://${host}`, async () => {
      const target = await outsideThat(
        encodeURI(`http://${host}:${port}/latest/meta-data/`).replace(/%5B|%5D/gi, (c) =>
          c.toUpperCase() === '%5B' ? '[' : ']',
        ),
      );
      const before = dialled;
      const outcome = await sendTo(`http://outside.example:${target.port}/in`, async () => [
        { address: '127.0.0.1', family: 4 },
      ]);
      expect([codeOf(outcome), target.seen.length, dialled - before]).toEqual(['TARGET_FORBIDDEN', 1, 0]);
    });
});

describe('a name may not turn out to be', () => {
  for (const address of [
    '127.0.0.1',
    '0.0.0.0',
    '10.1.2.3',
    '169.254.169.254',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::7f00:1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::',
    '2001:0:4136:e378:8000:63bf:80ff:fffe',
    'fd00:ec2::254',
    'fe80::1%lo',
    'ff02::1',
  ])
    test(address, async () => {
      const before = dialled;
      const family = address.includes(':') ? 6 : 4;
      for (const name of ['rebound.example', 'rebound.example.'])
        expect(codeOf(await sendTo(`http://${name}:${port}/in`, async () => [{ address, family }]))).toBe(
          'TARGET_FORBIDDEN',
        );
      expect(dialled).toBe(before);
    });

  test('public for whoever asks first, and private for the connection', async () => {
    const answers = ['93.184.215.14', '127.0.0.1'];
    const asked: string[] = [];
    const resolve: Resolve = async () => {
      asked.push(answers[Math.min(asked.length, 1)]!);
      return [{ address: asked.at(-1)!, family: 4 }];
    };
    const before = dialled;
    // What somebody asked for before, say to check it, has no say.
    await resolve('rebound.example');
    expect(codeOf(await sendTo(`http://rebound.example:${port}/in`, resolve))).toBe('TARGET_FORBIDDEN');
    expect([asked.length, dialled]).toEqual([2, before]);
  });

  test('private in either family', async () => {
    const before = dialled;
    const resolve: Resolve = async () => [
      { address: '127.0.0.1', family: 4 },
      { address: '::ffff:127.0.0.1', family: 6 },
    ];
    expect(codeOf(await sendTo(`http://rebound.example:${port}/in`, resolve))).toBe('TARGET_FORBIDDEN');
    expect(dialled).toBe(before);
  });
});

test('the list is no cage: what is allowed by its address is reached', async () => {
  const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
  const outcome = await sendTo(`http://rebound.example:${port}/in`, resolve, parseAllowList('127.0.0.1'));
  expect(dialled).toBeGreaterThan(0);
  expect(codeOf(outcome)).not.toBe('TARGET_FORBIDDEN');
});
