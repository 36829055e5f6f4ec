/**
 * One key of a metaflows document's `patterns`: a regular expression over typed digits, unanchored. Matched by RE2 in linear time, so
 * that no document can stall a call. Kazoo takes any PCRE and compiles it only when digits come; here a pattern that RE2 can't
 * compile (look-around, back-references, syntax errors) is refused when the document is read, with its path and the reason.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';
import { DigitAutomaton, type Outlook } from './digit-automaton.ts';

export class MetaflowPattern {
  readonly source: string;
  readonly #expression: RE2JS;
  readonly #automaton: DigitAutomaton | undefined;

  private constructor(source: string, expression: RE2JS) {
    this.source = source;
    this.#expression = expression;
    this.#automaton = DigitAutomaton.of(source);
  }

  /** @returns the pattern, or the reason why it can't be one: a phrase that holds nothing of the pattern itself. */
  static compile(source: string): MetaflowPattern | string {
    try {
      return new MetaflowPattern(source, RE2JS.compile(source));
    } catch (error) {
      if (error instanceof RE2JSSyntaxException) return error.getDescription();
      if (error instanceof RE2JSException) return 'not a regular expression';
      throw error;
    }
  }

  /** What matching costs per digit, in instructions of RE2. */
  get size(): number {
    return this.#expression.programSize();
  }

  /** What the groups took, '' for one that took no part; `undefined` when nothing in `typed` matches. */
  match(typed: string): readonly string[] | undefined {
    const found: (string | undefined)[] | null = this.#expression.exec(typed);
    return found === null ? undefined : Array.from(found.slice(1), (group) => group ?? '');
  }

  /**
   * What may become of `typed`; `settled` only if longer strings match what `typed` matches now. A pattern that can't be analysed
   * may always still match: such a code waits for the timeout.
   */
  outlook(typed: string): Outlook {
    const outlook = this.#automaton?.outlook(typed) ?? 'open';
    // `12$|1` takes 12 now and 1 of anything longer. One longer string stands for all.
    return outlook === 'settled' && this.#taken(typed) !== this.#taken(`${typed}0`) ? 'open' : outlook;
  }

  #taken(typed: string): string {
    const found = this.#expression.exec(typed) as RegExpExecArray | null;
    return JSON.stringify(found && [found.index, ...found]);
  }
}
