/**
 * Where calls tell of their recorders: a recording that begins gets its row and the note beside its journal, one whose journal is closed
 * goes to the finalizer. Nothing here holds up a call: what is to be written waits its turn, and the journal alone is enough.
 */
import type { Clock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { RecordingAbout } from './about.ts';
import type { Finalizing } from './finalizing.ts';
import type { JournalRows } from './journal-rows.ts';
import { noteAbout } from './journals.ts';
import { inState, rowOf } from './recording-row.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';
import type { WriteTurns } from './write-turns.ts';

/** What is used of a recorder. */
export type ToldRecorder = Pick<Recorder, 'head' | 'path'>;

export type RecorderDeskOptions = {
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly rows: JournalRows;
  readonly turns: WriteTurns;
  readonly finalizing: Finalizing;
  readonly teller: Teller;
  readonly clock: Clock;
};

export class RecorderDesk {
  readonly #options: RecorderDeskOptions;
  readonly #live = new Set<string>();

  constructor(options: RecorderDeskOptions) {
    this.#options = options;
  }

  /** Whether it is being recorded, or closed and its row does not say so yet. */
  isLive(id: string): boolean {
    return this.#live.has(id);
  }

  started({ head, path }: ToldRecorder, about: RecordingAbout): void {
    const { rows, turns, teller, clock } = this.#options;
    this.#live.add(head.id);
    const row = rowOf(head, about, path, clock.now());
    void turns.add(head.id, async () => {
      const noted = noteAbout(path, about).catch((error: unknown) =>
        teller.defect('whose a journal is could not be noted', error),
      );
      await rows.insert(row);
      await noted;
    });
  }

  /** @param failure why not all of it is in its journal, whose beginning is finalized all the same. */
  closed({ head, path }: ToldRecorder, failure: AppError | undefined, about: RecordingAbout): void {
    const { store, rows, turns, teller, clock, finalizing } = this.#options;
    const { id } = head;
    this.#live.add(id);
    const error = failure === undefined ? null : teller.told(failure);
    const told = turns.add(id, async () => {
      const known = await store.recordings.get(about.accountId, id);
      const row = known ?? (await rows.insert(rowOf(head, about, path, clock.now())));
      await store.recordings.update(id, inState('finalizing', error));
      teller.tell({ ...row, state: 'finalizing' }, 'recording.finalizing', error === null ? {} : { error });
    });
    void told.then(() => {
      this.#live.delete(id);
      finalizing.add({ accountId: about.accountId, id, path });
    });
  }
}
