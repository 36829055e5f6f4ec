/**
 * What a journal has told so far: its notes, where its lines lie, how long the recording is, how far frames may be out of order. Keeps
 * no audio. The finalizer reads ahead with it; what it decides by it holds only for what it has asked to be settled.
 */
import { AppError } from '../core/errors.ts';
import { type JournalEnd, type JournalFile, type JournalRecord, readJournal } from '../spool/journal-reader.ts';
import type { CloseRecord, FrameRecord, MaskRecord, OpenRecord, TallyRecord } from '../spool/journal-record.ts';
import { LineObservation } from './line-fit.ts';
import { LinePath } from './line-path.ts';
import { LineSteering } from './line-steering.ts';
import { SurveyedTrack } from './surveyed-track.ts';

export type { SurveyedTrack } from './surveyed-track.ts';

/** A line with frames. Media time in µs. */
export type SurveyedLine = {
  readonly observation: LineObservation;
  /** When its first frame came. */
  readonly firstArrivalUs: number;
  /** Where its frames begin and end. */
  firstUs: number;
  lastUs: number;
  /** End of what has been placed. */
  placedUs: number;
  /** Where it lies, once that is settled; without steering it stays there. */
  path: LinePath | undefined;
  steering: LineSteering | undefined;
};

export type JournalSurvey = {
  readonly open: OpenRecord;
  readonly tracks: readonly SurveyedTrack[];
  readonly lines: ReadonlyMap<number, SurveyedLine>;
  /** In the order they began; `endUs` null: open to the end. */
  readonly masks: readonly MaskRecord[];
  readonly tally: TallyRecord | undefined;
  readonly close: CloseRecord | undefined;
  /** Position 0 and the exclusive end, µs on the call's clock. */
  readonly startUs: number;
  readonly endUs: number;
  /** No frame is read more than this after the instant its audio begins. */
  readonly horizonUs: number;
  readonly frames: number;
  readonly bytes: number;
  /** The journal's tail was torn: the recorder died. */
  readonly torn: boolean;
};

/** A start that follows the first frame does so at most this far: what was said first may have come late. */
const START_SLACK_US = 500_000;
/** A mask that was put on the moment before the recorder died is told as this much. */
const LEAST_MASK_US = 1000;

/** A path is steered by so much at most between a frame's survey and its place. */
const STEERED_US = 60_000;

/** All of a journal that nobody writes to any more. @throws JOURNAL_UNREADABLE, KEY_MISSING */
export const surveyJournal = ({ path, key }: JournalFile): JournalSurvey => {
  const end: JournalEnd = { bytes: 0, torn: false };
  const surveyor = new JournalSurveyor();
  for (const record of readJournal(path, end, key)) surveyor.take(record);
  return surveyor.result(end);
};

/** Takes the records of one journal as they come. */
export class JournalSurveyor {
  /** The latest instant that a record tells of: arrivals, masks that go on. */
  clockUs = Number.NEGATIVE_INFINITY;
  frames = 0;
  /** The longest frame. */
  longestUs = 0;
  close: CloseRecord | undefined;
  readonly tracks = new Map<number, SurveyedTrack>();
  readonly lines = new Map<number, SurveyedLine>();
  readonly #viewUs: number;
  readonly #masks = new Map<number, MaskRecord>();
  #open: OpenRecord | undefined;
  #tally: TallyRecord | undefined;
  #horizonUs = 0;
  /** Where the first frame of a settled line lies on the call's clock. */
  #firstUs = Number.POSITIVE_INFINITY;

  /** @param viewUs how much of a line is kept in view; what is settled is steered by it. Infinite: a line is settled once, with all of it in view. */
  constructor(viewUs = Number.POSITIVE_INFINITY) {
    this.#viewUs = viewUs;
  }

  /** @throws CODEC_UNSUPPORTED */
  take(record: JournalRecord): void {
    switch (record.kind) {
      case 'open':
        this.#open = record.open;
        this.#horizonUs = record.open.extent?.horizonUs ?? 0;
        break;
      case 'track':
        this.tracks.set(record.track.track, new SurveyedTrack(record.track));
        break;
      case 'mask':
        this.#masks.set(record.mask.id, record.mask);
        this.clockUs = Math.max(this.clockUs, record.mask.heldUntilUs ?? Number.NEGATIVE_INFINITY);
        break;
      case 'tally':
        this.#tally = record.tally;
        break;
      case 'close':
        this.close = record.close;
        break;
      case 'frame':
        this.#frame(record.frame);
        break;
      default:
        record satisfies never;
    }
  }

  /** The first record. */
  get open(): OpenRecord {
    if (this.#open === undefined) throw new AppError('JOURNAL_UNREADABLE', 'the journal has no first record');
    return this.#open;
  }

  /** In the order they began. */
  get masks(): MaskRecord[] {
    return [...this.#masks.values()].sort((one, other) => one.startUs - other.startUs);
  }

  /** No frame that has come or is to come soon, going by those that have, is more than this after the instant its audio begins. */
  get horizonUs(): number {
    return this.#horizonUs + this.longestUs;
  }

  /** Says where a line lies, by what was seen of it. Idempotent. */
  settle(line: SurveyedLine): LinePath {
    if (line.path !== undefined) return line.path;
    const { observation, firstUs, lastUs } = line;
    line.steering = new LineSteering(observation);
    line.path = line.steering.path;
    this.#firstUs = Math.min(this.#firstUs, line.path.onCall(firstUs));
    const drift = Math.abs(line.path.last.scale - 1) * (lastUs - firstUs);
    this.#late(observation.maxOffsetUs - observation.minOffsetUs + 2 * drift);
    return line.path;
  }

  /** Position 0, by the lines that are settled. */
  get startUs(): number {
    return startOf(this.open, this.#masks.values(), this.#firstUs);
  }

  /** All that was found, every line settled. */
  result(end: JournalEnd): JournalSurvey {
    const { open, close, masks } = this;
    let lastUs = Number.NEGATIVE_INFINITY;
    for (const line of this.lines.values()) lastUs = Math.max(lastUs, this.settle(line).onCall(line.lastUs));
    const { startUs } = this;
    const endUs = close === undefined ? brokenOffAt(masks, lastUs) : endOf(close, open, lastUs, startUs);
    return {
      open,
      tracks: [...this.tracks.values()],
      lines: this.lines,
      masks,
      tally: this.#tally,
      close,
      startUs,
      endUs: Math.max(startUs, endUs),
      horizonUs: this.horizonUs,
      frames: this.frames,
      ...end,
    };
  }

  #frame(frame: FrameRecord): void {
    const { track: number, arrivalUs, ticks } = frame;
    const track = this.tracks.get(number);
    if (track === undefined) return;
    this.frames++;
    track.frames++;
    if (arrivalUs > this.clockUs) this.clockUs = arrivalUs;
    const rate = track.codec.clockRate;
    const startUs = (ticks * 1e6) / rate;
    const durationUs = (track.ticks.of(frame) * 1e6) / rate;
    const endUs = startUs + durationUs;
    if (durationUs > this.longestUs) this.longestUs = durationUs;
    const line = this.lines.get(track.line) ?? this.#newLine(track, arrivalUs);
    line.observation.add(endUs, arrivalUs - startUs - durationUs);
    if (startUs < line.firstUs) line.firstUs = startUs;
    if (endUs > line.lastUs) line.lastUs = endUs;
    if (line.path === undefined) return;
    if (line.firstUs === startUs) this.#firstUs = Math.min(this.#firstUs, line.path.onCall(startUs));
    this.#late(arrivalUs - line.path.onCall(endUs) + STEERED_US);
    if (this.#viewUs < Number.POSITIVE_INFINITY) line.steering?.look(line.lastUs, line.placedUs);
  }

  #newLine(track: SurveyedTrack, firstArrivalUs: number): SurveyedLine {
    const line: SurveyedLine = {
      observation: new LineObservation(this.#viewUs),
      firstArrivalUs,
      firstUs: Number.POSITIVE_INFINITY,
      lastUs: Number.NEGATIVE_INFINITY,
      placedUs: Number.NEGATIVE_INFINITY,
      path: track.path && new LinePath(track.path),
      steering: undefined,
    };
    this.lines.set(track.line, line);
    return line;
  }

  #late(us: number): void {
    if (us > this.#horizonUs) this.#horizonUs = us;
  }
}

/** Position 0: where the first frame is, unless it is known, or the recording began masked and has no earlier frame to begin with. */
const startOf = (open: OpenRecord, masks: Iterable<MaskRecord>, firstUs: number): number => {
  if (open.extent !== undefined) return open.extent.startUs;
  if (open.startsWith !== 'first-frame' || Math.abs(firstUs - open.startUs) > START_SLACK_US) return open.startUs;
  for (const { startUs, endUs } of masks) {
    const beganMasked = startUs <= open.startUs && (endUs === null || endUs > open.startUs);
    if (beganMasked) return open.startUs;
  }
  return firstUs;
};

const endOf = (close: CloseRecord, open: OpenRecord, lastFrameUs: number, startUs: number): number => {
  if (open.extent !== undefined) return open.extent.endUs;
  if (close.endsWith === 'command') return close.endUs;
  return Math.max(Number.isFinite(lastFrameUs) ? lastFrameUs : startUs, close.withheldUntilUs);
};

/** Where the recorder died, as far as the journal knows: behind the last frame, or in a mask that was open then. */
const brokenOffAt = (masks: readonly MaskRecord[], lastFrameUs: number): number =>
  masks.reduce(
    (lastUs, { endUs, effectiveAtUs, heldUntilUs = 0 }) =>
      endUs === null ? Math.max(lastUs, heldUntilUs, effectiveAtUs + LEAST_MASK_US) : lastUs,
    lastFrameUs,
  );
