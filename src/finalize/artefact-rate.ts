/** The rate of an artefact. */
import { MP3_RATES } from '../core/record-call.ts';
import type { OpenRecord } from '../spool/journal-record.ts';
import type { SurveyedTrack } from './survey.ts';

const NO_FRAMES_RATE = 8000;

/** Hz: what was asked for, else the higher of the legs' own, as the format can have it. */
export const artefactRate = (open: OpenRecord, tracks: Iterable<SurveyedTrack>): number => {
  if (open.sampleRate !== null) return open.sampleRate;
  let highest = 0;
  for (const { frames, decoding } of tracks) if (frames > 0) highest = Math.max(highest, decoding.sampleRate);
  const rate = Math.min(48_000, Math.max(8000, highest === 0 ? NO_FRAMES_RATE : highest));
  return open.format === 'wav' ? rate : MP3_RATES.find((allowed) => allowed >= rate)!;
};
