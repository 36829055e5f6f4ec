/**
 * A call's way through the pipeline with nothing written: what its recordings will be is known before the first frame is. Masks by
 * position need it, for position 0 and the lines lie where the whole call puts them (design §5). Keeps timings, no audio.
 */
import { JournalSurveyor } from '../finalize/survey.ts';
import type { Journal, JournalNotes } from '../spool/journal.ts';
import type { JournalRecord } from '../spool/journal-reader.ts';
import type { Foreseen, FrameRecord, OpenRecord } from '../spool/journal-record.ts';

export class RehearsedJournal implements Journal {
  readonly path: string;
  readonly failure = undefined;
  readonly pendingBytes = 0;
  readonly #surveyor = new JournalSurveyor();
  readonly #frame: FrameRecord = { track: 0, arrivalUs: 0, ticks: 0, payload: Buffer.alloc(0) };
  readonly #record: JournalRecord = { kind: 'frame', frame: this.#frame };

  constructor(path: string, head: OpenRecord) {
    this.path = path;
    this.note('open', head);
  }

  frame(track: number, arrivalUs: number, ticks: number, source: Uint8Array, start: number, end: number): void {
    this.#frame.track = track;
    this.#frame.arrivalUs = arrivalUs;
    this.#frame.ticks = ticks;
    this.#frame.payload = Buffer.from(source.buffer, source.byteOffset + start, end - start);
    this.#surveyor.take(this.#record);
  }

  note<K extends keyof JournalNotes>(kind: K, content: JournalNotes[K]): void {
    this.#surveyor.take({ kind, [kind]: content } as unknown as JournalRecord);
  }

  flush(): void {}

  async drained(): Promise<void> {}

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** What the finalizer would find of it. */
  get foreseen(): Foreseen {
    const { startUs, endUs, horizonUs, lines } = this.#surveyor.result({ bytes: 0, torn: false })!;
    return { startUs, endUs, horizonUs, lines };
  }
}

/** The rehearsed journals of a capture's calls, each call's in the order its recordings began. */
export class Rehearsal<Call> {
  readonly #journals = new Map<Call, RehearsedJournal[]>();

  open(call: Call, path: string, head: OpenRecord): Journal {
    const journal = new RehearsedJournal(path, head);
    const journals = this.#journals.get(call);
    if (journals === undefined) this.#journals.set(call, [journal]);
    else journals.push(journal);
    return journal;
  }

  foreseen(call: Call): Foreseen[] {
    return (this.#journals.get(call) ?? []).map((journal) => journal.foreseen);
  }
}
