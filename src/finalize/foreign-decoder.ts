/**
 * A track in a codec that only ffmpeg decodes: the whole track goes through it once, in order, and its PCM is then read a frame at a
 * time as the frames are placed. The PCM waits in a file of ours that holds nothing the journal does not, and is removed on close.
 */
import { closeSync, openSync, readSync, rmSync } from 'node:fs';
import type { Codec, FrameDecoder } from '../media/codec.ts';
import { decodeForeign } from './ffmpeg/decode-foreign.ts';
import { orderedFrames } from './ordered-frames.ts';
import { pcmPath } from './part-files.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

/** `missingSamples`: what ffmpeg should have given and did not. @throws AppError CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED, OUTPUT_UNWRITABLE */
export const decodeWithFfmpeg = async (
  journalPath: string,
  survey: JournalSurvey,
  track: SurveyedTrack,
  directory: string,
): Promise<{ decoder: FrameDecoder; missingSamples: number }> => {
  const path = pcmPath(directory, survey.open.id, track.track);
  const { missing } = await decodeForeign({ codec: track.codec, frames: payloads(journalPath, survey, track), path });
  return { decoder: new DecodedTrack(path, track.decoding), missingSamples: missing };
};

function* payloads(journalPath: string, survey: JournalSurvey, wanted: SurveyedTrack): Generator<Uint8Array> {
  for (const { payload } of orderedFrames(journalPath, survey, (track) => track === wanted)) yield payload;
}

/** Reads PCM where a decoder would make it: frame by frame, in the order in which ffmpeg was given them. */
class DecodedTrack implements FrameDecoder {
  readonly #path: string;
  readonly #codec: Codec;
  readonly #file: number;
  #bytes = Buffer.alloc(0);

  constructor(path: string, codec: Codec) {
    this.#path = path;
    this.#codec = codec;
    this.#file = openSync(path, 'r');
  }

  decode(payload: Uint8Array, out: Int16Array): number {
    const samples = Math.round((this.#codec.duration(payload) * this.#codec.sampleRate) / this.#codec.wire.clockRate);
    if (this.#bytes.length < 2 * samples) this.#bytes = Buffer.alloc(2 * samples);
    const read = readSync(this.#file, this.#bytes, 0, 2 * samples, null) >> 1;
    const count = Math.min(read, out.length);
    for (let n = 0; n < count; n++) out[n] = this.#bytes.readInt16LE(2 * n);
    return count;
  }

  reset(): void {}

  close(): void {
    closeSync(this.#file);
    rmSync(this.#path, { force: true });
  }
}
