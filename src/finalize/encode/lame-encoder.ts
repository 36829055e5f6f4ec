/**
 * mp3 through lamejs, which is always there. lamejs itself writes no Info tag, so that what it makes plays 1105 samples
 * late (138 ms at 8 kHz) and too long; this adds the tag that makes decoders return exactly what was written.
 */
import { createRequire } from 'node:module';
import lamejs from 'lamejs';
import { AppError } from '../../core/errors.ts';
import type { AudioEncoder, EncodedFile, EncoderOptions } from './audio-encoder.ts';
import { crc16 } from './crc16.ts';
import { ENCODER_DELAY, LEAD_IN, paddingAfter, silenceAfter } from './gapless.ts';
import { infoFrame } from './info-tag.ts';
import { mp3FrameSamples, mp3VersionOf, parseMp3Frame } from './mp3-frame.ts';
import { OutputFile } from './output-file.ts';
import { voiceBitrate } from './voice-bitrate.ts';

/** lamejs keeps one buffer as long as the longest piece it was given. */
const PIECE_SAMPLES = 1152;
/**
 * At all bitrates used here lamejs lowers the level to 0.95 (LAME's preset against clipping in players). Undone, so
 * that mp3 and wav are equally loud.
 */
const LEVEL = 1 / 0.95;
/** lamejs is LAME 3.98 in JavaScript. */
const TAG_NAME = 'LAME3.98r';

const { version } = createRequire(import.meta.url)('lamejs/package.json') as { readonly version: string };

export class LameEncoder implements AudioEncoder {
  readonly #format: { readonly sampleRate: number; readonly channels: 1 | 2; readonly kbps: number };
  readonly #file: OutputFile;
  readonly #lame: InstanceType<typeof lamejs.Mp3Encoder>;
  readonly #left = new Float32Array(PIECE_SAMPLES);
  readonly #right: Float32Array;
  #filled = LEAD_IN;
  #samples = 0;
  #frames = 0;
  #musicCrc = 0;

  private constructor(format: { sampleRate: number; channels: 1 | 2; kbps: number }, file: OutputFile) {
    this.#format = format;
    this.#file = file;
    this.#right = format.channels === 2 ? new Float32Array(PIECE_SAMPLES) : this.#left;
    this.#lame = new lamejs.Mp3Encoder(format.channels, format.sampleRate, format.kbps);
  }

  /** @throws AppError RATE_UNSUPPORTED, OUTPUT_UNWRITABLE */
  static async create({ path, sampleRate, channels }: EncoderOptions): Promise<LameEncoder> {
    const kbps = voiceBitrate(sampleRate, channels);
    const encoder = new LameEncoder({ sampleRate, channels, kbps }, await OutputFile.create(path));
    await encoder.#file.append(encoder.#tag(0));
    return encoder;
  }

  async write(pcm: Int16Array, frames: number): Promise<void> {
    const { channels } = this.#format;
    if (frames * channels > pcm.length) throw new RangeError(`${frames} frames asked of ${pcm.length} samples`);
    for (let frame = 0; frame < frames; ) {
      const taken = Math.min(frames - frame, PIECE_SAMPLES - this.#filled);
      for (let i = 0, from = frame * channels; i < taken; i++, from += channels) {
        this.#left[this.#filled + i] = pcm[from]! * LEVEL;
        if (channels === 2) this.#right[this.#filled + i] = pcm[from + 1]! * LEVEL;
      }
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
    await this.#append(this.#guard(() => this.#lame.flush()));
    await this.#file.patch(this.#tag(paddingAfter(samples, this.#frames, frameSamples)), 0);
    return { ...(await this.#file.seal()), samples, encoder: `lamejs ${version}` };
  }

  abort(): Promise<void> {
    return this.#file.discard();
  }

  async #encodePiece(): Promise<void> {
    const left = this.#left.subarray(0, this.#filled);
    const right = this.#right.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#append(this.#guard(() => this.#lame.encodeBuffer(left, right)));
  }

  #append(mp3: Int8Array): Promise<void> | void {
    const bytes = new Uint8Array(mp3.buffer, mp3.byteOffset, mp3.length);
    // Without a bit reservoir, which lamejs has turned off, frames come whole.
    for (let at = 0; at < bytes.length; this.#frames++) {
      const frame = parseMp3Frame(bytes, at);
      if (frame?.sampleRate !== this.#format.sampleRate || at + frame.bytes > bytes.length) {
        throw new AppError('ENCODE_FAILED', `lamejs made something else than a frame of ${this.#format.sampleRate} Hz`);
      }
      at += frame.bytes;
    }
    this.#musicCrc = crc16(bytes, this.#musicCrc);
    return this.#file.append(bytes);
  }

  #guard(encode: () => Int8Array): Int8Array {
    try {
      return encode();
    } catch (error) {
      throw new AppError('ENCODE_FAILED', `lamejs failed: ${String(error)}`, { cause: error });
    }
  }

  #tag(padding: number): Uint8Array {
    return infoFrame(this.#format, {
      frames: this.#frames,
      bytes: this.#file.bytes,
      delay: LEAD_IN + ENCODER_DELAY,
      padding,
      encoder: TAG_NAME,
      musicCrc: this.#musicCrc,
    });
  }
}
