/**
 * Limits how often one address may fail to authenticate: a bucket of tokens for each, one taken by each failure, filled evenly (ten a
 * minute). Pure: time and addresses are arguments. What a failure too many is answered, and whether a good key still is taken, is for
 * its user to say.
 */
import ipaddr from 'ipaddr.js';

export type FailureLimitOptions = {
  /** How many failures at once, and then within `refillMs`. */
  readonly failures: number;
  readonly refillMs: number;
  /** Addresses remembered; the one whose failure is the longest ago goes first. */
  readonly mostSources: number;
};

export const TEN_A_MINUTE: FailureLimitOptions = { failures: 10, refillMs: 60_000, mostSources: 10_000 };

type Bucket = { readonly left: number; readonly atMs: number };

export class FailureLimit {
  readonly #options: FailureLimitOptions;
  /** In the order of their last failures. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: FailureLimitOptions = TEN_A_MINUTE) {
    this.#options = options;
  }

  /** @returns how long the address has to wait before it may try, in milliseconds; 0: not at all */
  waitMs(address: string, nowMs: number): number {
    const left = this.#left(sourceOf(address), nowMs);
    const { failures, refillMs } = this.#options;
    return left >= 1 ? 0 : Math.ceil(((1 - left) * refillMs) / failures);
  }

  failed(address: string, nowMs: number): void {
    const source = sourceOf(address);
    const left = Math.max(0, this.#left(source, nowMs) - 1);
    this.#buckets.delete(source);
    this.#buckets.set(source, { left, atMs: nowMs });
    if (this.#buckets.size <= this.#options.mostSources) return;
    for (const oldest of this.#buckets.keys()) {
      this.#buckets.delete(oldest);
      break;
    }
  }

  /** Addresses remembered. */
  get sources(): number {
    return this.#buckets.size;
  }

  #left(source: string, nowMs: number): number {
    const { failures, refillMs } = this.#options;
    const bucket = this.#buckets.get(source);
    if (bucket === undefined) return failures;
    // A clock that was set back refills nothing.
    const refilled = (Math.max(0, nowMs - bucket.atMs) * failures) / refillMs;
    return Math.min(failures, bucket.left + refilled);
  }
}

/** Who is behind an address: of IPv6 the network of 64 bits, which one host may have all of. */
const sourceOf = (address: string): string => {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
};
