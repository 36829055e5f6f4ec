/** A recording's life on the shelf, from its first frame to its artefact, and what the API sees of it on the way. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { doJob } from '../../../src/app/recordings/background-job.ts';
import { AppError } from '../../../src/core/errors.ts';
import { gregorianSeconds } from '../../../src/core/ids.ts';
import { verifyArtefact } from '../../../src/finalize/verify-artefact.ts';
import type { RecordingQuery } from '../../../src/http/service.ts';
import {
  ACME,
  artefactPath,
  beginCall,
  HeldPool,
  type Kit,
  openShelf,
  recordCall,
  START_US,
  until,
} from './shelf-kit.ts';

const stateOf = async (kit: Kit, id: string): Promise<string> => (await kit.shelf.get('acme', id)).state;
const typesOf = (kit: Kit): string[] => kit.events.map(({ type }) => type);

const DAY_SECONDS = 86_400;
const everything = (change: Partial<RecordingQuery> = {}): RecordingQuery => ({
  createdFrom: gregorianSeconds(START_US) - DAY_SECONDS,
  createdTo: gregorianSeconds(START_US) + DAY_SECONDS,
  ascending: true,
  pageSize: 50,
  startKey: undefined,
  ownerId: undefined,
  filters: [],
  ...change,
});

test('a recording has its document from its first frame, and no audio yet', async () => {
  const kit = await openShelf();
  const { call, recorder } = beginCall(kit);
  const { id } = recorder.head;
  expect(await kit.shelf.get('acme', id)).toMatchObject({
    id,
    call_id: 'call-1',
    state: 'recording',
    duration_ms: 0,
    _read_only: { content_types: [] },
  });
  await expect(kit.shelf.artefact('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  await expect(kit.shelf.remove('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  await expect(kit.shelf.deliver('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  expect(kit.files()).toEqual([`journals/acme/${id}.about.json`, `journals/acme/${id}.journal`]);
  await call.end();
});

test('it ends as an artefact and its manifest, named by its id, with Kazoo’s fields and ours', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit, { fields: { media_name: 'tea.wav', label: 'kitchen' } });
  await kit.shelf.settled();
  expect(kit.files()).toEqual([`recordings/acme/202601/${id}.wav`, `recordings/acme/202601/${id}.wav.json`]);
  const start = gregorianSeconds(START_US);
  const document = await kit.shelf.get('acme', id);
  expect(document).toEqual({
    id,
    call_id: 'call-1',
    cdr_id: '202601-call-1',
    name: 'tea.wav',
    description: 'recording tea.wav',
    content_type: 'audio/wav',
    media_type: 'wav',
    media_source: 'recorded',
    source_type: 'record_call',
    direction: 'inbound',
    from: 'alice@example.com',
    to: 'bob@example.com',
    request: 'bob@example.com',
    caller_id_name: 'Alice',
    caller_id_number: '100',
    callee_id_name: 'Bob',
    callee_id_number: '200',
    custom_channel_vars: {},
    origin: 'no origin',
    label: 'kitchen',
    owner_id: 'alice',
    start,
    duration: 0,
    duration_ms: 400,
    state: 'stored',
    media_name: 'tea.wav',
    format: 'wav',
    sample_rate: 8000,
    channels: 2,
    bytes: expect.any(Number),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    started_at: '2026-01-15T09:30:00.000Z',
    masks: [],
    delivery: null,
    error: null,
    _read_only: { content_types: ['audio/wav'] },
  });
  const artefact = await kit.shelf.artefact('acme', id);
  expect(artefact).toMatchObject({ mediaType: 'audio/wav', mediaName: 'tea.wav', sha256: document.sha256 });
  expect((await verifyArtefact(await artefactPath(kit, id))).filter(({ ok }) => !ok)).toEqual([]);
  // In the manifest it is called what its document calls it.
  const { media_name, origin } = document;
  expect(await kit.shelf.manifest('acme', id)).toMatchObject({ recording: { id, media_name, origin } });
  expect(typesOf(kit)).toEqual(['recording.finalizing', 'recording.stored']);
  expect(kit.events.at(-1)!.data).toMatchObject({
    recording_id: id,
    call_id: 'call-1',
    state: 'stored',
    duration_ms: 400,
  });
});

test('two with one name are two files', async () => {
  const kit = await openShelf();
  const fields = { media_name: 'same.wav' };
  const ids = [await recordCall(kit, { fields }), await recordCall(kit, { fields, callId: 'call-2' })];
  await kit.shelf.settled();
  const paths = await Promise.all(ids.map((id) => artefactPath(kit, id)));
  expect(new Set(paths).size).toBe(2);
});

test('one that is shorter than its record_min_sec is discarded, and nothing of it stays on disk', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit, { fields: { record_min_sec: 5 } });
  await kit.shelf.settled();
  expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'discarded', duration_ms: 400, error: null });
  expect(kit.files()).toEqual([]);
  expect(typesOf(kit).at(-1)).toBe('recording.discarded');
});

test('nobody sees another account’s', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit);
  await kit.shelf.settled();
  const { shelf } = kit;
  for (const asked of [
    shelf.get('other', id),
    shelf.artefact('other', id),
    shelf.manifest('other', id),
    shelf.peaks('other', id, 10),
    shelf.remove('other', id),
    shelf.deliver('other', id),
  ])
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect((await shelf.list('other', everything())).recordings).toEqual([]);
  expect(existsSync(await artefactPath(kit, id))).toBe(true);
});

describe('finalizing', () => {
  test('is seen in the document, with its progress, and may not be deleted', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const id = await recordCall(kit);
    await until(() => pool.held.length === 1);
    expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'finalizing', progress: 0.25 });
    await expect(kit.shelf.remove('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'CONFLICT' }));
    expect(kit.shelf.counts).toMatchObject({ finalizeRunning: 1, finalizeWaiting: 0 });
    pool.held[0].go();
    await kit.shelf.settled();
    expect(await kit.shelf.get('acme', id)).not.toHaveProperty('progress');
  });

  test('fails, and the recording says why; its journal stays and the next start tries it again', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const id = await recordCall(kit, { fields: { url: 'http://127.0.0.1:9/up' } });
    await until(() => pool.held.length === 1);
    pool.held[0].fail(new AppError('CODEC_UNSUPPORTED', `no decoder for X (${kit.folder}/journals/x)`));
    await kit.shelf.settled();
    // Where the data are on this machine is nobody's business.
    const error = { code: 'CODEC_UNSUPPORTED', message: 'no decoder for X (journals/x)' };
    expect(await kit.shelf.get('acme', id)).toMatchObject({
      state: 'failed',
      error,
      _read_only: { content_types: [] },
    });
    expect(kit.events.at(-1)).toMatchObject({
      type: 'finalize.failed',
      data: { recording_id: id, error, set_aside: false },
    });
    expect(kit.files()).toEqual([`journals/acme/${id}.about.json`, `journals/acme/${id}.journal`]);
    await kit.shelf.close();

    const again = await openShelf({}, kit);
    await again.shelf.recover();
    await again.shelf.settled();
    expect(await again.shelf.get('acme', id)).toMatchObject({ state: 'delivering', error: null });
  });

  test('a journal that can’t be read is set aside, said, and never tried again', async () => {
    const kit = await openShelf();
    const { call, recorder } = beginCall(kit);
    const { id } = recorder.head;
    await recorder.sync();
    truncateSync(recorder.path, 11);
    await call.end();
    await kit.shelf.settled();
    expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNREADABLE' } });
    expect(kit.events.at(-1)).toMatchObject({ type: 'finalize.failed', data: { set_aside: true } });
    const aside = [`journals/damaged/acme/${id}.about.json`, `journals/damaged/acme/${id}.journal`];
    expect(kit.files()).toEqual(aside);
    await kit.shelf.close();
    const again = await openShelf({}, kit);
    await again.shelf.recover();
    await again.shelf.settled();
    expect(again.files()).toEqual(aside);
    // Whoever wants it gone deletes it.
    await again.shelf.remove('acme', id);
    expect(again.files()).toEqual([]);
  });

  test('a journal whose end could not be written gives what it has, and has failed', async () => {
    const kit = await openShelf();
    const { call, recorder } = beginCall(kit, { ms: 1000 });
    await recorder.sync();
    const { size } = statSync(recorder.path);
    truncateSync(recorder.path, size - 5000);
    kit.shelf.closed(recorder, new AppError('JOURNAL_UNWRITABLE', 'journal can’t be written (ENOSPC)'), ACME);
    await kit.shelf.settled();
    const document = await kit.shelf.get('acme', recorder.head.id);
    expect(document).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNWRITABLE' } });
    expect(document.duration_ms).toBeGreaterThan(500);
    expect(document.duration_ms).toBeLessThan(1000);
    await call.end().catch(() => {});
  });

  test('accounts have their turn: one that brings many holds up its own', async () => {
    const pool = new HeldPool();
    const kit = await openShelf({ pool });
    const ids: string[] = [];
    for (let n = 0; n < 4; n++) ids.push(await recordCall(kit, { callId: `many-${n}`, ms: 200 }));
    const other = { ...ACME, accountId: 'other' };
    ids.push(await recordCall(kit, { callId: 'other', ms: 200, about: other }));
    await until(() => kit.shelf.counts.finalizeWaiting === 4);
    for (let n = 0; n < 5; n++) {
      await until(() => pool.held.length === n + 1);
      pool.held[n].go();
    }
    await kit.shelf.settled();
    expect(pool.begun.map((id) => ids.indexOf(id))).toEqual([0, 1, 4, 2, 3]);
  });

  test('more than fit in memory wait in the store, and none is forgotten', async () => {
    const kit = await openShelf({ mostWaiting: 2, finalizers: 2 });
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.push(await recordCall(kit, { callId: `call-${n}`, ms: 200 }));
    await kit.shelf.settled();
    for (const id of ids) expect(await stateOf(kit, id)).toBe('stored');
    expect(kit.events.filter(({ type }) => type === 'recording.stored')).toHaveLength(12);
    expect(kit.files().filter((name) => name.startsWith('journals'))).toEqual([]);
  });
});

describe('lists', () => {
  test('are pages in the order the recordings came, with filters on what documents show', async () => {
    const kit = await openShelf();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const about = { ...ACME, ownerId: n < 3 ? 'alice' : 'bob' };
      ids.push(await recordCall(kit, { callId: `call-${n}`, ms: 200, about }));
      await kit.shelf.settled();
      kit.clock.advance(2000);
    }
    const first = await kit.shelf.list('acme', everything({ pageSize: 2 }));
    const second = await kit.shelf.list('acme', everything({ pageSize: 2, startKey: first.nextStartKey }));
    const third = await kit.shelf.list('acme', everything({ pageSize: 2, startKey: second.nextStartKey }));
    expect([...first.recordings, ...second.recordings, ...third.recordings].map(({ id }) => id)).toEqual(ids);
    expect(third.nextStartKey).toBeUndefined();
    const newestFirst = await kit.shelf.list('acme', everything({ ascending: false }));
    expect(newestFirst.recordings.map(({ id }) => id)).toEqual([...ids].reverse());
    const found = async (change: Partial<RecordingQuery>): Promise<number[]> =>
      (await kit.shelf.list('acme', everything(change))).recordings.map(({ id }) => ids.indexOf(id));
    expect(await found({ ownerId: 'bob' })).toEqual([3, 4]);
    expect(await found({ filters: [{ kind: 'is', key: 'call_id', value: 'call-1' }] })).toEqual([1]);
    expect(await found({ filters: [{ kind: 'is', key: 'state', value: 'stored' }] })).toEqual([0, 1, 2, 3, 4]);
    expect(await found({ filters: [{ kind: 'is-not', key: 'owner_id', value: 'alice' }] })).toEqual([3, 4]);
    expect(await found({ filters: [{ kind: 'has-value', key: 'url', value: '' }] })).toEqual([]);
    expect(await found({ filters: [{ kind: 'is', key: 'duration_ms', value: '200' }] })).toHaveLength(5);
  });

  test('over more than 31 days and an hour are refused', async () => {
    const { shelf } = await openShelf();
    const createdTo = everything().createdFrom + 31 * DAY_SECONDS + 3600;
    expect((await shelf.list('acme', everything({ createdTo }))).recordings).toEqual([]);
    await expect(shelf.list('acme', everything({ createdTo: createdTo + 1 }))).rejects.toThrow(
      expect.objectContaining({ code: 'RANGE_TOO_LARGE' }),
    );
    await expect(shelf.list('acme', everything({ startKey: 'nonsense' }))).rejects.toThrow(
      expect.objectContaining({ code: 'FIELDS_INVALID' }),
    );
  });
});

describe('waveforms', () => {
  test('are measured once, kept beside the artefact, and given in as many points as are asked for', async () => {
    let measured = 0;
    const kit = await openShelf();
    const counted = await openShelf(
      {
        background: async (job, { onProgress }) => {
          measured++;
          return doJob(job, onProgress);
        },
      },
      kit,
    );
    const id = await recordCall(counted, { ms: 1000 });
    await counted.shelf.settled();
    const [peaks, fewer] = await Promise.all([
      counted.shelf.peaks('acme', id, 100),
      counted.shelf.peaks('acme', id, 7),
    ]);
    expect(peaks).toMatchObject({ points: 100, duration_ms: 1000 });
    expect(fewer).toMatchObject({ points: 7 });
    const channels = peaks.channels as { min: number[]; max: number[] }[];
    expect(channels).toHaveLength(2);
    for (const { min, max } of channels) {
      expect([min.length, max.length]).toEqual([100, 100]);
      // A tone of −12 dBFS is a quarter of full scale, and more than one period of it is in every point.
      expect(Math.max(...max)).toBeCloseTo(0.25, 1);
      expect(Math.min(...min)).toBeCloseTo(-0.25, 1);
    }
    expect(measured).toBe(1);
    await counted.shelf.peaks('acme', id, 50);
    expect(measured).toBe(1);
    expect(counted.files()).toContain(`recordings/acme/202601/${id}.wav.peaks.json`);
  });
});

test('deleting takes audio, manifest, waveform and document', async () => {
  const kit = await openShelf();
  const [id, other] = [await recordCall(kit), await recordCall(kit, { callId: 'call-2' })];
  await kit.shelf.settled();
  await kit.shelf.peaks('acme', id, 10);
  expect(await kit.shelf.remove('acme', id)).toMatchObject({ id, state: 'stored' });
  expect(kit.files()).toEqual([`recordings/acme/202601/${other}.wav`, `recordings/acme/202601/${other}.wav.json`]);
  await expect(kit.shelf.get('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  await expect(kit.shelf.remove('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(typesOf(kit).at(-1)).toBe('recording.removed');
});

test('a data folder that is moved has everything still in it', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit, { ms: 400 });
  await kit.shelf.settled();
  await kit.shelf.close();
  expect((await kit.store.recordings.get('acme', id))!.artefactPath).toBe(`recordings/acme/202601/${id}.wav`);
  const folder = `${kit.folder}-moved`;
  renameSync(kit.folder, folder);
  const moved = await openShelf({}, { ...kit, folder });
  await moved.shelf.recover();
  expect(await moved.shelf.artefact('acme', id)).toMatchObject({ mediaType: 'audio/wav' });
  expect(await moved.shelf.manifest('acme', id)).toMatchObject({ recording: { id } });
  expect(await moved.shelf.peaks('acme', id, 5)).toMatchObject({ points: 5 });
  await moved.shelf.remove('acme', id);
  expect(moved.files()).toEqual([]);
});

test('a listener that throws stops nothing', async () => {
  const kit = await openShelf({
    events: {
      publish: () => {
        throw new Error('deaf');
      },
    },
  });
  const id = await recordCall(kit);
  await kit.shelf.settled();
  expect(await stateOf(kit, id)).toBe('stored');
  expect(kit.logged.join('\n')).toContain('deaf');
});

test('a manifest that is gone is not found', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit);
  await kit.shelf.settled();
  const path = await artefactPath(kit, id);
  expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toEqual(await kit.shelf.manifest('acme', id));
  rmSync(join(path, '..'), { recursive: true });
  await expect(kit.shelf.manifest('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  await expect(kit.shelf.artefact('acme', id)).rejects.toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});
