/** What a crash can leave, at any instant, and that a start makes it good: once, or twice if it crashes too. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { verifyArtefact } from '../../../src/finalize/verify-artefact.ts';
import type { Store } from '../../../src/store/store.ts';
import { answer, ScriptedTarget } from '../../deliver/scripted-target.ts';
import { ACME, artefactPath, beginCall, HeldPool, type Kit, openShelf, recordCall, until } from './shelf-kit.ts';

const targetOf = async (): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(answer(200));
  onTestFinished(() => target.close());
  return target;
};

/** A kit whose finalizer never comes to an end, with one closed recording: as it is when the service dies. */
const died = async (url?: string): Promise<{ kit: Kit; id: string; journal: string }> => {
  const pool = new HeldPool();
  const kit = await openShelf({ pool });
  const id = await recordCall(kit, { fields: { label: 'kept', ...(url === undefined ? {} : { url }) } });
  await until(() => pool.held.length === 1);
  return { kit, id, journal: join(kit.folder, `journals/acme/${id}.journal`) };
};

/** The next start, and the one after a crash in the middle of it. */
const restarted = async (kit: Kit, times = 1): Promise<Kit> => {
  const again = await openShelf({ tryLimits: { graceMs: 0 } }, kit);
  for (let n = 0; n < times; n++) await again.shelf.recover();
  await again.shelf.settled();
  return again;
};

const finalFiles = (id: string): string[] => [
  `recordings/acme/202601/${id}.wav`,
  `recordings/acme/202601/${id}.wav.json`,
];

const isSound = async (kit: Kit, id: string): Promise<boolean> => {
  return (await verifyArtefact(await artefactPath(kit, id))).every(({ ok }) => ok);
};

/** Finalizes the journal as the dead service would have, and puts the journal back. */
const finishUnnoted = async (kit: Kit, id: string): Promise<void> => {
  const journal = join(kit.folder, `journals/acme/${id}.journal`);
  const kept = `${journal}.kept`;
  copyFileSync(journal, kept);
  const row = (await kit.store.recordings.get('acme', id))!;
  const other = await openShelf({ retentionDays: 0 }, kit);
  await other.shelf.recover();
  await other.shelf.settled();
  await other.shelf.close();
  await kit.store.recordings.update(id, row);
  await kit.store.deliveries.remove(id);
  copyFileSync(kept, journal);
  rmSync(kept);
};

describe('a start after the service died', () => {
  for (const { name, arrange } of [
    { name: 'while finalizing', arrange: () => {} },
    {
      name: 'while recording: the row says so, and the journal has no end',
      arrange: async ({ kit, id, journal }: Awaited<ReturnType<typeof died>>) => {
        await kit.store.recordings.update(id, { state: 'recording' });
        truncateSync(journal, readFileSync(journal).length - 7);
      },
    },
    {
      name: 'before the row was written',
      arrange: ({ kit, id }: Awaited<ReturnType<typeof died>>) => kit.store.recordings.remove('acme', id),
    },
    {
      name: 'between artefact and row',
      arrange: ({ kit, id }: Awaited<ReturnType<typeof died>>) => finishUnnoted(kit, id),
    },
    {
      name: 'between artefact and row, and the journal is gone too',
      arrange: async ({ kit, id, journal }: Awaited<ReturnType<typeof died>>) => {
        await finishUnnoted(kit, id);
        rmSync(journal);
      },
    },
    {
      name: 'between row and the removal of the journal',
      arrange: async ({ kit, id, journal }: Awaited<ReturnType<typeof died>>) => {
        const kept = readFileSync(journal);
        const other = await restarted(kit);
        await other.shelf.close();
        writeFileSync(journal, kept);
        expect((await kit.store.recordings.get('acme', id))!.state).toBe('stored');
      },
    },
    {
      name: 'with parts of the artefact left behind',
      arrange: ({ kit, id }: Awaited<ReturnType<typeof died>>) => {
        const month = join(kit.folder, 'recordings/acme/202601');
        mkdirSync(month, { recursive: true });
        for (const part of ['part', '0.pcm']) writeFileSync(join(month, `.${id}.${part}`), 'half');
      },
    },
    {
      name: 'with an artefact that is not what its manifest says',
      arrange: async ({ kit, id }: Awaited<ReturnType<typeof died>>) => {
        await finishUnnoted(kit, id);
        truncateSync(join(kit.folder, finalFiles(id)[0]), 100);
      },
    },
    {
      name: 'after the finalizer had failed',
      arrange: async ({ kit, id }: Awaited<ReturnType<typeof died>>) =>
        kit.store.recordings.update(id, { state: 'failed', error: { code: 'ENCODE_FAILED', message: 'it died' } }),
    },
  ])
    for (const times of [1, 2])
      test(`${name}${times === 1 ? '' : ', recovered twice'}: the recording is whole`, async () => {
        const scene = await died();
        await arrange(scene);
        const again = await restarted(scene.kit, times);
        const document = await again.shelf.get('acme', scene.id);
        expect(document).toMatchObject({ state: 'stored', error: null, direction: 'inbound', owner_id: 'alice' });
        expect(document).toMatchObject({ label: 'kept', call_id: 'call-1', from: 'alice@example.com' });
        expect(await isSound(again, scene.id)).toBe(true);
        expect(again.files()).toEqual(finalFiles(scene.id));
      });

  test('in the middle of a call: what was recorded so far is whole, and says that it was recovered', async () => {
    const kit = await openShelf({ pool: new HeldPool() });
    const { call, recorder } = beginCall(kit, { ms: 600 });
    await recorder.sync();
    // Nobody ends the call: the process is gone.
    const again = await restarted(kit);
    const { id } = recorder.head;
    expect(await again.shelf.get('acme', id)).toMatchObject({ state: 'stored', duration_ms: 600 });
    expect(await again.shelf.manifest('acme', id)).toMatchObject({
      recovered: true,
      recording: { end_reason: 'crash' },
    });
    expect(await isSound(again, id)).toBe(true);
    await call.end();
  });
});

for (const { name, keepsRow } of [
  { name: 'is failed, and says why', keepsRow: true },
  { name: 'that has no row either is forgotten', keepsRow: false },
])
  test(`a recording whose service died before its first byte was on disk ${name}; nothing is set aside as damaged`, async () => {
    const { kit, id, journal } = await died();
    truncateSync(journal, 0);
    if (keepsRow) await kit.store.recordings.update(id, { state: 'recording' });
    else await kit.store.recordings.remove('acme', id);
    const again = await restarted(kit, 2);
    const row = await kit.store.recordings.get('acme', id);
    const message = 'the service ended before anything of it was on disk';
    if (keepsRow) expect(row).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNREADABLE', message } });
    else expect(row).toBeUndefined();
    expect(again.files()).toEqual([]);
  });

test('after a crash nobody knows how many frames a mask withheld, and nobody says so', async () => {
  const kit = await openShelf({ pool: new HeldPool() });
  const { call, recorder } = beginCall(kit, { ms: 600 });
  await call.command({ action: 'mask', fields: {}, trigger: { kind: 'api' } });
  const again = await restarted(kit);
  const { id } = recorder.head;
  expect(await again.shelf.manifest('acme', id)).toMatchObject({
    recovered: true,
    masks: [{ trigger: { kind: 'api' }, frames_withheld: null }],
  });
  expect(await isSound(again, id)).toBe(true);
  await call.end();
});

describe('what is on its way to a target', () => {
  for (const { name, arrange } of [
    { name: 'not finalized yet', arrange: () => {} },
    {
      name: 'finalized, and nothing noted',
      arrange: ({ kit, id }: Awaited<ReturnType<typeof died>>) => finishUnnoted(kit, id),
    },
    {
      name: 'noted as delivering, its delivery not',
      arrange: async ({ kit, id, journal }: Awaited<ReturnType<typeof died>>) => {
        await finishUnnoted(kit, id);
        const path = join(kit.folder, finalFiles(id)[0]);
        const { bytes, sha256 } = JSON.parse(readFileSync(`${path}.json`, 'utf8')).artefact;
        const found = { artefactPath: path, manifestPath: `${path}.json`, bytes, sha256 };
        await kit.store.recordings.update(id, { state: 'delivering', ...found });
        rmSync(journal);
      },
    },
  ])
    test(`${name}: it is delivered, once`, async () => {
      const target = await targetOf();
      // Its earlier lives reach no target.
      const scene = await died('http://127.0.0.1:9/');
      await arrange(scene);
      await scene.kit.store.recordings.update(scene.id, { url: target.url });
      const again = await restarted(scene.kit, 2);
      await until(async () => (await again.shelf.get('acme', scene.id)).state === 'delivered');
      expect(target.seen).toHaveLength(1);
      expect(again.files()).toEqual(finalFiles(scene.id));
    });

  test('delivered, and only half of that noted: it is not sent again', async () => {
    const target = await targetOf();
    const scene = await died(target.url);
    const again = await restarted(scene.kit);
    await until(async () => (await again.shelf.get('acme', scene.id)).state === 'delivered');
    await again.shelf.close();
    const delivery = (await scene.kit.store.deliveries.get(scene.id))!;
    await scene.kit.store.deliveries.put({ ...delivery, state: 'waiting' });
    const third = await restarted(scene.kit);
    await until(async () => (await scene.kit.store.deliveries.get(scene.id))!.state === 'done');
    expect((await third.shelf.get('acme', scene.id)).state).toBe('delivered');
    expect(target.seen).toHaveLength(1);
  });
});

test('a row whose journal is gone, and that has no artefact, has failed and says why', async () => {
  const { kit, id, journal } = await died();
  rmSync(journal);
  const again = await restarted(kit);
  expect(await again.shelf.get('acme', id)).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNREADABLE' } });
  expect(again.events.at(-1)).toMatchObject({ type: 'finalize.failed' });
  // Its note is nobody's any more.
  expect(again.files()).toEqual([]);
});

test('a journal of noise without a row is set aside, and everything else goes on', async () => {
  const { kit, id } = await died();
  const noise = `202601-${'f'.repeat(32)}`;
  writeFileSync(join(kit.folder, `journals/acme/${noise}.journal`), 'noise');
  mkdirSync(join(kit.folder, 'journals/acme/stray'));
  writeFileSync(join(kit.folder, 'journals/readme.txt'), 'somebody else’s');
  const again = await restarted(kit);
  expect((await again.shelf.get('acme', id)).state).toBe('stored');
  expect(again.files()).toEqual([`journals/damaged/acme/${noise}.journal`, 'journals/readme.txt', ...finalFiles(id)]);
  expect(again.logged.join()).toContain('set aside');
});

test('one that can’t be taken up is told, and holds up no other', async () => {
  const { kit, id } = await died();
  const noise = `202601-${'0'.repeat(32)}`;
  writeFileSync(join(kit.folder, `journals/acme/${noise}.journal`), 'noise');
  // It can't even be set aside.
  writeFileSync(join(kit.folder, 'journals/damaged/acme'), 'in the way');
  const again = await restarted(kit);
  expect((await again.shelf.get('acme', id)).state).toBe('stored');
  expect(again.logged.join()).toContain(`recording ${noise} could not be taken up`);
  expect(again.files()).toContain(`journals/acme/${noise}.journal`);
});

test('a row that is lost together with its note is its folder’s account’s', async () => {
  const { kit, id, journal } = await died();
  await kit.store.recordings.remove('acme', id);
  rmSync(journal.replace('.journal', '.about.json'));
  const again = await restarted(kit);
  const document = await again.shelf.get('acme', id);
  expect(document).toMatchObject({ state: 'stored', direction: 'inbound' });
  expect(document).not.toHaveProperty('owner_id');
});

test('what is being recorded now is left alone', async () => {
  const kit = await openShelf();
  const { call, recorder } = beginCall(kit);
  await recorder.sync();
  await kit.shelf.recover();
  await kit.shelf.settled();
  expect((await kit.shelf.get('acme', recorder.head.id)).state).toBe('recording');
  await call.end();
  await kit.shelf.settled();
  expect((await kit.shelf.get('acme', recorder.head.id)).state).toBe('stored');
});

test('uploads that were cut off are removed, one that is coming in is not', async () => {
  const kit = await openShelf();
  const [old, fresh] = ['old', 'fresh'].map((name) => join(kit.shelf.uploadFolder, name));
  for (const path of [old, fresh]) writeFileSync(path, 'half');
  utimesSync(old, 0, 0);
  const later = kit.clock.now() / 1e6 + 5;
  utimesSync(fresh, later, later);
  await kit.shelf.recover();
  expect(readdirSync(kit.shelf.uploadFolder)).toEqual(['fresh']);
});

describe('the service dies at any of its writes', () => {
  /** A store that answers so many writes; after that it is as if nobody was there. */
  const mortal = (store: Store, writes: number) => {
    let left = writes;
    const buried = new AbortController();
    const counted = <T extends object>(table: T, names: readonly string[]): T =>
      new Proxy(table, {
        get: (of, name) => {
          const value = Reflect.get(of, name);
          if (typeof value !== 'function') return value;
          return (...given: unknown[]) => {
            if (names.includes(String(name)) && left-- <= 0)
              return new Promise((_, reject) =>
                buried.signal.addEventListener('abort', () => reject(buried.signal.reason)),
              );
            return value.apply(of, given);
          };
        },
      });
    const tables = {
      recordings: counted(store.recordings, ['insert', 'update', 'remove']),
      deliveries: counted(store.deliveries, ['put', 'remove']),
    };
    return { tables, isDead: () => left < 0, bury: () => buried.abort(new AppError('STORE_FAILED', 'gone')) };
  };

  const WRITES = 6;
  for (let writes = 0; writes <= WRITES; writes++)
    test(`after ${writes} of them`, async () => {
      const target = await targetOf();
      const first = await openShelf();
      const { tables, isDead, bury } = mortal(first.store, writes);
      const kit = await openShelf({ store: tables, tryLimits: { graceMs: 0 } }, first);
      onTestFinished(bury);
      const id = await recordCall(kit, { fields: { url: target.url } });
      const isDelivered = async (): Promise<boolean> =>
        (await first.store.recordings.get('acme', id))?.state === 'delivered' &&
        (await first.store.deliveries.get(id))?.state === 'done';
      await until(async () => isDead() || (await isDelivered()));
      // As long as its row doesn't say that there is an artefact, its journal is there.
      if (writes <= 3) expect(kit.files()).toContain(`journals/acme/${id}.journal`);
      const again = await restarted(first);
      await until(isDelivered);
      expect(again.files()).toEqual(finalFiles(id));
      expect(await isSound(again, id)).toBe(true);
      for (const { headers } of target.seen) expect(headers['idempotency-key']).toBe(id);
      expect(isDead()).toBe(writes < WRITES);
    });
});

describe('a sweep', () => {
  const DAY_MS = 86_400_000;

  test('that can not remove one recording removes the others, and tells of it', async () => {
    const kit = await openShelf({ retentionDays: 30 });
    const stuck = await recordCall(kit, { callId: 'stuck' });
    const other = await recordCall(kit, { callId: 'other' });
    await kit.shelf.settled();
    const [path] = finalFiles(stuck).map((name) => join(kit.folder, name));
    // A folder in its place: a file's removal fails.
    rmSync(path!);
    mkdirSync(join(path!, 'x'), { recursive: true });
    kit.clock.advance(31 * DAY_MS);
    expect(await kit.shelf.sweep()).toBe(1);
    await expect(kit.shelf.get('acme', other)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await kit.shelf.get('acme', stuck)).toMatchObject({ state: 'stored' });
    rmSync(path!, { recursive: true });
    expect(await kit.shelf.sweep()).toBe(1);
  });

  test('removes what is older than its days, delivered or without a target, and nothing else', async () => {
    const target = await targetOf();
    const kit = await openShelf({ retentionDays: 30, tryLimits: { graceMs: 0 } });
    const stored = await recordCall(kit, { callId: 'stored' });
    const delivered = await recordCall(kit, { callId: 'delivered', fields: { url: target.url } });
    const discarded = await recordCall(kit, { callId: 'discarded', fields: { record_min_sec: 9 } });
    await kit.shelf.settled();
    await until(async () => (await kit.shelf.get('acme', delivered)).state === 'delivered');
    target.script(answer(403));
    const undelivered = await recordCall(kit, { callId: 'undelivered', fields: { url: target.url } });
    await kit.shelf.settled();
    await until(async () => (await kit.shelf.get('acme', undelivered)).state === 'failed');
    target.script(answer(503));
    const waiting = await recordCall(kit, { callId: 'waiting', fields: { url: target.url } });
    await kit.shelf.settled();
    await until(async () => kit.shelf.counts.deliveriesInFlight === 0 && kit.shelf.counts.deliveriesWaiting === 1);
    kit.clock.advance(29.9 * DAY_MS);
    await until(() => kit.shelf.counts.deliveriesInFlight === 0);
    const fresh = await recordCall(kit, { callId: 'fresh' });
    await kit.shelf.settled();
    expect(await kit.shelf.sweep()).toBe(0);
    kit.clock.advance(0.2 * DAY_MS);
    expect(await kit.shelf.sweep()).toBe(3);
    for (const id of [stored, delivered, discarded])
      await expect(kit.shelf.get('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    const kept = [undelivered, waiting, fresh].flatMap((id) => finalFiles(id)).sort();
    expect(kit.files().filter((name) => !name.endsWith('.peaks.json'))).toEqual(kept);
    expect(await kit.shelf.sweep()).toBe(0);
  });

  test('of 0 days keeps everything', async () => {
    const kit = await openShelf({ retentionDays: 0 });
    const id = await recordCall(kit);
    await kit.shelf.settled();
    kit.clock.advance(4000 * DAY_MS);
    expect(await kit.shelf.sweep()).toBe(0);
    expect(existsSync(await artefactPath(kit, id))).toBe(true);
  });

  test('tries again what failed for a reason that may have passed', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const [full, foreign] = [await recordCall(kit, { callId: 'full' }), await recordCall(kit, { callId: 'foreign' })];
    await until(() => pool.held.length === 1);
    pool.held[0].fail(new AppError('OUTPUT_UNWRITABLE', 'the disk is full'));
    await until(() => pool.held.length === 2);
    pool.held[1].fail(new AppError('CODEC_UNSUPPORTED', 'no decoder'));
    await kit.shelf.settled();
    await kit.shelf.sweep();
    await until(() => pool.held.length === 3);
    expect(pool.begun).toEqual([full, foreign, full]);
    pool.held[2].go();
    await kit.shelf.settled();
    expect(await kit.shelf.get('acme', full)).toMatchObject({ state: 'stored', error: null });
    expect(await kit.shelf.get('acme', foreign)).toMatchObject({ state: 'failed' });
  });
});

describe('the end of the service', () => {
  test('while calls run: journals are closed, rows say so, and the next start has every recording', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const calls = Array.from({ length: 20 }, (_, n) => beginCall(kit, { callId: `call-${n}`, ms: 200 }));
    await Promise.all(calls.map(({ call }) => call.end('shutdown')));
    const drained = kit.shelf.drain(1000);
    await until(() => kit.shelf.counts.rowsToWrite === 0);
    // One of them may have come to the finalizer already.
    kit.clock.advance(1000);
    await drained;
    expect(pool.begun.length).toBeLessThanOrEqual(1);
    for (const { recorder } of calls)
      expect((await kit.store.recordings.get('acme', recorder.head.id))!.state).toBe('finalizing');
    await kit.shelf.close();
    const again = await restarted(kit);
    for (const { recorder } of calls) {
      expect((await again.shelf.get('acme', recorder.head.id)).state).toBe('stored');
      expect(await isSound(again, recorder.head.id)).toBe(true);
    }
  });

  test('leaves to the next start what takes longer than it may', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const id = await recordCall(kit);
    await until(() => pool.held.length === 1);
    let isDrained = false;
    const drained = kit.shelf.drain(1000).then(() => {
      isDrained = true;
    });
    await until(() => kit.clock.sleepers === 1);
    kit.clock.advance(999);
    await until(() => kit.shelf.counts.rowsToWrite === 0);
    expect(isDrained).toBe(false);
    kit.clock.advance(1);
    await drained;
    await kit.shelf.close();
    // Being ended is no failure of the recording's.
    expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'finalizing', error: null });
    expect((await (await restarted(kit)).shelf.get('acme', id)).state).toBe('stored');
  });

  test('lets what runs come to its end, begins nothing, and doesn’t wait when it is done', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const ids = [await recordCall(kit, { callId: 'one' }), await recordCall(kit, { callId: 'two' })];
    await until(() => pool.held.length === 1);
    const drained = kit.shelf.drain(60_000);
    pool.held[0].go();
    await drained;
    expect(kit.clock.sleepers).toBe(0);
    expect(pool.begun).toEqual([ids[0]]);
    expect((await kit.shelf.get('acme', ids[0])).state).toBe('stored');
    expect((await kit.shelf.get('acme', ids[1])).state).toBe('finalizing');
    await kit.shelf.close();
    await kit.shelf.close();
  });

  test('gives deliveries in flight until the deadline', async () => {
    let respond: (() => void) | undefined;
    const target = await ScriptedTarget.start((request, response) => {
      request.resume().on('end', () => {
        respond = () => void response.end();
      });
    });
    onTestFinished(() => target.close());
    const kit = await openShelf({ tryLimits: { graceMs: 0 } });
    const id = await recordCall(kit, { fields: { url: target.url } });
    await kit.shelf.settled();
    await until(() => respond !== undefined);
    const drained = kit.shelf.drain(60_000);
    respond!();
    await drained;
    expect((await kit.shelf.get('acme', id)).state).toBe('delivered');
  });
});

test('a recording whose journal could not even be made has failed, and says why', async () => {
  const kit = await openShelf();
  const { call, recorder } = beginCall(kit);
  await recorder.sync();
  rmSync(dirname(recorder.path), { recursive: true });
  kit.shelf.closed(recorder, new AppError('JOURNAL_UNWRITABLE', `journal can’t be made: ${recorder.path}`), ACME);
  await kit.shelf.settled();
  const error = {
    code: 'JOURNAL_UNWRITABLE',
    message: `journal can’t be made: journals/acme/${recorder.head.id}.journal`,
  };
  expect(await kit.shelf.get('acme', recorder.head.id)).toMatchObject({ state: 'failed', error });
  await call.end();
});
