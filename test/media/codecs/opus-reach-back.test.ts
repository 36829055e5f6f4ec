import { describe, expect, test } from 'vitest';
import { opusReachBackSamples } from '../../../src/media/codecs/opus-reach-back.ts';

/** 48 kHz samples: what a packet with and without a SILK layer is coded out of, and what stands in for "unknown". */
const PLAIN = 960;
const CELT = 312;
const REDUNDANT = 60_000;
const MS = 48;

/** The first byte of a packet: configuration, stereo, frame-count code. */
const toc = (config: number, code = 0, stereo = false): number => (config << 3) | (stereo ? 4 : 0) | code;
const of = (...bytes: number[]): number => opusReachBackSamples(Uint8Array.from(bytes));

const [NB_10, NB_20, NB_40, NB_60] = [0, 1, 2, 3] as const;
const [HYBRID_10, HYBRID_20] = [12, 13] as const;
const CELT_20 = 31;

describe('a packet with in-band FEC repeats a whole frame of its own length', () => {
  test.each([
    { name: '10 ms', config: NB_10, head: 0b0100_0000, ms: 10 },
    { name: '20 ms', config: NB_20, head: 0b0100_0000, ms: 20 },
    { name: '40 ms', config: NB_40, head: 0b0010_0000, ms: 40 },
    { name: '60 ms', config: NB_60, head: 0b0001_0000, ms: 60 },
    { name: '60 ms, wideband', config: 11, head: 0b0001_0000, ms: 60 },
    { name: 'hybrid 10 ms', config: HYBRID_10, head: 0b0100_0000, ms: 10 },
    { name: 'hybrid 20 ms', config: HYBRID_20, head: 0b0100_0000, ms: 20 },
    { name: '60 ms, voiced, no FEC', config: NB_60, head: 0b1110_1111, ms: 0 },
    { name: '20 ms, voiced, no FEC', config: NB_20, head: 0b1011_1111, ms: 0 },
  ])('$name', ({ config, head, ms }) => {
    expect(of(toc(config), head, 9)).toBe(PLAIN + ms * MS);
    // Two frames of one size: the flags are those of the first.
    expect(of(toc(config, 1), head, 9)).toBe(PLAIN + ms * MS);
  });

  test('or may: behind frame lengths, the flags are not looked for', () => {
    expect(of(toc(NB_60, 2), 1, 0, 0)).toBe(PLAIN + 60 * MS);
    expect(of(toc(NB_60, 3), 0x02, 0, 0)).toBe(PLAIN + 60 * MS);
    expect(of(toc(NB_40, 3), 0x81, 0)).toBe(PLAIN + 40 * MS);
    expect(of(toc(NB_10, 3), 0x03, 0, 0, 0)).toBe(PLAIN + 10 * MS);
    expect(of(toc(CELT_20, 3), 0x01, 0xff)).toBe(CELT);
  });

  test('in the side channel of stereo as well', () => {
    expect(of(toc(NB_20, 0, true), 0b0001_0000, 9)).toBe(PLAIN + 20 * MS);
    expect(of(toc(NB_60, 0, true), 0b0000_0001, 9)).toBe(PLAIN + 60 * MS);
    expect(of(toc(NB_20, 0, true), 0b1010_1111, 9)).toBe(PLAIN);
    expect(of(toc(NB_20), 0b1001_0000, 9)).toBe(PLAIN);
  });

  test('CELT has none, and one look-ahead', () => {
    for (let config = 16; config < 32; config++) expect(of(toc(config), 0xff, 9)).toBe(CELT);
  });

  test('a packet of discontinuous transmission repeats nothing', () => expect(of(toc(NB_60))).toBe(PLAIN));
});

describe('padding that is not padding', () => {
  const CODE_3 = toc(CELT_20, 3);
  test.each([
    { name: 'zeros', packet: [CODE_3, 0x41, 3, 7, 0, 0, 0], samples: CELT },
    { name: 'none, though announced', packet: [CODE_3, 0x41, 0, 7], samples: CELT },
    { name: 'an extension', packet: [CODE_3, 0x41, 3, 7, 126 << 1, 1, 2], samples: REDUNDANT },
    { name: 'one byte at the very end', packet: [CODE_3, 0x41, 3, 7, 0, 0, 1], samples: REDUNDANT },
    { name: 'frames of their own sizes before it', packet: [CODE_3, 0xc2, 2, 1, 7, 7, 0, 1], samples: REDUNDANT },
    { name: 'frames that end in what looks like one', packet: [CODE_3, 0xc2, 2, 1, 7, 7, 0, 0], samples: CELT },
    {
      name: 'zeros, more than 254',
      packet: [CODE_3, 0x41, 255, 1, 7, ...new Array<number>(255).fill(0)],
      samples: CELT,
    },
    {
      name: 'an extension, more than 254 and at its start',
      packet: [CODE_3, 0x41, 255, 1, 7, 9, ...new Array<number>(254).fill(0)],
      samples: REDUNDANT,
    },
    { name: 'no padding flag', packet: [CODE_3, 0x01, 7, 9, 9], samples: CELT },
    { name: 'SILK with FEC and an extension', packet: [toc(NB_60, 3), 0x41, 1, 7, 9], samples: REDUNDANT },
  ])('$name', ({ packet, samples }) => expect(of(...packet)).toBe(samples));
});

describe('a packet that no decoder takes may hold anything', () => {
  test.each([
    { name: 'empty', packet: [] },
    { name: 'a count of none', packet: [toc(CELT_20, 3), 0] },
    { name: 'two of one size, odd', packet: [toc(CELT_20, 1), 1, 2, 3] },
    { name: 'padding past the end', packet: [toc(CELT_20, 3), 0x41, 200, 1] },
    { name: 'a padding length cut off', packet: [toc(CELT_20, 3), 0x41, 255] },
    { name: 'over 120 ms', packet: [toc(NB_60, 3), 3, 1, 2, 3] },
  ])('$name', ({ packet }) => expect(of(...packet)).toBe(REDUNDANT));
});
