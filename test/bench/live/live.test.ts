import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { RtpPacket } from '../../../src/media/rtp-packet.ts';
import { joined, silence, tone } from '../../support/tones.ts';
import { legFaults, manifestFaults } from './heard.ts';
import { dropsIn } from './kernel-drops.ts';
import { framesOf, hzOf, LEVEL_DBFS, MOST_LEGS, RATE } from './leg-tone.ts';
import { areGoalsKept, liveGoals } from './live-goals.ts';
import { isLiveWanted } from './live-plan.ts';
import { liveReport } from './live-report.ts';
import type { LiveResult } from './live-result.ts';
import { Load } from './load.ts';

const heard = (ms: number, hz = hzOf(7)): Int16Array => tone(hz, ms, RATE, LEVEL_DBFS);
const mask = { startMs: 2000, endMs: 3000, edgeMs: 60 };

test('a leg that is all there, masked where it says so, is right', () => {
  const right = joined(heard(1980), silence(1040, RATE), heard(2980));
  expect(legFaults(right, hzOf(7), [mask])).toEqual([]);
});

for (const { name, pcm, masks = [], fault } of [
  {
    name: 'a frame that is missing',
    pcm: joined(heard(2500), silence(20, RATE), heard(2500)),
    fault: /^nothing is heard from 2500/,
  },
  { name: 'another leg', pcm: heard(5000, hzOf(8)), fault: /^349 Hz at -?\d/ },
  {
    name: 'another leg beside its own',
    pcm: heard(5000).map((sample, n) => sample + (heard(1000, hzOf(9))[n % RATE] >> 1)),
    fault: /in all/,
  },
  {
    name: 'a sample under a mask',
    pcm: joined(heard(1980), silence(20, RATE), new Int16Array(1).fill(4), silence(1000, RATE), heard(2000)),
    masks: [mask],
    fault: /^something is heard under the mask from 2000 ms/,
  },
  {
    name: 'a mask that reaches too far',
    pcm: joined(heard(1900), silence(1150, RATE), heard(2000)),
    masks: [mask],
    fault: /^nothing is heard from 1900/,
  },
]) {
  test(`what is wrong with a leg is told: ${name}`, () => {
    expect(legFaults(pcm, hzOf(7), masks).join('\n')).toMatch(fault);
  });
}

test('a mask that is not where it was asked for, and packets that are missing, are told', () => {
  const packets = { received: 499, lost: 1, late: 0, duplicate: 0, unusable: 0 };
  const at = Date.parse('2026-01-01T00:00:00Z');
  const manifest = {
    artefact: { duration_ms: 10_000 },
    recording: { started_at: '2026-01-01T00:00:00.000Z' },
    recovered: false,
    legs: { a: { packets }, b: { packets: { ...packets, received: 500, lost: 0 } } },
    masks: [{ start_ms: 2000, end_ms: 3500, asked_at: '2026-01-01T00:00:02.000Z' }],
  } as unknown as Parameters<typeof manifestFaults>[0];
  const asked = (ms: number) => ({ sentMs: at + ms, answeredMs: at + ms + 10 });
  const masks = [{ on: asked(1995), off: asked(3000) }];
  expect(manifestFaults(manifest, { call: 0, seconds: 10, masks, waitedMs: 0 })).toEqual([
    'leg a: 499 packets of 500',
    `leg a: ${JSON.stringify(packets)}`,
    'mask 0 ends at 3500 ms, not when that was asked for',
  ]);
});

test('every leg has a tone of its own, which repeats every second', () => {
  expect(new Set(Array.from({ length: MOST_LEGS }, (_, leg) => hzOf(leg))).size).toBe(MOST_LEGS);
  expect(MOST_LEGS).toBeGreaterThanOrEqual(400);
  expect(framesOf(3).map(({ length }) => length)).toEqual(Array(50).fill(160));
});

test('the load sends each leg its own packets, numbered and timed, and counts them', async () => {
  const legs = [createSocket('udp4'), createSocket('udp4')];
  const heardBy = legs.map(() => [] as string[]);
  for (const [leg, socket] of legs.entries()) {
    const packet = new RtpPacket();
    socket.on('message', (bytes) => {
      packet.parse(bytes);
      heardBy[leg].push(`${packet.ssrc} ${packet.sequence} ${packet.timestamp}`);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  const load = new Load({ ports: legs.map((socket) => socket.address().port), seconds: 1 });
  await load.open();
  const { sent, unsent } = await load.run();
  load.close();
  await expect.poll(() => heardBy.map(({ length }) => length)).toEqual([50, 50]);
  for (const socket of legs) socket.close();
  expect({ sent, unsent }).toEqual({ sent: 100, unsent: 0 });
  expect(heardBy[1].slice(0, 2)).toEqual(['4097 0 0', '4097 1 160']);
  expect(heardBy[0].at(-1)).toBe(`4096 49 ${49 * 160}`);
});

test('what the kernel dropped is read by port', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  12: 0100007F:4E20 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1234 2 0000000000000000 17',
    '  13: 0100007F:4E22 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1235 2 0000000000000000 0',
    '',
  ];
  expect([...dropsIn(table.join('\n'))]).toEqual([[20_000, 17]]);
});

const RESULT: LiveResult = {
  calls: 200,
  seconds: 60,
  loadBefore: 0.5,
  load: { sent: 1000, unsent: 0, late: { p50: 1, p99: 2, max: 3 }, cpuSeconds: 9 },
  received: 1000,
  kernelDropped: 0,
  delay: { media: 14, api: 30 },
  delayBeside: { p50: 10, p99: 11, max: 12 },
  delayWhileFinalizing: { media: 20, api: 30 },
  finalizedSeconds: 3,
  cpuSeconds: 20,
  mediaThreadCpuSeconds: 18,
  threads: [
    { role: 'main', cpuSeconds: 18 },
    { role: 'store', cpuSeconds: 2 },
  ],
  memoryBytes: 1 << 27,
  peakBytes: 1 << 28,
  maskAnswersMs: [3, 1, 2],
  recordings: 200,
  faults: [],
};

for (const { name, change, verdicts, kept } of [
  { name: 'all is well', change: {}, verdicts: 'met met met', kept: true },
  { name: 'a packet was lost', change: { received: 999 }, verdicts: 'missed met met', kept: false },
  { name: 'a recording is wrong', change: { faults: ['call-1: no'] }, verdicts: 'met missed met', kept: false },
  { name: 'a recording is missing', change: { recordings: 199 }, verdicts: 'met missed met', kept: false },
  {
    name: 'the loop is late',
    change: { delay: { media: 25, api: 10 } },
    verdicts: 'met met missed',
    kept: true,
  },
  {
    name: 'everything on the machine is late',
    change: { delay: { media: 25, api: 10 }, delayBeside: { p50: 10, p99: 18, max: 20 } },
    verdicts: 'met met unclear',
    kept: true,
  },
]) {
  test(`what is wanted of the live service when ${name}`, () => {
    const result = { ...RESULT, ...change };
    const { packets, recordings, delay } = liveGoals(result);
    expect([packets, recordings, delay].map(({ verdict }) => verdict).join(' ')).toBe(verdicts);
    expect(areGoalsKept(result)).toBe(kept);
    for (const fault of result.faults) expect(liveReport(result).join('\n')).toContain(fault);
  });
}

test('the report has the figures, and leaves out what a machine can not tell', () => {
  const text = liveReport(RESULT).join('\n');
  expect(text).toContain('0.100 s per call-minute; 33 % of a core, 30 % of a core for the thread that takes media in');
  expect(text).toContain('p50 2.0 ms, max 3.0; 3 times');
  expect(text).toContain('main 90 %, store 10 %');
  const elsewhere = liveReport({
    ...RESULT,
    cpuSeconds: null,
    memoryBytes: null,
    kernelDropped: null,
    threads: [],
  }).join('\n');
  expect(elsewhere).not.toMatch(/per call-minute|MiB/);
});

test('filters choose the live trial by its names', () => {
  expect(
    [[], ['live'], ['LIVE', 'calls'], ['mp3'], ['live', 'mp3']].map((filters) => isLiveWanted({ filters })),
  ).toEqual([true, true, true, false, false]);
});
