/**
 * `--mask A-B` on random networks: a position is a place in the file that the same replay makes without masks. Both files have one
 * time base, nothing of the masked place is in any file, and nothing else is missing.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replay } from '../../src/app/replay.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemCode } from '../../src/core/errors.ts';
import { PUBLIC_ONLY } from '../../src/deliver/allow-list.ts';
import { decodeUlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { type CallScenario, callDatagrams, DEFAULT_START_US } from '../support/call-scenario.ts';
import { filesIn, listenTo } from '../support/command.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir } from '../support/scratch.ts';
import { seeded } from '../support/tones.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 40);
const FRAME_MS = 20;
const FRAME_SAMPLES = 160;
const SIP_PORT = 5060;

type Network = {
  readonly seed: number;
  readonly frames: number;
  /** How late the first packets of each leg are, and how many of them. */
  readonly lateMs: readonly [a: number, b: number];
  readonly latePackets: readonly [a: number, b: number];
  /** Later packets wait behind the late ones, or arrive in time beside them. */
  readonly queue: boolean;
  readonly jitterMs: number;
  readonly loss: number;
  readonly startsLaterMs: number;
  readonly ppm: number;
  readonly sip: boolean;
  /** Shares of the length. */
  readonly mask: readonly [from: number, length: number];
};

const networks: fc.Arbitrary<Network> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  frames: fc.integer({ min: 60, max: 200 }),
  lateMs: fc.tuple(fc.constantFrom(0, 30, 100, 200, 390), fc.constantFrom(0, 30, 100, 200, 390)),
  latePackets: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })),
  queue: fc.boolean(),
  jitterMs: fc.constantFrom(0, 0, 5, 30),
  loss: fc.constantFrom(0, 0, 0.05),
  startsLaterMs: fc.constantFrom(0, 0, 260),
  ppm: fc.constantFrom(0, 0, 200, -200),
  sip: fc.boolean(),
  mask: fc.tuple(fc.double({ min: 0, max: 0.9, noNaN: true }), fc.double({ min: 0.01, max: 0.5, noNaN: true })),
});

/** Each frame of each leg is noise of its own, so that it can be told in any file. */
const capture = (network: Network, path: string): Buffer[] => {
  const random = seeded(network.seed);
  const scenario: CallScenario = {
    durationMs: network.frames * FRAME_MS,
    sip: network.sip,
    legs: {
      a: { stream: { clockPpm: network.ppm } },
      b: { startMs: network.startsLaterMs },
    },
  };
  const frames: Buffer[] = [];
  const seen = { a: 0, b: 0 };
  const lastUs = { a: 0, b: 0 };
  const datagrams = callDatagrams(scenario).flatMap((datagram) => {
    if (datagram.sourcePort === SIP_PORT) return [datagram];
    const leg = datagram.source === '192.0.2.11' ? 'a' : 'b';
    const at = leg === 'a' ? 0 : 1;
    const n = seen[leg]++;
    const pcm = Int16Array.from({ length: FRAME_SAMPLES }, () => Math.round((random() - 0.5) * 16_000));
    const payload = Buffer.from(datagram.payload);
    encodeUlaw(pcm, payload.subarray(12));
    const isLost = n > 0 && random() < network.loss;
    const delayMs = (n < network.latePackets[at]! ? network.lateMs[at]! : 0) + random() * network.jitterMs;
    let atUs = datagram.atUs + Math.round(delayMs * 1000);
    if (network.queue) atUs = Math.max(atUs, lastUs[leg]);
    lastUs[leg] = Math.max(lastUs[leg], atUs);
    if (isLost) return [];
    frames.push(Buffer.from(payload.subarray(12)));
    return [{ ...datagram, atUs, payload }];
  });
  // The call is hung up when all media have come.
  const overUs = Math.max(lastUs.a, lastUs.b) + 35_000;
  const sorted = datagrams
    .map((each) =>
      each.sourcePort === SIP_PORT
        ? { ...each, atUs: each.atUs > DEFAULT_START_US ? Math.max(overUs, each.atUs) : each.atUs }
        : each,
    )
    .sort((one, other) => one.atUs - other.atUs);
  writeFileSync(path, pcapFile(sorted.map((each) => ({ atUs: each.atUs, data: udpPacket(each) }))));
  return frames;
};

/** A stretch from the middle of a frame, as samples. */
const MIDDLE = { from: 60, to: 100 } as const;
const middleOf = (frame: Buffer): Buffer => {
  const pcm = new Int16Array(FRAME_SAMPLES);
  decodeUlaw(frame, pcm);
  return Buffer.from(pcm.buffer).subarray(MIDDLE.from * 2, MIDDLE.to * 2);
};

/** The frames any part of which lies at samples `[from, to)` of a channel. */
const framesIn = (channels: readonly Int16Array[], frames: readonly Buffer[], from: number, to: number): Buffer[] =>
  frames.filter((frame) =>
    channels.some((channel) => {
      const bytes = Buffer.from(channel.buffer, channel.byteOffset, channel.byteLength);
      const at = bytes.indexOf(middleOf(frame));
      if (at < 0) return false;
      const start = at / 2 - MIDDLE.from;
      return start < to && start + FRAME_SAMPLES > from;
    }),
  );

/** How many of the frames are in some file, as they were sent or as samples of one channel of one or two. */
const countIn = (folder: string, frames: readonly Buffer[]): number => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => bytesOf(join(entry.parentPath, entry.name)));
  return frames.filter((frame) => {
    const mono = middleOf(frame);
    return files.some((bytes) => bytes.includes(frame) || bytes.includes(mono) || holdsInterleaved(bytes, mono));
  }).length;
};

/** One that has got its final name since it was listed is looked at under that, next time. */
const bytesOf = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
};

const holdsInterleaved = (bytes: Buffer, mono: Buffer): boolean => {
  for (let at = bytes.indexOf(mono.subarray(0, 2)); at >= 0; at = bytes.indexOf(mono.subarray(0, 2), at + 1)) {
    let n = 2;
    while (n < mono.length && bytes[at + 2 * n] === mono[n] && bytes[at + 2 * n + 1] === mono[n + 1]) n += 2;
    if (n >= mono.length) return true;
  }
  return false;
};

/** @param onFinalizing called while journals and half-written files are there. */
const run = async (
  path: string,
  directory: string,
  masks: readonly { startMs: number; endMs: number }[],
  onFinalizing: () => void = () => {},
) => {
  const { recordings } = await replay({
    captures: [path],
    metaflows: undefined,
    holder: undefined,
    fields: { format: 'wav', media_name: 'call.wav' },
    masks,
    redactTones: false,
    directory,
    url: undefined,
    allow: PUBLIC_ONLY,
    speed: Number.POSITIVE_INFINITY,
    encoder: 'lamejs',
    clock: systemClock,
    random: Math.random,
    listener: { onFinalizing },
  });
  expect(recordings).toHaveLength(1);
  const audio = await listenTo(recordings[0]!.path!);
  return { document: recordings[0]!, channels: audio.channels };
};

test('a masked replay differs from the same replay without masks in the masked place, and nowhere else', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(networks, async (network) => {
      const folder = scratchDir();
      const path = join(folder, 'call.pcap');
      const frames = capture(network, path);
      const open = await run(path, join(folder, 'open'), []);
      const lengthMs = open.document.duration_ms;
      const startMs = Math.floor(network.mask[0] * lengthMs);
      const endMs = Math.min(lengthMs, Math.ceil(startMs + network.mask[1] * lengthMs));
      const out = join(folder, 'masked');
      const [from, to] = [startMs * 8, endMs * 8];
      const secrets = framesIn(open.channels, frames, from, to);
      expect(secrets.length).toBeGreaterThan(0);

      const found: number[] = [];
      const masked = await run(path, out, [{ startMs, endMs }], () => found.push(countIn(out, secrets)));
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((count) => count > 0)).toEqual([]);
      expect(countIn(out, secrets)).toBe(0);
      expect(countIn(join(folder, 'open'), secrets)).toBeGreaterThan(0);
      expect(masked.document.masks).toEqual([{ start_ms: startMs, end_ms: endMs, mode: 'silence' }]);
      expect(filesIn(out)).toEqual(['call.wav', 'call.wav.json']);
      for (const [at, channel] of masked.channels.entries()) {
        const whole = open.channels[at]!;
        expect(channel.length).toBe(whole.length);
        for (let n = 0; n < channel.length; n++) {
          const isIn = n >= from && n < to;
          const isBeside = n >= from - FRAME_SAMPLES && n < to + FRAME_SAMPLES;
          const wanted = isIn ? 0 : whole[n];
          // A frame that reaches into the mask is gone whole, and where lines meet another one sounds in its place.
          if (isBeside && !isIn) continue;
          if (channel[n] !== wanted)
            throw new Error(
              `leg ${at}, sample ${n} (${n / 8} ms): ${channel[n]}, not ${wanted}; mask ${startMs}–${endMs}`,
            );
        }
      }
    }),
    { numRuns: RUNS, interruptAfterTimeLimit: 120_000 },
  );
});
