/** The decoders of a journal's tracks, each made when it is first needed. What this program doesn't decode itself goes through ffmpeg, a track as a whole. */
import type { FrameDecoder } from '../media/codec.ts';
import type { JournalFile } from '../spool/journal-reader.ts';
import { decodeWithFfmpeg } from './foreign-decoder.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

/** A sender may begin a track every moment: of more than so many, those go of which no frame is left, as far as is known. */
const MOST_DECODERS = 32;

export class Decoders {
  readonly byTrack = new Map<SurveyedTrack, FrameDecoder>();
  /** Samples of a track that ffmpeg did not give back. */
  readonly missingSamples = new Map<SurveyedTrack, number>();
  readonly #journal: JournalFile;
  readonly #directory: string;

  /** @param directory where decoded PCM of ffmpeg's codecs waits; it holds nothing that the journal does not. */
  constructor(journal: JournalFile, directory: string) {
    this.#journal = journal;
    this.#directory = directory;
  }

  /**
   * Makes a track's.
   * @param survey all of the journal; a codec that is decoded here needs none
   * @throws AppError CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED
   */
  async add(track: SurveyedTrack, survey: JournalSurvey | undefined): Promise<void> {
    if (this.byTrack.size >= MOST_DECODERS) this.#forgetIdle();
    const native = await track.decoding.createDecoder?.();
    if (native !== undefined) this.byTrack.set(track, native);
    else if (survey !== undefined) {
      const foreign = await decodeWithFfmpeg(this.#journal, survey, track, this.#directory);
      this.byTrack.set(track, foreign.decoder);
      this.missingSamples.set(track, foreign.missingSamples);
    }
  }

  /** One that is needed again is made again. */
  #forgetIdle(): void {
    for (const [track, decoder] of this.byTrack) {
      if (track.placed < track.frames) continue;
      decoder.close();
      this.byTrack.delete(track);
    }
  }

  /** Idempotent. */
  close(): void {
    for (const decoder of this.byTrack.values()) decoder.close();
    this.byTrack.clear();
  }
}
