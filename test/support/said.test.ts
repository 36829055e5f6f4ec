/** The search of all output for secrets finds them, in every form, and fails the run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CARD_DIGITS, SECRET } from './live-call.ts';
import { FIXED_NEEDLES, secretsIn, secretsSaid } from './said.ts';
import { scratchDir } from './scratch.ts';

const around = (bytes: Buffer, before: number): Buffer =>
  Buffer.concat([Buffer.alloc(before, 7), bytes, Buffer.alloc(5, 9)]);

describe('what is found', () => {
  for (const { name, said } of [
    { name: 'typed digits in a sentence', said: `the caller typed ${CARD_DIGITS}!` },
    { name: 'typed digits in JSON', said: JSON.stringify({ level: 20, digits: CARD_DIGITS }) },
    { name: 'bytes as they are', said: around(SECRET, 3).toString('latin1') },
    { name: 'bytes in hex', said: around(SECRET, 3).toString('hex') },
    {
      name: 'bytes in hex, as a console shows a buffer in capitals',
      said: around(SECRET, 3).toString('hex').toUpperCase(),
    },
    { name: 'bytes as JSON has a buffer', said: JSON.stringify(around(SECRET, 2)) },
    ...[0, 1, 2].map((before) => ({
      name: `bytes in base64, ${before} behind others`,
      said: around(SECRET, before).toString('base64'),
    })),
    { name: 'an API key', said: `{"api_key":"${'k'.repeat(40)}"}` },
    { name: 'a token in a header', said: `x-auth-token: ${'t'.repeat(40)}` },
    { name: 'a bearer token', said: `Authorization: Bearer ${'t'.repeat(40)}` },
    { name: 'a private key', said: '-----BEGIN PRIVATE KEY-----' },
  ])
    test(name, () => expect(secretsIn(`── a test\n${said}\n`, FIXED_NEEDLES)).not.toEqual([]));

  test('nothing in what services say every day', () => {
    const said =
      '{"level":20,"time":1795376453336,"reqId":"5683a9a65ad88d7dacf981af21251cec","route":"/v2/api_auth","status":201}';
    expect(secretsIn(said, FIXED_NEEDLES)).toEqual([]);
  });

  test('a key that was in use, by whoever said it, and the report does not say it again', () => {
    const folder = scratchDir();
    const key = 'a-key-that-was-in-use-0123456789';
    writeFileSync(join(folder, 'one.secret'), `${key}\n`);
    writeFileSync(join(folder, 'two.said'), `── serve\nall is well\n── replay\nasked with ${key} today\n`);
    const { found } = secretsSaid(folder);
    expect(found).toEqual(['a key or token in use, ── replay: asked with …']);
    expect(found.join()).not.toContain(key);
  });
});

describe('a run of tests', () => {
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const config = fileURLToPath(new URL('said-control/vitest.config.ts', import.meta.url));
  const run = async (says: string): Promise<{ status: number; stderr: string }> => {
    const tmp = join(scratchDir(), 'tmp');
    mkdirSync(tmp);
    const env = { ...process.env, TMPDIR: tmp, CONTROL_SAYS: says };
    const child = spawn(process.execPath, [vitest, 'run', '--config', config], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [status] = (await once(child, 'close')) as [number];
    return { status, stderr };
  };

  test('fails when a command that a test started has said a secret, though every test passed', async () => {
    const { status, stderr } = await run(CARD_DIGITS);
    expect(status).toBe(1);
    expect(stderr).toContain('secrets were said:\n  digits that were typed, ── record-call');
    expect(stderr).not.toContain(CARD_DIGITS);
  });

  test('passes when it has said something else', async () => {
    expect(await run('12345678')).toMatchObject({ status: 0 });
  });
});
