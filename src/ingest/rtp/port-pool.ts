/**
 * Which ports live legs receive on: pairs of an even port for RTP and the next one for RTCP (RFC 3550 §11). A pair that was given back rests
 * before it is taken again, so that packets still under way to an old call don't reach a new one. Pure: no sockets, no clock.
 */
import { AppError } from '../../core/errors.ts';

export class PortPool {
  readonly #range: string;
  readonly #pairs: number;
  readonly #quietMs: number;
  /** The one that has rested longest first. */
  readonly #resting: { readonly port: number; readonly sinceMs: number }[] = [];
  readonly #taken = new Set<number>();

  /**
   * @param range ports that may be used, both ends included; an odd first or an even last one is left over.
   * @param options.quietMs how long a pair rests; 0: not at all.
   * @throws CONFIG_INVALID when no pair fits.
   */
  constructor(range: { readonly first: number; readonly last: number }, options: { readonly quietMs: number }) {
    const { first, last } = range;
    this.#range = `${first}-${last}`;
    this.#quietMs = options.quietMs;
    if (isPort(first) && isPort(last)) {
      for (let port = first + (first % 2); port < last; port += 2) {
        this.#resting.push({ port, sinceMs: Number.NEGATIVE_INFINITY });
      }
    }
    this.#pairs = this.#resting.length;
    if (this.#pairs === 0) {
      throw new AppError(
        'CONFIG_INVALID',
        `the RTP ports ${this.#range} hold no pair of an even port and the next one`,
      );
    }
  }

  /** Pairs that are not taken, those that still rest included. */
  get free(): number {
    return this.#resting.length;
  }

  /**
   * @param nowMs on any one clock, the same for every call.
   * @returns an even port; the next one is its RTCP's. @throws PORTS_USED_UP
   */
  take(nowMs: number): number {
    const next = this.#resting[0];
    if (next === undefined)
      throw new AppError('PORTS_USED_UP', `all ${this.#pairs} RTP port pairs of ${this.#range} are in use`);
    const waitMs = next.sinceMs + this.#quietMs - nowMs;
    if (waitMs > 0) {
      const waitSeconds = Math.ceil(waitMs / 1000);
      throw new AppError(
        'PORTS_USED_UP',
        `of ${this.#pairs} RTP port pairs of ${this.#range}, ${this.#taken.size} are in use and the others rest, the next for ${waitSeconds} s`,
      );
    }
    this.#resting.shift();
    this.#taken.add(next.port);
    return next.port;
  }

  /** Gives a pair back. Doing so twice does nothing the second time: the pair may be another call's by then only if it was taken anew. */
  give(port: number, nowMs: number): void {
    if (this.#taken.delete(port)) this.#resting.push({ port, sinceMs: nowMs });
  }
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
