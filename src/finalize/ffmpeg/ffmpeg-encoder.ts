/**
 * mp3 through the ffmpeg of this machine and its libmp3lame: about 3.5 times as fast as lamejs, in a process of its
 * own.
 */
import { resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { AudioEncoder, EncodedFile, EncoderOptions, PcmFormat } from '../encode/audio-encoder.ts';
import { ENCODER_DELAY, LEAD_IN, paddingAfter, silenceAfter } from '../encode/gapless.ts';
import { parseInfoFrame, withTrim } from '../encode/info-tag.ts';
import { mp3FrameSamples, mp3VersionOf } from '../encode/mp3-frame.ts';
import { OutputFile } from '../encode/output-file.ts';
import { pcmToBytes } from '../encode/pcm-bytes.ts';
import { voiceBitrate } from '../encode/voice-bitrate.ts';
import type { FfmpegProgram } from './ffmpeg-program.ts';
import { FfmpegRun } from './ffmpeg-run.ts';

const ENCODER = 'libmp3lame';
/** Longer than any frame with an Info tag. */
const HEAD_BYTES = 4096;

export class FfmpegEncoder implements AudioEncoder {
  readonly #format: PcmFormat;
  readonly #program: FfmpegProgram;
  readonly #file: OutputFile;
  readonly #run: FfmpegRun;
  #samples = 0;

  private constructor(format: PcmFormat, kbps: number, program: FfmpegProgram, file: OutputFile) {
    this.#format = format;
    this.#program = program;
    this.#file = file;
    this.#run = new FfmpegRun({
      program,
      inputOptions: ['-f', 's16le', '-ar', `${format.sampleRate}`, '-ac', `${format.channels}`],
      output: resolve(file.path),
      outputOptions: [
        ...['-map_metadata', '-1', '-fflags', '+bitexact', '-id3v2_version', '0', '-write_xing', '1'],
        // libmp3lame lowers the level to 0.95 at these bitrates. Undone in floats, so that mp3 and wav are equally loud
        // and nothing clips.
        ...['-filter:a', 'volume=1/0.95:precision=float', '-sample_fmt', 'fltp'],
        // Not joint: the two legs share nothing, and noise of one must not be heard in the other.
        ...['-c:a', ENCODER, '-b:a', `${kbps}k`, '-joint_stereo', '0', '-f', 'mp3'],
      ],
    });
  }

  /**
   * @throws AppError RATE_UNSUPPORTED, OUTPUT_UNWRITABLE, FFMPEG_MISSING when this ffmpeg was built without libmp3lame
   */
  static async create({ path, sampleRate, channels }: EncoderOptions, program: FfmpegProgram): Promise<FfmpegEncoder> {
    const kbps = voiceBitrate(sampleRate, channels);
    if (!program.encoders.has(ENCODER)) {
      throw new AppError(
        'FFMPEG_MISSING',
        `${program.path} has no ${ENCODER}: install an ffmpeg that was built with it`,
      );
    }
    // Made here, so that it is exclusive and private; ffmpeg truncates and fills the same file.
    const encoder = new FfmpegEncoder({ sampleRate, channels }, kbps, program, await OutputFile.create(path));
    await encoder.#run.write(Buffer.alloc(2 * channels * LEAD_IN));
    return encoder;
  }

  write(pcm: Int16Array, frames: number): Promise<void> | void {
    const bytes = Buffer.from(pcmToBytes(pcm, frames * this.#format.channels)); // A copy: the run keeps it.
    this.#samples += frames;
    return this.#run.write(bytes);
  }

  async finish(): Promise<EncodedFile> {
    const silence = silenceAfter(this.#samples, this.#frameSamples);
    await this.#run.write(Buffer.alloc(2 * this.#format.channels * silence));
    this.#run.endInput();
    await this.#run.ended;
    await this.#file.adopt();
    await this.#completeTag();
    const encoder = `ffmpeg ${this.#program.version} ${ENCODER}`;
    return { ...(await this.#file.seal()), samples: this.#samples, encoder };
  }

  async abort(): Promise<void> {
    this.#run.kill();
    await this.#run.ended.catch(() => {}); // That it fails is what was asked for.
    await this.#file.discard();
  }

  get #frameSamples(): number {
    return mp3FrameSamples(mp3VersionOf(this.#format.sampleRate)!);
  }

  /**
   * Counts the lead-in in, and mends ffmpeg's padding, which is too short by up to a frame for one length in twelve or
   * so.
   */
  async #completeTag(): Promise<void> {
    const frame = await this.#file.read(0, HEAD_BYTES);
    const tag = parseInfoFrame(frame);
    if (tag?.frames === undefined || tag.delay !== ENCODER_DELAY) {
      throw new AppError('FFMPEG_FAILED', 'ffmpeg wrote an mp3 without a complete Info tag');
    }
    // ffmpeg may lose the end of a file, on a full disk say, and call it success: the tag knows how long it was to be.
    if (tag.bytes !== this.#file.bytes) {
      throw new AppError(
        'FFMPEG_FAILED',
        `ffmpeg failed: the file has not all that it should have: ${this.#file.bytes} of ${tag.bytes} bytes`,
      );
    }
    const padding = paddingAfter(this.#samples, tag.frames, this.#frameSamples);
    await this.#file.patch(withTrim(frame, LEAD_IN + ENCODER_DELAY, padding), 0);
  }
}
