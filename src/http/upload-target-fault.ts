/** The faults an upload target can be told to show, one per upload, so that anyone can see a delivery survive them. Pure. */
import { AppError } from '../core/errors.ts';

/** In the words of `--fail`; beside these any status from 400 to 599. */
const FAULTS = {
  /** Breaks the connection in the middle of the body. */
  reset: 'reset',
  /** Waits before it takes the body, then takes it. */
  slow: 'slow',
  /** Takes the body and never answers. */
  hang: 'hang',
  /** Answers 200 before it has taken the body, and keeps nothing. */
  early: 'early',
  /** Keeps the file, then breaks the connection instead of answering. */
  lost: 'lost',
} as const;

export type Fault =
  | { readonly kind: keyof typeof FAULTS }
  /** Takes the body, keeps nothing and answers with the status. */
  | { readonly kind: 'status'; readonly status: number };

/** As `--fail` has it. */
export const wordOf = (fault: Fault): string => (fault.kind === 'status' ? String(fault.status) : fault.kind);

const parseFault = (word: string): Fault => {
  if (/^[45]\d\d$/.test(word)) return { kind: 'status', status: Number(word) };
  if (Object.hasOwn(FAULTS, word)) return { kind: word as keyof typeof FAULTS };
  const known = Object.keys(FAULTS).join(', ');
  throw new AppError(
    'USAGE',
    `"${word}" is no fault; known are ${known}, a status from 400 to 599, and loop as the last`,
  );
};

/** Hands out the faults of a list in turn; after the last one all is well, unless the list ends in `loop`. */
export class FaultSequence {
  readonly #faults: readonly Fault[];
  readonly #loops: boolean;
  #next = 0;

  /** @throws USAGE naming the word that is no fault. */
  constructor(words: readonly string[]) {
    this.#loops = words.length > 1 && words.at(-1) === 'loop';
    this.#faults = (this.#loops ? words.slice(0, -1) : words).map(parseFault);
  }

  /** The fault of the next upload; `undefined`: none. */
  take(): Fault | undefined {
    if (this.#loops && this.#next === this.#faults.length) this.#next = 0;
    return this.#faults[this.#next++];
  }
}
