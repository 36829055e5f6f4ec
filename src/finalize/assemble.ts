/**
 * The second pass: frames in order, decoded, both legs on one clock, in blocks of PCM at the artefact's rate. Masks are not applied
 * here, because nothing masked is in a journal; the renderer makes the reported spans exact.
 */
import type { Leg } from '../core/leg.ts';
import { MP3_RATES } from '../core/record-call.ts';
import type { FilterBank } from '../kernel/filter-bank.ts';
import type { FrameDecoder } from '../media/codec.ts';
import type { JournalFile } from '../spool/journal-reader.ts';
import { LegTrack } from './leg-track.ts';
import { orderedFrames } from './ordered-frames.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

const BLOCK_SECONDS = 0.5;
/** Sound up to this long before the frame in hand may still change: resamplers' tails, runs that overlap. */
const SETTLING_SECONDS = 1;
/** A leg that sends nothing for so long has a gap worth telling. */
const GAP_US = 60_000;
const MOST_GAPS = 1000;
const NO_FRAMES_RATE = 8000;

export type Block = { readonly a: Int16Array; readonly b: Int16Array; count: number; position: number };

/** A leg's silence, by position in the recording: loss, discontinuous transmission, or a mask's. */
export type Gap = { readonly leg: Leg; readonly startUs: number; readonly endUs: number };

export type Gaps = { readonly list: Gap[]; omitted: number };

/** The rate of the artefact, Hz: what was asked for, else the higher of the legs' own, as the format can have it. */
export const artefactRate = ({ open, tracks }: JournalSurvey): number => {
  if (open.sampleRate !== null) return open.sampleRate;
  const highest = Math.max(0, ...tracks.filter((track) => track.frames > 0).map((track) => track.decoding.sampleRate));
  const rate = Math.min(48_000, Math.max(8000, highest === 0 ? NO_FRAMES_RATE : highest));
  return open.format === 'wav' ? rate : MP3_RATES.find((allowed) => allowed >= rate)!;
};

/**
 * Yields the recording from position 0 to `totalSamples`. The block is used again.
 * @param decoders by track; every track with frames has one.
 * @param gaps filled in on the way.
 */
export function* assemble(
  journal: JournalFile,
  survey: JournalSurvey,
  options: {
    sampleRate: number;
    totalSamples: number;
    decoders: ReadonlyMap<SurveyedTrack, FrameDecoder>;
    gaps: Gaps;
    onRead?: (frames: number) => void;
  },
): Generator<Block> {
  const { sampleRate, totalSamples, decoders, gaps } = options;
  const banks = new Map<number, FilterBank>();
  const legs: Record<Leg, LegTrack> = {
    a: new LegTrack(sampleRate, survey.startUs, banks),
    b: new LegTrack(sampleRate, survey.startUs, banks),
  };
  const blockSamples = Math.round(BLOCK_SECONDS * sampleRate);
  const block: Block = { a: new Int16Array(blockSamples), b: new Int16Array(blockSamples), count: 0, position: 0 };
  const heard: Record<Leg, number> = { a: survey.startUs, b: survey.startUs };
  let position = 0;

  const take = (count: number): Block => {
    legs.a.buffer.take(block.a, count);
    legs.b.buffer.take(block.b, count);
    block.count = count;
    block.position = position;
    position += count;
    return block;
  };
  const hear = (leg: Leg, startUs: number, endUs: number): void => {
    if (startUs - heard[leg] >= GAP_US) {
      if (gaps.list.length < MOST_GAPS) gaps.list.push({ leg, startUs: heard[leg], endUs: startUs });
      else gaps.omitted++;
    }
    if (endUs > heard[leg]) heard[leg] = endUs;
  };

  for (const { track, fit, startUs, ticks, payload } of orderedFrames(journal, survey, undefined, options.onRead)) {
    const decoder = decoders.get(track);
    if (decoder === undefined) continue;
    const durationUs = (track.decoding.duration(payload) * 1e6) / track.codec.clockRate;
    hear(track.leg, startUs, Math.min(startUs + durationUs, survey.endUs));
    const settled = Math.round(((startUs - survey.startUs) * sampleRate) / 1e6 - SETTLING_SECONDS * sampleRate);
    while (position + blockSamples <= Math.min(settled, totalSamples)) {
      // Every frame that begins before the one in hand has come: a run that ends well before it is over.
      legs.a.finishBefore(settled + blockSamples);
      legs.b.finishBefore(settled + blockSamples);
      yield take(blockSamples);
    }
    legs[track.leg].frame(track, decoder, fit, startUs, ticks, payload);
  }
  for (const leg of ['a', 'b'] as const) {
    legs[leg].finishBefore(Number.POSITIVE_INFINITY);
    hear(leg, survey.endUs, survey.endUs);
  }
  while (position < totalSamples) yield take(Math.min(blockSamples, totalSamples - position));
}
