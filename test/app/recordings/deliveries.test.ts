/** Deliveries over real sockets to a scripted target, with time in the test's hands (design §6.6). */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ShelfOptions } from '../../../src/app/recordings/shelf-options.ts';
import { AppError } from '../../../src/core/errors.ts';
import { PUBLIC_ONLY } from '../../../src/deliver/allow-list.ts';
import { answer, ScriptedTarget, type Step } from '../../deliver/scripted-target.ts';
import { type Kit, openShelf, recordCall, START_US, until } from './shelf-kit.ts';

const HOUR_MS = 3_600_000;
const quick: Partial<ShelfOptions> = { tryLimits: { graceMs: 0 } };

const targetOf = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  onTestFinished(() => target.close());
  return target;
};

const recordTo = async (kit: Kit, url: string, callId = 'call-1'): Promise<string> => {
  const id = await recordCall(kit, { callId, ms: 200, fields: { url } });
  await kit.shelf.settled();
  return id;
};

const deliveryOf = async (kit: Kit, id: string) =>
  (await kit.shelf.get('acme', id)).delivery as {
    state: string;
    tries: number;
    status: number | null;
    host: string;
    in_flight: boolean;
    next_try_at: string | null;
    error: string | null;
  };

const artefactOf = async (kit: Kit, id: string): Promise<string> =>
  resolve(kit.folder, (await kit.store.recordings.get('acme', id))!.artefactPath!);

/** Lets `count` tries be made, each when it is due. @returns the waits between them, ms */
const letTry = async (kit: Kit, id: string, count: number): Promise<number[]> => {
  const waits: number[] = [];
  for (let n = 1; n <= count; n++) {
    await until(async () => (await deliveryOf(kit, id)).tries === n && kit.shelf.counts.deliveriesInFlight === 0);
    if (n === count) return waits;
    waits.push(kit.clock.nextMs);
    kit.clock.advance(kit.clock.nextMs);
  }
  return waits;
};

const allRandom: ShelfOptions['random'] = (bytes) => new Uint8Array(bytes).fill(255);

test('a recording with a target is delivered, with its id as the key that makes a repeat harmless', async () => {
  const target = await targetOf(answer(201));
  const kit = await openShelf(quick);
  const id = await recordTo(kit, `${target.url}/in?token=secret`);
  await letTry(kit, id, 1);
  const path = await artefactOf(kit, id);
  const [seen] = target.seen;
  expect(seen.method).toBe('PUT');
  expect(seen.body.equals(readFileSync(path))).toBe(true);
  expect(seen.headers).toMatchObject({
    'idempotency-key': id,
    'x-recording-id': id,
    'content-type': 'audio/wav',
    'content-digest': `sha-256=:${createHash('sha256').update(seen.body).digest('base64')}:`,
  });
  const query = new URL(seen.url, target.url).searchParams;
  expect(Object.fromEntries(query)).toMatchObject({
    token: 'secret',
    recording: 'call_recording_call-1.wav',
    recording_id: id,
    account_id: 'acme',
    owner_id: 'alice',
    cdr_id: '202601-call-1',
    from: 'alice@example.com',
    duration_ms: '200',
  });
  expect(await kit.shelf.get('acme', id)).toMatchObject({
    state: 'delivered',
    url: `${target.url}/in`,
    delivery: { state: 'done', tries: 1, status: 201, host: `127.0.0.1:${target.port}`, next_try_at: null },
  });
  // It stays until its time is up.
  expect(existsSync(path)).toBe(true);
  expect(kit.events.map(({ type }) => type)).toEqual(['recording.finalizing', 'recording.stored', 'delivery.done']);
  expect(JSON.stringify([kit.events, kit.logged])).not.toContain('secret');
});

describe('a target that is busy', () => {
  test('is tried again, twice as late each time up to ten minutes, until it takes the file', async () => {
    const target = await targetOf(...Array.from({ length: 12 }, () => answer(503)), answer(200));
    // The longest that full jitter gives.
    const kit = await openShelf({ ...quick, random: allRandom });
    const id = await recordTo(kit, target.url);
    const waits = await letTry(kit, id, 13);
    expect(waits.map((ms) => Math.round(ms / 100) / 10)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
    expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'delivered', error: null });
    expect(kit.events.filter(({ type }) => type === 'delivery.retrying')).toHaveLength(12);
    expect(kit.events.find(({ type }) => type === 'delivery.retrying')!.data).toMatchObject({
      recording_id: id,
      tries: 1,
      status: 503,
      host: `127.0.0.1:${target.port}`,
      error: { code: 'TARGET_BUSY' },
      next_try_at: new Date(START_US / 1000 + 1000).toISOString(),
    });
  });

  test('is visible while it is waited for', async () => {
    const target = await targetOf(answer(503));
    const kit = await openShelf({ ...quick, random: allRandom });
    const id = await recordTo(kit, target.url);
    await letTry(kit, id, 1);
    expect(await kit.shelf.get('acme', id)).toMatchObject({
      state: 'delivering',
      delivery: {
        state: 'waiting',
        tries: 1,
        status: 503,
        in_flight: false,
        next_try_at: new Date(START_US / 1000 + 1000).toISOString(),
        given_up_at: new Date(START_US / 1000 + 72 * HOUR_MS).toISOString(),
        error: `127.0.0.1:${target.port} answered 503`,
      },
    });
    expect(kit.shelf.counts).toMatchObject({ deliveriesWaiting: 1, deliveriesInFlight: 0 });
  });

  test('jitter is full: the wait may be as short as nothing', async () => {
    const target = await targetOf(answer(503), answer(200));
    const kit = await openShelf({ ...quick, random: (bytes) => new Uint8Array(bytes) });
    const id = await recordTo(kit, target.url);
    await until(async () => (await kit.shelf.get('acme', id)).state === 'delivered');
    expect(kit.clock.now()).toBe(START_US);
    expect(target.seen).toHaveLength(2);
  });

  for (const { name, retryAfter, waitMs } of [
    { name: 'no sooner than it asks', retryAfter: '120', waitMs: 120_000 },
    { name: 'also when that is longer than any wait of ours', retryAfter: String(5 * 3600), waitMs: 5 * HOUR_MS },
    { name: 'but a last time at the deadline', retryAfter: String(900 * 3600), waitMs: 72 * HOUR_MS },
  ])
    test(`Retry-After: ${name}`, async () => {
      const target = await targetOf(answer(429, { 'Retry-After': retryAfter }), answer(200));
      const kit = await openShelf({ ...quick, random: (bytes) => new Uint8Array(bytes) });
      const id = await recordTo(kit, target.url);
      expect(await letTry(kit, id, 2)).toEqual([waitMs]);
      expect((await kit.shelf.get('acme', id)).state).toBe('delivered');
    });

  test('for 72 hours is given up; the file stays, and is sent when somebody asks for it', async () => {
    const target = await targetOf(answer(500));
    const kit = await openShelf({ ...quick, random: allRandom });
    const id = await recordTo(kit, target.url);
    await letTry(kit, id, 3);
    kit.clock.advance(71.9 * HOUR_MS);
    await until(async () => (await deliveryOf(kit, id)).tries === 4);
    expect((await kit.shelf.get('acme', id)).state).toBe('delivering');
    // It had one more try in the time that was left.
    kit.clock.advance(HOUR_MS);
    await until(async () => (await deliveryOf(kit, id)).state === 'failed');
    expect(await kit.shelf.get('acme', id)).toMatchObject({
      state: 'failed',
      error: { code: 'TARGET_BUSY' },
      delivery: { state: 'failed', tries: 5, next_try_at: null },
      _read_only: { content_types: ['audio/wav'] },
    });
    expect(kit.events.map(({ type }) => type)).toContain('delivery.failed');
    expect(kit.clock.sleepers).toBe(0);

    target.script(answer(204));
    expect(await kit.shelf.deliver('acme', id)).toMatchObject({ state: 'delivering', error: null });
    await until(async () => (await kit.shelf.get('acme', id)).state === 'delivered');
    expect(await deliveryOf(kit, id)).toMatchObject({ state: 'done', tries: 1, status: 204 });
  });
});

describe('what fails at once', () => {
  for (const status of [400, 401, 403, 404, 413])
    test(`${status}`, async () => {
      const target = await targetOf(answer(status));
      const kit = await openShelf(quick);
      const id = await recordTo(kit, target.url);
      await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
      expect(target.seen).toHaveLength(1);
      expect(await kit.shelf.get('acme', id)).toMatchObject({ error: { code: 'TARGET_REJECTED' } });
      expect(existsSync(await artefactOf(kit, id))).toBe(true);
    });

  test('a target that may not be dialled', async () => {
    const target = await targetOf(answer(200));
    const kit = await openShelf({ ...quick, allow: PUBLIC_ONLY });
    const id = await recordTo(kit, target.url);
    await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
    expect(target.seen).toHaveLength(0);
    expect(await kit.shelf.get('acme', id)).toMatchObject({ error: { code: 'TARGET_FORBIDDEN' } });
  });

  test('an artefact that is gone', async () => {
    const target = await targetOf(answer(503));
    const kit = await openShelf({ ...quick, random: allRandom });
    const id = await recordTo(kit, target.url);
    await letTry(kit, id, 1);
    rmSync(await artefactOf(kit, id));
    kit.clock.advance(kit.clock.nextMs);
    await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
    const { error } = await kit.shelf.get('acme', id);
    expect(error).toMatchObject({ code: 'INPUT_MISSING' });
    expect(JSON.stringify(error)).not.toContain(kit.folder);
  });
});

test('an artefact that is not what was recorded is never sent, and its recording says so', async () => {
  const target = await targetOf(answer(503), answer(201));
  const kit = await openShelf(quick);
  const id = await recordTo(kit, `${target.url}/in`);
  await letTry(kit, id, 1);
  const path = await artefactOf(kit, id);
  const other = readFileSync(path);
  other[other.length - 1]! ^= 1;
  writeFileSync(path, other);
  kit.clock.advance(kit.clock.nextMs);
  await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
  expect(target.seen).toHaveLength(1);
  expect(await deliveryOf(kit, id)).toMatchObject({ state: 'failed', tries: 2, next_try_at: null });
  expect(await kit.shelf.get('acme', id)).toMatchObject({ error: { code: 'ARTEFACT_MISMATCH' } });
  const told = kit.events.find(({ type }) => type === 'delivery.failed');
  expect(told!.data).toMatchObject({ error: { code: 'ARTEFACT_MISMATCH' } });
});

test('a target that does not answer holds up itself alone', async () => {
  const silent: Step = () => {};
  const slow = await targetOf(silent);
  const fine = await targetOf(answer(200));
  const kit = await openShelf({ ...quick, deliveries: { perTarget: 2, total: 8 } });
  for (let n = 0; n < 5; n++) await recordTo(kit, slow.url, `slow-${n}`);
  const id = await recordTo(kit, fine.url, 'fine');
  await until(async () => (await kit.shelf.get('acme', id)).state === 'delivered');
  expect(kit.shelf.counts).toMatchObject({ deliveriesInFlight: 2, deliveriesWaiting: 3 });
});

describe('a restart', () => {
  test('goes on where it was: tries, time and deadline', async () => {
    const target = await targetOf(answer(503), answer(503), answer(200));
    const kit = await openShelf({ ...quick, random: allRandom });
    const id = await recordTo(kit, target.url);
    await letTry(kit, id, 2);
    await kit.shelf.close();
    const again = await openShelf({ ...quick, random: allRandom }, kit);
    await again.shelf.recover();
    expect(await deliveryOf(again, id)).toMatchObject({ state: 'waiting', tries: 2 });
    expect(Math.round(again.clock.nextMs)).toBe(2000);
    again.clock.advance(again.clock.nextMs);
    await until(async () => (await again.shelf.get('acme', id)).state === 'delivered');
    expect(target.seen.map(({ headers }) => headers['idempotency-key'])).toEqual([id, id, id]);
  });

  test('in the middle of a try makes it again', async () => {
    let isAsked = false;
    const silent: Step = () => {
      isAsked = true;
    };
    const target = await targetOf(silent, answer(200));
    const kit = await openShelf(quick);
    const id = await recordTo(kit, target.url);
    await until(() => isAsked);
    await kit.shelf.close();
    expect(await deliveryOf(kit, id)).toMatchObject({ state: 'waiting', tries: 0 });
    const again = await openShelf(quick, kit);
    await again.shelf.recover();
    await until(async () => (await again.shelf.get('acme', id)).state === 'delivered');
  });

  test('after more than 72 hours still makes one try', async () => {
    const target = await targetOf(answer(503), answer(200));
    const kit = await openShelf(quick);
    const id = await recordTo(kit, target.url);
    await letTry(kit, id, 1);
    await kit.shelf.close();
    kit.clock.advance(100 * HOUR_MS);
    const again = await openShelf(quick, kit);
    await again.shelf.recover();
    await until(async () => (await again.shelf.get('acme', id)).state === 'delivered');
  });

  test('finds more than memory takes', async () => {
    const target = await targetOf(answer(503));
    const kit = await openShelf({ ...quick, random: allRandom });
    const ids: string[] = [];
    // Fewer than open its circuit.
    for (let n = 0; n < 4; n++) ids.push(await recordTo(kit, target.url, `call-${n}`));
    for (const id of ids) await until(async () => (await deliveryOf(kit, id)).tries === 1);
    await kit.shelf.close();
    target.script(answer(200));
    kit.clock.advance(60_000);
    const again = await openShelf({ ...quick, deliveriesWaiting: 2, deliveries: { perTarget: 1, total: 1 } }, kit);
    await again.shelf.recover();
    for (const id of ids) await until(async () => (await again.shelf.get('acme', id)).state === 'delivered');
  });
});

test('deleting a recording ends its delivery, also one under way', async () => {
  const target = await targetOf(() => {});
  const kit = await openShelf(quick);
  const id = await recordTo(kit, target.url);
  await until(() => kit.shelf.counts.deliveriesInFlight === 1);
  await kit.shelf.remove('acme', id);
  expect(kit.shelf.counts).toMatchObject({ deliveriesInFlight: 0, deliveriesWaiting: 0 });
  expect(await kit.store.deliveries.get(id)).toBeUndefined();
  expect(kit.files()).toEqual([]);
});

test('asking for it while it is tried is one try', async () => {
  const target = await targetOf(() => {});
  const kit = await openShelf(quick);
  const id = await recordTo(kit, target.url);
  await until(() => kit.shelf.counts.deliveriesInFlight === 1);
  // The next try is this one.
  expect(await deliveryOf(kit, id)).toMatchObject({ state: 'waiting', tries: 0, in_flight: true, next_try_at: null });
  expect(await kit.shelf.deliver('acme', id)).toMatchObject({ state: 'delivering' });
  expect(kit.shelf.counts).toMatchObject({ deliveriesInFlight: 1, deliveriesWaiting: 0 });
});

describe('asking for it again while a try ends', () => {
  /** Asks once, just when the try has made the first or the second of its notes. */
  const askAt = async (note: 'recording' | 'delivery', state: 'failed' | 'delivered', ...steps: Step[]) => {
    const target = await targetOf(...steps);
    const kit = await openShelf(quick);
    const asked: unknown[] = [];
    const ask = async (id: string): Promise<void> => {
      if (asked.length === 0) asked.push(await kit.shelf.deliver('acme', id));
    };
    const { recordings, deliveries } = kit.store;
    const [update, put] = [recordings.update.bind(recordings), deliveries.put.bind(deliveries)];
    recordings.update = async (id, patch) => {
      const isThere = await update(id, patch);
      if (note === 'recording' && patch.state === state) await ask(id);
      return isThere;
    };
    deliveries.put = async (row) => {
      await put(row);
      if (note === 'delivery' && row.state === (state === 'delivered' ? 'done' : 'failed')) await ask(row.recordingId);
    };
    const id = await recordTo(kit, target.url);
    await until(() => asked.length === 1, 'the question');
    expect(asked).toMatchObject([{ state: 'delivering', error: null }]);
    return { kit, id, target };
  };

  for (const note of ['recording', 'delivery'] as const) {
    test(`that is refused delivers it anew: after the note of the ${note}`, async () => {
      const { kit, id, target } = await askAt(note, 'failed', answer(403), answer(200));
      await until(async () => (await deliveryOf(kit, id)).state === 'done');
      expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'delivered', error: null });
      expect(target.seen).toHaveLength(2);
    });

    test(`that is taken delivers it anew: after the note of the ${note}`, async () => {
      const { kit, id, target } = await askAt(note, 'delivered', answer(200));
      await until(async () => target.seen.length === 2 && (await deliveryOf(kit, id)).state === 'done');
      expect((await kit.shelf.get('acme', id)).state).toBe('delivered');
    });
  }

  for (const { name, status, tries, state } of [
    { name: 'taken is all that was asked for', status: 200, tries: 1, state: 'delivered' },
    { name: 'refused is followed by another', status: 403, tries: 2, state: 'delivered' },
    { name: 'not taken for now is followed by another, at once', status: 503, tries: 2, state: 'delivered' },
  ])
    test(`a long one that is ${name}`, async () => {
      let finish: (() => void) | undefined;
      const slow: Step = async (request, response, note) => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        await answer(status)(request, response, note);
      };
      const target = await targetOf(slow, answer(200));
      const kit = await openShelf({ ...quick, random: allRandom });
      const id = await recordTo(kit, target.url);
      await until(() => kit.shelf.counts.deliveriesInFlight === 1);
      await until(() => finish !== undefined);
      for (let n = 0; n < 3; n++)
        expect(await kit.shelf.deliver('acme', id)).toMatchObject({ state: 'delivering', error: null });
      finish?.();
      await until(async () => (await kit.shelf.get('acme', id)).state === state);
      await until(() => kit.shelf.counts.deliveriesInFlight === 0);
      expect([target.seen.length, kit.clock.now()]).toEqual([tries, START_US]);
    });

  test('by one before it is taken and by another after: both get what they asked for', async () => {
    let finish: (() => void) | undefined;
    const slow: Step = async (request, response, note) => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      await answer(200)(request, response, note);
    };
    const target = await targetOf(slow, answer(200));
    const kit = await openShelf(quick);
    const { recordings } = kit.store;
    const update = recordings.update.bind(recordings);
    let isLate = false;
    recordings.update = async (id, patch) => {
      const isThere = await update(id, patch);
      if (patch.state === 'delivered' && !isLate) {
        isLate = true;
        await kit.shelf.deliver('acme', id);
      }
      return isThere;
    };
    const id = await recordTo(kit, target.url);
    await until(() => finish !== undefined);
    await kit.shelf.deliver('acme', id);
    finish?.();
    await until(async () => target.seen.length === 2 && (await deliveryOf(kit, id)).state === 'done');
  });

  test('and then deleting it leaves nothing behind', async () => {
    const target = await targetOf(() => {});
    const kit = await openShelf(quick);
    const id = await recordTo(kit, target.url);
    await until(() => kit.shelf.counts.deliveriesInFlight === 1);
    await kit.shelf.deliver('acme', id);
    await kit.shelf.remove('acme', id);
    expect(kit.shelf.counts).toMatchObject({ deliveriesInFlight: 0, deliveriesWaiting: 0 });
    expect(await kit.store.deliveries.get(id)).toBeUndefined();
  });
});

test('asked for again, its delivery is noted before the recording is', async () => {
  const target = await targetOf(answer(403), () => {});
  const kit = await openShelf(quick);
  const id = await recordTo(kit, target.url);
  await until(async () => (await deliveryOf(kit, id)).state === 'failed');
  kit.store.deliveries.put = async () => {
    throw new AppError('STORE_FAILED', 'full');
  };
  await expect(kit.shelf.deliver('acme', id)).rejects.toThrow('full');
  expect((await kit.shelf.get('acme', id)).state).toBe('failed');
});

test('a recording without a target can’t be delivered', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit);
  await kit.shelf.settled();
  await expect(kit.shelf.deliver('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
});
