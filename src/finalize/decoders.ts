/** The decoders of a journal's tracks. What this program doesn't decode itself goes through ffmpeg first, a track at a time. */
import type { FrameDecoder } from '../media/codec.ts';
import type { JournalFile } from '../spool/journal-reader.ts';
import { decodeWithFfmpeg } from './foreign-decoder.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

export type Decoders = {
  readonly byTrack: ReadonlyMap<SurveyedTrack, FrameDecoder>;
  /** Samples of a track that ffmpeg did not give back. */
  readonly missingSamples: ReadonlyMap<SurveyedTrack, number>;
  close(): Promise<void>;
};

/**
 * @param directory where decoded PCM of ffmpeg's codecs waits; it holds nothing that the journal does not.
 * @throws AppError CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED
 */
export const makeDecoders = async (
  journal: JournalFile,
  survey: JournalSurvey,
  directory: string,
): Promise<Decoders> => {
  const byTrack = new Map<SurveyedTrack, FrameDecoder>();
  const missingSamples = new Map<SurveyedTrack, number>();
  const close = async (): Promise<void> => {
    for (const decoder of byTrack.values()) decoder.close();
  };
  try {
    for (const track of survey.tracks) {
      if (track.frames === 0) continue;
      const native = await track.decoding.createDecoder?.();
      if (native !== undefined) {
        byTrack.set(track, native);
        continue;
      }
      const foreign = await decodeWithFfmpeg(journal, survey, track, directory);
      byTrack.set(track, foreign.decoder);
      missingSamples.set(track, foreign.missingSamples);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { byTrack, missingSamples, close };
};
