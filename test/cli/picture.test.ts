import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { drawPicture, type Picture, type PictureMask } from '../../src/cli/picture.ts';
import { cellsOf } from '../../src/cli/terminal-text.ts';

/** One level for each second of a minute, in dBFS; `undefined` is silence. */
const peaksAt = (levelAt: (second: number) => number | undefined, seconds = 60): Float32Array =>
  Float32Array.from({ length: seconds }, (_, second) => {
    const dbfs = levelAt(second);
    return dbfs === undefined ? 0 : 10 ** (dbfs / 20);
  });

/** 60 columns for 60 seconds: Alice and Bob take turns of 5 s, from 20 to 40 both are masked. */
const isMasked = (second: number): boolean => second >= 20 && second < 40;
const call: Picture = {
  durationMs: 60_000,
  legs: [
    { name: 'Alice', peaks: peaksAt((s) => (!isMasked(s) && s % 10 < 5 ? -6 : undefined)) },
    { name: 'Bob', peaks: peaksAt((s) => (!isMasked(s) && s % 10 >= 5 ? -24 : undefined)) },
  ],
  masks: [{ startMs: 20_000, endMs: 40_000, mode: 'silence' }],
  width: 67,
};

test('two people take turns, and a hole that says what it is lies across both', () => {
  expect(drawPicture(call)).toEqual([
    '       █████     █████     ░░░░░░░░░░░░░░░░░░░░█████     █████',
    'Alice  █████▁▁▁▁▁█████▁▁▁▁▁░░░░░░░░░░░░░░░░░░░░█████▁▁▁▁▁█████▁▁▁▁▁',
    '                           ░░░░░░ masked ░░░░░░',
    '                           ░░░░░░░░░░░░░░░░░░░░',
    'Bob    ▁▁▁▁▁█████▁▁▁▁▁█████░░░░░░░░░░░░░░░░░░░░▁▁▁▁▁█████▁▁▁▁▁█████',
    '       ┬─────────┬─────────┬─────────┬─────────┬─────────┬─────────',
    '       00:00     00:10     00:20     00:30     00:40     00:50',
    '░ masked 00:20.0–00:40.0',
  ]);
});

test('the same with nothing but ASCII', () => {
  expect(drawPicture({ ...call, ascii: true })).toEqual([
    '       #####     #####     ////////////////////#####     #####',
    'Alice  #####.....#####.....////////////////////#####.....#####.....',
    '                           ////// masked //////',
    '                           ////////////////////',
    'Bob    .....#####.....#####////////////////////.....#####.....#####',
    '       +---------+---------+---------+---------+---------+---------',
    '       00:00     00:10     00:20     00:30     00:40     00:50',
    '/ masked 00:20.0-00:40.0',
  ]);
});

test('levels are on a scale of decibels, in eighths of a row', () => {
  const steps = [-48, -42, -40, -36, -30, -24, -18, -12, -6, 0];
  const leg = { name: 'a', peaks: Float32Array.from(steps, (dbfs) => 10 ** (dbfs / 20)) };
  const [upper, lower] = drawPicture({ durationMs: 10_000, legs: [leg], masks: [], width: 33 });
  const each = (line: string): string[] => steps.map((_, step) => line.padEnd(33)[3 + step * 3 + 1]);
  expect(each(lower)).toEqual(['▁', '▁', '▁', '▃', '▅', '█', '█', '█', '█', '█']);
  expect(each(upper)).toEqual([' ', ' ', ' ', ' ', ' ', ' ', '▃', '▅', '█', '█']);
});

describe('what is in the file is what is drawn', () => {
  const withSoundAt = (second: number, mode: PictureMask['mode']): string[] =>
    drawPicture({
      ...call,
      legs: [{ name: 'Alice', peaks: peaksAt((s) => (s === second ? -20 : undefined)) }],
      masks: [{ startMs: 20_000, endMs: 40_000, mode }],
    });

  test('sound deep inside a mask shows in the hatching', () => {
    expect(withSoundAt(30, 'silence').slice(0, 2)).toEqual([
      `${' '.repeat(27)}${'░'.repeat(10)}▂${'░'.repeat(9)}`,
      `Alice  ${'▁'.repeat(20)}${'░'.repeat(10)}█${'░'.repeat(9)}${'▁'.repeat(20)}`,
    ]);
  });

  test('the smear of an mp3 at the edge of a mask does not', () => {
    expect(withSoundAt(20, 'silence')[1]).toBe(`Alice  ${'▁'.repeat(20)}${'░'.repeat(20)}${'▁'.repeat(20)}`);
  });

  test('so do the beeps of tone mode', () => {
    const lines = withSoundAt(25, 'tone');
    expect(lines[1]).toContain(`${'░'.repeat(5)}█${'░'.repeat(14)}`);
    expect(lines.at(-1)).toBe('░ masked by a beep 00:20.0–00:40.0');
  });
});

test('a dropped span is a seam, and a later mask moves up by what was cut out', () => {
  const lines = drawPicture({
    ...call,
    durationMs: 60_000,
    masks: [
      { startMs: 10_000, endMs: 40_000, mode: 'drop' },
      { startMs: 60_000, endMs: 75_000, mode: 'silence' },
    ],
  });
  expect(lines[2]).toBe(`${' '.repeat(7 + 10)}┊${' '.repeat(19)}░░░ masked ░░░░`);
  expect(lines.slice(-2)).toEqual(['░ masked 01:00.0–01:15.0', '┊ cut out 00:10.0–00:40.0']);
});

test('a mask much shorter than a column is still to be seen', () => {
  const masks: PictureMask[] = [{ startMs: 21_600_000, endMs: 21_615_000, mode: 'silence' }];
  const lines = drawPicture({ ...call, durationMs: 43_200_000, masks });
  expect(lines[2].trim()).toBe('░');
  expect(lines[2].indexOf('░')).toBe(7 + 30);
  expect(lines.at(-1)).toBe('░ masked 6:00:00–6:00:15');
});

test('masks that do not fit the legend are counted', () => {
  const masks = Array.from(
    { length: 9 },
    (_, n): PictureMask => ({ startMs: n * 5000, endMs: n * 5000 + 500, mode: 'silence' }),
  );
  expect(drawPicture({ ...call, masks }).at(-1)).toBe('░ masked 00:00.0–00:00.5, 00:05.0–00:05.5, and 7 more');
});

test('colours tell the legs and the mask apart, and are gone when not asked for', () => {
  const lines = drawPicture({ ...call, color: true });
  expect(lines[1]).toBe(
    `Alice  \u001b[36m█████▁▁▁▁▁█████▁▁▁▁▁\u001b[0m\u001b[33m${'░'.repeat(20)}\u001b[0m\u001b[36m█████▁▁▁▁▁█████▁▁▁▁▁\u001b[0m`,
  );
  expect(lines[4]).toContain('\u001b[32m');
  const plain = lines.map((line) => stripVTControlCharacters(line).trimEnd());
  expect(plain).toEqual(drawPicture(call));
});

test('a name from a SIP header cannot write to the terminal, and is cut', () => {
  const leg = { name: '\u001b[2J\u202eEve \u0007with a long name', peaks: new Float32Array(4) };
  const lines = drawPicture({ durationMs: 1000, legs: [leg], masks: [] });
  expect(lines[1]).toMatch(/^\[2JEve with… {2}▁/);
});

test('a recording of no length is a quiet line', () => {
  const nothing = { durationMs: 0, legs: [{ name: 'a', peaks: new Float32Array(0) }], masks: [], width: 30 };
  expect(drawPicture(nothing)).toEqual(['', `a  ${'▁'.repeat(27)}`, `   ┬${'─'.repeat(26)}`, '   00:00.00']);
});

const pictures = fc.record({
  durationMs: fc.oneof(fc.constantFrom(0, 1, 500, 60_000, 43_200_000), fc.double({ min: 0, max: 5e7, noNaN: true })),
  legs: fc.array(
    fc.record({
      name: fc.string({ unit: 'grapheme', maxLength: 20 }),
      peaks: fc.float32Array({ min: 0, max: 1, noNaN: true, maxLength: 300 }),
    }),
    { maxLength: 3 },
  ),
  masks: fc.array(
    fc
      .record({
        startMs: fc.nat(50_000_000),
        lengthMs: fc.nat(100_000),
        mode: fc.constantFrom('silence' as const, 'drop' as const, 'tone' as const),
      })
      .map(({ startMs, lengthMs, mode }) => ({ startMs, endMs: startMs + lengthMs, mode })),
    { maxLength: 12 },
  ),
  width: fc.integer({ min: 24, max: 300 }),
  ascii: fc.boolean(),
});

test('every picture fits its width, whatever it shows', () => {
  fc.assert(
    fc.property(pictures, (picture) => {
      const lines = drawPicture(picture);
      for (const line of lines) expect(cellsOf(line)).toBeLessThanOrEqual(picture.width);
      for (const line of lines) expect(line).not.toMatch(/[\s\p{Cc}]$|NaN|undefined|Infinity/u);
      const modes = new Set(picture.masks.map(({ mode }) => mode)).size;
      const bands = Math.max(0, 3 * picture.legs.length - 1);
      expect(lines).toHaveLength(bands + 2 + modes);
    }),
    { numRuns: 500 },
  );
});

test('ASCII pictures of ASCII names hold nothing else', () => {
  fc.assert(
    fc.property(pictures, (picture) => {
      const legs = picture.legs.map(({ peaks }) => ({ name: 'a name that is long', peaks }));
      for (const line of drawPicture({ ...picture, legs, ascii: true })) expect(line).toMatch(/^[ -~]*$/);
    }),
    { numRuns: 200 },
  );
});
