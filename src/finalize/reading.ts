/** A journal's file, read ahead and behind at one pace. */
import { JournalCursor } from '../spool/journal-cursor.ts';
import { damagedHead } from '../spool/journal-reader.ts';
import type { JournalSource } from '../spool/journal-source.ts';
import { Lockstep } from './lockstep.ts';

export class Reading {
  readonly lockstep: Lockstep;
  readonly #source: JournalSource;
  readonly #ahead: JournalCursor;
  readonly #behind: JournalCursor;

  constructor(source: JournalSource, lookaheadUs: number) {
    this.#source = source;
    this.#ahead = new JournalCursor(source);
    this.#behind = new JournalCursor(source);
    this.lockstep = new Lockstep(this.#ahead, this.#behind, lookaheadUs);
  }

  /** Nobody writes to it any more. */
  close(): void {
    this.lockstep.close(() => {
      if (!this.#ahead.hasBegun) throw damagedHead(this.#source.path);
      return { bytes: this.#ahead.bytes, torn: this.#ahead.hasMore };
    });
  }

  /** Of what there is, 0 to 1. */
  get share(): number {
    return Math.min(1, this.#behind.bytes / this.#source.size);
  }

  /** Holds no buffers until it is asked for more. */
  rest(): void {
    this.lockstep.rest();
    this.#ahead.rest();
    this.#behind.rest();
  }

  /** Idempotent. */
  end(): void {
    this.rest();
    this.#source.close();
  }
}
