/**
 * Which recordings the finalizer follows while they run, so that little is left to do at their end (design §7): those that have lived
 * for a minute, a bounded number, the oldest first. Recordings that have too little room on the disk come before what is made of them.
 */
import type { Clock } from '../../core/clock.ts';
import type { EncoderChoice } from '../../finalize/encoder-choice.ts';
import type { FollowError } from '../../finalize/job-messages.ts';
import type { FinalizePool } from '../../finalize/pool.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import { artefactFolder, type DataFolders } from './data-folders.ts';
import type { FoundJournal, Journals } from './journals.ts';
import type { Teller } from './teller.ts';

const LOOK_MS = 1000;
/** What is shorter is finished at once anyway. */
const AFTER_MS = 60_000;

export type FollowingOptions = {
  readonly pool: Pick<FinalizePool, 'follow' | 'unfollow'>;
  readonly journals: Pick<Journals, 'readingKeyOf'>;
  readonly folders: DataFolders;
  readonly encoder: EncoderChoice;
  readonly clock: Clock;
  readonly teller: Teller;
  /** At a time; 0: none. */
  readonly most: number;
  /** Age from which a recording is followed; default: a minute. */
  readonly afterMs?: number;
  /** Whether there is room for what is made of recordings that still run. */
  readonly hasRoom: () => boolean;
  /** Aborts when the shelf closes. */
  readonly signal: AbortSignal;
};

type Young = { readonly journal: FoundJournal; readonly dueUs: number };

export class Following {
  readonly #options: FollowingOptions;
  /** Live ones that wait for their age, or for a place; oldest first. */
  readonly #young = new Map<string, Young>();
  /** About to be followed: what it takes is being fetched. */
  readonly #starting = new Set<string>();
  readonly #followed = new Map<string, FoundJournal>();
  #isLooking = false;
  #stopped = false;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** Whether files of it may lie where its artefact will. */
  has(id: string): boolean {
    return this.#followed.has(id);
  }

  /** A recording has begun. */
  begins(journal: FoundJournal): void {
    const { clock, most, afterMs = AFTER_MS } = this.#options;
    if (most === 0 || this.#stopped) return;
    this.#young.set(journal.id, { journal, dueUs: clock.now() + afterMs * 1000 });
    void this.#keepLooking();
  }

  /** Its journal is closed. What is followed stays so until it is finalized. */
  ends(id: string): void {
    this.#young.delete(id);
    this.#starting.delete(id);
  }

  /** It is followed no longer: its journal is finalized when it is closed, as if it never had been. */
  async drops(id: string): Promise<void> {
    this.ends(id);
    const journal = this.#followed.get(id);
    if (journal !== undefined) await this.#options.pool.unfollow(journal.path);
  }

  /** Follows no more, and resolves when nothing is followed but what is being finalized. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#young.clear();
    this.#starting.clear();
    await Promise.all([...this.#followed.keys()].map((id) => this.drops(id)));
  }

  async #keepLooking(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const { clock, signal } = this.#options;
    while (!signal.aborted && this.#young.size + this.#followed.size > 0) {
      await clock.sleep(LOOK_MS, signal).catch(() => {});
      if (!signal.aborted) this.#look();
    }
    this.#isLooking = false;
  }

  #look(): void {
    const { clock, most, hasRoom } = this.#options;
    if (!hasRoom()) {
      for (const id of this.#followed.keys()) void this.drops(id);
      return;
    }
    const nowUs = clock.now();
    for (const [id, { journal, dueUs }] of this.#young) {
      if (dueUs > nowUs || this.#followed.size + this.#starting.size >= most) return;
      this.#young.delete(id);
      void this.#follow(journal);
    }
  }

  /** Never rejects: who is not followed is finalized all the same. */
  async #follow(journal: FoundJournal): Promise<void> {
    const { pool, journals, folders, encoder, teller } = this.#options;
    const { accountId, id, path } = journal;
    this.#starting.add(id);
    try {
      const key = await journals.readingKeyOf(journal);
      const directory = artefactFolder(folders.recordings, accountId, id);
      await makeFolder(directory);
      // It may have ended, and somebody else be at work on its files.
      if (!this.#starting.has(id)) return;
      this.#followed.set(id, journal);
      const keys = key === undefined ? {} : { journalKey: key, artefactKey: key };
      pool.follow({ journalPath: path, directory, encoder, ...keys }, (_, error) => this.#left(id, error));
    } catch (error) {
      teller.defect(`recording ${id} can not be followed`, error);
    } finally {
      this.#starting.delete(id);
    }
  }

  #left(id: string, error: FollowError | undefined): void {
    const { teller } = this.#options;
    this.#followed.delete(id);
    if (error === undefined) return;
    const fields = { recordingId: id, error: teller.told(error) };
    teller.warn('a recording is followed no longer: it is finalized when it has ended', fields);
  }
}
