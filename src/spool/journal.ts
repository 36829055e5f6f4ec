/** What a recorder writes to: a file (`JournalWriter`), or nothing at all where a call is only rehearsed. */
import type { AppError } from '../core/errors.ts';
import type { CloseRecord, MaskRecord, OpenRecord, TallyRecord, TrackRecord } from './journal-record.ts';

export type JournalNotes = {
  open: OpenRecord;
  track: TrackRecord;
  mask: MaskRecord;
  tally: TallyRecord;
  close: CloseRecord;
};

export interface Journal {
  readonly path: string;
  /** The write that failed, after which nothing is accepted. */
  readonly failure: AppError | undefined;
  /** Bytes gathered or in flight that are not on disk yet. */
  readonly pendingBytes: number;
  /** Appends a frame: copies `source[start, end)`, keeps no reference. */
  frame(track: number, arrivalUs: number, ticks: number, source: Uint8Array, start: number, end: number): void;
  note<K extends keyof JournalNotes>(kind: K, content: JournalNotes[K]): void;
  /** Hands what has gathered to the operating system, without waiting for it. */
  flush(): void;
  /** Resolves when all that was handed over so far has been written. */
  drained(): Promise<void>;
  /** Resolves when everything appended so far is durable. @throws JOURNAL_UNWRITABLE */
  sync(): Promise<void>;
  /** Durable, then closed. Idempotent. @throws JOURNAL_UNWRITABLE when any write failed. */
  close(): Promise<void>;
}

/** Starts a recording's journal with its first record. */
export type OpenJournal = (path: string, head: OpenRecord) => Journal;
