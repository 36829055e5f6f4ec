/**
 * Listens for codes among the digits of one leg, as Kazoo's metaflow machine does (kazoo-contract §5.4): the binding digit arms it,
 * each digit restarts the timer, an exact number wins over the patterns. Pure: time is an argument, nothing is run or logged.
 *
 *     unarmed ──binding digit──▶ armed, collected = "" ──digit──▶ collected += digit, timer restarts
 *        ▲                          │ the timer ends, or the code can't become a longer one: it is looked up
 *        └──────────────────────────┘
 *
 * Where it does better than Kazoo:
 * - A code that can't become a longer one acts at once, not a timeout later: no longer number begins with it, and no pattern would,
 *   after more digits, match anew or match more than it does now. (Kazoo would let a further digit spoil the code.)
 * - A code that can't become any known one is dropped at once, so that a mistyped one does not swallow the right one typed straight
 *   after it: `*75*72` masks. The binding digit, where it is what makes the code hopeless, begins a new one: so does `*7*72`.
 * - One machine per leg, also for `listen_on: both`: a party that keeps pressing the binding digit can't lock out the other.
 */

import { DTMF_SYMBOLS } from '../media/telephone-event.ts';
import { LONGEST_CODE, type MetaflowsDocument } from './metaflow-document.ts';
import type { MetaflowNode } from './metaflow-node.ts';
import { TypedDigits } from './typed-digits.ts';

export type MetaflowMatch = {
  readonly node: MetaflowNode;
  readonly digits: TypedDigits;
  /** When the code was complete, µs: its last digit's time, or the end of the timeout. */
  readonly atUs: number;
};

/** A number, or the position of the pattern that matched. */
type Found = { readonly node: MetaflowNode; readonly by: 'number' | number; readonly captures?: readonly string[] };

export class MetaflowMachine {
  readonly #document: MetaflowsDocument;
  readonly #timeoutUs: number;
  /** What was typed since the binding digit; `undefined` while unarmed. */
  #collected: string | undefined;
  #deadlineUs = 0;
  /** When the code acts that the timeout completes: its last digit may have been pressed before it was read. */
  #actsUs = 0;

  constructor(document: MetaflowsDocument) {
    this.#document = document;
    this.#timeoutUs = document.digitTimeoutMs * 1000;
  }

  /** When `advance` is to be called next, µs; `undefined` while there is nothing to wait for. */
  get deadlineUs(): number | undefined {
    return this.#collected === undefined ? undefined : this.#deadlineUs;
  }

  /**
   * Takes a key press at the time it began, at the earliest. Ends a timeout that passed before it first.
   * @param symbol one of `DTMF_SYMBOLS`; anything else is ignored.
   * @param readUs when it began at the latest: from then on the next one is waited for
   * @returns the code that this digit, or the timeout before it, completed: at most one.
   */
  digit(symbol: string, atUs: number, readUs = atUs): MetaflowMatch | undefined {
    const match = this.advance(atUs);
    if (symbol.length !== 1 || !DTMF_SYMBOLS.includes(symbol)) return match;
    const binding = symbol === this.#document.bindingDigit;
    if (this.#collected === undefined) {
      // Looked up no earlier than at the next digit or the timeout: the binding digit alone is a code only for who waits.
      if (binding) this.#arm(atUs, readUs);
      return match;
    }
    const collected = this.#collected + symbol;
    const found = this.#find(collected);
    if (this.#canGrow(collected, found)) {
      this.#collected = collected;
      this.#wait(atUs, readUs);
      return undefined;
    }
    this.#collected = undefined;
    if (found !== undefined) return matched(found, collected, atUs);
    if (binding) this.#arm(atUs, readUs);
    return undefined;
  }

  /** Lets time pass. @returns the code that the timeout completed. */
  advance(nowUs: number): MetaflowMatch | undefined {
    const collected = this.#collected;
    if (collected === undefined || nowUs < this.#deadlineUs) return undefined;
    this.#collected = undefined;
    const found = this.#find(collected);
    return found === undefined ? undefined : matched(found, collected, this.#actsUs);
  }

  #arm(atUs: number, readUs: number): void {
    this.#collected = '';
    this.#wait(atUs, readUs);
  }

  #wait(atUs: number, readUs: number): void {
    this.#actsUs = atUs + this.#timeoutUs;
    this.#deadlineUs = readUs + this.#timeoutUs;
  }

  #find(collected: string): Found | undefined {
    const { numbers, patterns } = this.#document;
    const number = numbers.get(collected);
    if (number !== undefined) return { node: number, by: 'number' };
    for (const [position, { pattern, node }] of patterns.entries()) {
      const captures = pattern.match(collected);
      if (captures !== undefined) return { node, by: position, captures };
    }
    return undefined;
  }

  /** Whether digits after `collected` could complete another code than `found`, the one that it is now. */
  #canGrow(collected: string, found: Found | undefined): boolean {
    if (collected.length >= LONGEST_CODE) return false;
    const { numbers, patterns } = this.#document;
    for (const number of numbers.keys()) {
      if (number.length > collected.length && number.startsWith(collected)) return true;
    }
    for (const [position, { pattern }] of patterns.entries()) {
      const outlook = pattern.outlook(collected);
      if (outlook === 'dead') continue;
      // Whatever follows, this pattern goes on to match what it matches now; the ones behind it never get a say.
      return !(outlook === 'settled' && found?.by === position);
    }
    return false;
  }
}

const matched = ({ node, captures }: Found, collected: string, atUs: number): MetaflowMatch => ({
  node,
  digits: new TypedDigits(collected, captures),
  atUs,
});
