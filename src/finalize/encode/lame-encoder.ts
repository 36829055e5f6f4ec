/**
 * mp3 by LAME, here or in JavaScript (`mp3-coder.ts`). Its frames alone play 1105 samples late (138 ms at 8 kHz) and too long; this adds
 * the Info tag that makes decoders return exactly what was written.
 */
import { AppError } from '../../core/errors.ts';
import { kernel } from '../../kernel/kernel.ts';
import type { AudioEncoder, EncodedFile, EncoderOptions } from './audio-encoder.ts';
import { ENCODER_DELAY, LEAD_IN, paddingAfter, silenceAfter } from './gapless.ts';
import { infoFrame, type Mp3Format } from './info-tag.ts';
import { LEVEL, type MakeMp3Coder, type Mp3Coder, portableMp3Coder } from './mp3-coder.ts';
import { mp3FrameSamples, mp3VersionOf } from './mp3-frame.ts';
import { Mp3Tally } from './mp3-tally.ts';
import { OutputFile } from './output-file.ts';
import { voiceBitrate } from './voice-bitrate.ts';

/** lamejs keeps one buffer as long as the longest piece it was given. */
const PIECE_SAMPLES = 2304;

export class LameEncoder implements AudioEncoder {
  readonly #format: Mp3Format;
  readonly #file: OutputFile;
  readonly #coder: Mp3Coder;
  readonly #left = new Float32Array(PIECE_SAMPLES);
  readonly #right: Float32Array;
  readonly #tally: Mp3Tally;
  #filled = LEAD_IN;
  #samples = 0;

  private constructor(format: Mp3Format, file: OutputFile, coder: Mp3Coder) {
    this.#format = format;
    this.#file = file;
    this.#tally = new Mp3Tally(format.sampleRate);
    this.#right = format.channels === 2 ? new Float32Array(PIECE_SAMPLES) : this.#left;
    this.#coder = coder;
  }

  /** @throws AppError RATE_UNSUPPORTED, OUTPUT_UNWRITABLE, ENCODE_FAILED */
  static async create(
    { path, seal, sampleRate, channels }: EncoderOptions,
    makeCoder: MakeMp3Coder = portableMp3Coder,
  ): Promise<LameEncoder> {
    const format = { sampleRate, channels, kbps: voiceBitrate(sampleRate, channels) };
    const coder = guarded('mp3', () => makeCoder(format));
    try {
      const encoder = new LameEncoder(format, await OutputFile.create(path, { seal }), coder);
      await encoder.#file.append(encoder.#tag(0));
      return encoder;
    } catch (error) {
      coder.close();
      throw error;
    }
  }

  async write(pcm: Int16Array, frames: number): Promise<void> {
    const { channels } = this.#format;
    if (frames * channels > pcm.length) throw new RangeError(`${frames} frames asked of ${pcm.length} samples`);
    for (let frame = 0; frame < frames; ) {
      const taken = Math.min(frames - frame, PIECE_SAMPLES - this.#filled);
      const piece = pcm.subarray(frame * channels, (frame + taken) * channels);
      kernel.scale(piece, channels, LEVEL, this.#left.subarray(this.#filled));
      if (channels === 2) kernel.scale(piece.subarray(1), channels, LEVEL, this.#right.subarray(this.#filled));
      frame += taken;
      this.#filled += taken;
      if (this.#filled === PIECE_SAMPLES) await this.#encodePiece();
    }
    this.#samples += frames;
  }

  async finish(): Promise<EncodedFile> {
    const samples = this.#samples;
    const frameSamples = mp3FrameSamples(mp3VersionOf(this.#format.sampleRate)!);
    const silence = silenceAfter(samples, frameSamples);
    await this.write(new Int16Array(silence * this.#format.channels), silence);
    await this.#encodePiece();
    await this.#append(guarded(this.#coder.name, () => this.#coder.flush()));
    this.#coder.close();
    await this.#file.patch(this.#tag(paddingAfter(samples, this.#tally.frames, frameSamples)), 0);
    return { ...(await this.#file.seal()), samples, encoder: this.#coder.name };
  }

  abort(): Promise<void> {
    this.#coder.close();
    return this.#file.discard();
  }

  async #encodePiece(): Promise<void> {
    const samples = this.#filled;
    this.#filled = 0;
    await this.#append(guarded(this.#coder.name, () => this.#coder.encode(this.#left, this.#right, samples)));
  }

  #append(frames: Uint8Array): Promise<void> | void {
    // Without a bit reservoir, which neither coder has on, frames come whole.
    if (!this.#tally.take(frames) || !this.#tally.isWhole) {
      const { sampleRate } = this.#format;
      throw new AppError('ENCODE_FAILED', `${this.#coder.name} made something else than a frame of ${sampleRate} Hz`);
    }
    return this.#file.append(frames);
  }

  #tag(padding: number): Uint8Array {
    return infoFrame(this.#format, {
      frames: this.#tally.frames,
      bytes: this.#file.bytes,
      delay: LEAD_IN + ENCODER_DELAY,
      padding,
      encoder: this.#coder.tag,
      musicCrc: this.#tally.musicCrc,
    });
  }
}

const guarded = <T>(who: string, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw new AppError('ENCODE_FAILED', `${who} failed: ${String(error)}`, { cause: error });
  }
};
