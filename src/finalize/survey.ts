/**
 * The first of the finalizer's two passes over a journal: its notes, where its lines lie, how long the recording is, how far frames
 * may be out of order. Keeps no audio.
 */
import { AppError } from '../core/errors.ts';
import type { Codec } from '../media/codec.ts';
import { codecFor } from '../media/codecs/registry.ts';
import { formatWireCodec } from '../media/wire-codec.ts';
import { type JournalEnd, readJournal } from '../spool/journal-reader.ts';
import type { CloseRecord, MaskRecord, OpenRecord, TallyRecord, TrackRecord } from '../spool/journal-record.ts';
import { type LineFit, LineObservation } from './line-fit.ts';

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

/** @throws JOURNAL_UNREADABLE */
export const surveyJournal = (path: string): JournalSurvey => {
  const end: JournalEnd = { bytes: 0, torn: false };
  const tracks = new Map<number, SurveyedTrack>();
  const observations = new Map<number, LineObservation>();
  const extents = new Map<number, { firstUs: number; lastUs: number }>();
  const masks = new Map<number, MaskRecord>();
  let open: OpenRecord | undefined;
  let tally: TallyRecord | undefined;
  let close: CloseRecord | undefined;
  let frames = 0;
  let longestUs = 0;
  for (const record of readJournal(path, end)) {
    switch (record.kind) {
      case 'open':
        open = record.open;
        break;
      case 'track':
        tracks.set(record.track.track, { ...record.track, decoding: knownCodec(record.track), frames: 0 });
        break;
      case 'mask':
        masks.set(record.mask.id, record.mask);
        break;
      case 'tally':
        tally = record.tally;
        break;
      case 'close':
        close = record.close;
        break;
      case 'frame': {
        const { frame } = record;
        const track = tracks.get(frame.track);
        if (track === undefined) break;
        frames++;
        track.frames++;
        const rate = track.codec.clockRate;
        const startUs = (frame.ticks * 1e6) / rate;
        const durationUs = (track.decoding.duration(frame.payload) * 1e6) / rate;
        if (durationUs > longestUs) longestUs = durationUs;
        let line = observations.get(track.line);
        if (line === undefined) {
          line = new LineObservation();
          observations.set(track.line, line);
          extents.set(track.line, { firstUs: startUs, lastUs: startUs });
        }
        line.add(startUs + durationUs, frame.arrivalUs - startUs - durationUs);
        const extent = extents.get(track.line)!;
        if (startUs < extent.firstUs) extent.firstUs = startUs;
        if (startUs + durationUs > extent.lastUs) extent.lastUs = startUs + durationUs;
        break;
      }
      default:
        record satisfies never;
    }
  }
  if (open === undefined) throw new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${path}`);

  const lines = new Map<number, LineFit>();
  let horizonUs = 0;
  let firstUs = Number.POSITIVE_INFINITY;
  let lastUs = Number.NEGATIVE_INFINITY;
  for (const [id, observation] of observations) {
    const fit = observation.fit();
    lines.set(id, fit);
    const extent = extents.get(id)!;
    const onCall = (mediaUs: number): number => fit.originUs + mediaUs * fit.scale;
    firstUs = Math.min(firstUs, onCall(extent.firstUs));
    lastUs = Math.max(lastUs, onCall(extent.lastUs));
    const drift = Math.abs(fit.scale - 1) * (extent.lastUs - extent.firstUs);
    horizonUs = Math.max(horizonUs, observation.maxOffsetUs - observation.minOffsetUs + 2 * drift + longestUs);
  }

  // Masks by position count from the start as it was known then, and one that began masked has no earlier frame to begin with.
  const startUs0 = open.startUs;
  const isFixed = [...masks.values()].some(
    ({ startUs, endUs, trigger }) =>
      trigger.by === 'position' || (startUs <= startUs0 && (endUs === null || endUs > startUs0)),
  );
  const followsFrame = open.startsWith === 'first-frame' && !isFixed && Math.abs(firstUs - startUs0) <= START_SLACK_US;
  const startUs = followsFrame ? firstUs : open.startUs;
  return {
    open,
    tracks: [...tracks.values()],
    lines,
    masks: [...masks.values()].sort((one, other) => one.startUs - other.startUs),
    tally,
    close,
    startUs,
    endUs: Math.max(startUs, endOf(close, lastUs, startUs)),
    horizonUs,
    frames,
    bytes: end.bytes,
    torn: end.torn,
  };
};

const endOf = (close: CloseRecord | undefined, lastFrameUs: number, startUs: number): number => {
  if (close === undefined) return Number.isFinite(lastFrameUs) ? lastFrameUs : startUs;
  if (close.endsWith === 'command') return close.endUs;
  return Math.max(Number.isFinite(lastFrameUs) ? lastFrameUs : startUs, close.withheldUntilUs);
};

const knownCodec = (track: TrackRecord): Codec => {
  const codec = codecFor(track.codec);
  if (codec !== undefined) return codec;
  throw new AppError('CODEC_UNSUPPORTED', `no decoder for ${formatWireCodec(track.codec)}`);
};
