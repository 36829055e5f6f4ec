/** Rule 3 for payloads that hold audio from before their own frame: none of a mask's sound is kept with what came after it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';

const START_US = Date.UTC(2026, 0, 15) * 1000;
const MASK_FROM = 4000;

/** One packet: when it leaves, its place, and the spans of time, in ms, that are in it. */
type Sent = { readonly atMs: number; readonly timestamp: number; readonly bytes: Buffer };

/** `bytes` with `#from-to#` in them, which says what time they hold. */
const holding = (bytes: Buffer, at: number, from: number, to: number): Buffer => {
  bytes.write(`#${from}-${to}#`, at, 'latin1');
  return bytes;
};

/** The spans in the journal of a call masked from `MASK_FROM` to `maskTo`. */
const kept = async (codec: WireCodec, packets: readonly Sent[], maskTo: number): Promise<[number, number][]> => {
  const pipeline = new Pipeline(scratchDir());
  pipeline.call.recordFromFirstFrame({ format: 'wav' }, 'test');
  const commands = [
    { atMs: MASK_FROM, action: 'mask' },
    { atMs: maskTo, action: 'unmask' },
  ] as const;
  let next = 0;
  const ordered = [...packets].sort((one, other) => one.atMs - other.atMs);
  for (const [sequence, { atMs, timestamp, bytes }] of ordered.entries()) {
    for (let command = commands[next]; command !== undefined && command.atMs <= atMs; command = commands[++next]) {
      pipeline.call.advance(START_US + command.atMs * 1000);
      await pipeline.command(command.action);
    }
    pipeline.packet({ leg: 'a', ssrc: 1, sequence, timestamp, arrivalUs: START_US + atMs * 1000, codec, bytes });
  }
  await pipeline.call.end();
  const journal = readFileSync(pipeline.closed[0]!.path, 'latin1');
  return [...journal.matchAll(/#(\d+)-(\d+)#/g)].map(([, from, to]) => [Number(from), Number(to)]);
};

const expectClean = (spans: readonly [number, number][], maskTo: number): void => {
  expect(spans.filter(([from, to]) => from < maskTo && to > MASK_FROM)).toEqual([]);
  expect(spans.some(([, to]) => to <= MASK_FROM)).toBe(true);
  expect(spans.some(([from]) => from >= maskTo)).toBe(true);
};

const OPUS: WireCodec = { name: 'OPUS', clockRate: 48_000, channels: 2 };

test.each([
  { ms: 20, config: 1, flag: 0b0100_0000 },
  { ms: 40, config: 2, flag: 0b0010_0000 },
  { ms: 60, config: 3, flag: 0b0001_0000 },
])('opus with in-band FEC, $ms ms frames', async ({ ms, config, flag }) => {
  // The unmask comes at every phase of a frame, as it would.
  for (const maskTo of [7205, 7215, 7230, 7239, 7255]) {
    const packets = Array.from({ length: Math.floor(12_000 / ms) }, (_, n) => ({
      atMs: (n + 1) * ms,
      timestamp: n * ms * 48,
      bytes: holding(Buffer.from([config << 3, flag, ...new Uint8Array(40)]), 4, Math.max(0, n - 1) * ms, (n + 1) * ms),
    }));
    expectClean(await kept(OPUS, packets, maskTo), maskTo);
  }
});

test('opus with a second of the past in its padding', async () => {
  const packets = Array.from({ length: 500 }, (_, n) => {
    const padding = holding(Buffer.alloc(60), 1, Math.max(0, n * 20 - 1040), (n + 1) * 20);
    padding[0] = 126 << 1;
    const bytes = Buffer.concat([Buffer.from([(31 << 3) | 3, 0x41, 60]), Buffer.alloc(80, 7), padding]);
    return { atMs: (n + 1) * 20, timestamp: n * 960, bytes };
  });
  expectClean(await kept(OPUS, packets, 6010), 6010);
});

test.each([
  { name: 'interleaved', step: 4 },
  { name: 'one after the other', step: 1 },
])('AMR, four frames a packet, $name', async ({ step }) => {
  const body = (first: number, ilp: number): Buffer => {
    const frames = [0, 1, 2, 3].map((k) => {
      const at = (first + k * step) * 20;
      return holding(Buffer.alloc(31, 0x33), 1, at, at + 20);
    });
    return Buffer.concat([Buffer.from([0xf0, ((step - 1) << 4) | ilp, 0xbc, 0xbc, 0xbc, 0x3c]), ...frames]);
  };
  const packets: Sent[] = [];
  for (let group = 0; group < 40; group++) {
    for (let ilp = 0; ilp < 4; ilp++) {
      const first = group * 16 + (step === 1 ? 4 * ilp : ilp);
      packets.push({
        atMs: (first + 3 * step + 1) * 20,
        timestamp: first * 160,
        bytes: body(first, step === 1 ? 0 : ilp),
      });
    }
  }
  const codec = { name: 'AMR', clockRate: 8000, channels: 1, fmtp: 'octet-align=1; interleaving=16' };
  for (const maskTo of [7900, 7935, 8010]) expectClean(await kept(codec, packets, maskTo), maskTo);
});

test('QCELP, ten frames a packet, six packets apart', async () => {
  const packets: Sent[] = [];
  for (let group = 0; group < 12; group++) {
    for (let index = 0; index < 6; index++) {
      const first = group * 60 + index;
      const frames = Array.from({ length: 10 }, (_, k) => {
        const at = (first + 6 * k) * 20;
        return holding(Buffer.from([4, ...new Uint8Array(34)]), 1, at, at + 20);
      });
      packets.push({
        atMs: (first + 55) * 20,
        timestamp: first * 160,
        bytes: Buffer.concat([Buffer.from([(5 << 3) | index]), ...frames]),
      });
    }
  }
  const codec = { name: 'QCELP', clockRate: 8000, channels: 1 };
  for (const maskTo of [7900, 8430]) expectClean(await kept(codec, packets, maskTo), maskTo);
});

test.each([
  { name: 'SPEEX', clockRate: 8000, lookAheadMs: 10 },
  { name: 'SPEEX', clockRate: 16_000, lookAheadMs: 14 },
  { name: 'SPEEX', clockRate: 32_000, lookAheadMs: 16 },
])(
  '$name/$clockRate, whose first $lookAheadMs ms are of the frame before',
  async ({ name, clockRate, lookAheadMs }) => {
    for (const early of [1, 6, 9, 13, 15]) {
      const maskTo = 6000 - early;
      const packets = Array.from({ length: 500 }, (_, n) => ({
        atMs: (n + 1) * 20,
        timestamp: (n * clockRate) / 50,
        // A silent frame and the terminator (RFC 5574).
        bytes: holding(
          Buffer.from([0x07, 0x80, ...new Uint8Array(40)]),
          4,
          Math.max(0, n * 20 - lookAheadMs),
          (n + 1) * 20,
        ),
      }));
      expectClean(await kept({ name, clockRate, channels: 1 }, packets, maskTo), maskTo);
    }
  },
);
