/**
 * Decodes one stream's payloads with ffmpeg into a sealed file of PCM in which each payload has its exact place, whatever
 * ffmpeg drops.
 *
 *     payloads ─▶ ForeignFormat.units ─▶ ffmpeg ─▶ SampleSchedule puts silence between ─▶ file
 */
import { AppError, asAppError } from '../../core/errors.ts';
import type { Codec } from '../../media/codec.ts';
import { codecFor } from '../../media/codecs/registry.ts';
import { formatWireCodec, type WireCodec } from '../../media/wire-codec.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { OutputFile } from '../encode/output-file.ts';
import { type FfmpegProgram, probeFfmpeg } from './ffmpeg-program.ts';
import { FfmpegRun, pipeEnd } from './ffmpeg-run.ts';
import { type ForeignFormat, foreignFormat } from './foreign-format.ts';
import { SampleSchedule } from './sample-schedule.ts';

export type ForeignJob = {
  readonly codec: WireCodec;
  /**
   * RTP payloads in the order of their timestamps. One is asked for when the one before was taken; it may then change.
   */
  readonly frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** Made exclusively with mode 0600; removed again when decoding fails. */
  readonly path: string;
  /** What the file is sealed with, as `pcm`. */
  readonly key: SealKey;
  /** `probeFfmpeg()` by default. */
  readonly program?: FfmpegProgram;
  readonly signal?: AbortSignal;
};

/**
 * The file holds 16-bit mono PCM, low byte first, at `sampleRate`. Payload after payload, each has exactly
 * `Codec.duration(payload)` samples (by `codecFor(codec)`, scaled from its clock to `sampleRate` and rounded): the
 * caller adds them up to find a payload again.
 */
export type ForeignPcm = {
  readonly sampleRate: number;
  readonly samples: number;
  /**
   * Samples that ffmpeg should have returned and did not: silence at the end of the file. 0 unless it dropped a frame.
   */
  readonly missing: number;
};

const REMEDY = 'forward the call as PCMU, PCMA, L16, G722 or opus';
const ZEROS = Buffer.alloc(64 * 1024);

/** @throws AppError CODEC_UNSUPPORTED, FFMPEG_MISSING, FFMPEG_FAILED, OUTPUT_UNWRITABLE; the signal's reason */
export const decodeForeign = async (job: ForeignJob): Promise<ForeignPcm> => {
  const codec = codecFor(job.codec);
  const format = foreignFormat(job.codec);
  if (codec === undefined || format === undefined) {
    throw new AppError('CODEC_UNSUPPORTED', `${described(job.codec)} can't be decoded, by ffmpeg neither: ${REMEDY}`);
  }
  const program = job.program ?? (await probeFor(job.codec));
  if (!format.decoders.some((name) => program.decoders.has(name))) {
    const wanted = format.decoders.join(' or ');
    throw new AppError(
      'CODEC_UNSUPPORTED',
      `${described(job.codec)} needs an ffmpeg with ${wanted}, which ${program.path} is not: install one, or ${REMEDY}`,
    );
  }
  const file = await OutputFile.create(job.path, { seal: { key: job.key, purpose: 'pcm' }, isPassing: true });
  try {
    const decoding = new ForeignDecoding(codec, format, program, file);
    const pcm = await decoding.run(job.frames, job.signal);
    await file.close();
    return pcm;
  } catch (error) {
    await file.discard();
    throw error;
  }
};

const described = (wire: WireCodec): string => formatWireCodec(wire) + (wire.fmtp ? ` (${wire.fmtp})` : '');

const probeFor = async (wire: WireCodec): Promise<FfmpegProgram> => {
  try {
    return await probeFfmpeg();
  } catch (error) {
    const { code, message } = asAppError(error);
    throw new AppError(code, `${formatWireCodec(wire)} needs ffmpeg, but ${message}; or ${REMEDY}`, { cause: error });
  }
};

class ForeignDecoding {
  readonly #codec: Codec;
  readonly #format: ForeignFormat;
  readonly #program: FfmpegProgram;
  readonly #file: OutputFile;
  readonly #schedule = new SampleSchedule();
  #run: FfmpegRun | undefined;
  #saving: Promise<void> | undefined;
  #failure: unknown;

  constructor(codec: Codec, format: ForeignFormat, program: FfmpegProgram, file: OutputFile) {
    this.#codec = codec;
    this.#format = format;
    this.#program = program;
    this.#file = file;
  }

  async run(frames: ForeignJob['frames'], signal: AbortSignal | undefined): Promise<ForeignPcm> {
    const onAbort = (): void => this.#stop(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      for await (const payload of frames) {
        await this.#send(payload);
        signal?.throwIfAborted();
      }
      this.#run?.endInput();
      await this.#run?.ended;
      await this.#saving;
      if (this.#failure !== undefined) throw this.#failure;
      return { sampleRate: this.#codec.sampleRate, samples: this.#schedule.samples, missing: await this.#saveRest() };
    } catch (error) {
      this.#stop(error);
      await this.#run?.ended.catch(() => {}); // Known, or caused by the stop.
      await this.#saving;
      throw this.#failure;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The first reason counts: what fails afterwards fails because of it. */
  #stop(error: unknown): void {
    this.#failure ??= error;
    this.#run?.kill();
  }

  async #send(payload: Uint8Array): Promise<void> {
    const { clockRate } = this.#codec.wire;
    const expected = Math.round((this.#codec.duration(payload) * this.#codec.sampleRate) / clockRate);
    let left = expected;
    for (const { bytes, samples } of this.#format.units(payload, expected)) {
      if (samples > left) break; // A payload never takes more than its place.
      left -= samples;
      this.#schedule.add(bytes !== undefined, samples);
      if (bytes !== undefined) await this.#started().write(Uint8Array.from(bytes));
    }
    this.#schedule.add(false, left);
  }

  /** ffmpeg starts with the first frame that it can decode: without any it would fail. */
  #started(): FfmpegRun {
    if (this.#run !== undefined) return this.#run;
    const output = pipeEnd();
    const run = new FfmpegRun({
      program: this.#program,
      inputOptions: this.#format.inputOptions,
      output,
      // A stream of nothing but damaged frames is silence, no failure.
      outputOptions: [
        '-max_error_rate',
        '1',
        '-f',
        's16le',
        '-c:a',
        'pcm_s16le',
        '-ac',
        '1',
        '-ar',
        `${this.#codec.sampleRate}`,
      ],
    });
    this.#run = run;
    this.#saving = this.#save(output).catch((error: unknown) => this.#stop(error));
    void run.write(this.#format.preamble());
    return run;
  }

  /** Writes what ffmpeg returns, and the silence that is due between. What nobody asked for is dropped. */
  async #save(output: AsyncIterable<Buffer>): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of output) {
      let pcm = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
      for (;;) {
        const run = this.#schedule.take(pcm.length >> 1);
        if (run === undefined) break;
        if (!run.decoded) await this.#saveSilence(run.samples);
        else {
          await this.#file.append(pcm.subarray(0, 2 * run.samples));
          pcm = pcm.subarray(2 * run.samples);
        }
      }
      rest = pcm.subarray(pcm.length & ~1);
    }
  }

  async #saveRest(): Promise<number> {
    let missing = 0;
    for (let run = this.#schedule.take(Number.MAX_SAFE_INTEGER); run !== undefined; ) {
      if (run.decoded) missing += run.samples;
      await this.#saveSilence(run.samples);
      run = this.#schedule.take(Number.MAX_SAFE_INTEGER);
    }
    return missing;
  }

  async #saveSilence(samples: number): Promise<void> {
    for (let left = 2 * samples; left > 0; left -= ZEROS.length) {
      await this.#file.append(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
    }
  }
}
