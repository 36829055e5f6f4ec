/**
 * Frames in order, decoded, both legs on one clock, in blocks of PCM at the artefact's rate, as far as the journal goes. Masks are not
 * applied here, because nothing masked is in a journal; the renderer makes the reported spans exact.
 */
import type { Leg } from '../core/leg.ts';
import type { FrameDecoder } from '../media/codec.ts';
import { LegTrack } from './leg-track.ts';
import { type Lockstep, type PlacedFrame, SETTLING_US } from './lockstep.ts';
import type { SurveyedTrack } from './survey.ts';

const BLOCK_SECONDS = 0.5;
/** A run that ended so long before what is settled is over, whatever comes: longer than the longest hole in one. */
const OVER_US = 600_000;
/** A leg that sends nothing for so long has a gap worth telling. */
const GAP_US = 60_000;
const MOST_GAPS = 1000;

export type Block = { readonly a: Int16Array; readonly b: Int16Array; count: number; position: number };

/** A leg's silence, by position in the recording: loss, discontinuous transmission, or a mask's. */
export type Gap = { readonly leg: Leg; readonly startUs: number; readonly endUs: number };

export type Gaps = { readonly list: Gap[]; omitted: number };

/** What comes next: a block, which is used again; a track that needs a decoder before it goes on; nothing before the journal has grown. */
export type Assembled =
  | { readonly kind: 'block'; readonly block: Block }
  | { readonly kind: 'track'; readonly track: SurveyedTrack }
  | { readonly kind: 'abreast' };

const ABREAST: Assembled = { kind: 'abreast' };

/**
 * Yields the recording from position 0 to its end.
 * @param decoders by track; read when a frame is placed, and asked for where there is none. A track without is left out.
 * @param gaps filled in on the way.
 */
export function* assemble(
  lockstep: Lockstep,
  decoders: ReadonlyMap<SurveyedTrack, FrameDecoder>,
  gaps: Gaps,
): Generator<Assembled, void> {
  let assembly: Assembly | undefined;
  for (;;) {
    const next = lockstep.next();
    if (lockstep.beginning !== undefined) assembly ??= new Assembly(lockstep, gaps);
    if (next === 'end') break;
    if (next === 'abreast') {
      const { settledUs } = lockstep;
      while (assembly?.hasBlock(settledUs) === true) yield assembly.block();
      yield ABREAST;
      continue;
    }
    const { track } = next;
    if (!decoders.has(track)) yield { kind: 'track', track };
    const decoder = decoders.get(track);
    if (decoder === undefined) continue;
    // What begins well before the frame is ready.
    while (assembly!.hasBlock(next.startUs)) yield assembly!.block();
    assembly!.frame(next, decoder);
  }
  yield* assembly!.rest();
}

/** Both legs of one recording. */
class Assembly {
  readonly #lockstep: Lockstep;
  readonly #startUs: number;
  readonly #sampleRate: number;
  readonly #legs: Record<Leg, LegTrack>;
  readonly #heard: Record<Leg, number>;
  readonly #gaps: Gaps;
  readonly #blockSamples: number;
  readonly #block: Block;
  readonly #taken: Assembled;
  #position = 0;
  /** Frames that begin before that sample have come. */
  #settled = 0;

  constructor(lockstep: Lockstep, gaps: Gaps) {
    const { startUs, sampleRate } = lockstep.beginning!;
    this.#lockstep = lockstep;
    this.#startUs = startUs;
    this.#sampleRate = sampleRate;
    this.#legs = { a: new LegTrack(sampleRate, startUs), b: new LegTrack(sampleRate, startUs) };
    this.#heard = { a: startUs, b: startUs };
    this.#gaps = gaps;
    this.#blockSamples = Math.round(BLOCK_SECONDS * sampleRate);
    this.#block = {
      a: new Int16Array(this.#blockSamples),
      b: new Int16Array(this.#blockSamples),
      count: 0,
      position: 0,
    };
    this.#taken = { kind: 'block', block: this.#block };
  }

  frame(placed: PlacedFrame, decoder: FrameDecoder): void {
    const { track, startUs, duration } = placed;
    const durationUs = (duration * 1e6) / track.codec.clockRate;
    this.#hear(track.leg, startUs, Math.min(startUs + durationUs, this.#endUs));
    this.#legs[track.leg].frame(placed, decoder);
  }

  /** Whether a block is ready: every frame that begins before `us` has come, and the block lies well before. */
  hasBlock(us: number): boolean {
    const until = Math.min(this.#sampleAt(us) - this.#samples(SETTLING_US), this.#total);
    if (this.#position + this.#blockSamples > until) return false;
    this.#settled = this.#sampleAt(us);
    return true;
  }

  /** One that is ready; what ended well before is over. */
  block(): Assembled {
    const over = this.#settled - this.#samples(OVER_US);
    this.#legs.a.finishBefore(over);
    this.#legs.b.finishBefore(over);
    return this.#take(this.#blockSamples);
  }

  /** All that is left, to the recording's end. */
  *rest(): Generator<Assembled, void> {
    const endUs = this.#endUs;
    for (const leg of ['a', 'b'] as const) {
      this.#legs[leg].finishBefore(Number.POSITIVE_INFINITY);
      this.#hear(leg, endUs, endUs);
    }
    const total = this.#total;
    while (this.#position < total) yield this.#take(Math.min(this.#blockSamples, total - this.#position));
  }

  get #endUs(): number {
    return this.#lockstep.result?.endUs ?? Number.POSITIVE_INFINITY;
  }

  get #total(): number {
    return Math.round(((this.#endUs - this.#startUs) * this.#sampleRate) / 1e6);
  }

  #sampleAt(us: number): number {
    return Math.floor(((us - this.#startUs) * this.#sampleRate) / 1e6);
  }

  #samples(us: number): number {
    return (us * this.#sampleRate) / 1e6;
  }

  #take(count: number): Assembled {
    const block = this.#block;
    this.#legs.a.buffer.take(block.a, count);
    this.#legs.b.buffer.take(block.b, count);
    block.count = count;
    block.position = this.#position;
    this.#position += count;
    return this.#taken;
  }

  #hear(leg: Leg, startUs: number, endUs: number): void {
    const heard = this.#heard[leg];
    if (startUs - heard >= GAP_US) {
      if (this.#gaps.list.length < MOST_GAPS) this.#gaps.list.push({ leg, startUs: heard, endUs: startUs });
      else this.#gaps.omitted++;
    }
    if (endUs > heard) this.#heard[leg] = endUs;
  }
}
