/**
 * Random calls for the mask property: what each leg sends, what the network does to it, when masks open and close; and what must
 * and must not be found afterwards. Times are ms from the call's start, on the clock of whoever captures.
 */
import fc from 'fast-check';
import type { Leg } from '../../src/core/leg.ts';
import type { MaskMode } from '../../src/core/record-call.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { seeded } from './tones.ts';

export const FRAME_MS = 20;
/** The network's least delay; everything is seen that much later than it was said. */
export const DELAY_MS = 15;

/** Payload bytes of 20 ms, timestamp ticks, and how much from before a frame is in it. */
export const CODECS: readonly {
  readonly wire: WireCodec;
  readonly bytes: number;
  readonly ticks: number;
  readonly reachMs?: number;
}[] = [
  { wire: { name: 'PCMU', clockRate: 8000, channels: 1 }, bytes: 160, ticks: 160 },
  { wire: { name: 'PCMA', clockRate: 8000, channels: 1 }, bytes: 160, ticks: 160 },
  { wire: { name: 'L16', clockRate: 8000, channels: 1 }, bytes: 320, ticks: 160 },
  { wire: { name: 'L16', clockRate: 16_000, channels: 1 }, bytes: 640, ticks: 320 },
  { wire: { name: 'G722', clockRate: 8000, channels: 1 }, bytes: 160, ticks: 160, reachMs: 5 },
  { wire: { name: 'OPUS', clockRate: 48_000, channels: 2 }, bytes: 60, ticks: 960, reachMs: 7 },
];

export type Schedule = {
  readonly seed: number;
  readonly seconds: number;
  readonly codecs: Readonly<Record<Leg, number>>;
  /** Leg b begins so much later. */
  readonly laterMs: number;
  /** Shares of packets, 0 to 1. */
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly jitterMs: number;
  /** Leg, frame: what changes there. */
  readonly changes: readonly { readonly leg: Leg; readonly at: number; readonly kind: 'ssrc' | 'jump' | 'codec' }[];
  /** Opened and closed, ms; a missing close: never. */
  readonly masks: readonly { readonly open: number; readonly close: number | undefined }[];
  readonly mode: MaskMode;
  readonly channels: 'stereo' | 'mono';
  readonly lookbackMs: number;
  /** Share of the journal's bytes at which a crash cuts it. */
  readonly crash: number;
};

const leg = fc.constantFrom<Leg>('a', 'b');

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  seconds: fc.integer({ min: 2, max: 5 }),
  codecs: fc.record({ a: fc.nat(CODECS.length - 1), b: fc.nat(CODECS.length - 1) }),
  laterMs: fc.constantFrom(0, 0, 7, 400),
  loss: fc.constantFrom(0, 0, 0.02, 0.15),
  reorder: fc.constantFrom(0, 0, 0.05, 0.2),
  duplicate: fc.constantFrom(0, 0, 0.05, 1),
  jitterMs: fc.constantFrom(0, 3, 12),
  changes: fc
    .array(fc.record({ leg, at: fc.integer({ min: 40, max: 210 }), kind: fc.constantFrom('ssrc', 'jump', 'codec') }), {
      maxLength: 2,
    })
    .map((changes) =>
      changes.filter((one, i) =>
        changes.every((other, k) => k <= i || other.leg !== one.leg || Math.abs(other.at - one.at) > FEWEST),
      ),
    ),
  masks: fc
    .array(
      fc.record({
        gap: fc.integer({ min: 1, max: 1500 }),
        length: fc.integer({ min: 1, max: 1500 }),
        closes: fc.integer({ min: 0, max: 5 }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((spans) => {
      const masks: { open: number; close: number | undefined }[] = [];
      let at = 0;
      for (const { gap, length, closes } of spans) {
        if (masks.at(-1)?.close === undefined && masks.length > 0) break;
        masks.push({ open: at + gap, close: closes === 0 ? undefined : at + gap + length });
        at += gap + length;
      }
      return masks;
    }),
  mode: fc.constantFrom<MaskMode>('silence', 'drop', 'tone'),
  channels: fc.constantFrom('stereo', 'mono'),
  lookbackMs: fc.constantFrom(0, 0, 40, 700),
  crash: fc.double({ min: 0, max: 1, noNaN: true }),
});

export type SentFrame = {
  readonly leg: Leg;
  readonly codec: (typeof CODECS)[number];
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  /** Of its audio as the recorder should place it: when it was said, plus the least delay. */
  readonly startMs: number;
  readonly endMs: number;
  readonly payload: Buffer;
  /** Some part of it is masked: none of its bytes may be found. */
  readonly secret: boolean;
  /** Far enough from every mask that it must be there. */
  readonly kept: boolean;
  /** Never delivered. */
  readonly lost: boolean;
};

export type Arrival = { readonly atMs: number; readonly frame: SentFrame };

/** A stream of fewer frames has no line that could be trusted, and may be withheld near any mask. */
const FEWEST = 30;

/** In every masked payload, several times. */
export const SECRET = Buffer.from('c0ffee5ec7e7c0de', 'hex');

/** How far a frame may reach into a mask before a test calls it masked: what the earliest-arrival line can't be known better than. */
const EDGE_MS = 1;

/**
 * What is sent, and what arrives when, in order.
 * @param masks as they took effect, lookback included.
 */
export const play = (schedule: Schedule): { frames: SentFrame[]; arrivals: Arrival[] } => {
  const random = seeded(schedule.seed);
  const frames: SentFrame[] = [];
  const arrivals: Arrival[] = [];
  const spans = schedule.masks.map(({ open, close }) => ({
    from: open - schedule.lookbackMs,
    to: close ?? Number.POSITIVE_INFINITY,
  }));
  for (const leg of ['a', 'b'] as const) {
    let codec = CODECS[schedule.codecs[leg]]!;
    let ssrc = Math.floor(random() * 2 ** 32);
    let sequence = Math.floor(random() * 65_536);
    let timestamp = Math.floor(random() * 2 ** 32);
    const count = Math.floor((schedule.seconds * 1000) / FRAME_MS);
    for (let n = 0; n < count; n++) {
      for (const change of schedule.changes) {
        if (change.leg !== leg || change.at !== n || n > count - FEWEST) continue;
        if (change.kind === 'jump') timestamp = (timestamp + 1_000_000 + Math.floor(random() * 2 ** 31)) >>> 0;
        else {
          ssrc = Math.floor(random() * 2 ** 32);
          sequence = Math.floor(random() * 65_536);
          timestamp = Math.floor(random() * 2 ** 32);
          if (change.kind === 'codec') codec = CODECS[Math.floor(random() * CODECS.length)]!;
        }
      }
      const saidMs = n * FRAME_MS + (leg === 'b' ? schedule.laterMs : 0);
      const startMs = saidMs + DELAY_MS;
      const endMs = startMs + FRAME_MS;
      const secret = spans.some(({ from, to }) => startMs < to - EDGE_MS && endMs > from + EDGE_MS);
      const kept = spans.every(
        ({ from, to }) => startMs >= to + FRAME_MS + (codec.reachMs ?? 0) || endMs <= from - FRAME_MS,
      );
      const payload = Buffer.alloc(codec.bytes);
      for (let i = 0; i < payload.length; i++) payload[i] = Math.floor(random() * 256);
      if (secret) for (let i = 1; i + SECRET.length <= payload.length; i += 20) SECRET.copy(payload, i);
      // A table of contents that says one frame of 20 ms (RFC 6716 §3.1); the rest may be anything.
      if (codec.wire.name === 'OPUS') payload[0] = 0xf8;
      const lost = random() < schedule.loss;
      const frame = { leg, codec, ssrc, sequence, timestamp, startMs, endMs, payload, secret, kept, lost };
      frames.push(frame);
      sequence = (sequence + 1) & 0xffff;
      timestamp = (timestamp + codec.ticks) >>> 0;
      if (lost) continue;
      // Most packets come without any queueing, as on a real network; so the least delay is seen soon.
      let atMs = endMs + (random() < 0.5 ? 0 : random() * schedule.jitterMs);
      if (random() < schedule.reorder) atMs += FRAME_MS + random() * 100;
      arrivals.push({ atMs, frame });
      if (random() < schedule.duplicate) arrivals.push({ atMs: atMs + random() * 30, frame });
    }
  }
  arrivals.sort((one, other) => one.atMs - other.atMs);
  return { frames, arrivals };
};
