/**
 * Writes 16-bit PCM as WAV, turning into RF64 past 4 GiB. Sizes are right at every checkpoint: a killed process leaves
 * a readable file.
 */
import type { AudioEncoder, EncodedFile, EncoderOptions, PcmFormat } from './audio-encoder.ts';
import { OutputFile } from './output-file.ts';
import { pcmToBytes } from './pcm-bytes.ts';
import { RIFF_LIMIT_BYTES, WAV_HEADER_BYTES, wavHeader } from './wav-header.ts';

/** The header is brought up to date once per so many bytes: 30 s of 8 kHz stereo. */
const CHECKPOINT_BYTES = 1024 * 1024;

export class WavEncoder implements AudioEncoder {
  readonly #format: PcmFormat;
  readonly #file: OutputFile;
  readonly #limitBytes: number;
  #checkpointAt = CHECKPOINT_BYTES;

  private constructor(format: PcmFormat, file: OutputFile, limitBytes: number) {
    this.#format = format;
    this.#file = file;
    this.#limitBytes = limitBytes;
  }

  /**
   * @param limitBytes where RIFF ends and RF64 begins; tests lower it.
   * @throws AppError OUTPUT_UNWRITABLE
   */
  static async create(options: EncoderOptions, limitBytes = RIFF_LIMIT_BYTES): Promise<WavEncoder> {
    const file = await OutputFile.create(options.path, { seal: options.seal });
    await file.append(wavHeader(options, 0));
    return new WavEncoder(options, file, limitBytes);
  }

  write(pcm: Int16Array, frames: number): Promise<void> | void {
    const appended = this.#file.append(pcmToBytes(pcm, frames * this.#format.channels));
    if (this.#file.bytes < this.#checkpointAt) return appended;
    return this.#checkpointAfter(appended);
  }

  async finish(): Promise<EncodedFile> {
    await this.#patchHeader();
    const sealed = await this.#file.seal();
    return { ...sealed, samples: this.#samples, encoder: 'wav' };
  }

  abort(): Promise<void> {
    return this.#file.discard();
  }

  get #samples(): number {
    return (this.#file.bytes - WAV_HEADER_BYTES) / (2 * this.#format.channels);
  }

  async #checkpointAfter(appended: Promise<void> | void): Promise<void> {
    await appended;
    this.#checkpointAt = this.#file.bytes + CHECKPOINT_BYTES;
    await this.#patchHeader();
  }

  /** Data first, then the sizes that cover it: the header never promises what is not there. */
  #patchHeader(): Promise<void> {
    return this.#file.patch(wavHeader(this.#format, this.#file.bytes - WAV_HEADER_BYTES, this.#limitBytes), 0);
  }
}
