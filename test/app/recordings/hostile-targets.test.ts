/**
 * Targets at their worst, at the service's queue, with time in the test's hands: each time the right state, the file kept until a 2xx,
 * and the target left in peace. What a single try makes of them is in `test/deliver/`.
 */
import { existsSync } from 'node:fs';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ShelfOptions } from '../../../src/app/recordings/shelf-options.ts';
import { parseAllowList } from '../../../src/deliver/allow-list.ts';
import { answer, ScriptedTarget, type Step } from '../../deliver/scripted-target.ts';
import { type HandClock, type Kit, openShelf, recordCall, START_US, until } from './shelf-kit.ts';

const HOUR_MS = 3_600_000;

/** `heal` makes of it one that takes the file. */
type Target = { readonly url: string; readonly tries: () => number; heal(): Promise<void> | void };

const scripted = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  onTestFinished(() => target.close());
  return target;
};

/** Counts requests also of steps that don't note them. */
const http = async (...steps: Step[]): Promise<Target> => {
  let tries = 0;
  const counted = steps.map(
    (step): Step =>
      (request, response, note) => {
        tries++;
        return step(request, response, note);
      },
  );
  const target = await scripted(...counted);
  return { url: target.url, tries: () => tries, heal: () => void target.script(answer(200)) };
};

/** Bare TCP on a port, which a good target takes over when it heals. */
const tcp = async (onSocket: (socket: Socket) => void, scheme = 'http'): Promise<Target> => {
  let tries = 0;
  let good: ScriptedTarget | undefined;
  const pipes = new Set<Socket>();
  const server: Server = createTcpServer((socket) => {
    pipes.add(socket);
    socket.on('error', () => {});
    tries++;
    if (good === undefined) return onSocket(socket);
    // The good one answers over the bad one's port.
    connectTo(good.port, socket, pipes);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    for (const socket of pipes) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    tries: () => tries,
    heal: async () => {
      good = await scripted(answer(200));
    },
  };
};

const connectTo = (port: number, socket: Socket, pipes: Set<Socket>): void => {
  const through = connect(port, '127.0.0.1');
  pipes.add(through);
  through.on('error', () => socket.destroy());
  socket.pipe(through).pipe(socket);
};

const refusing = async (): Promise<Target> => {
  const target = await scripted(answer(200));
  const { url } = target;
  await target.close();
  return { url, tries: () => 0, heal: () => {} };
};

const redirecting = (location: (own: string) => string) => async (): Promise<Target> => {
  let own = '';
  const target = await http((request, response, note) =>
    answer(301, { Location: location(own) })(request, response, note),
  );
  own = target.url;
  return target;
};

/** Takes a little at a time, all of it in the end. */
const slowly: Step = async (request, response, note) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
    await new Promise((done) => setTimeout(done, 5));
  }
  note(Buffer.concat(chunks));
  response.writeHead(200).end();
};

type Hostile = {
  readonly name: string;
  readonly start: () => Promise<Target>;
  readonly limits?: ShelfOptions['tryLimits'];
  /** `delivering`: tried again by itself. */
  readonly state: 'delivering' | 'failed' | 'delivered';
  readonly code?: string;
  readonly status: number | null;
};

const HOSTILE: readonly Hostile[] = [
  { name: 'refuses', start: refusing, state: 'delivering', code: 'TARGET_UNREACHABLE', status: null },
  {
    name: 'resets in the middle of the body',
    start: () => tcp((socket) => socket.once('data', () => socket.resetAndDestroy())),
    ...{ state: 'delivering', code: 'TARGET_UNREACHABLE', status: null },
  },
  {
    name: 'hangs before it takes anything',
    start: () => tcp((socket) => socket.pause()),
    limits: { headersMs: 100 },
    ...{ state: 'delivering', code: 'TARGET_UNREACHABLE', status: null },
  },
  {
    name: 'takes all and says nothing',
    start: () => http(async (request) => void (await buffer(request))),
    limits: { headersMs: 100 },
    ...{ state: 'delivering', code: 'TARGET_UNREACHABLE', status: null },
  },
  { name: 'is busy', start: () => http(answer(503)), state: 'delivering', code: 'TARGET_BUSY', status: 503 },
  {
    name: 'has enough',
    start: () => http(answer(429, { 'Retry-After': '7' })),
    ...{ state: 'delivering', code: 'TARGET_BUSY', status: 429 },
  },
  {
    name: 'redirects in a circle',
    start: redirecting((own) => `${own}/round`),
    ...{ state: 'failed', code: 'TARGET_REDIRECTS', status: null },
  },
  {
    name: 'redirects to a private address',
    start: redirecting(() => 'http://10.0.0.1/'),
    ...{ state: 'failed', code: 'TARGET_FORBIDDEN', status: null },
  },
  {
    name: 'redirects to the metadata of the cloud',
    start: redirecting(() => 'http://[::ffff:169.254.169.254]/latest/'),
    ...{ state: 'failed', code: 'TARGET_FORBIDDEN', status: null },
  },
  {
    name: 'says 200 before it has read the body',
    start: () =>
      tcp((socket) => socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))),
    limits: { graceMs: 300 },
    ...{ state: 'delivering', code: 'TARGET_INCOMPLETE', status: 200 },
  },
  {
    name: 'speaks no TLS',
    start: () => tcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')), 'https'),
    ...{ state: 'delivering', code: 'TARGET_UNTRUSTED', status: null },
  },
  { name: 'reads slowly', start: () => http(slowly), state: 'delivered', status: 200 },
];

const fileOf = async (kit: Kit, id: string): Promise<string> =>
  resolve(kit.folder, (await kit.store.recordings.get('acme', id))!.artefactPath!);

type Delivery = { state: string; tries: number; status: number | null; circuit: string; error: string | null };
const deliveryOf = async (kit: Kit, id: string): Promise<Delivery> =>
  (await kit.shelf.get('acme', id)).delivery as Delivery;

const stateOf = async (kit: Kit, id: string): Promise<string> => (await kit.shelf.get('acme', id)).state;

const openWith = (limits: ShelfOptions['tryLimits'] = {}): Promise<Kit> =>
  openShelf({
    allow: parseAllowList('127.0.0.1'),
    // The longest that full jitter gives.
    random: (bytes) => new Uint8Array(bytes).fill(255),
    tryLimits: { graceMs: 0, ...limits },
  });

/** Wakes who sleeps, one after another, until it is so. @returns how long that took, ms */
const passUntil = async (kit: Kit, isSo: () => boolean | Promise<boolean>): Promise<number> => {
  const sinceUs = kit.clock.now();
  for (;;) {
    // Between two tries somebody sleeps, or nothing is left to be done.
    await until(async () => kit.shelf.counts.deliveriesInFlight === 0 && (kit.clock.sleepers > 0 || (await isSo())));
    if (await isSo()) return (kit.clock.now() - sinceUs) / 1000;
    kit.clock.advance(Math.max(1, kit.clock.nextMs));
  }
};

describe('a target that', () => {
  for (const { name, start, limits, state, code, status } of HOSTILE)
    test(`${name}: ${state}, and the file is there`, async () => {
      const target = await start();
      const kit = await openWith(limits);
      // Longer than what sockets take at once: 4 s in stereo are 256 KB.
      const id = await recordCall(kit, { ms: 4000, fields: { url: `${target.url}/in?token=t0ken` } });
      await kit.shelf.settled();
      await until(async () => (await deliveryOf(kit, id)).tries === 1 || (await stateOf(kit, id)) === 'failed');
      await until(() => kit.shelf.counts.deliveriesInFlight === 0);
      expect(await stateOf(kit, id)).toBe(state);
      expect(await deliveryOf(kit, id)).toMatchObject({ tries: 1, status });
      expect(existsSync(await fileOf(kit, id))).toBe(true);
      const told = kit.events.findLast(({ type }) => type.startsWith('delivery.'))!;
      if (code !== undefined) expect(told.data.error).toMatchObject({ code });
      expect(JSON.stringify([kit.events, kit.logged])).not.toContain('t0ken');
      if (state === 'delivered' || name === 'refuses') return;

      // Somebody has seen to it.
      await target.heal();
      if (!target.url.startsWith('https')) {
        if (state === 'failed') await kit.shelf.deliver('acme', id);
        await passUntil(kit, async () => (await stateOf(kit, id)) === 'delivered');
      }
      expect(existsSync(await fileOf(kit, id))).toBe(true);
    });
});

/** Answers by what time it is. */
const byTime =
  (clock: () => HandClock, until: number, before: Step, after: Step): Step =>
  (request, response, note) =>
    (clock().now() - START_US < until * 1000 ? before : after)(request, response, note);

test('a target that says 500 for an hour gets the file once it has stopped, and few requests before', async () => {
  let kit: Kit | undefined;
  const target = await http(byTime(() => kit!.clock, HOUR_MS, answer(500), answer(201)));
  kit = await openWith();
  const id = await recordCall(kit, { ms: 200, fields: { url: target.url } });
  await kit.shelf.settled();
  const circuits = new Set<string>();
  const tookMs = await passUntil(kit, async () => {
    circuits.add((await deliveryOf(kit!, id)).circuit);
    return (await stateOf(kit!, id)) === 'delivered';
  });
  expect(tookMs).toBeGreaterThanOrEqual(HOUR_MS);
  // The longest wait of a file of its own.
  expect(tookMs).toBeLessThan(HOUR_MS + 600_000);
  expect(target.tries()).toBeLessThan(20);
  expect([...circuits]).toEqual(expect.arrayContaining(['closed', 'open']));
  const types = kit.events.map(({ type }) => type);
  expect(types.filter((type) => type.startsWith('delivery.target'))).toEqual([
    'delivery.target_down',
    'delivery.target_up',
  ]);
  expect(kit.events.find(({ type }) => type === 'delivery.target_down')!.data).toEqual({
    host: new URL(target.url).host,
  });
});

test('of a hundred files for a target that is down for an hour none is lost, none sent twice, and it is hardly asked', async () => {
  let kit: Kit | undefined;
  const got: string[] = [];
  const take: Step = async (request, response, note) => {
    got.push(String(request.headers['idempotency-key']));
    await answer(200)(request, response, note);
  };
  const target = await http(byTime(() => kit!.clock, HOUR_MS, answer(500), take));
  const fine = await http(answer(200));
  kit = await openWith();
  const ids: string[] = [];
  for (let n = 0; n < 100; n++)
    ids.push(await recordCall(kit, { ms: 200, callId: `call-${n}`, fields: { url: target.url } }));
  const other = await recordCall(kit, { ms: 200, callId: 'other', fields: { url: fine.url } });
  await kit.shelf.settled();
  await until(async () => (await stateOf(kit!, other)) === 'delivered');
  expect(kit.clock.now()).toBe(START_US);
  await passUntil(kit, () => kit!.clock.now() - START_US >= (HOUR_MS - 1000) * 1000 || got.length > 0);
  expect(target.tries()).toBeLessThan(40);
  expect(kit.shelf.counts.targetsDown).toBe(1);
  await passUntil(kit, () => got.length === 100);
  expect(got.sort()).toEqual(ids.sort());
  expect(kit.shelf.counts).toMatchObject({ deliveriesWaiting: 0, targetsDown: 0 });
});

test('many files for a target that asks for time get it: it is asked no sooner than it said', async () => {
  let kit: Kit | undefined;
  const atMs: number[] = [];
  const busy: Step = async (request, response, note) => {
    atMs.push((kit!.clock.now() - START_US) / 1000);
    await answer(429, { 'Retry-After': '300' })(request, response, note);
  };
  const target = await http(byTime(() => kit!.clock, 290_000, busy, answer(200)));
  kit = await openWith();
  for (let n = 0; n < 30; n++) await recordCall(kit, { ms: 200, callId: `call-${n}`, fields: { url: target.url } });
  await kit.shelf.settled();
  await until(() => kit!.shelf.counts.targetsDown === 1 && kit!.shelf.counts.deliveriesInFlight === 0);
  const tookMs = await passUntil(kit, () => kit!.shelf.counts.deliveriesWaiting === 0);
  expect(Math.max(...atMs)).toBe(0);
  expect(atMs.length).toBeLessThanOrEqual(8);
  expect(tookMs).toBeGreaterThanOrEqual(300_000);
});
