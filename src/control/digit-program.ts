/**
 * Compiles a regular expression to a program of a Pike machine over the sixteen DTMF symbols, for the subset whose meaning is the
 * same in every dialect: characters, classes, `.`, `\d \w \s`, groups, alternation, quantifiers, `^` and `$`. Pure.
 */
import { type AST, RegExpParser, RegExpSyntaxError } from '@eslint-community/regexpp';
import { DTMF_SYMBOLS } from '../media/telephone-event.ts';

export type Instruction =
  | { readonly op: 'symbol' /** Bit n: symbol n fits. */; readonly mask: number }
  | { readonly op: 'split' /** The preferred way first. */; to: [number, number] }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'start' | 'end' | 'match' };

/** `\d{4,1000}` is 4000 instructions; nested repeats multiply. Beyond this a pattern counts as one we can't analyse. */
const LARGEST_PROGRAM = 4096;

const parser = new RegExpParser({ ecmaVersion: 2024 });

/** @returns the program, its last instruction `match`; `undefined` for a pattern beyond the subset. */
export const compileDigitProgram = (pattern: string): readonly Instruction[] | undefined => {
  const program: Instruction[] = [];
  try {
    emitAlternatives(program, parser.parsePattern(pattern).alternatives);
    push(program, { op: 'match' });
  } catch (error) {
    if (error instanceof Beyond || error instanceof RegExpSyntaxError) return undefined;
    throw error;
  }
  return program;
};

/** Thrown within this file for what it does not analyse. */
class Beyond extends Error {}

const push = (program: Instruction[], instruction: Instruction): void => {
  if (program.length >= LARGEST_PROGRAM) throw new Beyond();
  program.push(instruction);
};

const emitAlternatives = (program: Instruction[], alternatives: readonly AST.Alternative[]): void => {
  const exits: { op: 'jump'; to: number }[] = [];
  alternatives.forEach((alternative, index) => {
    const split = { op: 'split' as const, to: [program.length + 1, 0] as [number, number] };
    const last = index === alternatives.length - 1;
    if (!last) push(program, split);
    for (const element of alternative.elements) emit(program, element);
    if (last) return;
    const exit = { op: 'jump' as const, to: 0 };
    push(program, exit);
    exits.push(exit);
    split.to[1] = program.length;
  });
  for (const exit of exits) exit.to = program.length;
};

const emit = (program: Instruction[], node: AST.Element): void => {
  switch (node.type) {
    case 'Group':
      if (node.modifiers !== null) throw new Beyond();
      emitAlternatives(program, node.alternatives);
      break;
    case 'CapturingGroup':
      emitAlternatives(program, node.alternatives);
      break;
    case 'Quantifier':
      emitRepeat(program, node);
      break;
    case 'Assertion':
      if (node.kind !== 'start' && node.kind !== 'end') throw new Beyond();
      push(program, { op: node.kind });
      break;
    case 'Character':
    case 'CharacterClass':
    case 'CharacterSet':
      push(program, { op: 'symbol', mask: maskOf(node) });
      break;
    default:
      throw new Beyond();
  }
};

const emitRepeat = (program: Instruction[], { element, min, max, greedy }: AST.Quantifier): void => {
  // Dialects disagree about repeating what can be empty.
  if (nullable(element)) throw new Beyond();
  for (let i = 0; i < min; i++) emit(program, element);
  const exits: { op: 'split'; to: [number, number] }[] = [];
  const branch = (): number => {
    const at = program.length;
    const split = { op: 'split' as const, to: [at + 1, at + 1] as [number, number] };
    push(program, split);
    exits.push(split);
    return at;
  };
  if (max === Number.POSITIVE_INFINITY) {
    const loop = branch();
    emit(program, element);
    push(program, { op: 'jump', to: loop });
  } else {
    for (let i = min; i < max; i++) {
      branch();
      emit(program, element);
    }
  }
  for (const exit of exits) exit.to[greedy ? 1 : 0] = program.length;
};

const nullable = (node: AST.Element): boolean => {
  switch (node.type) {
    case 'Group':
    case 'CapturingGroup':
      return node.alternatives.some((alternative) => alternative.elements.every(nullable));
    case 'Quantifier':
      return node.min === 0 || nullable(node.element);
    case 'Assertion':
    case 'Backreference':
      return true;
    default:
      return false;
  }
};

const maskOf = (node: AST.Character | AST.CharacterClass | AST.CharacterSet): number => {
  let mask = 0;
  for (let n = 0; n < DTMF_SYMBOLS.length; n++) if (fits(node, DTMF_SYMBOLS.charCodeAt(n))) mask |= 1 << n;
  return mask;
};

const fits = (node: AST.Element | AST.CharacterClassElement, code: number): boolean => {
  switch (node.type) {
    case 'Character':
      return literal(node) === code;
    case 'CharacterClassRange':
      return literal(node.min) <= code && code <= literal(node.max);
    case 'CharacterSet':
      return inSet(node, code);
    case 'CharacterClass':
      // Other dialects read `[]…]` as a class that holds a bracket, and `[[:digit:]]` as one class.
      if (node.elements.length === 0 || node.raw.slice(1).includes('[')) throw new Beyond();
      // Not `some`: each element is to be looked at, or a stranger behind the one that fits would be missed.
      return node.elements.filter((element) => fits(element, code)).length > 0 !== node.negate;
    default:
      throw new Beyond();
  }
};

const inSet = (set: AST.CharacterSet, code: number): boolean => {
  const digit = code >= 0x30 && code <= 0x39;
  switch (set.kind) {
    case 'any':
      return true;
    case 'digit':
      return digit !== set.negate;
    case 'word':
      return (digit || (code >= 0x41 && code <= 0x44)) !== set.negate;
    case 'space':
      return set.negate;
    case 'property':
      throw new Beyond();
    default:
      return set satisfies never;
  }
};

/** A character that stands for itself everywhere. `\Z`, `\x2a`, `\07`, and a bracket or brace on its own mean different things. */
const literal = (node: AST.Character): number => {
  if (/^\\[0-9A-Za-z]|^[\]{}]$/.test(node.raw)) throw new Beyond();
  return node.value;
};
