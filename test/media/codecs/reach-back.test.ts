import { expect, test } from 'vitest';
import { CODEC_NAMES, codecFor } from '../../../src/media/codecs/registry.ts';

const reachMs = (
  name: string,
  clockRate = 8000,
  payload: Uint8Array = Uint8Array.of(0x00, 0x00),
  fmtp?: string,
): number => {
  const codec = codecFor({ name, clockRate, channels: 1, ...(fmtp === undefined ? {} : { fmtp }) })!;
  return ((codec.reachBack?.(payload) ?? 0) * 1000) / clockRate;
};

/** Look-ahead of each encoder, in ms, as its specification has it: the least that a payload reaches back. */
test.each([
  { name: 'G729', clockRate: 8000, lookAheadMs: 5 },
  { name: 'G729A', clockRate: 8000, lookAheadMs: 5 },
  { name: 'G723', clockRate: 8000, lookAheadMs: 7.5 },
  { name: 'ILBC', clockRate: 8000, lookAheadMs: 7.5 },
  { name: 'AMR', clockRate: 8000, lookAheadMs: 5 },
  { name: 'AMR-WB', clockRate: 16_000, lookAheadMs: 5.94 },
  { name: 'SPEEX', clockRate: 8000, lookAheadMs: 10 },
  { name: 'SPEEX', clockRate: 16_000, lookAheadMs: 13.94 },
  { name: 'SPEEX', clockRate: 32_000, lookAheadMs: 15.91 },
  { name: 'QCELP', clockRate: 8000, lookAheadMs: 7.5 },
  // Both mirror filters, 23 samples at 16 kHz each.
  { name: 'G722', clockRate: 8000, lookAheadMs: 2.9 },
  { name: 'G722', clockRate: 16_000, lookAheadMs: 2.9 },
  // The long-term predictor's farthest lag, 120 samples.
  { name: 'GSM', clockRate: 8000, lookAheadMs: 15 },
])(
  'a payload of $name/$clockRate reaches back by its look-ahead, and not much more',
  ({ name, clockRate, lookAheadMs }) => {
    expect(reachMs(name, clockRate)).toBeGreaterThanOrEqual(lookAheadMs);
    expect(reachMs(name, clockRate)).toBeLessThanOrEqual(lookAheadMs + 20);
  },
);

test.each(['PCMU', 'PCMA', 'L16', 'TELEPHONE-EVENT', 'CN'])('%s codes each sample by itself', (name) =>
  expect(reachMs(name)).toBe(0),
);

test('every other codec carries something', () => {
  const alone = ['PCMU', 'PCMA', 'L16', 'TELEPHONE-EVENT', 'CN'];
  for (const name of CODEC_NAMES.filter((each) => !alone.includes(each)))
    expect(reachMs(name, name === 'AMR-WB' ? 16_000 : 8000), name).toBeGreaterThanOrEqual(5);
});

const eighths = (head: number, frames: number): Uint8Array =>
  Uint8Array.of(head, ...Array.from({ length: frames }, () => [1, 0, 0, 0]).flat());

/** RFC 2658 §3: `| RR | LLL | NNN |`, then frames that are L + 1 apart. */
test.each([
  { name: 'no interleaving', payload: eighths(0, 10), from: 7.5, to: 30 },
  { name: 'two packets of one frame', payload: eighths(1 << 3, 1), from: 40, to: 450 },
  { name: 'the most there may be', payload: eighths((5 << 3) | 2, 10), from: 1200, to: 1300 },
  { name: 'reserved bits set', payload: eighths(0xc0 | (5 << 3), 10), from: 1200, to: 1300 },
  { name: 'more than there may be', payload: eighths(7 << 3, 12), from: 8 * 12 * 20, to: 2500 },
  { name: 'frames that can not be told', payload: Uint8Array.of(5 << 3, 99), from: 1200, to: 1300 },
  { name: 'empty', payload: new Uint8Array(0), from: 7.5, to: 30 },
])('QCELP: $name', ({ payload, from, to }) => {
  expect(reachMs('QCELP', 8000, payload)).toBeGreaterThanOrEqual(from);
  expect(reachMs('QCELP', 8000, payload)).toBeLessThanOrEqual(to);
});

/** RFC 4867 §4.4.1: `| CMR, R | ILL ILP | F FT Q P P | …`; type 15 is a frame without speech. */
const empties = (ill: number, frames: number): Uint8Array =>
  Uint8Array.of(0xf0, ill << 4, ...Array.from({ length: frames }, (_, k) => (k < frames - 1 ? 0xf8 : 0x78)));

test.each([
  { name: 'what both agreed on', fmtp: 'interleaving=30', payload: empties(0, 1), from: 600, to: 650 },
  { name: 'more than was agreed on', fmtp: 'interleaving=16', payload: empties(15, 4), from: 1280, to: 1310 },
  { name: 'an agreement that is no number', fmtp: 'interleaving', payload: empties(3, 4), from: 320, to: 350 },
  {
    name: 'a list that can not be told',
    fmtp: 'interleaving=16',
    payload: Uint8Array.of(0xf0, 0x30),
    from: 960,
    to: 2600,
  },
  { name: 'no agreement', fmtp: 'octet-align=1', payload: empties(15, 4), from: 5, to: 25 },
])('AMR and AMR-WB, interleaved: $name', ({ fmtp, payload, from, to }) => {
  for (const [name, clockRate] of [
    ['AMR', 8000],
    ['AMR-WB', 16_000],
  ] as const) {
    expect(reachMs(name, clockRate, payload, fmtp)).toBeGreaterThanOrEqual(from);
    expect(reachMs(name, clockRate, payload, fmtp)).toBeLessThanOrEqual(to);
  }
});
