import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileDigitProgram } from '../../src/control/digit-program.ts';
import { MetaflowPattern } from '../../src/control/metaflow-pattern.ts';
import { LONGEST_COMPLETION, smallPattern, stringsUpTo } from './pattern-cases.ts';

const compiled = (source: string): MetaflowPattern => {
  const pattern = MetaflowPattern.compile(source);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern;
};

describe('a pattern', () => {
  for (const { source, typed, captures } of [
    { source: '^2(\\d+)$', typed: '2123', captures: ['123'] },
    { source: '^2(\\d+)$', typed: '2', captures: undefined },
    { source: '7', typed: '173', captures: [] },
    { source: '^(1)?(2)?(3)', typed: '13', captures: ['1', '', '3'] },
    { source: '(?<code>7.)', typed: '*72', captures: ['72'] },
    { source: '.*', typed: '', captures: [] },
    { source: '^\\*', typed: '*', captures: [] },
  ]) {
    test(`${source} ${captures === undefined ? 'does not match' : 'matches'} "${typed}"`, () =>
      expect(compiled(source).match(typed)).toEqual(captures));
  }

  for (const { source, says } of [
    { source: '7(', says: /missing closing/ },
    { source: '[', says: /missing closing/ },
    { source: '7(?=2)', says: /Perl syntax/ },
    { source: '(?<!7)2', says: /./ },
    { source: '(7)\\1', says: /escape/ },
    { source: '7**', says: /repetition/ },
    { source: '\\d{2000}', says: /repeat count/ },
    { source: '((\\d{1,30}){1,30}){1,30}', says: /repeat count/ },
    { source: '((?:){1000})', says: undefined },
  ]) {
    test(`${source} is ${says === undefined ? 'taken' : 'refused with the reason, the pattern not quoted'}`, () => {
      const pattern = MetaflowPattern.compile(source);
      if (says === undefined) expect(pattern).toBeInstanceOf(MetaflowPattern);
      else expect(pattern).toMatch(says);
    });
  }

  test('that would stall a backtracking matcher answers at once', () => {
    const pattern = compiled('^(\\d+)+(\\d+)+#$');
    expect(pattern.match('1'.repeat(32))).toBeUndefined();
    expect(pattern.outlook('1'.repeat(32))).toBe('open');
  });
});

describe('what may become of typed digits', () => {
  for (const { source, typed, outlook, why } of [
    { source: '^72$', typed: '72', outlook: 'dead', why: 'it is complete' },
    { source: '^72$', typed: '7', outlook: 'open', why: 'the 2 is missing' },
    { source: '^72$', typed: '75', outlook: 'dead', why: 'nothing mends it' },
    { source: '^72', typed: '72', outlook: 'settled', why: 'whatever follows, 72 is what matches' },
    { source: '72', typed: '5', outlook: 'open', why: 'unanchored, it may still come' },
    { source: '72', typed: '5721', outlook: 'settled', why: 'it has come' },
    { source: '^7(\\d)$', typed: '71', outlook: 'dead', why: 'one digit and no more' },
    { source: '^7(\\d+)$', typed: '71', outlook: 'open', why: 'more digits fit' },
    { source: '^7(\\d+)', typed: '71', outlook: 'open', why: 'more digits would be captured' },
    { source: '^7(\\d+?)', typed: '71', outlook: 'settled', why: 'it takes as few as it can' },
    { source: '^7(\\d{2,4})$', typed: '71234', outlook: 'dead', why: 'four is the most' },
    { source: '^7(\\d{2,4})$', typed: '7123', outlook: 'open', why: 'a fourth fits' },
    { source: '^(7|71)$', typed: '7', outlook: 'open', why: 'the other alternative' },
    { source: '^(7|71)', typed: '7', outlook: 'settled', why: 'the first alternative is preferred' },
    { source: '^(71|7)', typed: '7', outlook: 'open', why: 'the longer one is preferred' },
    { source: '^(72$|7)', typed: '72', outlook: 'open', why: 'of more, only 7 would be taken' },
    { source: '^(72$|72)', typed: '72', outlook: 'settled', why: 'of more, the same would be taken' },
    { source: '$', typed: '7', outlook: 'open', why: 'every string ends' },
    { source: '^$', typed: '', outlook: 'dead', why: 'only the empty string is empty' },
    { source: '^7[a-z]', typed: '7', outlook: 'dead', why: 'nobody can type a letter but A to D' },
    { source: '^7[A-C]', typed: '7', outlook: 'open', why: 'A to D can be typed' },
    { source: '^7\\#$', typed: '7', outlook: 'open', why: 'escaped punctuation stands for itself' },
    { source: '^7\\b', typed: '7', outlook: 'open', why: 'word borders are not analysed' },
    { source: '^(?i)7$', typed: '7', outlook: 'open', why: 'inline flags are not analysed' },
    { source: '^[[:digit:]]$', typed: '7', outlook: 'open', why: 'named classes are not analysed' },
    { source: '^[]7]$', typed: '7', outlook: 'open', why: 'dialects disagree' },
    { source: '^7\\z', typed: '7', outlook: 'open', why: 'dialects disagree' },
    { source: '^7{,2}$', typed: '7', outlook: 'open', why: 'dialects disagree' },
    { source: '^(7?)*$', typed: '7', outlook: 'open', why: 'repeats of what can be empty are not analysed' },
    {
      source: '^(?:7\\d{1,900}){1}(?:\\d{900}|\\d{800})$',
      typed: 'D',
      outlook: 'dead',
      why: 'large but not too large',
    },
    {
      source: '^(?:\\d{1000}|\\d{1000}|\\d{1000}|\\d{1000}|\\d{1000})$',
      typed: 'D',
      outlook: 'open',
      why: 'too large',
    },
  ]) {
    test(`${source} after "${typed}" is ${outlook}: ${why}`, () =>
      expect(compiled(source).outlook(typed)).toBe(outlook));
  }

  test('is told exactly as brute force over all longer strings finds it', () => {
    const shorts = stringsUpTo(2);
    const extensions = stringsUpTo(LONGEST_COMPLETION).slice(1);
    const seen = { dead: 0, settled: 0, open: 0 };
    fc.assert(
      fc.property(smallPattern, (source) => {
        // Another engine than the one that is used: both have the meaning of Perl here.
        const expression = new RegExp(source);
        const found = (text: string): string | undefined => {
          const match = expression.exec(text);
          return match === null ? undefined : JSON.stringify([match.index, ...match]);
        };
        const pattern = compiled(source);
        if (compileDigitProgram(source) === undefined) throw new Error('not analysed');
        for (const typed of shorts) {
          const now = found(typed);
          const later = extensions.map((more) => found(typed + more));
          const outlook = later.every((match) => match === undefined)
            ? 'dead'
            : later.every((match) => match === now)
              ? 'settled'
              : 'open';
          seen[outlook]++;
          expect(`${typed}: ${pattern.outlook(typed)}`).toBe(`${typed}: ${outlook}`);
        }
      }),
      { numRuns: 1000 },
    );
    // The comparison would be empty if the generator made only one kind.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  test('can be asked for any text that RE2 takes as a pattern', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[\^$.*+?()[\]{}|\\\d,:=!<a-zA-Z-]{0,16}$/)),
        fc.stringMatching(/^[\d*#A-D]{0,8}$/),
        (source, typed) => {
          const pattern = MetaflowPattern.compile(source);
          if (typeof pattern === 'string') return;
          expect(['dead', 'settled', 'open']).toContain(pattern.outlook(typed));
          // What the analysis rules out, the matcher must not find.
          if (pattern.outlook(typed) !== 'dead') return;
          for (const more of ['0', '7', '*', 'A', '77', '*#', '123'])
            expect(pattern.match(typed + more)).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
  });
});
