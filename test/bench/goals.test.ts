import { expect, test } from 'vitest';
import { goalsOf, goalsReport, type Measured } from './goals.ts';
import { MASKED_CALLS, ONE_THOUSAND_PORTS } from './ingest/ingest-plan.ts';
import type { FedLine, IngestLine, IngestResult } from './ingest/ingest-result.ts';
import type { PipelineLine } from './pipeline/pipeline-result.ts';
import type { Line } from './results.ts';
import { FOLLOWED } from './trials.ts';

const NOTHING: Measured = { lines: [], ingest: null, pipeline: null };

const ingest = (more: Partial<IngestResult>): Measured => ({
  ...NOTHING,
  ingest: {
    ...{ lines: [], ceilings: [], fed: [], mostReceiveBufferBytes: null, mostOpenFiles: 1024, isPinned: true },
    ...{ sender: 'rtp-sender.c', skipped: [], failed: [], ...more },
  },
});

const masked = (timesBare: number): IngestLine =>
  ({ trial: ONE_THOUSAND_PORTS, driver: MASKED_CALLS, microsPerPacket: 2, timesBare }) as IngestLine;

const ceiling = (calls: number, by: 'loss' | 'sender' | 'ladder') => ({
  ceilings: [{ driver: MASKED_CALLS, calls, rounds: [{ calls, by }] }],
});

const fed = (calls: number, microsPerPacket: number, kibibytes: number): FedLine => ({
  ...{ calls, microsPerPacket, spread: 0, bytesPerCall: 0, heapBytesPerCall: 0 },
  bytesPerCallMore: 1024 * kibibytes,
});

const pipeline = (calls: number, perMinute: number, by: 'loss' | 'sender' = 'loss'): Measured => {
  const line: PipelineLine = {
    format: 'mp3',
    cost: { perCall: 0, perMinute },
    kept: { calls, callSeconds: 20, by },
    runs: [],
  };
  return { ...NOTHING, pipeline: { lines: [line], isPinned: true, skipped: [], failed: [] } };
};

const line = (more: Partial<Line>): Measured => ({
  ...NOTHING,
  lines: [
    {
      ...{
        group: 'stop',
        trial: 'to wav',
        call: 'long',
        callMinutes: 60,
        driver: FOLLOWED,
        row: 'ours',
        unit: 'real time',
      },
      ...{ rounds: [], seconds: 1, cpuSeconds: 1, peakBytes: null, rate: 1, cpuRate: null, spread: 0 },
      ...{ against: null, goal: null, ...more },
    } as Line,
  ],
});

const CALLS = 'live calls on a core, no packet lost';
const BARE = 'CPU a packet';
const MP3 = 'live calls on a core, socket to finished mp3';
const WAV_STOP = 'hang-up to finished wav';
const MEMORY = 'memory of a live call';
const GROWTH = 'cost as calls grow';

for (const { name, measured, goal, verdict, says } of [
  { name: 'enough calls', measured: ingest(ceiling(5000, 'loss')), goal: CALLS, verdict: 'met', says: '5000' },
  { name: 'fewer calls, by their own losses', measured: ingest(ceiling(4000, 'loss')), goal: CALLS, verdict: 'missed' },
  { name: 'fewer calls, by the sender', measured: ingest(ceiling(4000, 'sender')), goal: CALLS, verdict: 'unclear' },
  {
    name: 'fewer calls than files may be open',
    measured: ingest(ceiling(4000, 'ladder')),
    goal: CALLS,
    verdict: 'unclear',
  },
  { name: 'a cheap packet', measured: ingest({ lines: [masked(1.9)] }), goal: BARE, verdict: 'met', says: '1.90 ×' },
  { name: 'a dear packet', measured: ingest({ lines: [masked(4)] }), goal: BARE, verdict: 'missed' },
  { name: 'no sink', measured: ingest({ lines: [] }), goal: BARE, verdict: 'not measured' },
  {
    name: 'enough finished files',
    measured: pipeline(600, 0.2),
    goal: MP3,
    verdict: 'met',
    says: '600 calls of 20 s (300 of 180 s',
  },
  { name: 'too few finished files', measured: pipeline(300, 0.2), goal: MP3, verdict: 'missed' },
  { name: 'too few finished files of short calls', measured: pipeline(300, 0.1), goal: MP3, verdict: 'unclear' },
  { name: 'a sender at its end', measured: pipeline(300, 0.2, 'sender'), goal: MP3, verdict: 'unclear' },
  { name: 'a file at once', measured: line({ seconds: 0.15 }), goal: WAV_STOP, verdict: 'met', says: '150 ms' },
  { name: 'a file after a while', measured: line({ seconds: 0.5 }), goal: WAV_STOP, verdict: 'missed' },
  {
    name: 'a file that had to wait for a core',
    measured: line({ seconds: 0.5, cpuSeconds: 0.1 }),
    goal: WAV_STOP,
    verdict: 'unclear',
  },
  { name: 'another call', measured: line({ callMinutes: 10 }), goal: WAV_STOP, verdict: 'not measured' },
  { name: 'a recording nobody followed', measured: line({ driver: 'x' }), goal: WAV_STOP, verdict: 'not measured' },
  {
    name: 'small calls',
    measured: ingest({ fed: [fed(100, 1, 0), fed(10_000, 1.2, 60)] }),
    goal: MEMORY,
    verdict: 'met',
  },
  {
    name: 'big calls',
    measured: ingest({ fed: [fed(100, 1, 0), fed(10_000, 1.2, 98)] }),
    goal: MEMORY,
    verdict: 'missed',
  },
  {
    name: 'linear cost',
    measured: ingest({ fed: [fed(100, 1, 0), fed(10_000, 1.2, 60)] }),
    goal: GROWTH,
    verdict: 'met',
  },
  {
    name: 'growing cost',
    measured: ingest({ fed: [fed(100, 1, 0), fed(10_000, 1.5, 60)] }),
    goal: GROWTH,
    verdict: 'missed',
  },
  {
    name: 'not as many calls',
    measured: ingest({ fed: [fed(100, 1, 0), fed(1000, 1, 60)] }),
    goal: GROWTH,
    verdict: 'unclear',
  },
  { name: 'one number of calls', measured: ingest({ fed: [fed(100, 1, 0)] }), goal: GROWTH, verdict: 'not measured' },
] as readonly { name: string; measured: Measured; goal: string; verdict: string; says?: string }[]) {
  test(`the goal "${goal}" with ${name} is ${verdict}`, () => {
    const found = goalsOf(measured).filter(({ what }) => what.startsWith(goal));
    expect(found.map((each) => each.verdict)).toEqual([verdict]);
    expect(found[0].measured).toContain(says ?? '');
  });
}

for (const { name, speed, cpu, verdict } of [
  { name: 'both by the clock and by CPU time', speed: 2.1, cpu: 2, verdict: 'met' },
  { name: 'by neither', speed: 1, cpu: 1.9, verdict: 'missed' },
  { name: 'by the clock only', speed: 2.1, cpu: 1.5, verdict: 'unclear' },
  { name: 'by CPU time only', speed: 1.5, cpu: 2.1, verdict: 'unclear' },
  { name: 'where CPU time isn’t known', speed: 2, cpu: null, verdict: 'met' },
]) {
  test(`a speed that is reached ${name} is ${verdict}`, () => {
    const [goal] = goalsOf(line({ group: 'finalize', goal: 2, against: { driver: 'ffmpeg', speed, cpu } })).filter(
      ({ what }) => what.includes('as fast as ffmpeg'),
    );
    expect(goal).toMatchObject({ verdict, wanted: '≥ 2 ×' });
  });
}

test('what was not measured is named, and nothing else said of it', () => {
  const [only, ...more] = goalsReport(goalsOf(NOTHING));
  expect(more).toEqual([]);
  expect(only).toContain(CALLS);
  expect(only).toContain(GROWTH);
  const text = goalsReport(goalsOf(ingest(ceiling(5000, 'loss')))).join('\n');
  expect(text).toMatch(/masks on and off +5000 +5000 +met/);
});
