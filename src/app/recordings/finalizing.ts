/**
 * Closed journals on their way to artefacts: so many at a time in the worker pool, account after account in turn. What waits is in the
 * store as `finalizing`; memory holds a bounded part of it. A journal goes when its artefact is there and its row says so, no sooner.
 */
import { AppError, asAppError } from '../../core/errors.ts';
import type { EncoderChoice } from '../../finalize/encoder-choice.ts';
import { removeParts } from '../../finalize/part-files.ts';
import type { FinalizePool } from '../../finalize/pool.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import type { RecordingPatch, RecordingRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import { artefactFolder, type DataFolders } from './data-folders.ts';
import { FairQueue } from './fair-queue.ts';
import { findFinished } from './finished-artefact.ts';
import type { JournalRows } from './journal-rows.ts';
import { type FoundJournal, headOf, type Journals } from './journals.ts';
import { discardedPatch, inState, storedPatch } from './recording-row.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

export type FinalizingOptions = {
  readonly store: Pick<Store, 'recordings'>;
  readonly rows: JournalRows;
  readonly journals: Journals;
  readonly folders: DataFolders;
  readonly pool: Pick<FinalizePool, 'run'>;
  readonly encoder: EncoderChoice;
  /** Jobs given to the pool at once: as many as it has threads. */
  readonly atOnce: number;
  /** Journals that wait in memory at most; the others wait in the store. */
  readonly mostWaiting: number;
  readonly turns: WriteTurns;
  readonly teller: Teller;
  /** The artefact is there, and has a target. */
  readonly onDeliverable: (row: RecordingRow) => Promise<void>;
};

export class Finalizing {
  readonly #options: FinalizingOptions;
  readonly #waiting = new FairQueue<FoundJournal>();
  readonly #queued = new Set<string>();
  /** Share done of those that run. */
  readonly #running = new Map<string, number>();
  readonly #ends = new Map<string, (() => void)[]>();
  readonly #idle: (() => void)[] = [];
  #overflowed = false;
  #refilling = false;
  #stopped = false;

  constructor(options: FinalizingOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get running(): number {
    return this.#running.size;
  }

  has(id: string): boolean {
    return this.#queued.has(id) || this.#running.has(id);
  }

  /** Share done, 0 to 1; undefined when it is not in work. */
  progressOf(id: string): number | undefined {
    return this.#running.get(id);
  }

  /** Takes a closed journal whose row says `finalizing`. What is known already is not taken twice. */
  add(journal: FoundJournal): void {
    if (this.has(journal.id)) return;
    if (this.#waiting.size >= this.#options.mostWaiting) this.#overflowed = true;
    else {
      this.#queued.add(journal.id);
      this.#waiting.push(journal.accountId, journal);
    }
    this.#next();
  }

  /** Resolves when that recording has been finalized, or could not be. */
  ended(id: string): Promise<void> {
    return new Promise((resolve) => {
      if (!this.has(id) && !this.#overflowed) return resolve();
      const waiting = this.#ends.get(id);
      if (waiting === undefined) this.#ends.set(id, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Resolves when nothing waits or runs; after `stop`, when nothing runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve);
      this.#next();
    });
  }

  /** Begins no further one: their journals wait for the next start. */
  stop(): void {
    this.#stopped = true;
    this.#next();
  }

  #next(): void {
    while (!this.#stopped && this.#running.size < this.#options.atOnce) {
      const journal = this.#waiting.shift();
      if (journal === undefined) break;
      this.#queued.delete(journal.id);
      this.#running.set(journal.id, 0);
      void this.#run(journal).finally(() => {
        this.#running.delete(journal.id);
        for (const resolve of this.#ends.get(journal.id) ?? []) resolve();
        this.#ends.delete(journal.id);
        this.#next();
      });
    }
    if (!this.#stopped && this.#overflowed && this.#waiting.size === 0) void this.#refill();
    const isIdle = this.#running.size === 0 && (this.#stopped || (this.#waiting.size === 0 && !this.#overflowed));
    if (isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Takes up what had no room, from the store. */
  async #refill(): Promise<void> {
    if (this.#refilling) return;
    this.#refilling = true;
    const { store, turns, journals, mostWaiting } = this.#options;
    try {
      const rows = await turns.patiently(() => store.recordings.unfinished());
      this.#overflowed = false;
      for (const { accountId, id, state } of rows) {
        if (state !== 'finalizing' || this.has(id)) continue;
        if (this.#waiting.size >= mostWaiting) {
          this.#overflowed = true;
          break;
        }
        this.#queued.add(id);
        this.#waiting.push(accountId, { accountId, id, path: journals.path(accountId, id) });
      }
    } catch (error) {
      this.#overflowed = false;
      this.#options.teller.defect('what waits to be finalized can not be read', error);
    } finally {
      this.#refilling = false;
      this.#next();
    }
  }

  /** Never rejects. */
  async #run(journal: FoundJournal): Promise<void> {
    try {
      const row = await this.#options.turns.patiently(() => this.#options.rows.of(journal));
      try {
        await this.#finalize(journal, row);
      } catch (error) {
        if (!this.#stopped) await this.#fail(journal, row, asAppError(error));
      }
    } catch (error) {
      this.#options.teller.defect('a recording could not be finalized, its journal is kept', error);
    }
  }

  async #finalize(journal: FoundJournal, row: RecordingRow): Promise<void> {
    const { pool, folders, encoder, journals, teller, turns, onDeliverable } = this.#options;
    const { accountId, id } = journal;
    const directory = artefactFolder(folders.recordings, accountId, id);
    const finished = await findFinished(directory, id, row.format);
    if (finished === undefined) await makeFolder(directory).catch(unwritable(directory));
    else await removeParts(directory, id);
    const result =
      finished === undefined
        ? await pool.run({ journalPath: journal.path, directory, mediaName: `${id}.${row.format}`, encoder }, (share) =>
            this.#running.set(id, share),
          )
        : ({ state: 'stored', ...finished } as const);
    const patch = result.state === 'discarded' ? discardedPatch(result.durationMs) : storedPatch(row, result);
    // What was lost of it while it was recorded stays told.
    await this.#update(row, { ...patch, error: row.error });
    const now: RecordingRow = { ...row, ...patch, error: row.error };
    if (now.state === 'delivering') await turns.patiently(() => onDeliverable(now));
    await journals.remove(accountId, id);
    teller.tell(now, result.state === 'discarded' ? 'recording.discarded' : 'recording.stored', {
      duration_ms: now.durationMs,
      bytes: now.bytes,
    });
  }

  /** The journal stays, to be tried again at the next start; one that can't be read is set aside. */
  async #fail(journal: FoundJournal, row: RecordingRow, failure: AppError): Promise<void> {
    const { journals, teller } = this.#options;
    const directory = artefactFolder(this.#options.folders.recordings, journal.accountId, journal.id);
    await removeParts(directory, journal.id);
    const isDamaged = failure.code === 'JOURNAL_UNREADABLE' && !isReadable(journal.path);
    // Gone altogether, when even its file could not be made.
    const aside = isDamaged
      ? await journals.setAside(journal.accountId, journal.id).catch(() => undefined)
      : journal.path;
    // That it could not be written says more than that it can't be read.
    const error = failure.code === 'JOURNAL_UNREADABLE' && row.error !== null ? row.error : teller.told(failure);
    await this.#update(row, { ...inState('failed', error), journalPath: aside ?? null });
    teller.tell({ ...row, state: 'failed' }, 'finalize.failed', { error, set_aside: isDamaged && aside !== undefined });
  }

  async #update(row: RecordingRow, patch: RecordingPatch): Promise<void> {
    await this.#options.turns.patiently(() => this.#options.store.recordings.update(row.id, patch).then(() => {}));
  }
}

const isReadable = (path: string): boolean => {
  try {
    return headOf(path) !== undefined;
  } catch {
    return false;
  }
};

const unwritable = (directory: string) => (cause: unknown) => {
  throw new AppError('OUTPUT_UNWRITABLE', `the folder ${directory} can't be made`, { cause });
};
