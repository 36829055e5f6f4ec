import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TcpOrder } from '../../../src/ingest/sip/tcp-order.ts';

const START = 0xffff_fffa; // Six bytes before the numbers wrap.

type Piece = {
  readonly at: number;
  readonly bytes?: string;
  readonly syn?: boolean;
  readonly cut?: boolean;
  readonly us?: number;
};

/** Pieces in; what comes out as text, `|` for a gap. Positions count from `START`. */
const ordered = (pieces: readonly Piece[], finish = false): string => {
  let out = '';
  const order = new TcpOrder({
    bytes: (chunk) => {
      out += Buffer.from(chunk).toString();
    },
    gap: () => {
      out += '|';
    },
  });
  for (const { at, bytes = '', syn = false, cut = false, us = 0 } of pieces) {
    const payload = Buffer.from(bytes);
    order.push({ atUs: us, payload, cut, tcpSequence: (START + at) >>> 0, tcpSyn: syn });
    payload.fill(0x21); // The reader reuses its buffer.
  }
  if (finish) order.finish();
  return out;
};

describe('TcpOrder', () => {
  for (const { name, pieces, expected, finish = false } of [
    {
      name: 'in order, across the wrap',
      pieces: [
        { at: 0, syn: true },
        { at: 0, bytes: 'abcd' },
        { at: 4, bytes: 'efgh' },
      ],
      expected: 'abcdefgh',
    },
    {
      name: 'picked up in mid-stream',
      pieces: [
        { at: 100, bytes: 'abcd' },
        { at: 104, bytes: 'ef' },
      ],
      expected: 'abcdef',
    },
    {
      name: 'data in the SYN',
      pieces: [
        { at: 0, bytes: 'ab', syn: true },
        { at: 2, bytes: 'cd' },
      ],
      expected: 'abcd',
    },
    {
      name: 'reordered across the wrap',
      pieces: [
        { at: 0, syn: true },
        { at: 8, bytes: 'ij' },
        { at: 4, bytes: 'efgh' },
        { at: 0, bytes: 'abcd' },
      ],
      expected: 'abcdefghij',
    },
    {
      name: 'retransmitted',
      pieces: [
        { at: 0, bytes: 'abcd' },
        { at: 0, bytes: 'abcd' },
        { at: 4, bytes: 'ef' },
        { at: 0, bytes: 'abcd' },
      ],
      expected: 'abcdef',
    },
    {
      name: 'retransmitted while held',
      pieces: [
        { at: 0, syn: true },
        { at: 4, bytes: 'ef' },
        { at: 4, bytes: 'ef' },
        { at: 0, bytes: 'abcd' },
        { at: 6, bytes: 'g' },
      ],
      expected: 'abcdefg',
    },
    {
      name: 'retransmitted in larger pieces',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 0, bytes: 'abcdef' },
        { at: 4, bytes: 'efg' },
      ],
      expected: 'abcdefg',
    },
    {
      name: 'a keep-alive probe one byte back',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 1, bytes: 'x' },
        { at: 2, bytes: 'c' },
      ],
      expected: 'abc',
    },
    {
      name: 'SYN seen twice',
      pieces: [
        { at: 0, syn: true },
        { at: 0, syn: true },
        { at: 0, bytes: 'ab' },
      ],
      expected: 'ab',
    },
    {
      name: 'a new connection on the same ports',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 9000, syn: true },
        { at: 9000, bytes: 'cd' },
      ],
      expected: 'ab|cd',
    },
    {
      name: 'a new connection whose SYN is missing',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 0x4000_0000, bytes: 'cd' },
        { at: -0x1000_0000, bytes: 'ef' },
      ],
      expected: 'ab|cd|ef',
    },
    {
      name: 'a hole waits',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 4, bytes: 'ef', us: 1 },
        { at: 6, bytes: 'gh', us: 2_900_000 },
      ],
      expected: 'ab',
    },
    {
      name: 'a hole is given up after three seconds',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 4, bytes: 'ef', us: 1 },
        { at: 6, bytes: 'gh', us: 3_100_000 },
      ],
      expected: 'ab|efgh',
    },
    {
      name: 'a hole is given up when the clock steps far back',
      pieces: [
        { at: 0, bytes: 'ab', us: 9e6 },
        { at: 4, bytes: 'ef', us: 9e6 },
        { at: 6, bytes: 'gh', us: 0 },
      ],
      expected: 'ab|efgh',
    },
    {
      name: 'two holes, one at a time',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 4, bytes: 'ef', us: 1 },
        { at: 8, bytes: 'ij', us: 2_000_000 },
        { at: 10, bytes: 'k', us: 3_100_000 },
      ],
      expected: 'ab|ef',
    },
    {
      name: 'a hole is given up at the end',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 4, bytes: 'ef' },
        { at: 8, bytes: 'ij' },
      ],
      expected: 'ab|ef|ij',
      finish: true,
    },
    {
      name: 'the rest of a cut segment never comes',
      pieces: [
        { at: 0, bytes: 'ab', cut: true },
        { at: 4, bytes: 'ef' },
      ],
      expected: 'ab|ef',
    },
    {
      name: 'a hole is given up when too much waits',
      pieces: [
        { at: 0, bytes: 'ab' },
        { at: 4, bytes: 'e'.repeat(40_000) },
        { at: 40_004, bytes: 'f'.repeat(40_000) },
      ],
      expected: `ab|${'e'.repeat(40_000)}${'f'.repeat(40_000)}`,
    },
    {
      name: 'a hole is given up when too many wait',
      pieces: [{ at: 0, bytes: 'a' }, ...Array.from({ length: 513 }, (_, index) => ({ at: 2 + index, bytes: 'b' }))],
      expected: `a|${'b'.repeat(513)}`,
    },
  ] as { name: string; pieces: Piece[]; expected: string; finish?: boolean }[]) {
    test(name, () => expect(ordered(pieces, finish)).toBe(expected));
  }

  test('any order, cut and repetition of pieces comes out as the stream', () => {
    const stream = Array.from({ length: 200 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    const piece = fc.tuple(fc.nat(199), fc.integer({ min: 1, max: 30 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.integer(), (cuts, seed) => {
        const all = Array.from({ length: 20 }, (_, index) => [index * 10, 10] as const);
        const pieces = [...all, ...cuts].map(([at, length]) => ({ at, bytes: stream.slice(at, at + length) }));
        // A shuffle that depends on the seed alone.
        const keyed = pieces.map((one, index) => ({
          one,
          key: Math.imul(index + 1, 2654435761) ^ Math.imul(seed, index + 7),
        }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
        expect(ordered([{ at: 0, syn: true }, ...shuffled])).toBe(stream);
      }),
      { numRuns: 200 },
    );
  });
});
