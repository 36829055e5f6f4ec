/**
 * A stream, or the part of one that belongs to one call: the same addresses and even the same SSRC may serve two calls, one
 * after the other. Pure: made when the survey ends, from what it has counted.
 */

import type { Burst } from './activity.ts';
import type { Flow } from './flow.ts';
import type { Binding, Signalling } from './signalling.ts';
import type { Track } from './track.ts';

/** Ports that were silent for so long and are then used by a sender that begins anew belong to a new call. */
export const RESTART_SILENCE_US = 30_000_000;

export class Piece {
  readonly track: Track;
  readonly bursts: readonly Burst[];
  /** Where signalling puts it; `undefined` when it says nothing. */
  binding: Binding | undefined;

  constructor(track: Track, bursts: readonly Burst[], binding: Binding | undefined) {
    this.track = track;
    this.bursts = bursts;
    this.binding = binding;
  }

  get flow(): Flow {
    return this.track.flow;
  }

  get firstUs(): number {
    return this.bursts.reduce((first, burst) => Math.min(first, burst.firstUs), Number.POSITIVE_INFINITY);
  }

  get lastUs(): number {
    return this.bursts.reduce((last, burst) => Math.max(last, burst.lastUs), Number.NEGATIVE_INFINITY);
  }

  get packets(): number {
    return this.bursts.reduce((sum, burst) => sum + burst.packets, 0);
  }
}

/** The parts of a track: one per call that signalling puts it in, else divided where a sender began anew after a long silence. */
export const piecesOf = (track: Track, signalling: Signalling): Piece[] => {
  const pieces: Piece[] = [];
  let bursts: Burst[] = [];
  let binding: Binding | undefined;
  for (const burst of track.activity.bursts) {
    // The capture may have begun in the middle of a call: then the first signalling comes long after the first packet.
    const found = signalling.bind(track.flow, burst.firstUs) ?? signalling.bind(track.flow, burst.lastUs);
    const before = bursts.at(-1);
    if (before !== undefined && isApart(before, burst, binding, found)) {
      pieces.push(new Piece(track, bursts, binding));
      bursts = [];
      binding = undefined;
    }
    bursts.push(burst);
    binding ??= found;
  }
  if (bursts.length > 0) pieces.push(new Piece(track, bursts, binding));
  return pieces;
};

const isApart = (before: Burst, burst: Burst, binding: Binding | undefined, found: Binding | undefined): boolean => {
  if (binding !== undefined && found !== undefined) return binding.call !== found.call || binding.leg !== found.leg;
  // What goes on with the same numbering after a hang-up is the tail of that call.
  if (binding !== undefined) return burst.restarts;
  return burst.restarts && (found !== undefined || burst.firstUs - before.lastUs > RESTART_SILENCE_US);
};
