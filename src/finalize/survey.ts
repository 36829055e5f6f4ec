/**
 * The first of the finalizer's two passes over a journal: its notes, where its lines lie, how long the recording is, how far frames
 * may be out of order. Keeps no audio.
 */
import { AppError } from '../core/errors.ts';
import type { Codec } from '../media/codec.ts';
import { codecFor } from '../media/codecs/registry.ts';
import { formatWireCodec } from '../media/wire-codec.ts';
import { type JournalEnd, type JournalFile, type JournalRecord, readJournal } from '../spool/journal-reader.ts';
import type {
  CloseRecord,
  FrameRecord,
  LineFit,
  MaskRecord,
  OpenRecord,
  TallyRecord,
  TrackRecord,
} from '../spool/journal-record.ts';
import { LineObservation } from './line-fit.ts';

export type SurveyedTrack = TrackRecord & {
  readonly codec: TrackRecord['codec'];
  readonly decoding: Codec;
  readonly line: number;
  frames: number;
};

export type JournalSurvey = {
  readonly open: OpenRecord;
  readonly tracks: readonly SurveyedTrack[];
  readonly lines: ReadonlyMap<number, LineFit>;
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

/** @throws JOURNAL_UNREADABLE, KEY_MISSING */
export const surveyJournal = ({ path, key }: JournalFile): JournalSurvey => {
  const end: JournalEnd = { bytes: 0, torn: false };
  const surveyor = new JournalSurveyor();
  for (const record of readJournal(path, end, key)) surveyor.take(record);
  const survey = surveyor.result(end);
  if (survey === undefined) throw new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${path}`);
  return survey;
};

/** Takes the records of one journal as they come. */
export class JournalSurveyor {
  readonly #tracks = new Map<number, SurveyedTrack>();
  readonly #observations = new Map<number, LineObservation>();
  readonly #extents = new Map<number, { firstUs: number; lastUs: number }>();
  readonly #masks = new Map<number, MaskRecord>();
  #open: OpenRecord | undefined;
  #tally: TallyRecord | undefined;
  #close: CloseRecord | undefined;
  #frames = 0;
  #longestUs = 0;

  /** @throws CODEC_UNSUPPORTED */
  take(record: JournalRecord): void {
    switch (record.kind) {
      case 'open':
        this.#open = record.open;
        break;
      case 'track':
        this.#tracks.set(record.track.track, { ...record.track, decoding: knownCodec(record.track), frames: 0 });
        break;
      case 'mask':
        this.#masks.set(record.mask.id, record.mask);
        break;
      case 'tally':
        this.#tally = record.tally;
        break;
      case 'close':
        this.#close = record.close;
        break;
      case 'frame':
        this.#frame(record.frame);
        break;
      default:
        record satisfies never;
    }
  }

  /** @returns undefined when there was no first record. */
  result(end: JournalEnd): JournalSurvey | undefined {
    const open = this.#open;
    const close = this.#close;
    if (open === undefined) return undefined;
    const lines = new Map<number, LineFit>();
    let horizonUs = open.extent?.horizonUs ?? 0;
    let firstUs = Number.POSITIVE_INFINITY;
    let lastUs = Number.NEGATIVE_INFINITY;
    const known = new Map([...this.#tracks.values()].map(({ line, fit }) => [line, fit]));
    for (const [id, observation] of this.#observations) {
      const fit = known.get(id) ?? observation.fit();
      lines.set(id, fit);
      const extent = this.#extents.get(id)!;
      const onCall = (mediaUs: number): number => fit.originUs + mediaUs * fit.scale;
      firstUs = Math.min(firstUs, onCall(extent.firstUs));
      lastUs = Math.max(lastUs, onCall(extent.lastUs));
      const drift = Math.abs(fit.scale - 1) * (extent.lastUs - extent.firstUs);
      horizonUs = Math.max(horizonUs, observation.maxOffsetUs - observation.minOffsetUs + 2 * drift + this.#longestUs);
    }
    const masks = [...this.#masks.values()].sort((one, other) => one.startUs - other.startUs);
    const startUs = startOf(open, masks, firstUs);
    const endUs = Math.max(
      startUs,
      close === undefined ? brokenOffAt(masks, lastUs) : endOf(close, open, lastUs, startUs),
    );
    return {
      open,
      tracks: [...this.#tracks.values()],
      lines,
      masks,
      tally: this.#tally,
      close,
      startUs,
      endUs,
      horizonUs,
      frames: this.#frames,
      ...end,
    };
  }

  #frame(frame: FrameRecord): void {
    const track = this.#tracks.get(frame.track);
    if (track === undefined) return;
    this.#frames++;
    track.frames++;
    const rate = track.codec.clockRate;
    const startUs = (frame.ticks * 1e6) / rate;
    const durationUs = (track.decoding.duration(frame.payload) * 1e6) / rate;
    if (durationUs > this.#longestUs) this.#longestUs = durationUs;
    let line = this.#observations.get(track.line);
    if (line === undefined) {
      line = new LineObservation();
      this.#observations.set(track.line, line);
      this.#extents.set(track.line, { firstUs: startUs, lastUs: startUs });
    }
    line.add(startUs + durationUs, frame.arrivalUs - startUs - durationUs);
    const extent = this.#extents.get(track.line)!;
    if (startUs < extent.firstUs) extent.firstUs = startUs;
    if (startUs + durationUs > extent.lastUs) extent.lastUs = startUs + durationUs;
  }
}

/** Position 0: where the first frame is, unless it is known, or the recording began masked and has no earlier frame to begin with. */
const startOf = (open: OpenRecord, masks: readonly MaskRecord[], firstUs: number): number => {
  if (open.extent !== undefined) return open.extent.startUs;
  const beganMasked = masks.some(
    ({ startUs, endUs }) => startUs <= open.startUs && (endUs === null || endUs > open.startUs),
  );
  const followsFrame =
    open.startsWith === 'first-frame' && !beganMasked && Math.abs(firstUs - open.startUs) <= START_SLACK_US;
  return followsFrame ? firstUs : open.startUs;
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

const knownCodec = (track: TrackRecord): Codec => {
  const codec = codecFor(track.codec);
  if (codec !== undefined) return codec;
  throw new AppError('CODEC_UNSUPPORTED', `no decoder for ${formatWireCodec(track.codec)}`);
};
