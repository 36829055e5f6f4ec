/** A disk that takes no more in the middle of a call: what is told at once, and what the recording says for good. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RecordingAbout } from '../../../src/app/recordings/about.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { verifyArtefact } from '../../../src/finalize/verify-artefact.ts';
import type { Recorder } from '../../../src/record/recorder.ts';
import { AppendedFile } from '../../../src/spool/appended-file.ts';
import { answer, ScriptedTarget } from '../../deliver/scripted-target.ts';
import { ACCOUNT, LiveScene } from '../live/live-scene.ts';
import { artefactPath, inThisThread, type Kit, openShelf, until } from './shelf-kit.ts';

const KEPT_MS = 1000;
const LOST_MS = 2000;

type Failing = {
  readonly kit: Kit;
  readonly scene: LiveScene;
  readonly id: string;
  /** Of the log, at each level. */
  readonly logged: Readonly<Record<'info' | 'warn' | 'error', string[]>>;
};

/** From now on no block reaches a journal, until the returned function is called. */
const fillDisk = (): (() => void) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  const spy = vi.spyOn(AppendedFile.prototype, 'append').mockRejectedValue(full);
  onTestFinished(() => spy.mockRestore());
  return () => spy.mockRestore();
};

/** A call whose first second is on disk, and nothing after it; it goes on. */
const failing = async (
  fields: RecordCallFields = {},
  change: Parameters<typeof openShelf>[0] = {},
): Promise<Failing> => {
  const logged = { info: [] as string[], warn: [] as string[], error: [] as string[] };
  const line = (level: keyof typeof logged) => (told: object, sentence: string) =>
    void logged[level].push(`${sentence} ${JSON.stringify(told)}`);
  const kit = await openShelf({
    tryLimits: { graceMs: 0 },
    log: { info: line('info'), warn: line('warn'), error: line('error') },
    ...change,
  });
  let recorder: Recorder | undefined;
  const scene = new LiveScene({
    journals: join(kit.folder, 'journals'),
    onStarted: (each, about) => {
      recorder = each;
      kit.shelf.started(each, about);
    },
    onFailed: (each, failure, about) => kit.shelf.failed(each, failure, about),
    onClosed: (each, failure, about) => kit.shelf.closed(each, failure, about),
  });
  await scene.announce({ record_call: { format: 'wav', ...fields } });
  scene.speak(KEPT_MS);
  await recorder!.sync();
  const free = fillDisk();
  scene.speak(LOST_MS);
  await until(() => recorder!.failure !== undefined, 'the failure');
  scene.passTime(500);
  free();
  return { kit, scene, id: recorder!.head.id, logged };
};

const hungUp = async ({ kit, scene }: Failing): Promise<void> => {
  await scene.calls.hangUp(ACCOUNT, 'c1');
  await kit.shelf.settled();
};

const error = { code: 'JOURNAL_UNWRITABLE', message: expect.stringMatching(/ENOSPC.*: journals\//) };

describe('while the call goes on', () => {
  test('its document says so at once, and so does the log, once, at its highest level', async () => {
    const { kit, scene, id, logged } = await failing();
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({ state: 'recording', error });
    await until(async () => (await kit.store.recordings.get(ACCOUNT, id))?.error?.code === 'JOURNAL_UNWRITABLE');
    scene.passTime(500);
    expect(scene.toldOf('recording.failed')).toMatchObject([{ recording_id: id, code: 'JOURNAL_UNWRITABLE' }]);
    expect(logged.error).toHaveLength(1);
    expect(logged.error[0]).toContain(id);
    expect(logged.error[0]).toContain('ENOSPC');
    expect(logged.error[0]).not.toContain(kit.folder);
  });

  test('a store on the same full disk holds up neither the document nor other recordings', async () => {
    const { kit, scene, id } = await failing();
    const update = vi.spyOn(kit.store.recordings, 'update');
    update.mockRejectedValue(new AppError('STORE_FAILED', 'database or disk is full'));
    const about: RecordingAbout = { accountId: ACCOUNT, ownerId: null, direction: 'inbound' };
    const other = { path: join(kit.folder, 'journals', ACCOUNT, 'x.journal'), head: { id: 'other' } } as Recorder;
    kit.shelf.failed(other, new AppError('JOURNAL_UNWRITABLE', 'journal can’t be written (ENOSPC)'), about);
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({ state: 'recording', error });
    await until(() => kit.shelf.counts.rowsToWrite === 0, 'the turn of the next write');
    update.mockRestore();
    await scene.calls.hangUp(ACCOUNT, 'c1');
  });
});

describe('in the end', () => {
  test('what could be written is an artefact, its recording has failed, and every length is true', async () => {
    const scene = await failing();
    await hungUp(scene);
    const { kit, id } = scene;
    const document = await kit.shelf.get(ACCOUNT, id);
    expect(document).toMatchObject({
      state: 'failed',
      error,
      duration_ms: KEPT_MS,
      delivery: null,
      _read_only: { content_types: ['audio/wav'] },
    });
    expect((await kit.shelf.artefact(ACCOUNT, id)).sha256).toBe(document.sha256);
    expect((await verifyArtefact(await artefactPath(kit, id, ACCOUNT))).filter(({ ok }) => !ok)).toEqual([]);
    expect(await kit.shelf.manifest(ACCOUNT, id)).toMatchObject({
      artefact: { duration_ms: KEPT_MS },
      recovered: true,
    });
    // Nobody knows yet how much of it is there.
    expect(scene.scene.toldOf('recording.stopped')).toMatchObject([
      { recording_id: id, reason: 'hangup', duration_ms: null, code: 'JOURNAL_UNWRITABLE' },
    ]);
    expect(kit.events.at(-1)).toMatchObject({
      type: 'recording.incomplete',
      data: { recording_id: id, state: 'failed', duration_ms: KEPT_MS, error },
    });
    expect(scene.logged.error).toHaveLength(1);
    expect(kit.files()).toEqual([
      `recordings/${ACCOUNT}/202601/${id}.wav`,
      `recordings/${ACCOUNT}/202601/${id}.wav.json`,
    ]);
  });

  test('it goes to its target, again when asked, and stays what it is', async () => {
    const target = await ScriptedTarget.start(answer(200));
    onTestFinished(() => target.close());
    const scene = await failing({ url: target.url });
    await hungUp(scene);
    const { kit, id } = scene;
    for (const times of [1, 2]) {
      await until(async () => (await kit.shelf.get(ACCOUNT, id)).state === 'failed', 'the end of the delivery');
      expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({ error, delivery: { state: 'done', status: 200 } });
      expect(target.seen).toHaveLength(times);
      expect(await kit.shelf.deliver(ACCOUNT, id)).toMatchObject({ state: 'delivering', error });
    }
  });

  test('a target that refuses it hides nothing', async () => {
    const target = await ScriptedTarget.start(answer(403), answer(200));
    onTestFinished(() => target.close());
    const scene = await failing({ url: target.url });
    await hungUp(scene);
    const { kit, id } = scene;
    const seen = (state: string) => async () =>
      ((await kit.shelf.get(ACCOUNT, id)).delivery as { state: string }).state === state;
    await until(seen('failed'), 'the refusal');
    const refused = { state: 'failed', error, delivery: { status: 403, error: expect.stringContaining('403') } };
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject(refused);
    await kit.shelf.deliver(ACCOUNT, id);
    await until(seen('done'), 'the delivery');
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({ state: 'failed', error });
  });

  test('it is not thrown away for being short: nobody knows how long it would have been', async () => {
    const scene = await failing({ record_min_sec: 2 });
    await hungUp(scene);
    expect(await scene.kit.shelf.get(ACCOUNT, scene.id)).toMatchObject({ state: 'failed', duration_ms: KEPT_MS });
  });

  test('a finalizer that fails as well, and then does not, leaves it what it is', async () => {
    const pool = inThisThread();
    const run = vi.spyOn(pool, 'run').mockRejectedValueOnce(new AppError('OUTPUT_UNWRITABLE', 'no room (ENOSPC)'));
    const scene = await failing({}, { pool });
    await hungUp(scene);
    const { kit, id, logged } = scene;
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({
      state: 'failed',
      error,
      _read_only: { content_types: [] },
    });
    expect(logged.warn.join()).toContain('no room (ENOSPC)');
    await kit.shelf.sweep();
    await kit.shelf.settled();
    expect(await kit.shelf.get(ACCOUNT, id)).toMatchObject({ state: 'failed', error, duration_ms: KEPT_MS });
    expect(run).toHaveBeenCalledTimes(2);
  });

  test('when the service died before the call’s end, too', async () => {
    const { kit, scene, id } = await failing();
    await until(async () => (await kit.store.recordings.get(ACCOUNT, id))?.error !== null);
    const again = await openShelf({}, kit);
    await again.shelf.recover();
    await again.shelf.settled();
    expect(await again.shelf.get(ACCOUNT, id)).toMatchObject({ state: 'failed', error, duration_ms: KEPT_MS });
    await scene.calls.hangUp(ACCOUNT, 'c1').catch(() => {});
  });

  test('it goes when its time is up, unless its target has not had it', async () => {
    const target = await ScriptedTarget.start(answer(403));
    onTestFinished(() => target.close());
    const kept = await failing();
    await hungUp(kept);
    kept.kit.clock.advance(31 * 86_400_000);
    expect(await kept.kit.shelf.sweep()).toBe(1);
    expect(kept.kit.files()).toEqual([]);
    const refused = await failing({ url: target.url });
    await hungUp(refused);
    await until(async () => (await refused.kit.shelf.get(ACCOUNT, refused.id)).state === 'failed');
    refused.kit.clock.advance(31 * 86_400_000);
    expect(await refused.kit.shelf.sweep()).toBe(0);
    expect(refused.kit.files()).toHaveLength(2);
  });
});
