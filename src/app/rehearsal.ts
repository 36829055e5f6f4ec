/**
 * A call's way through the pipeline with nothing written: what its recordings will be is known before the first frame is. Masks by
 * position need it, for position 0 and the lines lie where the finalizer puts them (design §5), which goes by what it has seen: so the
 * same lockstep is run here, without a file. Keeps timings, no audio.
 */
import { Contradiction } from '../finalize/contradiction.ts';
import { LOOKAHEAD_US, Lockstep } from '../finalize/lockstep.ts';
import { type JournalSurvey, JournalSurveyor } from '../finalize/survey.ts';
import type { Journal, JournalNotes } from '../spool/journal.ts';
import type { JournalRecord } from '../spool/journal-reader.ts';
import type { Foreseen, FrameRecord, OpenRecord } from '../spool/journal-record.ts';
import { RehearsedRecords } from './rehearsed-records.ts';

const WHOLE = { bytes: 0, torn: false };

export class RehearsedJournal implements Journal {
  readonly path: string;
  readonly failure = undefined;
  readonly pendingBytes = 0;
  /** With all of it in view, should it contradict what the lockstep decided on the way. */
  readonly #surveyor = new JournalSurveyor();
  readonly #records = new RehearsedRecords();
  #lockstep: Lockstep | undefined;
  readonly #frame: FrameRecord = { track: 0, arrivalUs: 0, ticks: 0, payload: Buffer.alloc(0) };
  readonly #record: JournalRecord = { kind: 'frame', frame: this.#frame };

  constructor(path: string, head: OpenRecord) {
    this.path = path;
    const { ahead, behind, durationOf } = this.#records;
    this.#lockstep = new Lockstep(ahead, behind, LOOKAHEAD_US, durationOf);
    this.note('open', head);
  }

  frame(track: number, arrivalUs: number, ticks: number, source: Uint8Array, start: number, end: number): void {
    this.#frame.track = track;
    this.#frame.arrivalUs = arrivalUs;
    this.#frame.ticks = ticks;
    this.#frame.payload = Buffer.from(source.buffer, source.byteOffset + start, end - start);
    this.#take(this.#record);
  }

  note<K extends keyof JournalNotes>(kind: K, content: JournalNotes[K]): void {
    this.#take({ kind, [kind]: content } as unknown as JournalRecord);
  }

  flush(): void {}

  async drained(): Promise<void> {}

  async sync(): Promise<void> {}

  async close(): Promise<void> {}

  /** What the finalizer would find of it. */
  get foreseen(): Foreseen {
    this.#lockstep?.close(() => WHOLE);
    this.#follow();
    const { startUs, endUs, horizonUs, lines }: JournalSurvey = this.#lockstep?.result ?? this.#surveyor.result(WHOLE);
    return { startUs, endUs, horizonUs, lines: new Map([...lines].map(([id, { path }]) => [id, path!.pieces])) };
  }

  #take(record: JournalRecord): void {
    this.#surveyor.take(record);
    if (this.#lockstep === undefined) return;
    this.#records.add(record, record.kind === 'frame' ? this.#durationOf(record.frame) : 0);
    this.#follow();
  }

  #durationOf({ track, payload }: FrameRecord): number {
    return this.#lockstep?.survey.tracks.get(track)?.decoding.duration(payload) ?? 0;
  }

  #follow(): void {
    try {
      for (let next = this.#lockstep?.next(); typeof next === 'object'; next = this.#lockstep?.next());
    } catch (error) {
      if (!(error instanceof Contradiction)) throw error;
      this.#lockstep = undefined;
    }
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
