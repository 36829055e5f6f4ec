/** Which recordings the finalizer follows while they run, until when, and what is left of those it does not finish. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Journals } from '../../../src/app/recordings/journals.ts';
import type { ShelfOptions } from '../../../src/app/recordings/shelf-options.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { FollowJob } from '../../../src/finalize/finalize-job.ts';
import { partPath } from '../../../src/finalize/part-files.ts';
import type { OnFollowEnd } from '../../../src/finalize/pool.ts';
import type { Recorder } from '../../../src/record/recorder.ts';
import { MasterKeys } from '../../../src/spool/seal/master-keys.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { Vault } from '../../../src/spool/seal/vault.ts';
import { scratchDir } from '../../support/scratch.ts';
import {
  ACME,
  beginCall as begin,
  type HandClock,
  inThisThread,
  type Kit,
  openShelf,
  START_US,
  until,
} from './shelf-kit.ts';

const MINUTE_MS = 60_000;

/** Notes what it is asked for; finalizes as it is told. */
class NotingPool {
  readonly followed = new Map<string, { readonly job: FollowJob; readonly onEnd: OnFollowEnd }>();
  readonly unfollowed: string[] = [];
  /** Journals whose jobs came while they were followed. */
  readonly finished: string[] = [];
  readonly close = async (): Promise<void> => {};
  readonly #inner = inThisThread();

  readonly run: ShelfOptions['pool']['run'] = async (job, onProgress) => {
    if (this.followed.has(job.journalPath)) this.finished.push(job.journalPath);
    try {
      return await this.#inner.run(job, onProgress);
    } finally {
      this.leave(job.journalPath, 'ended');
    }
  };

  readonly follow: ShelfOptions['pool']['follow'] = (job, onEnd = () => {}) =>
    void this.followed.set(job.journalPath, { job, onEnd });

  readonly unfollow = async (path: string): Promise<void> => {
    if (!this.followed.has(path)) return;
    this.unfollowed.push(path);
    this.leave(path, 'asked');
  };

  leave(path: string, ...end: Parameters<OnFollowEnd>): void {
    const follow = this.followed.get(path);
    this.followed.delete(path);
    follow?.onEnd(...end);
  }
}

type Scene = Kit & { readonly pool: NotingPool };

const open = async (change: Partial<ShelfOptions> = {}): Promise<Scene> => {
  const pool = new NotingPool();
  return { ...(await openShelf({ pool, followRecordings: 10, ...change })), pool };
};

const pass = async (clock: HandClock, ms: number): Promise<void> => {
  clock.advance(ms);
  // What is noted of a journal, its key and its folder are fetched from the disk.
  for (let turn = 0; turn < 5; turn++) await setImmediate();
};

const followed = ({ pool }: Scene, { path }: Recorder): boolean => pool.followed.has(path);

const isFollowed = (scene: Scene, recorder: Recorder): Promise<void> =>
  until(() => followed(scene, recorder), 'the following');

/** Time for what should not happen. */
const quiet = async ({ clock }: Scene, ms = 1000): Promise<void> => {
  await pass(clock, ms);
  await new Promise((resolve) => setTimeout(resolve, 20));
};

/** Ended with the test, if not by it. */
const beginCall: typeof begin = (...said) => {
  const begun = begin(...said);
  onTestFinished(() => begun.call.end());
  return begun;
};

const calls = (scene: Scene, count: number) =>
  Array.from({ length: count }, (_, n) => beginCall(scene, { callId: `call-${n}`, startUs: START_US + n }));

describe('a recording that runs', () => {
  test('is followed when it has lived for a minute, where its artefact will be', async () => {
    const scene = await open();
    const { recorder } = beginCall(scene);
    await quiet(scene, MINUTE_MS - 1000);
    expect(followed(scene, recorder)).toBe(false);
    await pass(scene.clock, 1000);
    await isFollowed(scene, recorder);
    const directory = join(scene.folder, 'recordings', 'acme', '202601');
    expect(scene.pool.followed.get(recorder.path)?.job).toEqual({
      journalPath: recorder.path,
      directory,
      encoder: 'lamejs',
    });
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  test('and is sealed, is followed with its key', async () => {
    const master = new MasterKeys([newSealKey(randomBytes)]);
    const vault = await Vault.open({ keys: join(scratchDir(), 'keys'), master });
    const scene = await open({ vault });
    const { recorder } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, recorder);
    const key = await vault.keyOf('acme', recorder.head.id);
    expect(key).toBeDefined();
    expect(scene.pool.followed.get(recorder.path)?.job).toMatchObject({ journalKey: key, artefactKey: key });
  });

  test('and ends, is followed until its job has come to its end', async () => {
    const scene = await open();
    const { call, recorder } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, recorder);
    await call.end();
    await scene.shelf.settled();
    expect(scene.pool).toMatchObject({ finished: [recorder.path], unfollowed: [] });
    expect(scene.pool.followed.size).toBe(0);
    expect(await scene.shelf.get('acme', recorder.head.id)).toMatchObject({ state: 'stored' });
  });

  test('and ends, goes before those that were not followed, and beside them', async () => {
    const scene = await open({ followRecordings: 1 });
    const [first, ...others] = calls(scene, 4);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, first!.recorder);
    const begun: string[] = [];
    const inner = scene.pool.run;
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    vi.spyOn(scene.pool, 'run').mockImplementation(async (job, onProgress) => {
      begun.push(job.journalPath);
      if (job.journalPath !== first!.recorder.path) await held;
      return inner(job, onProgress);
    });
    for (const { call } of others) await call.end();
    await until(() => begun.length === 1, 'the first job');
    await first!.call.end();
    await until(
      async () => (await scene.shelf.get('acme', first!.recorder.head.id)).state === 'stored',
      'its artefact',
    );
    expect(begun).toEqual([others[0]!.recorder.path, first!.recorder.path]);
    go();
    await scene.shelf.settled();
    expect(begun).toHaveLength(4);
  });

  test('and is shorter than a minute is never followed', async () => {
    const scene = await open();
    const { call } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS - 1000);
    await call.end();
    await scene.shelf.settled();
    await quiet(scene, MINUTE_MS);
    expect(scene.pool).toMatchObject({ finished: [], unfollowed: [] });
    expect(scene.pool.followed.size).toBe(0);
    expect(scene.clock.sleepers).toBe(0);
  });

  test('and ends while its key is being fetched is not followed: others may be at work on its files', async () => {
    const scene = await open();
    const { call, recorder } = beginCall(scene);
    let fetch = (_: undefined): void => {};
    const held = vi.spyOn(Journals.prototype, 'readingKeyOf');
    onTestFinished(() => held.mockRestore());
    held.mockImplementationOnce(() => new Promise((resolve) => (fetch = resolve)));
    await pass(scene.clock, MINUTE_MS);
    expect(held).toHaveBeenCalledTimes(1);
    await call.end();
    await scene.shelf.settled();
    fetch(undefined);
    await quiet(scene);
    expect(held).toHaveBeenCalledTimes(2);
    expect(scene.pool.finished).toEqual([]);
    expect(followed(scene, recorder)).toBe(false);
  });

  test('waits for a place, the oldest first', async () => {
    const scene = await open({ followRecordings: 2 });
    const all = calls(scene, 4);
    const who = (): number[] => all.flatMap(({ recorder }, n) => (followed(scene, recorder) ? [n] : []));
    await pass(scene.clock, MINUTE_MS);
    await until(() => scene.pool.followed.size === 2);
    await quiet(scene);
    expect(who()).toEqual([0, 1]);
    await all[0]!.call.end();
    await scene.shelf.settled();
    await pass(scene.clock, 1000);
    await until(() => scene.pool.followed.size === 2, 'the next one');
    expect(who()).toEqual([1, 2]);
    scene.pool.leave(all[1]!.recorder.path, 'given up');
    await pass(scene.clock, 1000);
    await until(() => scene.pool.followed.size === 2, 'the last one');
    expect(who()).toEqual([2, 3]);
  });

  test('is not followed where nothing is to be', async () => {
    const scene = await open({ followRecordings: 0 });
    beginCall(scene);
    await quiet(scene, MINUTE_MS);
    expect({ followed: scene.pool.followed.size, sleepers: scene.clock.sleepers }).toEqual({
      followed: 0,
      sleepers: 0,
    });
  });
});

describe('what is followed no longer', () => {
  test('because it can’t be written any more, is finalized from what there is', async () => {
    const scene = await open();
    const { call, recorder } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, recorder);
    const failure = new AppError('JOURNAL_UNWRITABLE', 'no room');
    scene.shelf.failed(recorder, failure, ACME);
    expect(scene.pool.unfollowed).toEqual([recorder.path]);
    await call.end();
    await scene.shelf.settled();
    expect(scene.pool.finished).toEqual([]);
    expect(await scene.shelf.get('acme', recorder.head.id)).toMatchObject({ state: 'failed', duration_ms: 400 });
  });

  test('because it has failed, is told to the log without saying where, and not tried again', async () => {
    const scene = await open();
    const { call, recorder } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, recorder);
    const message = `no room for ${scene.folder}/recordings/x`;
    scene.pool.leave(recorder.path, 'failed', { code: 'OUTPUT_UNWRITABLE', message });
    await quiet(scene, MINUTE_MS);
    expect(followed(scene, recorder)).toBe(false);
    expect(scene.logged.join()).toContain('no room for recordings/x');
    await call.end();
    await scene.shelf.settled();
    expect(await scene.shelf.get('acme', recorder.head.id)).toMatchObject({ state: 'stored' });
  });

  test('because the disk is nearly full, makes room for recordings, and nothing else is followed', async () => {
    let refusal: AppError | undefined;
    const scene = await open({ admit: () => refusal });
    const [first, second] = calls(scene, 2);
    await pass(scene.clock, MINUTE_MS);
    await until(() => scene.pool.followed.size === 2);
    const third = beginCall(scene, { callId: 'late', startUs: START_US + 9 });
    refusal = new AppError('DISK_LOW', 'low');
    await quiet(scene, MINUTE_MS);
    expect(new Set(scene.pool.unfollowed)).toEqual(new Set([first!.recorder.path, second!.recorder.path]));
    expect(scene.pool.followed.size).toBe(0);
    refusal = undefined;
    await pass(scene.clock, 1000);
    await isFollowed(scene, third.recorder);
  });

  test('because the service stops, leaves nothing', async () => {
    const scene = await open();
    const { recorder } = beginCall(scene);
    const late = beginCall(scene, { callId: 'late', startUs: START_US + 9 });
    await pass(scene.clock, MINUTE_MS);
    await until(() => scene.pool.followed.size === 2);
    await scene.shelf.drain(1000);
    expect(new Set(scene.pool.unfollowed)).toEqual(new Set([recorder.path, late.recorder.path]));
    beginCall(scene, { callId: 'later', startUs: START_US + 10 });
    await quiet(scene, MINUTE_MS);
    expect(scene.pool.followed.size).toBe(0);
  });

  test('because its artefact’s job failed before it came to the finalizer, is let go', async () => {
    const scene = await open();
    const { call, recorder } = beginCall(scene);
    await pass(scene.clock, MINUTE_MS);
    await isFollowed(scene, recorder);
    const directory = join(scene.folder, 'recordings', 'acme', '202601');
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'in the way');
    await call.end();
    await scene.shelf.settled();
    expect(scene.pool).toMatchObject({ finished: [], unfollowed: [recorder.path] });
    rmSync(directory);
    mkdirSync(directory);
  });
});

test('its parts are nobody’s strays, and it can’t be deleted', async () => {
  const scene = await open();
  const { call, recorder } = beginCall(scene);
  const { id } = recorder.head;
  await pass(scene.clock, MINUTE_MS);
  await isFollowed(scene, recorder);
  const part = partPath(join(scene.folder, 'recordings', 'acme', '202601'), id);
  writeFileSync(part, 'half of it');
  await scene.shelf.recover();
  await scene.shelf.sweep();
  await expect(scene.shelf.remove('acme', id)).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(statSync(part).size).toBe(10);
  await call.end();
  await scene.shelf.settled();
  expect(scene.files()).toEqual([`recordings/acme/202601/${id}.wav`, `recordings/acme/202601/${id}.wav.json`]);
});
