/**
 * One recording in the making: takes the frames that its call lets through and the call's masks, and writes them to its journal.
 * It decides nothing about masks: what reaches `frame` may be kept. No clock: every instant is an argument, in µs.
 */
import type { AppError } from '../core/errors.ts';
import { LEGS, type Leg } from '../core/leg.ts';
import { type RecordCallFields, TIME_LIMIT_SECONDS } from '../core/record-call.ts';
import type { Line } from '../media/timeline.ts';
import type { Journal } from '../spool/journal.ts';
import {
  type CloseRecord,
  emptyTally,
  type LegTally,
  type LinePiece,
  type MaskRecord,
  type OpenRecord,
  type TallyRecord,
} from '../spool/journal-record.ts';
import type { TrackSource } from './track-source.ts';

/** Frames redacted this close together are one key. */
const SAME_TONE_US = 25_000;
const MOST_REDACTIONS = 1000;
/** Track numbers are 16 bits in the journal. */
const MOST_TRACKS = 65_536;

/** `draining`: its end is known; frames from before it may still be on their way. */
export type RecorderState = 'recording' | 'draining' | 'closed';

type LatestTrack = { source: TrackSource | undefined; line: number; track: number };

export class Recorder {
  readonly head: OpenRecord;
  readonly fields: RecordCallFields;
  /** Who started it, to tell a repeated start from another recording. */
  readonly startedBy: string;
  state: RecorderState = 'recording';
  /** Exclusive end, µs; infinite while it runs. */
  endUs = Number.POSITIVE_INFINITY;
  /** What ends by then is before it; a recording that began with the call's first frame has no before. */
  readonly #sinceUs: number;
  readonly #journal: Journal;
  /** Lines whose place is known beforehand. */
  readonly #paths: ReadonlyMap<number, readonly LinePiece[]> | undefined;
  /** Of each leg, the one that was written last. */
  readonly #latestA: LatestTrack = { source: undefined, line: -1, track: 0 };
  readonly #latestB: LatestTrack = { source: undefined, line: -1, track: 0 };
  readonly #lines = new Map<TrackSource, Map<number, number>>();
  #trackCount = 0;
  readonly #withheld = new Map<number, Record<Leg, number>>();
  readonly #redacted: { leg: Leg; startUs: number; endUs: number }[] = [];
  readonly #redactedFrames: Record<Leg, number> = { a: 0, b: 0 };
  readonly #untracked: Record<Leg, number> = { a: 0, b: 0 };
  #withheldUntilUs = 0;
  /** As far as `maskGoesOn` has noted it. */
  #heldUntilUs = 0;
  #reason: CloseRecord['reason'] = 'hangup';
  #endsWith: CloseRecord['endsWith'] = 'last-frame';
  /** Frames written; the recording holds nothing while this is 0 and nothing was withheld. */
  frames = 0;

  constructor(
    journal: Journal,
    head: OpenRecord,
    fields: RecordCallFields,
    startedBy: string,
    paths?: ReadonlyMap<number, readonly LinePiece[]>,
  ) {
    this.head = head;
    this.#sinceUs = head.startsWith === 'first-frame' ? Number.NEGATIVE_INFINITY : head.startUs;
    this.fields = fields;
    this.startedBy = startedBy;
    this.#journal = journal;
    this.#paths = paths;
  }

  get path(): string {
    return this.#journal.path;
  }

  get failure(): AppError | undefined {
    return this.#journal.failure;
  }

  get pendingBytes(): number {
    return this.#journal.pendingBytes;
  }

  /** When `time_limit` ends it, on the call's clock, masked time included. */
  get limitUs(): number {
    return this.head.startUs + (this.fields.time_limit ?? TIME_LIMIT_SECONDS) * 1e6;
  }

  /** Whether `[startUs, endUs)` has any part in this recording. */
  covers(startUs: number, endUs: number): boolean {
    return this.state !== 'closed' && startUs < this.endUs && endUs > this.#sinceUs;
  }

  /** Writes a frame. @param ticks its extended timestamp on `line`. */
  frame(
    source: TrackSource,
    line: Line,
    arrivalUs: number,
    ticks: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const latest = source.leg === 'a' ? this.#latestA : this.#latestB;
    const isLatest = latest.source === source && latest.line === line.id;
    const track = isLatest ? latest.track : this.#track(source, line, latest);
    if (track === undefined) {
      this.#untracked[source.leg]++;
      return;
    }
    this.#journal.frame(track, arrivalUs, ticks, bytes, start, end);
    this.frames++;
  }

  /** Counts a frame that a mask withheld. */
  withheld(leg: Leg, mask: number, endUs: number): void {
    let counts = this.#withheld.get(mask);
    if (counts === undefined) {
      counts = { a: 0, b: 0 };
      this.#withheld.set(mask, counts);
    }
    counts[leg]++;
    if (endUs > this.#withheldUntilUs) this.#withheldUntilUs = endUs;
  }

  /** Counts a frame that was withheld for a key tone in it, and notes its span. */
  redacted(leg: Leg, startUs: number, endUs: number): void {
    this.#redactedFrames[leg]++;
    if (endUs > this.#withheldUntilUs) this.#withheldUntilUs = endUs;
    const last = this.#redacted.findLast((span) => span.leg === leg);
    if (last !== undefined && startUs - last.endUs < SAME_TONE_US) last.endUs = Math.max(last.endUs, endUs);
    else if (this.#redacted.length < MOST_REDACTIONS) this.#redacted.push({ leg, startUs, endUs });
  }

  mask(record: MaskRecord): void {
    this.#journal.note('mask', record);
  }

  /** Notes how far an open mask has come, should the recorder die: what is withheld leaves no other trace of its length. */
  maskGoesOn(open: MaskRecord): void {
    if (this.#withheldUntilUs <= this.#heldUntilUs) return;
    this.#heldUntilUs = this.#withheldUntilUs;
    this.mask({ ...open, heldUntilUs: this.#heldUntilUs });
  }

  /** Says where it ends; frames that were captured before may still come. The first end stands. */
  stop(endUs: number, endsWith: CloseRecord['endsWith'], reason: CloseRecord['reason']): void {
    if (this.state !== 'recording') return;
    this.state = 'draining';
    this.endUs = endUs;
    this.#endsWith = endsWith;
    this.#reason = reason;
  }

  flush(): void {
    this.#journal.flush();
  }

  async sync(): Promise<void> {
    await this.#journal.sync();
  }

  async drained(): Promise<void> {
    await this.#journal.drained();
  }

  /**
   * Writes the counts and the end, and closes the journal durably.
   * @param legs packets of each leg during the recording, as the call counted them.
   */
  async close(legs: Readonly<Record<Leg, LegTally>>): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closed';
    const withheld: TallyRecord['withheld'] = [...this.#withheld].map(([mask, counts]) => ({ mask, ...counts }));
    const tally: Record<Leg, LegTally> = { a: { ...emptyTally(), ...legs.a }, b: { ...emptyTally(), ...legs.b } };
    for (const counts of this.#withheld.values()) {
      tally.a.withheld += counts.a;
      tally.b.withheld += counts.b;
    }
    for (const leg of LEGS) {
      tally[leg].redacted = this.#redactedFrames[leg];
      tally[leg].unusable += this.#untracked[leg];
    }
    this.#journal.note('tally', { legs: tally, withheld, redacted: this.#redacted });
    this.#journal.note('close', {
      endUs: this.endUs,
      endsWith: this.#endsWith,
      reason: this.#reason,
      withheldUntilUs: Math.min(this.#withheldUntilUs, this.endUs),
    });
    await this.#journal.close();
  }

  /** @returns undefined when there are more runs than a journal can number: a sender that begins anew with every packet. */
  #track(source: TrackSource, line: Line, latest: LatestTrack): number | undefined {
    let lines = this.#lines.get(source);
    if (lines === undefined) {
      lines = new Map();
      this.#lines.set(source, lines);
    }
    let track = lines.get(line.id);
    if (track === undefined) {
      if (this.#trackCount === MOST_TRACKS) return undefined;
      track = this.#trackCount++;
      lines.set(line.id, track);
      const path = this.#paths?.get(line.id);
      this.#journal.note('track', {
        track,
        line: line.id,
        trusted: line.trusted,
        leg: source.leg,
        ssrc: source.ssrc,
        codec: source.codec.wire,
        ...(path === undefined ? {} : { path }),
      });
    }
    latest.source = source;
    latest.line = line.id;
    latest.track = track;
    return track;
  }
}
