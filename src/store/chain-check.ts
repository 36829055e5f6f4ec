/** Looks at a chain (`audit-chain.ts`) entry after entry, oldest first, and tells where it does not hold. Pure. */
import { BROKEN, CHAIN_BEGIN, type ChainedEntry, hashOf, PRUNED } from './audit-chain.ts';
import type { ChainEnd } from './rows.ts';

/** Where a chain does not hold, and how that shows: a sentence that begins with the entry. */
export type ChainFault = { readonly entry: number; readonly why: string };

/** More are counted, not kept. */
const MOST_KEPT = 100;

export class ChainCheck {
  readonly #accountId: string;
  /** The first of them are kept. */
  readonly faults: ChainFault[] = [];
  #faultCount = 0;
  #first: ChainedEntry | undefined;
  #last: ChainEnd | undefined;
  /** What the last `audit.prune` says. */
  #pruned: ChainEnd = CHAIN_BEGIN;
  /** Entries that an `audit.broken` of the chain names. */
  readonly #told = new Set<unknown>();

  /** @param from what was found to hold already; what is taken comes behind it. Without: a whole chain, from wherever it begins. */
  constructor(accountId: string, from?: ChainEnd) {
    this.#accountId = accountId;
    this.#last = from;
  }

  /** All of them, also those that are not kept. */
  get faultCount(): number {
    return this.#faultCount;
  }

  /** The last entry that was taken, or where it began. */
  get end(): ChainEnd {
    return this.#last ?? CHAIN_BEGIN;
  }

  /** Whether the chain itself says that it is broken at this entry. */
  tells(fault: ChainFault): boolean {
    return this.#told.has(fault.entry);
  }

  take(entry: ChainedEntry): void {
    const { entry: number, hash } = entry;
    const before = this.#last;
    if (before === undefined) this.#first = entry;
    else if (number <= before.entry) {
      this.#fault(number, `stands behind entry ${before.entry}: it was moved or put in`);
      this.#judge(entry);
      return;
    } else if (number > before.entry + 1) this.#missing(before.entry + 1, number - 1);
    else if (entry.previous !== before.hash)
      this.#fault(number, `was written behind another entry ${before.entry} than the one that stands there`);
    this.#judge(entry);
    this.#last = { entry: number, hash };
  }

  /** An entry that stood in it before and does not any more. When its time was up, the chain says so. */
  lost({ entry }: ChainEnd): void {
    if (entry > (this.#pruned?.entry ?? 0)) this.#fault(entry, 'was in it before, and is gone or another');
  }

  /** There are no more. @param end where the chain is known to end. @param first the number it is known to begin with, where it is */
  finish(end: ChainEnd, first?: number): void {
    this.#judgeBeginning();
    const found = this.#first?.entry ?? end.entry + 1;
    if (first !== undefined && first !== found)
      this.#fault(found, `is not the one that is known to be the first: that is entry ${first}`);
    const last = this.end;
    if (last.entry < end.entry) this.#missing(last.entry + 1, end.entry);
    else if (last.entry > end.entry) this.#fault(end.entry + 1, 'stands behind what is known to be the end');
    else if (last.hash !== end.hash) this.#fault(last.entry, 'is not the one that is known to be the end');
  }

  #judge(entry: ChainedEntry): void {
    const { entry: number, account_id: accountId, action, data } = entry;
    if (accountId !== this.#accountId) this.#fault(number, 'is of another account');
    if (!isWhole(entry)) this.#fault(number, 'does not say what it said when it was written');
    if (action === PRUNED) this.#pruned = { entry: Number(data.through), hash: String(data.hash) };
    if (action === BROKEN) this.#told.add(data.entry);
  }

  /** A chain begins with entry 1, or behind what its last `audit.prune` says is gone. */
  #judgeBeginning(): void {
    if (this.#first === undefined) return;
    const { entry, previous } = this.#first;
    const gone = this.#pruned;
    if (entry - 1 > gone.entry) this.#missing(gone.entry + 1, entry - 1);
    else if (entry - 1 < gone.entry)
      this.#fault(entry, `is there, and the chain says that all up to ${gone.entry} are gone`);
    else if (previous !== gone.hash) this.#fault(entry, `was written behind another entry ${entry - 1} than there was`);
  }

  #missing(from: number, to: number): void {
    if (from === to) this.#fault(from, 'is missing');
    else this.#fault(from, `is missing, and all up to ${to}`);
  }

  #fault(entry: number, what: string): void {
    this.#faultCount++;
    if (this.faults.length < MOST_KEPT) this.faults.push({ entry, why: `entry ${entry} ${what}` });
  }
}

const isWhole = (entry: ChainedEntry): boolean => {
  try {
    return hashOf(entry) === entry.hash;
  } catch {
    // Nothing of the kind was ever hashed.
    return false;
  }
};
