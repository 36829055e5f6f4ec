/**
 * One run of a leg: frames of one track that follow each other, decoded, several at once where their codec lets them be joined, brought to
 * the output rate and the call's clock, and added to the leg's buffer. A short hole inside it is silence of the right length; after a long
 * one a new run begins. Where the line bends, the run does: without a seam, its decoder as it is. No I/O.
 */

import { withStep } from '../kernel/filter-bank.ts';
import { Resampler } from '../kernel/resampler.ts';
import type { Codec, FrameDecoder } from '../media/codec.ts';
import { filterBank } from './filter-banks.ts';
import type { HeldPayload } from './held-payload.ts';
import { JoinedPayloads } from './joined-payloads.ts';
import type { LegBuffer } from './leg-buffer.ts';

/** A longer hole ends the run: its sound has died away, and position is measured anew. */
const LONGEST_HOLE_SECONDS = 0.5;
/** More than a resampler that only follows a drift reaches back. */
const HISTORY_SAMPLES = 64;
/** As much of its input as a resampler is given at a time: it keeps room for no more. */
const PIECE_SAMPLES = 960;

export class LegRun {
  readonly #buffer: LegBuffer;
  readonly #decoder: FrameDecoder;
  /** Of the decoded audio, and ticks of the wire clock per second. */
  readonly #sourceRate: number;
  readonly #clockRate: number;
  readonly #startTicks: number;
  /** Output sample of the run's first sample. */
  readonly #position: number;
  /** Source samples per output sample where no clock drifts. */
  readonly #nominal: number;
  #step: number;
  #resampler: Resampler | undefined;
  /** The last samples that were copied, while they are: a resampler that takes over begins with them. */
  readonly #history: Int16Array | undefined;
  /** Frames that are not decoded yet. */
  readonly #joined: JoinedPayloads | undefined;
  /** Source samples so far, those of joined frames among them; output samples so far. */
  #taken = 0;
  #made = 0;
  /** Where the step is this one since: source samples, and outputs, which need not be whole. */
  #bentAt = 0;
  #bentOut = 0;
  #pcm: Int16Array = new Int16Array(PIECE_SAMPLES);
  readonly #out: Int16Array = new Int16Array(PIECE_SAMPLES);

  /**
   * @param position output sample at which the frame with `startTicks` begins.
   * @param nominal source samples per output sample by their rates; @param step the sender's drift included; exactly 1 copies.
   */
  constructor(options: {
    buffer: LegBuffer;
    decoder: FrameDecoder;
    codec: Codec;
    startTicks: number;
    position: number;
    nominal: number;
    step: number;
  }) {
    const { codec, nominal, step } = options;
    this.#buffer = options.buffer;
    this.#decoder = options.decoder;
    this.#joined = JoinedPayloads.of(codec);
    this.#sourceRate = codec.sampleRate;
    this.#clockRate = codec.wire.clockRate;
    this.#startTicks = options.startTicks;
    this.#position = options.position;
    this.#nominal = nominal;
    this.#step = step;
    if (step === 1) this.#history = new Int16Array(HISTORY_SAMPLES);
    else if (step === nominal) this.#resampler = new Resampler(step, filterBank(nominal, false));
    else this.#resampler = new Resampler(step, withStep(filterBank(nominal, true), step));
  }

  /** Whether a frame that begins at `ticks` goes on with this run. */
  continues(ticks: number): boolean {
    return this.#sampleAt(ticks) - this.#taken <= LONGEST_HOLE_SECONDS * this.#sourceRate;
  }

  /** Output sample behind the run's last. */
  get end(): number {
    return this.#position + Math.round(this.#outAt(this.#taken));
  }

  /** From `ticks` on, or where the run is if it is past that, there are as many source samples for an output sample as `step` says. */
  bend(ticks: number, step: number): void {
    this.flush();
    const at = this.#sampleAt(ticks);
    if (at > this.#taken) this.#silence(at - this.#taken);
    if (step === this.#step) return;
    const bank = filterBank(this.#nominal, true);
    if (this.#resampler === undefined)
      this.#resampler = new Resampler(step, withStep(bank, step), undefined, this.#history);
    else this.#resampler.bend(step, bank);
    this.#bentOut = this.#outAt(this.#taken);
    this.#bentAt = this.#taken;
    this.#step = step;
  }

  /** Decodes a frame, or keeps it to be decoded with the next. What overlaps audio that the run already has is left out. */
  frame(ticks: number, payload: HeldPayload, duration: number): void {
    const at = this.#sampleAt(ticks);
    if (at > this.#taken) this.#silence(at - this.#taken);
    if (at >= this.#taken && this.#joined?.fits(payload) === true) {
      if (!this.#joined.hasRoomFor(payload)) this.flush();
      this.#taken += this.#joined.take(payload);
      return;
    }
    this.flush();
    this.#makeRoom(Math.ceil((duration * this.#sourceRate) / this.#clockRate));
    const decoded = this.#decoder.decode(payload.bytes, this.#pcm);
    const skip = Math.min(decoded, Math.max(0, this.#taken - at));
    this.#taken += decoded - skip;
    this.#give(this.#pcm, skip, decoded - skip);
  }

  /** Decodes what waits for a next frame. */
  flush(): void {
    const samples = this.#joined?.samples ?? 0;
    if (samples === 0) return;
    this.#makeRoom(samples);
    this.#joined!.decode(this.#decoder, this.#pcm);
    this.#give(this.#pcm, 0, samples);
  }

  /** Ends the run: what the resampler still holds comes out. */
  finish(): void {
    this.flush();
    if (this.#resampler === undefined) return;
    this.#resampler.end();
    let left = Math.round(this.#outAt(this.#taken)) - this.#made;
    while (left > 0) {
      const out = this.#out.subarray(0, Math.min(left, this.#out.length));
      const made = this.#resampler.pull(out);
      this.#emit(made);
      left -= made;
    }
  }

  #sampleAt(ticks: number): number {
    return Math.round(((ticks - this.#startTicks) * this.#sourceRate) / this.#clockRate);
  }

  /** How many outputs so many source samples are. */
  #outAt(taken: number): number {
    return this.#bentOut + (taken - this.#bentAt) / this.#step;
  }

  #makeRoom(samples: number): void {
    if (this.#pcm.length < samples) this.#pcm = new Int16Array(samples);
  }

  #silence(count: number): void {
    this.flush();
    this.#makeRoom(count);
    this.#pcm.fill(0, 0, count);
    this.#taken += count;
    this.#give(this.#pcm, 0, count);
  }

  /** Source samples that follow those before. */
  #give(pcm: Int16Array, from: number, count: number): void {
    if (count <= 0) return;
    if (this.#resampler === undefined) {
      this.#buffer.add(this.#position + this.#made, pcm, from, count);
      this.#made += count;
      this.#remember(pcm, from, count);
      return;
    }
    for (let at = from; at < from + count; at += PIECE_SAMPLES) {
      this.#resampler.push(pcm.subarray(at, Math.min(at + PIECE_SAMPLES, from + count)));
      for (let made = this.#resampler.pull(this.#out); made > 0; made = this.#resampler.pull(this.#out))
        this.#emit(made);
    }
  }

  #remember(pcm: Int16Array, from: number, count: number): void {
    const history = this.#history!;
    const kept = Math.max(0, history.length - count);
    history.copyWithin(0, history.length - kept);
    history.set(pcm.subarray(from + count - (history.length - kept), from + count), kept);
  }

  #emit(count: number): void {
    this.#buffer.add(this.#position + this.#made, this.#out, 0, count);
    this.#made += count;
  }
}
