/**
 * The records of a journal that is not written, read ahead and behind: each is surveyed when it comes, and its timing is kept until it
 * is placed. No payload is kept.
 */
import type { DurationOf, Records } from '../finalize/lockstep.ts';
import type { JournalRecord } from '../spool/journal-reader.ts';
import type { FrameRecord } from '../spool/journal-record.ts';

const NO_PAYLOAD = Buffer.alloc(0);

type Timing = FrameRecord & { readonly duration: number };

export class RehearsedRecords {
  readonly ahead: Records = { next: () => this.#taken() };
  readonly behind: Records = { next: () => this.#kept() };
  /** Of a frame that `behind` gave. */
  readonly durationOf: DurationOf = (frame) => (frame as Timing).duration;
  /** Valid only while it is taken. */
  #newest: JournalRecord | undefined;
  #timings: Timing[] = [];
  #first = 0;

  /** @param duration of a frame, ticks */
  add(record: JournalRecord, duration: number): void {
    this.#newest = record;
    if (record.kind === 'frame') this.#timings.push({ ...record.frame, payload: NO_PAYLOAD, duration });
  }

  #taken(): JournalRecord | undefined {
    const record = this.#newest;
    this.#newest = undefined;
    return record;
  }

  #kept(): JournalRecord | undefined {
    const frame = this.#timings[this.#first];
    if (frame === undefined) return undefined;
    if (++this.#first > 1000) {
      this.#timings = this.#timings.slice(this.#first);
      this.#first = 0;
    }
    return { kind: 'frame', frame };
  }
}
