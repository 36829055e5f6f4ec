/** Small random patterns, and every string over a few symbols, to hold an analysis against brute force. */
import fc from 'fast-check';

/** Two digits and a symbol that is none: enough to tell every class of the patterns below apart. */
export const SYMBOLS = ['1', '2', '*'] as const;

/** All strings over SYMBOLS up to `length`, the shortest first. */
export const stringsUpTo = (length: number): string[] => {
  let last = [''];
  const all = [...last];
  for (let n = 0; n < length; n++) {
    last = last.flatMap((text) => SYMBOLS.map((symbol) => text + symbol));
    all.push(...last);
  }
  return all;
};

/** No pattern below needs more symbols than this to complete a match from wherever it stands. */
export const LONGEST_COMPLETION = 4;

const single = fc
  .tuple(
    fc.constantFrom('1', '2', '\\*', '[12]', '[^1]', '.', '\\d', '\\D', '(1)', '(2|1)', '[0-9*#A-D]', '[2-9]'),
    fc.constantFrom('', '', '', '?', '*', '+', '{2}', '{1,2}', '??', '*?', '+?', '{0}', '{1,}'),
  )
  .map(([atom, quantifier]) => atom + quantifier);

const group = fc
  .tuple(
    fc.constantFrom('(12)', '(12|1)', '(?:1|12)', '(?:21|2$)', '(?:^1|2\\*)', '(?<name>1.)'),
    fc.constantFrom('', '?', '*', '+', '+?'),
  )
  .map(([atom, quantifier]) => atom + quantifier);

const sequence = fc
  .tuple(
    fc.constantFrom('', '', '^'),
    fc.array(fc.oneof({ weight: 2, arbitrary: single }, group), { minLength: 0, maxLength: 2 }),
    fc.constantFrom('', '', '$'),
  )
  .map(([start, atoms, end]) => start + atoms.join('') + end);

/** Never empty: a key of `patterns` has at least one character. */
export const smallPattern: fc.Arbitrary<string> = fc
  .array(sequence, { minLength: 1, maxLength: 2 })
  .map((alternatives) => alternatives.join('|') || '()')
  // Two groups may not have one name.
  .filter((source) => source.split('name').length < 3);
