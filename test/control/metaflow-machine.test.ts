import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMetaflows } from '../../src/control/metaflow-document.ts';
import { MetaflowMachine, type MetaflowMatch } from '../../src/control/metaflow-machine.ts';
import { DTMF_SYMBOLS } from '../../src/media/telephone-event.ts';
import { labelled, labelOf, recordCall } from './documents.ts';
import { LONGEST_COMPLETION, smallPattern, stringsUpTo } from './pattern-cases.ts';

const MS = 1000;
const DIGIT_GAP_US = 100 * MS;

/**
 * Types a script and tells the codes that acted, `label@ms`. A digit comes 100 ms after what was before it, the first at 100; `_` is
 * a second of nothing, in which timeouts end.
 */
const type = (machine: MetaflowMachine, script: string): string[] => {
  let now = 0;
  const told: string[] = [];
  const tell = (match: MetaflowMatch | undefined): void => {
    if (match !== undefined) told.push(`${labelOf(match.node)}@${match.atUs / MS}`);
  };
  for (const symbol of script) {
    if (symbol === '_') {
      now += 1_000_000;
      tell(machine.advance(now));
    } else {
      now += DIGIT_GAP_US;
      tell(machine.digit(symbol, now));
    }
  }
  return told;
};

const rows: { name: string; numbers?: string[]; patterns?: string[]; rest?: object; script: string; acts: string[] }[] =
  [
    { name: 'a code acts at its last digit', numbers: ['71', '72', '73', '74'], script: '*72', acts: ['72@300'] },
    {
      name: 'code after code',
      numbers: ['71', '72', '73', '74'],
      script: '*71*72*73*74',
      acts: ['71@300', '72@600', '73@900', '74@1200'],
    },
    { name: 'nothing without the binding digit', numbers: ['72'], script: '72', acts: [] },
    {
      name: 'another binding digit',
      numbers: ['72'],
      rest: { binding_digit: '#' },
      script: '*72#72',
      acts: ['72@600'],
    },
    {
      name: 'a digit as binding digit',
      numbers: ['72'],
      rest: { binding_digit: '7' },
      script: '772',
      acts: ['72@300'],
    },
    { name: 'a code that may become a longer one waits', numbers: ['7', '72'], script: '*7_', acts: ['7@1000'] },
    { name: 'and the longer one acts at once', numbers: ['7', '72'], script: '*72_', acts: ['72@300'] },
    {
      name: 'each digit restarts the timer',
      numbers: ['12345678', '1234567890'],
      script: '*12345678_',
      acts: ['12345678@1700'],
    },
    { name: 'another timeout', numbers: ['7', '72'], rest: { digit_timeout: 300 }, script: '*7_', acts: ['7@500'] },
    { name: 'an incomplete code ends in nothing', numbers: ['72'], script: '*7_2_', acts: [] },
    { name: 'and the next one is heard', numbers: ['72'], script: '*7_*72', acts: ['72@1500'] },
    { name: 'the binding digit alone', numbers: ['72'], script: '*_', acts: [] },
    { name: 'a mistyped code does not swallow the right one', numbers: ['72'], script: '*75*72', acts: ['72@600'] },
    { name: 'nor one given up half way', numbers: ['72'], script: '*7*72', acts: ['72@500'] },
    { name: 'nor the binding digit twice', numbers: ['72'], script: '**72', acts: ['72@400'] },
    { name: 'digits behind a mistyped code are nothing', numbers: ['72', '2'], script: '*52', acts: [] },
    { name: 'a spoilt short code does not act', numbers: ['7', '72'], script: '*75_', acts: [] },
    { name: 'a repeated code acts again', numbers: ['72'], script: '*72*72', acts: ['72@300', '72@600'] },
    { name: 'a number wins over a pattern', numbers: ['72'], patterns: ['^72$'], script: '*72', acts: ['72@300'] },
    {
      name: 'a number waits for a pattern that goes on',
      numbers: ['72'],
      patterns: ['^72(\\d)$'],
      script: '*72_',
      acts: ['72@1100'],
    },
    { name: 'which may then come', numbers: ['72'], patterns: ['^72(\\d)$'], script: '*721', acts: ['^72(\\d)$@400'] },
    { name: 'the first pattern wins', patterns: ['^7.$', '^72$'], script: '*72', acts: ['^7.$@300'] },
    {
      name: 'a pattern of fixed length acts at its last digit',
      patterns: ['^9(\\d)$'],
      script: '*91',
      acts: ['^9(\\d)$@300'],
    },
    {
      name: 'an open one waits for all its digits',
      patterns: ['^9(\\d+)$'],
      script: '*9123_',
      acts: ['^9(\\d+)$@1300'],
    },
    {
      name: 'one without end acts as soon as more would change nothing',
      patterns: ['^72'],
      script: '*72',
      acts: ['^72@300'],
    },
    { name: 'unanchored', patterns: ['72'], script: '*172', acts: ['72@400'] },
    { name: 'unanchored, over a binding digit', patterns: ['7\\*2'], script: '*17*2', acts: ['7\\*2@500'] },
    { name: 'one that can’t be analysed waits', patterns: ['^72\\b'], script: '*72_', acts: ['^72\\b@1100'] },
    {
      name: 'an empty code that a pattern takes, after the timeout only',
      patterns: ['^$'],
      script: '*_',
      acts: ['^$@900'],
    },
    { name: 'even where nothing more could come', patterns: ['()'], script: '*_', acts: ['()@900'] },
    {
      name: 'a timeout that nobody waited for ends at the next digit, at its own time',
      numbers: ['7', '72'],
      rest: { digit_timeout: 50 },
      script: '*',
      acts: [],
    },
    { name: 'lower case and nonsense are no digits', numbers: ['72'], script: '*7ax2', acts: ['72@500'] },
    { name: 'letters are', patterns: ['^A$'], script: '*A', acts: ['^A$@200'] },
    { name: 'no more than 32 digits', patterns: ['^\\d+$'], script: `*${'1'.repeat(40)}_`, acts: ['^\\d+$@3300'] },
    { name: 'and nothing where 32 are no code', patterns: ['^\\d+#$'], script: `*${'1'.repeat(40)}#_`, acts: [] },
  ];

describe('a metaflow machine', () => {
  for (const { name, numbers = [], patterns = [], rest = {}, script, acts } of rows) {
    test(name, () => expect(type(new MetaflowMachine(labelled(numbers, patterns, rest)), script)).toEqual(acts));
  }

  test('tells when it is to be called next, and only while it waits', () => {
    const machine = new MetaflowMachine(labelled(['7', '72'], []));
    expect(machine.deadlineUs).toBeUndefined();
    machine.digit('*', 5 * MS);
    expect(machine.deadlineUs).toBe(805 * MS);
    machine.digit('7', 100 * MS);
    expect(machine.deadlineUs).toBe(900 * MS);
    expect(machine.advance(900 * MS - 1)).toBeUndefined();
    expect(machine.advance(900 * MS)?.atUs).toBe(900 * MS);
    expect(machine.deadlineUs).toBeUndefined();
    expect(machine.advance(2000 * MS)).toBeUndefined();
  });

  test('a digit at the end of the timeout or after it no longer belongs to the code, which acts at its own time', () => {
    for (const lateUs of [0, 5_000_000]) {
      const machine = new MetaflowMachine(labelled(['7', '72'], []));
      machine.digit('*', 0);
      machine.digit('7', 100 * MS);
      const match = machine.digit('2', 900 * MS + lateUs);
      expect([labelOf(match!.node), match!.atUs]).toEqual(['7', 900 * MS]);
      expect(machine.deadlineUs).toBeUndefined();
    }
  });

  test('digits that waited, read two seconds late, belong to one code with what is typed when they were read', () => {
    const machine = new MetaflowMachine(labelled(['7', '72'], []));
    expect(machine.digit('*', 1000 * MS, 3000 * MS)).toBeUndefined();
    expect(machine.digit('7', 1000 * MS, 3000 * MS)).toBeUndefined();
    expect(machine.advance(3000 * MS)).toBeUndefined();
    expect(machine.digit('2', 3300 * MS)?.atUs).toBe(3300 * MS);
    expect(machine.digit('*', 4000 * MS, 6000 * MS)).toBeUndefined();
    expect(machine.digit('7', 4000 * MS, 6000 * MS)).toBeUndefined();
    // It can have been pressed as early as that.
    expect(machine.advance(7000 * MS)?.atUs).toBe(4800 * MS);
  });

  test('a binding digit that comes after the timeout arms anew', () => {
    const machine = new MetaflowMachine(labelled(['7', '72'], []));
    machine.digit('*', 0);
    machine.digit('7', 100 * MS);
    expect(labelOf(machine.digit('*', 2000 * MS)!.node)).toBe('7');
    expect(machine.deadlineUs).toBe(2800 * MS);
    expect(machine.digit('7', 2100 * MS)).toBeUndefined();
    expect(labelOf(machine.digit('2', 2200 * MS)!.node)).toBe('72');
  });

  test('hands over the digits of a pattern, and of a number, to who asks for them', () => {
    const machine = new MetaflowMachine(
      parseMetaflows({
        numbers: { 8: recordCall('stop') },
        patterns: { '^9(\\d)(\\d)?#': { module: 'callflow', data: { id: 'x' } } },
      }),
    );
    for (const symbol of '*91') machine.digit(symbol, 0);
    const match = machine.digit('#', 0)!;
    expect(match.digits.injectedInto(match.node.data as Record<string, unknown>, 'a')).toEqual({
      id: 'x',
      collected: '91#',
      captures: ['1', ''],
      dtmf_leg: 'a',
    });
    machine.digit('*', 0);
    const number = machine.digit('8', 0)!;
    expect([number.digits.collected, number.digits.captures]).toEqual(['8', undefined]);
  });

  test('says nothing of the digits in JSON', () => {
    const machine = new MetaflowMachine(parseMetaflows({ patterns: { '^(\\d{16})$': recordCall('mask') } }));
    machine.digit('*', 0);
    const card = '4111111111111111';
    const match = [...card].map((symbol) => machine.digit(symbol, 0)).at(-1);
    expect(match).toBeDefined();
    expect(JSON.stringify([machine, match])).not.toMatch(/4111|1111/);
  });
});

describe('whatever is typed', () => {
  const code = fc.stringMatching(/^[12]{1,3}$/);
  const document = fc.record({
    codes: fc.uniqueArray(code, { maxLength: 4 }),
    patterns: fc.uniqueArray(smallPattern, { maxLength: 2 }),
    binding: fc.constantFrom('*', '#', '1'),
  });
  const keys = fc.array(
    fc.record({
      symbol: fc.constantFrom('1', '2', '*', '#'),
      gapMs: fc.constantFrom(0, 1, 100, 799, 800, 801, 5000),
      tick: fc.boolean(),
    }),
    { maxLength: 24 },
  );
  const extensions = stringsUpTo(LONGEST_COMPLETION).slice(1);

  test('codes act exactly when brute force says so: at once when no longer code could be another, else at the timeout', () => {
    const seen = { atOnce: 0, late: 0, dropped: 0 };
    fc.assert(
      fc.property(document, keys, ({ codes, patterns, binding }, typed) => {
        const parsed = labelled(codes, patterns, { binding_digit: binding });
        const expressions = parsed.patterns.map(({ pattern }) => ({
          source: pattern.source,
          expression: new RegExp(pattern.source),
        }));
        const outcome = (text: string): string | undefined => {
          if (codes.includes(text)) return text;
          for (const { source, expression } of expressions) {
            const match = expression.exec(text);
            if (match !== null) return JSON.stringify([source, match.index, ...match]);
          }
          return undefined;
        };
        const canBecomeAnother = (text: string): boolean => {
          const now = outcome(text);
          return extensions.some((more) => {
            const later = outcome(text + more);
            return later !== undefined && later !== now;
          });
        };

        const machine = new MetaflowMachine(parsed);
        let collected: string | undefined;
        let deadlineUs = 0;
        let now = 0;
        const expected: string[] = [];
        const actual: string[] = [];
        const tell = (match: MetaflowMatch | undefined): void => {
          if (match !== undefined) actual.push(`${match.digits.collected}@${match.atUs}`);
        };
        for (const { symbol, gapMs, tick } of [...typed, { symbol: '', gapMs: 10_000, tick: true }]) {
          now += gapMs * MS;
          if (collected !== undefined && now >= deadlineUs) {
            if (outcome(collected) !== undefined) expected.push(`${collected}@${deadlineUs}`);
            if (outcome(collected) !== undefined) seen.late++;
            collected = undefined;
          }
          if (tick) tell(machine.advance(now));
          if (symbol !== '') tell(machine.digit(symbol, now));
          if (symbol === '') continue;
          if (collected === undefined) {
            if (symbol === binding) {
              collected = '';
              deadlineUs = now + 800 * MS;
            }
            continue;
          }
          collected += symbol;
          deadlineUs = now + 800 * MS;
          if (canBecomeAnother(collected)) continue;
          const hit = outcome(collected) !== undefined;
          if (hit) expected.push(`${collected}@${now}`);
          seen[hit ? 'atOnce' : 'dropped']++;
          collected = !hit && symbol === binding ? '' : undefined;
        }
        expect(actual).toEqual(expected);
        expect(machine.deadlineUs).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });

  test('no digit is part of two codes, no code acts twice, and nothing throws', () => {
    const anyKey = fc.tuple(
      fc.constantFrom(...DTMF_SYMBOLS, '', 'x', '12'),
      fc.integer({ min: -1_000_000, max: 2_000_000 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(document, fc.array(anyKey, { maxLength: 60 }), ({ codes, patterns, binding }, typed) => {
        const machine = new MetaflowMachine(labelled(codes, patterns, { binding_digit: binding }));
        let now = 10_000_000;
        let used = 0;
        const take = (match: MetaflowMatch | undefined): void => {
          // The binding digit and the code's own.
          if (match !== undefined) used += 1 + match.digits.collected.length;
        };
        for (const [symbol, stepUs, tick] of typed) {
          now += stepUs;
          if (tick) take(machine.advance(now));
          take(machine.digit(symbol, now));
          expect(machine.advance(now)).toBeUndefined();
        }
        take(machine.advance(now + 10_000_000));
        expect(used).toBeLessThanOrEqual(typed.length);
      }),
      { numRuns: 500 },
    );
  });
});
