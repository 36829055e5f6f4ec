/**
 * A track in a codec that only ffmpeg decodes: the whole track goes through it once, in order, and its PCM is then read a frame at a
 * time as the frames are placed. The PCM waits in a file that is sealed under a key of its own, kept in memory alone, and removed on close.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Codec, FrameDecoder } from '../media/codec.ts';
import type { JournalFile } from '../spool/journal-reader.ts';
import { newSealKey, type SealKey } from '../spool/seal/seal-key.ts';
import { SealedReader } from '../spool/seal/sealed-reader.ts';
import { decodeForeign } from './ffmpeg/decode-foreign.ts';
import { orderedPayloads } from './ordered-payloads.ts';
import { pcmPath } from './part-files.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

/** `missingSamples`: what ffmpeg should have given and did not. @throws AppError CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED, OUTPUT_UNWRITABLE */
export const decodeWithFfmpeg = async (
  journal: JournalFile,
  survey: JournalSurvey,
  track: SurveyedTrack,
  directory: string,
): Promise<{ decoder: FrameDecoder; missingSamples: number }> => {
  const path = pcmPath(directory, survey.open.id, track.track);
  const key = newSealKey(randomBytes);
  const frames = orderedPayloads(journal, survey, track);
  const { missing } = await decodeForeign({ codec: track.codec, frames, path, key });
  return { decoder: new DecodedTrack(path, key, track.decoding), missingSamples: missing };
};

/** Reads PCM where a decoder would make it: frame by frame, in the order in which ffmpeg was given them. */
class DecodedTrack implements FrameDecoder {
  readonly #path: string;
  readonly #codec: Codec;
  readonly #file: SealedReader;
  #bytes = Buffer.alloc(0);

  constructor(path: string, key: SealKey, codec: Codec) {
    this.#path = path;
    this.#codec = codec;
    this.#file = new SealedReader(path, key, 'pcm');
  }

  decode(payload: Uint8Array, out: Int16Array): number {
    const samples = Math.round((this.#codec.duration(payload) * this.#codec.sampleRate) / this.#codec.wire.clockRate);
    if (this.#bytes.length < 2 * samples) this.#bytes = Buffer.alloc(2 * samples);
    const read = this.#file.read(this.#bytes.subarray(0, 2 * samples)) >> 1;
    const count = Math.min(read, out.length);
    for (let n = 0; n < count; n++) out[n] = this.#bytes.readInt16LE(2 * n);
    return count;
  }

  reset(): void {}

  close(): void {
    this.#file.close();
    rmSync(this.#path, { force: true });
  }
}
