import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { PUBLIC_ONLY, parseAllowList } from '../../src/deliver/allow-list.ts';
import { type DeliverOptions, deliver, type TryReport } from '../../src/deliver/delivery.ts';
import type { Parcel } from '../../src/deliver/parcel.ts';
import { plainFile } from '../../src/spool/plain-file.ts';
import { answer, ScriptedTarget, type Step } from './scripted-target.ts';

const BEGAN_US = Date.UTC(2026, 10, 22, 12, 0, 0) * 1000;

/** Stands still until somebody sleeps, and then jumps to the end of the sleep. */
class JumpingClock implements Clock {
  us = BEGAN_US;
  readonly slept: number[] = [];

  now(): number {
    return this.us;
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(delayMs);
    this.us += delayMs * 1000;
  }
}

const bytes = randomBytes(150_000);
let folder: string;
let parcel: Parcel;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'delivery-'));
  await writeFile(join(folder, 'call.mp3'), bytes);
  parcel = {
    source: plainFile(join(folder, 'call.mp3')),
    contentType: 'audio/mpeg',
    format: 'mp3',
    recordingId: '202611-0123456789abcdef0123456789abcdef',
    callId: 'c/1',
    callerIdNumber: '+15550100',
    startMs: BEGAN_US / 1000,
  };
});
afterAll(() => rm(folder, { recursive: true }));

let target: ScriptedTarget | undefined;
afterEach(async () => {
  await target?.close();
  target = undefined;
});

const reset: Step = (request) => void request.once('data', () => request.socket.resetAndDestroy());

const run = async (steps: readonly Step[], changes: Partial<DeliverOptions> = {}) => {
  target = await ScriptedTarget.start(...steps);
  const clock = new JumpingClock();
  const reports: TryReport[] = [];
  const result = await deliver(parcel, {
    url: `${target.url}/in/`,
    method: 'put',
    policy: 'operator',
    clock,
    random: () => 0.5,
    limits: { graceMs: 0 },
    onTry: (report) => reports.push(report),
    ...changes,
  });
  return { result, clock, reports, seen: target.seen };
};

test('a delivery carries Kazoo’s URL, the digest of the bytes and the recording’s id', async () => {
  const { result, seen, clock } = await run([answer(201)], { method: 'post' });
  expect(result).toEqual({ state: 'delivered', tries: 1, status: 201, atUs: BEGAN_US });
  expect(clock.slept).toEqual([]);
  const { method, url, headers, body } = seen[0]!;
  expect(method).toBe('POST');
  expect(url).toMatch(
    /^\/in\/call_recording_c%2F1\.mp3\?from=&to=&caller_id_name=&caller_id_number=%2B15550100&call_id=/,
  );
  expect(body.equals(bytes)).toBe(true);
  expect(headers).toMatchObject({
    'content-type': 'audio/mpeg',
    'content-length': '150000',
    'content-digest': `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`,
    'idempotency-key': parcel.recordingId,
    'x-recording-id': parcel.recordingId,
  });
  expect(headers['transfer-encoding']).toBeUndefined();
});

test('503, then a reset, then 200: delivered at the third try, with one key and the same bytes', async () => {
  const { result, clock, reports, seen } = await run([answer(503), reset, answer(200)]);
  expect(result).toEqual({ state: 'delivered', tries: 3, status: 200, atUs: BEGAN_US + 2_250_000 });
  expect(clock.slept).toEqual([750, 1500]);
  expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual([parcel.recordingId, parcel.recordingId]);
  expect(seen.every(({ body }) => body.equals(bytes))).toBe(true);
  expect(new Set(seen.map(({ url }) => url)).size).toBe(1);
  expect(reports.map(({ tries, status, error, retryInMs }) => [tries, status, error?.code, retryInMs])).toEqual([
    [1, 503, 'TARGET_BUSY', 750],
    [2, undefined, 'TARGET_UNREACHABLE', 1500],
    [3, 200, undefined, undefined],
  ]);
});

describe('what is final is tried once', () => {
  for (const status of [400, 401, 403, 404, 410, 413, 303]) {
    test(`${status}`, async () => {
      const { result, seen, clock } = await run([answer(status)]);
      expect(result).toMatchObject({ state: 'failed', tries: 1, status, error: { code: 'TARGET_REJECTED' } });
      expect([seen.length, clock.slept]).toEqual([1, []]);
    });
  }

  test('a redirect in a circle', async () => {
    const { result } = await run([answer(301, { Location: '?' }), answer(301, { Location: '?' })]);
    expect(result).toMatchObject({ state: 'failed', tries: 1, error: { code: 'TARGET_REDIRECTS' } });
  });

  test('a name whose address is private', async () => {
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const { result, seen } = await run([answer(200)], {
      url: 'http://inside.example:1/',
      policy: PUBLIC_ONLY,
      resolve,
    });
    expect(result).toMatchObject({ state: 'failed', tries: 1, error: { code: 'TARGET_FORBIDDEN' } });
    expect(seen).toHaveLength(0);
  });
});

describe('what can not be tried is failed without a try', () => {
  for (const { name, changes, code } of [
    {
      name: 'a forbidden literal',
      changes: { url: 'http://127.0.0.1/', policy: PUBLIC_ONLY },
      code: 'TARGET_FORBIDDEN',
    },
    { name: 'another scheme', changes: { url: 'ftp://h.example/' }, code: 'TARGET_FORBIDDEN' },
    { name: 'no URL', changes: { url: 'nonsense' }, code: 'TARGET_FORBIDDEN' },
  ] as const) {
    test(name, async () => {
      const { result, reports, seen } = await run([answer(200)], changes);
      expect(result).toMatchObject({ state: 'failed', tries: 0, error: { code } });
      expect([reports, seen]).toEqual([[], []]);
    });
  }

  test('a missing file', async () => {
    const whole = parcel;
    parcel = { ...whole, source: plainFile(join(folder, 'absent.mp3')) };
    const { result, seen } = await run([answer(200)]);
    parcel = whole;
    expect(result).toMatchObject({ state: 'failed', tries: 0, error: { code: 'INPUT_MISSING' } });
    expect(seen).toEqual([]);
  });
});

test('five tries, growing waits, then it is failed and the file is still there', async () => {
  const { result, clock, reports } = await run([answer(500)]);
  expect(result).toMatchObject({
    state: 'failed',
    tries: 5,
    status: 500,
    error: { code: 'TARGET_BUSY', retryable: true },
  });
  expect(clock.slept).toEqual([750, 1500, 3000, 6000]);
  expect(reports).toHaveLength(5);
  expect((await readFile(join(folder, 'call.mp3'))).equals(bytes)).toBe(true);
});

test('one try is what maxTries 1 means', async () => {
  const { result, clock } = await run([answer(500)], { maxTries: 1 });
  expect([result.tries, clock.slept]).toEqual([1, []]);
});

test('no retry begins after the deadline', async () => {
  const { result, clock } = await run([answer(500)], { maxTries: 100, deadlineMs: 10_000 });
  expect(result).toMatchObject({ state: 'failed', tries: 4 });
  expect(clock.slept).toEqual([750, 1500, 3000]);
});

describe('Retry-After', () => {
  for (const { value, want } of [
    { value: '30', want: 30_000 },
    { value: 'Sun, 22 Nov 2026 12:00:45 GMT', want: 45_000 },
    { value: '0', want: 750 },
    { value: '86400', want: 600_000 },
    { value: 'rubbish', want: 750 },
  ]) {
    test(`${value} makes the wait ${want} ms`, async () => {
      const { result, clock } = await run([answer(429, { 'Retry-After': value }), answer(200)]);
      expect(result).toMatchObject({ state: 'delivered', tries: 2 });
      expect(clock.slept).toEqual([want]);
    });
  }
});

test('an answer that comes too early is tried again', async () => {
  const early: Step = (_request, response) => void response.writeHead(200, { Connection: 'close' }).end();
  const { result, reports } = await run([early, answer(200)], { limits: { graceMs: 1000 } });
  expect(reports.map(({ error }) => error?.code)).toEqual(['TARGET_INCOMPLETE', undefined]);
  expect(result).toMatchObject({ state: 'delivered', tries: 2 });
});

test('a target that hangs is given up and tried again', async () => {
  const hang: Step = (request) => void request.resume();
  const { result } = await run([hang, answer(200)], { limits: { graceMs: 0, headersMs: 60 } });
  expect(result).toMatchObject({ state: 'delivered', tries: 2 });
});

describe('the caller’s signal', () => {
  test('stops a try', async () => {
    const stop = new AbortController();
    const hang: Step = (request) => void request.once('data', () => stop.abort(new Error('enough')));
    await expect(run([hang], { signal: stop.signal })).rejects.toThrow('enough');
  });

  test('stops a wait', async () => {
    const stop = new AbortController();
    const onTry = () => stop.abort(new Error('enough'));
    await expect(run([answer(503)], { signal: stop.signal, onTry })).rejects.toThrow('enough');
  });

  test('stops it before it begins', async () => {
    await expect(run([answer(200)], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(target!.seen).toEqual([]);
  });
});

describe('no error repeats what is private in the URL', () => {
  const echo: Step = (request) => void request.socket.end(`not HTTP: ${request.url}\r\n\r\n`);
  const echoed: Step = async (request, response, note) =>
    answer(404, { 'X-Echo': encodeURIComponent(request.url ?? '') }, request.url)(request, response, note);
  const away: Step = answer(302, { Location: 'http://us3r:w0rd@10.0.0.1/t0ken?s=s3cret' });
  const badLocation: Step = answer(302, { Location: 'http://us3r:w0rd@[t0ken?s=s3cret' });
  const circle: Step = async (request, response, note) =>
    answer(301, { Location: request.url! })(request, response, note);
  const hang: Step = (request) => void request.resume();

  for (const { name, step } of [
    { name: 'an answer of 404 that echoes', step: echoed },
    { name: 'an answer of 503', step: answer(503) },
    { name: 'a reset', step: reset },
    { name: 'something that is no HTTP and echoes', step: echo },
    { name: 'a redirect to a forbidden place', step: away },
    { name: 'a redirect to nonsense', step: badLocation },
    { name: 'a redirect in a circle', step: circle },
    { name: 'a target that hangs', step: hang },
  ]) {
    test(name, async () => {
      target = await ScriptedTarget.start(step);
      const { error } = await deliver(parcel, {
        url: `http://us3r:w0rd@127.0.0.1:${target.port}/t0ken?s=s3cret`,
        method: 'put',
        policy: parseAllowList('127.0.0.1'),
        clock: new JumpingClock(),
        random: () => 0,
        maxTries: 1,
        limits: { graceMs: 0, headersMs: 60 },
      });
      expect(error).toBeDefined();
      const everything = inspect(error, { depth: 12, showHidden: true }) + String(error?.stack);
      expect(everything).not.toMatch(/us3r|w0rd|t0ken|s3cret|15550100/);
      expect(error?.message).toMatch(/127\.0\.0\.1:|10\.0\.0\.1/);
    });
  }
});

describe('what is to be delivered is held against what is known of it', () => {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  for (const { name, expected, code } of [
    { name: 'the same', expected: { sha256, bytes: bytes.length }, code: undefined },
    { name: 'another digest', expected: { sha256: '0'.repeat(64), bytes: bytes.length }, code: 'ARTEFACT_MISMATCH' },
    { name: 'another length', expected: { sha256, bytes: bytes.length + 1 }, code: 'ARTEFACT_MISMATCH' },
  ])
    test(name, async () => {
      target = await ScriptedTarget.start(answer(201));
      const options = { url: target.url, method: 'put', policy: 'operator', limits: { graceMs: 0 } } as const;
      const result = await deliver({ ...parcel, expected }, { ...options, clock: new JumpingClock(), random: () => 0 });
      expect([result.state, result.error?.code]).toEqual([code === undefined ? 'delivered' : 'failed', code]);
      expect(target.seen).toHaveLength(code === undefined ? 1 : 0);
    });
});
