import { expect, test } from 'vitest';
import { type Ceiling, findCeiling, type Tried } from './ceiling.ts';
import { INGEST_TRIALS, ladderFor, rtcpFor } from './ingest-plan.ts';
import { ingestReport } from './ingest-report.ts';
import { type FedRun, fedLines, type IngestResult, ingestLine, quantiles } from './ingest-result.ts';
import type { IngestRun } from './ingest-run.ts';
import { isIngestWanted } from './ingest-wanted.ts';
import { burstOf, callsLoad, keptPace, openFilesOf } from './load.ts';
import { Toggling } from './toggling.ts';

const LADDER = [100, 200, 300, 400, 500];

const CEILINGS: readonly {
  readonly name: string;
  readonly most: number;
  readonly atMost: number;
  readonly ceiling: Ceiling<number>;
  readonly tries: number;
}[] = [
  { name: 'a loss above', most: 300, atMost: Infinity, ceiling: { step: 300, by: 'loss' }, tries: 3 },
  { name: 'nothing kept', most: 0, atMost: Infinity, ceiling: { step: undefined, by: 'loss' }, tries: 3 },
  { name: 'everything kept', most: 500, atMost: Infinity, ceiling: { step: 500, by: 'ladder' }, tries: 2 },
  { name: 'a sender that is slower', most: 500, atMost: 400, ceiling: { step: 400, by: 'sender' }, tries: 3 },
  { name: 'one step', most: 100, atMost: Infinity, ceiling: { step: 100, by: 'loss' }, tries: 3 },
];

for (const { name, most, atMost, ceiling, tries } of CEILINGS) {
  test(`the ceiling with ${name} is found in few tries`, async () => {
    const tried: number[] = [];
    const attempt = async (step: number): Promise<Tried> => {
      tried.push(step);
      return step > atMost ? 'sender' : step > most ? 'lost' : 'kept';
    };
    expect(await findCeiling(LADDER, attempt)).toEqual(ceiling);
    expect(tried.length).toBeLessThanOrEqual(tries);
    expect(new Set(tried).size).toBe(tried.length);
  });
}

for (const { load, burst } of [
  { load: { ports: 1, perSecond: 50_000 }, burst: 40 },
  { load: callsLoad(500), burst: 1 },
  { load: callsLoad(1500), burst: 1 },
  { load: callsLoad(1501), burst: 2 },
  { load: callsLoad(5000), burst: 4 },
  { load: callsLoad(10_000), burst: 8 },
]) {
  test(`${load.ports} ports at ${load.perSecond} a second are sent ${burst} at a time`, () => {
    expect(burstOf(load)).toBe(burst);
  });
}

test('a load is what was planned only when the sender kept its pace', () => {
  const sent = { sent: 100, unsent: 0, seconds: 2, lateMs: 0, cpuSeconds: 1 };
  expect(keptPace(sent, 2)).toBe(true);
  expect(keptPace({ ...sent, seconds: 2.3 }, 2)).toBe(false);
  expect(keptPace({ ...sent, unsent: 1 }, 2)).toBe(false);
});

test('what the limit of open files allows is known before', () => {
  expect(openFilesOf('calls', 2000, true)).toBe(4000 + 1000 + 200);
  const masks = { receiver: 'native', takes: 'calls', toggledShare: 0.1 } as const;
  expect([1024, 4000, 6000].map((files) => rtcpFor(masks, 2000, files))).toEqual([undefined, false, true]);
  expect([1024, 4000].map((files) => rtcpFor('bare', 2000, files))).toEqual([undefined, false]);
  expect(ladderFor(20_000).at(-1)).toBe(6000);
  expect(ladderFor(300)).toEqual([]);
});

test('as many packets a second come through one port as through ten thousand', () => {
  expect(new Set(INGEST_TRIALS.map(({ load: { ports, perSecond } }) => ports * perSecond)).size).toBe(1);
  for (const { drivers, quick } of INGEST_TRIALS) {
    expect(new Set(drivers.map(({ name }) => name)).size).toBe(drivers.length);
    for (const driver of quick) expect(drivers).toContain(driver);
  }
});

const ran = (micros: number, more: Partial<IngestRun> = {}): IngestRun => ({
  work: 1e6,
  seconds: 2,
  cpuSeconds: micros,
  peakBytes: 1 << 20,
  sent: 1_000_000,
  lost: 0,
  behind: 0,
  kernelDropped: 0,
  lateMs: 1,
  hasKeptPace: true,
  hasRtcp: true,
  grownBytes: 0,
  maskAnswersMs: [],
  masksRefused: 0,
  threads: [],
  journalBytesPerSecond: null,
  ...more,
});
const about = { trial: '2 ports', driver: 'native', load: callsLoad(1) };

test('what a packet costs is held against others round by round, and against itself never', () => {
  const bare = [ran(1), undefined, ran(2)];
  const ours = [ran(2, { lost: 5 }), ran(9), ran(6, { maskAnswersMs: [3, 1, 2] })];
  const line = ingestLine(about, ours, { bare, dgram: ours });
  expect(line).toMatchObject({ microsPerPacket: 6, timesDgram: null, lost: 5, sent: 3_000_000 });
  expect(line.timesBare).toBeCloseTo(2.4);
  expect(line.mask).toEqual({ p50: 2, p99: 3, count: 3 });
  expect(ingestLine(about, [undefined, ran(4)], { bare, dgram: [] })).toMatchObject({
    microsPerPacket: 4,
    timesBare: null,
  });
});

test('quantiles of nothing are none', () => {
  expect(quantiles([])).toBeNull();
  expect(quantiles([7])).toEqual({ p50: 7, p99: 7, count: 1 });
});

const fed = (calls: number, grownBytes: number): FedRun => ({
  ...{ calls, grownBytes, packets: 1000, cpuSeconds: 0.004, heapBytes: 0, journalBytes: 0 },
});

test('memory for each call more leaves out what all of them share', () => {
  const lines = fedLines([[fed(100, 150_000), fed(100, 150_000)], [], [fed(1000, 1_050_000)]]);
  expect(lines.map(({ calls, bytesPerCall, bytesPerCallMore }) => [calls, bytesPerCall, bytesPerCallMore])).toEqual([
    [100, 1500, null],
    [1000, 1050, 1000],
  ]);
  expect(lines[0].microsPerPacket).toBeCloseTo(4);
});

const THREADS: IngestRun['threads'] = [
  { role: 'receiver', cpuSeconds: 1 },
  { role: 'main', cpuSeconds: 3 },
];

const RESULT: IngestResult = {
  lines: [
    ingestLine(
      about,
      [ran(2, { lost: 10_000, hasRtcp: false, masksRefused: 2, maskAnswersMs: [5], threads: THREADS })],
      { bare: [ran(1)], dgram: [ran(4)] },
    ),
    ingestLine({ ...about, driver: 'bare' }, [ran(1, { hasKeptPace: false, behind: 3 })], { bare: [], dgram: [] }),
  ],
  ceilings: [{ driver: 'native', calls: 3000, rounds: [{ calls: 3000, by: 'loss' }] }],
  fed: fedLines([[fed(100, 1 << 20)]]),
  mostReceiveBufferBytes: 212_992,
  mostOpenFiles: 1024,
  isPinned: true,
  sender: 'rtp-sender.c',
  skipped: [{ what: '10,000 ports', why: '1024 open files are the limit' }],
  failed: [{ what: 'x', why: 'no reason' }],
};

test('the report has cost, ratios, losses, and says what it could not do', () => {
  const text = ingestReport(RESULT).join('\n');
  expect(text).toMatch(/native ¹ ⁴ +2\.00 +– +2\.00 × +0\.50 × +5000 +1\.00 %/);
  expect(text).toMatch(/bare +1\.00 .* 0 ³ +1 ms ²/);
  expect(text).toContain(
    'native, on one core: 3000, wanted 5000; rounds: 3000 (more lose packets, fall behind or have masks refused)',
  );
  expect(text).toContain('net.core.rmem_max is 212992.');
  expect(text).toContain('skipped: 10,000 ports: 1024 open files are the limit');
  expect(text).toContain('2 ports, native: 2 masks or their ends were not durable in time, and refused.');
  expect(text).toContain('2 ports, native, by thread: main 75 %, receiver 25 %');
  expect(text).toContain('failed: x: no reason');
  expect(text).toMatch(/100 calls +4\.00/);
});

for (const { options, wanted } of [
  { options: { filters: [] }, wanted: [true, true] },
  { options: { filters: [], only: ['ingest'] }, wanted: [true, false] },
  { options: { filters: [], only: ['finalize'] }, wanted: [false, false] },
  { options: { filters: ['live'] }, wanted: [false, false] },
  { options: { filters: ['Memory'] }, wanted: [false, true] },
]) {
  test(`who asks for ${JSON.stringify(options)} gets ingest, calls: ${wanted}`, () => {
    expect([isIngestWanted(options, 'ingest'), isIngestWanted(options, 'calls')]).toEqual(wanted);
  });
}

test('a tenth of the calls are masked or unmasked each second, in turn, and what a stall left out is left out', async () => {
  const asked: string[] = [];
  const uuids = Array.from({ length: 40 }, (_, call) => `c${call}`);
  const toggling = new Toggling(uuids, 0.1, async (uuid, action) => void asked.push(`${uuid} ${action}`));
  toggling.step(500);
  expect(asked).toEqual(['c0 mask', 'c1 mask']);
  toggling.step(1500);
  expect(asked.slice(2)).toEqual(['c2 mask', 'c3 mask', 'c0 unmask', 'c1 unmask']);
  toggling.step(60_000);
  expect(asked).toHaveLength(10);
  await expect.poll(() => toggling.answersMs.length).toBe(10);
});

test('a mask that is refused is counted, and nothing ends by it', async () => {
  const toggling = new Toggling(['c0', 'c1'], 1, () => Promise.reject(new Error('not on disk')));
  toggling.step(1000);
  await expect.poll(() => toggling.refused).toBe(2);
  expect(toggling.answersMs).toHaveLength(2);
});
