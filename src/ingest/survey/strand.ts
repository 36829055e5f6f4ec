/** What one leg says on one path: one stream, or several that took turns there. The unit that calls are put together from. Pure. */

import type { Burst } from './activity.ts';
import type { CodecTable } from './codec-table.ts';
import type { Flow } from './flow.ts';
import type { Piece } from './piece.ts';

/** A stream that can be recorded: audio, or telephone-events or comfort noise beside it. */
export type Heard = { readonly piece: Piece; readonly kind: 'audio' | 'events' | 'noise'; readonly codecs: CodecTable };

export class Strand {
  readonly flow: Flow;
  readonly #parts: Heard[] = [];
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;
  #packets = 0;

  constructor(first: Heard) {
    this.flow = first.piece.flow;
    this.add(first);
  }

  add(part: Heard): void {
    this.#parts.push(part);
    this.#firstUs = Math.min(this.#firstUs, part.piece.firstUs);
    this.#lastUs = Math.max(this.#lastUs, part.piece.lastUs);
    this.#packets += part.piece.packets;
  }

  get parts(): readonly Heard[] {
    return this.#parts;
  }

  get firstUs(): number {
    return this.#firstUs;
  }

  get lastUs(): number {
    return this.#lastUs;
  }

  get packets(): number {
    return this.#packets;
  }

  get hasAudio(): boolean {
    return this.#parts.some(({ kind }) => kind === 'audio');
  }

  get bursts(): readonly Burst[] {
    return this.#parts.flatMap(({ piece }) => piece.bursts).sort((left, right) => left.firstUs - right.firstUs);
  }

  /** The first of its packets in the capture, where times are equal. */
  get order(): number {
    return this.#parts.reduce((first, { piece }) => Math.min(first, piece.track.order), Number.POSITIVE_INFINITY);
  }
}

type Spanning = { readonly firstUs: number; readonly lastUs: number };

/** For how long both last, silences counted; negative: what lies between them. */
export const overlapUs = (left: Spanning, right: Spanning): number =>
  Math.min(left.lastUs, right.lastUs) - Math.max(left.firstUs, right.firstUs);

/** For how long both are sending. */
export const togetherUs = (left: readonly Burst[], right: readonly Burst[]): number => {
  let sum = 0;
  for (const one of left) for (const other of right) sum += Math.max(0, overlapUs(one, other));
  return sum;
};

/** In order of the first packet. */
export const byStart = (left: Strand, right: Strand): number =>
  left.firstUs - right.firstUs || left.order - right.order;

export const isMirror = (left: Flow, right: Flow): boolean =>
  left.source === right.target &&
  left.target === right.source &&
  left.sourcePort === right.targetPort &&
  left.targetPort === right.sourcePort;
