/**
 * Tells what could still become of typed digits under a pattern: whether any longer string over `0-9*#A-D` can match, and how.
 * A Pike machine: threads in order of preference, leftmost-first as RE2 and Perl. Pure; it never decides whether the digits match
 * now, that is the matcher's part.
 */
import { DTMF_SYMBOLS } from '../media/telephone-event.ts';
import { compileDigitProgram, type Instruction } from './digit-program.ts';

/**
 * `dead`: no longer string matches. `settled`: every longer string matches, all of them with one and the same text.
 * `open`: longer strings differ in whether they match, or with which text.
 */
export type Outlook = 'dead' | 'settled' | 'open';

export class DigitAutomaton {
  readonly #program: readonly Instruction[];
  /** Per instruction: whether a match is reached without another symbol, at the end of what was typed (and not at its start). */
  readonly #endsHere: readonly boolean[];
  /** Per instruction: whether a match is reached with one more symbol or several. */
  readonly #reaches: readonly boolean[];

  private constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#endsHere = fixpoint(program, (instruction, next, known) => {
      switch (instruction.op) {
        case 'match':
          return true;
        case 'end':
          return known[next]!;
        case 'jump':
          return known[instruction.to]!;
        case 'split':
          return known[instruction.to[0]]! || known[instruction.to[1]]!;
        case 'symbol':
        case 'start':
          return false;
        default:
          return instruction satisfies never;
      }
    });
    this.#reaches = fixpoint(program, (instruction, next, known) => {
      switch (instruction.op) {
        case 'symbol':
          return instruction.mask !== 0 && (known[next]! || this.#endsHere[next]!);
        case 'jump':
          return known[instruction.to]!;
        case 'split':
          return known[instruction.to[0]]! || known[instruction.to[1]]!;
        case 'match':
        case 'start':
        case 'end':
          return false;
        default:
          return instruction satisfies never;
      }
    });
  }

  /** @returns `undefined` for a pattern beyond the subset: nothing can be said of its future. */
  static of(pattern: string): DigitAutomaton | undefined {
    const program = compileDigitProgram(pattern);
    return program && new DigitAutomaton(program);
  }

  /** @param typed symbols of `DTMF_SYMBOLS` only. */
  outlook(typed: string): Outlook {
    // Everything below asks about strings that go on after `typed`: `$` holds nowhere within it, its end included.
    let settled = false;
    let threads: number[] = [];
    for (let at = 0; ; at++) {
      const next: number[] = [];
      const seen = new Set<number>();
      let cut = false;
      if (at > 0) {
        const bit = 1 << DTMF_SYMBOLS.indexOf(typed[at - 1]!);
        for (const pc of threads) {
          const instruction = this.#program[pc]!;
          // A match ends all that is less preferred.
          if (instruction.op === 'symbol' && instruction.mask & bit && this.#follow(pc + 1, false, next, seen)) {
            cut = true;
            break;
          }
        }
      }
      // Unanchored: a match may begin at every place, less preferred than the earlier ones, until there is one.
      if (!settled && !cut && this.#follow(0, at === 0, next, seen)) cut = true;
      settled ||= cut;
      threads = next;
      if (at === typed.length) break;
    }
    if (threads.some((pc) => this.#reaches[pc])) return 'open';
    if (settled) return 'settled';
    // Such as `7*$`: matches nothing, at the end of every string.
    return this.#endsHere[0] ? 'open' : 'dead';
  }

  /** Adds the symbols that can come next from `pc`, the preferred first. @returns true at a match: what is left is less preferred. */
  #follow(pc: number, atStart: boolean, threads: number[], seen: Set<number>): boolean {
    const stack = [pc];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const instruction = this.#program[at]!;
      switch (instruction.op) {
        case 'match':
          return true;
        case 'symbol':
          threads.push(at);
          break;
        case 'jump':
          stack.push(instruction.to);
          break;
        case 'split':
          stack.push(instruction.to[1], instruction.to[0]);
          break;
        case 'start':
          if (atStart) stack.push(at + 1);
          break;
        case 'end':
          break;
        default:
          instruction satisfies never;
      }
    }
    return false;
  }
}

/** Applies a rule over the program until nothing changes; it only ever turns false into true. */
const fixpoint = (
  program: readonly Instruction[],
  rule: (instruction: Instruction, next: number, known: readonly boolean[]) => boolean,
): boolean[] => {
  const known = program.map(() => false);
  for (let changed = true; changed; ) {
    changed = false;
    for (let pc = program.length - 1; pc >= 0; pc--) {
      if (!known[pc] && rule(program[pc]!, pc + 1, known)) {
        known[pc] = true;
        changed = true;
      }
    }
  }
  return known;
};
