/**
 * Where calls tell of their recorders: a recording that begins gets its row and the note beside its journal, one whose journal is closed
 * goes to the finalizer. Nothing here holds up a call: what is to be written waits its turn, and the journal alone is enough.
 */
import type { Clock } from '../../core/clock.ts';
import { type AppError, asAppError } from '../../core/errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { RecordingRow } from '../../store/rows.ts';
import type { RecordingAbout } from './about.ts';
import type { Finalizing } from './finalizing.ts';
import type { Following } from './following.ts';
import type { JournalRows } from './journal-rows.ts';
import type { Journals } from './journals.ts';
import { inState, rowOf } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

/** What is used of a recorder. */
export type ToldRecorder = Pick<Recorder, 'head' | 'path'>;

export type RecorderDeskOptions = {
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly rows: JournalRows;
  readonly journals: Pick<Journals, 'note'>;
  readonly turns: WriteTurns;
  readonly finalizing: Finalizing;
  readonly following: Pick<Following, 'begins' | 'ends' | 'drops'>;
  readonly teller: Teller;
  readonly clock: Clock;
};

export class RecorderDesk {
  readonly #options: RecorderDeskOptions;
  readonly #live = new Set<string>();
  /** Why those that are live can't be written any more. */
  readonly #failures = new Map<string, NonNullable<RecordingRow['error']>>();

  constructor(options: RecorderDeskOptions) {
    this.#options = options;
  }

  /** Whether it is being recorded, or closed and its row does not say so yet. */
  isLive(id: string): boolean {
    return this.#live.has(id);
  }

  /** Why a live one can't be written any more, as soon as that is known: its row says so as soon as the store can. */
  failureOf(id: string): RecordingRow['error'] {
    return this.#failures.get(id) ?? null;
  }

  started({ head, path }: ToldRecorder, about: RecordingAbout): void {
    const { rows, journals, turns, teller, clock, following } = this.#options;
    this.#live.add(head.id);
    following.begins({ accountId: about.accountId, id: head.id, path });
    const row = rowOf(head, about, path, clock.now());
    void turns.add(head.id, async () => {
      const noted = journals
        .note(path, head.id, about)
        .catch((error: unknown) => teller.defect('whose a journal is could not be noted', error));
      await rows.insert(row);
      await noted;
    });
  }

  /** Its journal takes no more; what is in there stays. Told to the log once. */
  failed({ head }: ToldRecorder, failure: AppError, { accountId }: RecordingAbout): void {
    const { store, turns, teller, following } = this.#options;
    const { id } = head;
    if (this.#failures.has(id)) return;
    void following.drops(id);
    const error = teller.told(failure);
    this.#failures.set(id, error);
    teller.failed('a recording can not be written: what comes from now on is lost', {
      recordingId: id,
      accountId,
      error,
    });
    // Once: the store may be on the same disk, and nobody is to wait for that. When the journal is closed it is noted again.
    void turns.add(id, () => store.recordings.update(id, { error }).then(undefined, ifStoreFailed));
  }

  /** @param failure why not all of it is in its journal, whose beginning is finalized all the same. */
  closed({ head, path }: ToldRecorder, failure: AppError | undefined, about: RecordingAbout): void {
    const { store, rows, turns, teller, clock, finalizing, following } = this.#options;
    const { id } = head;
    this.#live.add(id);
    following.ends(id);
    if (failure !== undefined) this.failed({ head, path }, failure, about);
    const error = this.failureOf(id);
    const told = turns.add(id, async () => {
      const known = await store.recordings.get(about.accountId, id);
      const row = known ?? (await rows.insert(rowOf(head, about, path, clock.now())));
      await store.recordings.update(id, inState('finalizing', error));
      teller.tell({ ...row, state: 'finalizing' }, 'recording.finalizing', error === null ? {} : { error });
    });
    void told.then(() => {
      this.#live.delete(id);
      this.#failures.delete(id);
      finalizing.add({ accountId: about.accountId, id, path });
    });
  }
}

const ifStoreFailed = (error: unknown): void => {
  if (asAppError(error).code !== 'STORE_FAILED') throw error;
};
