/** A shelf with its store in memory, its clock in a test's hands and its workers in this thread; and calls to put on it. */
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { RecordingAbout } from '../../../src/app/recordings/about.ts';
import { doJob } from '../../../src/app/recordings/background-job.ts';
import { newJournalPath } from '../../../src/app/recordings/data-folders.ts';
import { RecordingShelf } from '../../../src/app/recordings/recording-shelf.ts';
import type { ShelfOptions } from '../../../src/app/recordings/shelf-options.ts';
import { journalsOf } from '../../../src/app/sealed-journals.ts';
import { Call } from '../../../src/call/call.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { parseAllowList } from '../../../src/deliver/allow-list.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import { encodeUlaw } from '../../../src/kernel/g711.ts';
import type { Recorder } from '../../../src/record/recorder.ts';
import type { Vault } from '../../../src/spool/seal/vault.ts';
import { IN_MEMORY } from '../../../src/store/sqlite-file.ts';
import { Store } from '../../../src/store/store.ts';
import { scratchDir } from '../../support/scratch.ts';
import { seeded, tone } from '../../support/tones.ts';

export const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
export const ACME: RecordingAbout = { accountId: 'acme', ownerId: 'alice', direction: 'inbound' };

/** Time passes when the test says so. */
export class HandClock implements Clock {
  #nowUs = START_US;
  readonly #sleepers = new Set<{ readonly dueUs: number; readonly wake: () => void }>();

  now(): number {
    return this.#nowUs;
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Milliseconds until the next sleeper wakes. */
  get nextMs(): number {
    return (Math.min(...[...this.#sleepers].map(({ dueUs }) => dueUs)) - this.#nowUs) / 1000;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper = { dueUs: this.#nowUs + delayMs * 1000, wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  advance(ms: number): void {
    this.#nowUs += ms * 1000;
    for (const sleeper of this.#sleepers) {
      if (sleeper.dueUs > this.#nowUs) continue;
      this.#sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

export type Told = { readonly accountId: string; readonly type: string; readonly data: Record<string, unknown> };

export type Kit = {
  readonly folder: string;
  readonly store: Store;
  readonly clock: HandClock;
  readonly shelf: RecordingShelf;
  readonly events: Told[];
  readonly logged: string[];
  /** Journals are sealed under its keys; plain without. */
  readonly vault: Vault | undefined;
  /** Paths of files below the data folder, the database aside. */
  files(): string[];
};

export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

/** @param earlier another kit whose data folder, store and clock are gone on with, as after a restart */
export const openShelf = async (change: Partial<ShelfOptions> = {}, earlier?: Kit): Promise<Kit> => {
  const folder = change.data ?? earlier?.folder ?? join(scratchDir(), 'data');
  const store = earlier?.store ?? (await Store.open(IN_MEMORY));
  const clock = earlier?.clock ?? new HandClock();
  const events: Told[] = [];
  const logged: string[] = [];
  const random = seeded(earlier === undefined ? 1 : 2);
  const vault = change.vault ?? earlier?.vault;
  const shelf = await RecordingShelf.open({
    data: folder,
    store,
    pool: inThisThread(),
    finalizers: 1,
    encoder: 'lamejs',
    clock,
    random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
    allow: parseAllowList('127.0.0.1'),
    retentionDays: 30,
    events: { publish: (accountId, type, data) => void events.push({ accountId, type, data }) },
    metaflowsOf: async () => null,
    redactTones: false,
    log: {
      info: () => {},
      warn: (fields, sentence) => void logged.push(`${sentence} ${JSON.stringify(fields)}`),
      error: (fields, sentence) => void logged.push(`${sentence} ${JSON.stringify(fields)}`),
    },
    ...(vault === undefined ? {} : { vault }),
    background: (job, { onProgress }) => doJob(job, onProgress),
    ...change,
  });
  onTestFinished(async () => {
    await shelf.close();
    await store.close();
  });
  return { folder, store, clock, shelf, events, logged, vault, files: () => filesBelow(folder) };
};

/** Where a recording's audio lies. */
export const artefactPath = async ({ store, folder }: Kit, id: string, accountId = 'acme'): Promise<string> =>
  resolve(folder, (await store.recordings.get(accountId, id))!.artefactPath!);

/** A pool that works where it is called. */
export const inThisThread = (): ShelfOptions['pool'] => ({
  run: (job, onProgress) => finalizeRecording(job, onProgress),
  follow: () => {},
  unfollow: async () => {},
  close: async () => {},
});

/** A pool whose jobs the test lets go on, one by one. */
export class HeldPool {
  readonly held: { readonly id: string; readonly go: () => void; readonly fail: (error: Error) => void }[] = [];
  /** Ids in the order they were begun. */
  readonly begun: string[] = [];
  #isClosed = false;

  readonly run: ShelfOptions['pool']['run'] = (job, onProgress = () => {}) => {
    const id = job.fileName!.split('.', 1)[0]!;
    if (this.#isClosed) return Promise.reject(new AppError('ENCODE_FAILED', 'the finalizer is shut down'));
    this.begun.push(id);
    return new Promise((resolve, reject) => {
      onProgress(0.25);
      const go = (): void => void finalizeRecording(job, onProgress).then(resolve, reject);
      this.held.push({ id, go, fail: reject });
    });
  };

  readonly follow = (): void => {};

  readonly unfollow = async (): Promise<void> => {};

  /** As the real one does: what has not come to its end fails. */
  readonly close = async (): Promise<void> => {
    this.#isClosed = true;
    for (const { fail } of this.held) fail(new AppError('ENCODE_FAILED', 'the finalizer is shut down'));
  };
}

export type Said = {
  readonly ms?: number;
  readonly fields?: RecordCallFields;
  readonly about?: RecordingAbout;
  readonly callId?: string;
  readonly startUs?: number;
};

const FRAME_MS = 20;

/** A call with a tone on each leg whose recording is told to the shelf. @returns a call that goes on until `end` */
export const beginCall = (kit: Kit, said: Said = {}): { readonly call: Call; readonly recorder: Recorder } => {
  const { ms = 400, fields = {}, about = ACME, callId = 'call-1', startUs = START_US } = said;
  const random = seeded([...`${callId}${startUs}`].reduce((sum, each) => (sum * 31 + each.charCodeAt(0)) % 1e9, 7));
  let recorder: Recorder | undefined;
  const call = new Call({
    identity: {
      callId,
      parties: {
        from: 'alice@example.com',
        to: 'bob@example.com',
        callerIdName: 'Alice',
        callerIdNumber: '100',
        calleeIdName: 'Bob',
        calleeIdNumber: '200',
      },
    },
    startUs,
    journalPath: (id) => newJournalPath(join(kit.folder, 'journals'), about.accountId, id),
    openJournal: journalsOf(kit.vault, about.accountId),
    random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
    listener: {
      onStarted: (each) => {
        recorder = each;
        kit.shelf.started(each, about);
      },
      onClosed: (each, failure) => kit.shelf.closed(each, failure, about),
    },
  });
  call.recordFromFirstFrame({ format: 'wav', ...fields }, 'test');
  const legs = [
    { leg: 'a', ssrc: 1, pcm: tone(400, ms, 8000) },
    { leg: 'b', ssrc: 2, pcm: tone(1000, ms, 8000) },
  ] as const;
  const codec = { name: 'PCMU', clockRate: 8000, channels: 1 };
  for (let n = 0; (n + 1) * FRAME_MS <= ms; n++) {
    for (const { leg, ssrc, pcm } of legs) {
      const bytes = new Uint8Array(160);
      encodeUlaw(pcm.subarray(n * 160, (n + 1) * 160), bytes);
      const arrivalUs = startUs + (n + 1) * FRAME_MS * 1000;
      const packet = { leg, ssrc, sequence: n, timestamp: n * 160, marker: n === 0, arrivalUs, codec };
      call.packet({ ...packet, bytes, start: 0, end: bytes.length });
    }
  }
  if (recorder === undefined) throw new Error('no recording began');
  return { call, recorder };
};

/** A whole call. @returns its recording's id, whose journal is closed and told of */
export const recordCall = async (kit: Kit, said: Said = {}): Promise<string> => {
  const { call, recorder } = beginCall(kit, said);
  await call.end();
  return recorder.head.id;
};

/** Lets what needs no time come to its end. @throws after a while: it never came */
export const until = async (isSo: () => boolean | Promise<boolean>, what = 'it'): Promise<void> => {
  const giveUpMs = performance.now() + 10_000;
  while (!(await isSo())) {
    if (performance.now() > giveUpMs) throw new Error(`${what} never happened`);
    await setImmediate();
  }
};
