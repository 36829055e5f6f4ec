import { expect, test } from 'vitest';
import {
  beginsAt,
  burstFor,
  callsBegun,
  isPipelineWanted,
  mostCalls,
  pipelineLadder,
  probeSizes,
} from './pipeline-plan.ts';
import { pipelineReport } from './pipeline-report.ts';
import { callsByCpuTime, costOf, type PipelineRun, whyNotKept } from './pipeline-result.ts';

const RUN: PipelineRun = {
  format: 'wav',
  ...{ calls: 200, callSeconds: 20, warmSeconds: 20, steadySeconds: 10 },
  ...{ sent: 1000, received: 1000, behind: 0, lateMs: 2, atOnce: 200, callMinutes: 100, cpuSeconds: 5 },
  threads: [
    { role: 'media', cpuSeconds: 4 },
    { role: 'finalizing', cpuSeconds: 1 },
  ],
  ...{
    delay: { media: 12, api: 15 },
    finalizing: 3,
    drainSeconds: 0.5,
    announceP99Ms: 20,
    bytesPerCall: 1 << 20,
    peakBytes: 1 << 28,
  },
  ...{ recordings: 300, faults: [] },
};

for (const { name, change, by } of [
  { name: 'all is well', change: {}, by: undefined },
  { name: 'a packet is missing', change: { received: 999 }, by: 'loss' },
  { name: 'packets were read only later', change: { behind: 7 }, by: 'loss' },
  { name: 'a recording is wrong', change: { faults: ['call-1 is failed'] }, by: 'loss' },
  { name: 'recordings pile up', change: { finalizing: 21 }, by: 'loss' },
  { name: 'two seconds’ recordings wait', change: { finalizing: 20 }, by: undefined },
  { name: 'calls come too slowly', change: { atOnce: 190 }, by: 'loss' },
  { name: 'the sender is late', change: { lateMs: 21, received: 999 }, by: 'sender' },
]) {
  test(`a load of which ${name} is ${by === undefined ? 'kept' : `not kept, by ${by}`}`, () => {
    expect(whyNotKept({ ...RUN, ...change })?.by).toBe(by);
  });
}

test('what a call costs and what its minutes cost is told from short calls and longer ones', () => {
  // 0.05 s a call, 0.03 s a minute.
  const short = { ...RUN, callSeconds: 6, callMinutes: 10, cpuSeconds: 10 * (0.03 + 10 * 0.05) };
  const long = { ...RUN, callSeconds: 20, callMinutes: 10, cpuSeconds: 10 * (0.03 + 3 * 0.05) };
  const cost = costOf([short, long])!;
  expect(cost.perCall).toBeCloseTo(0.05);
  expect(cost.perMinute).toBeCloseTo(0.03);
  expect(callsByCpuTime(cost, 180)).toBeCloseTo(60 / (0.03 + 0.05 / 3));
  expect(costOf([{ ...short, cpuSeconds: 0.1 }, long])).toMatchObject({ perCall: 0, perMinute: expect.closeTo(0.18) });
  expect(costOf([short])).toBeNull();
  expect(costOf([{ ...short, cpuSeconds: null }, long])).toBeNull();
});

test('a search goes up to what CPU time comes to, and as far as open files go', () => {
  expect(pipelineLadder(1000, 20_000)).toEqual([550, 700, 850, 1000]);
  expect(pipelineLadder(10_000, 20_000).at(-1)).toBe(Math.floor(mostCalls(20_000) / 10) * 10);
  expect(pipelineLadder(3, 20_000)).toEqual([]);
  expect(pipelineLadder(1000, 300)).toEqual([]);
});

test('calls begin one by one, so that each takes the place of one that ends', () => {
  for (const size of [...probeSizes(true), ...probeSizes(false)]) {
    expect(size.warmSeconds).toBeGreaterThanOrEqual(size.callSeconds);
    expect(beginsAt(size, size.calls)).toBeCloseTo(size.callSeconds);
    expect(beginsAt(size, callsBegun(size) - 1)).toBeLessThan(size.warmSeconds + size.steadySeconds);
  }
  expect([40, 1500, 1501, 3500].map(burstFor)).toEqual([1, 1, 2, 4]);
});

test('the report has the costs, the threads, and why more were not kept', () => {
  const lost = { ...RUN, calls: 900, received: 990 };
  const text = pipelineReport({
    lines: [
      {
        format: 'wav',
        cost: { perCall: 0.05, perMinute: 0.03 },
        kept: { calls: 800, callSeconds: 20, by: 'loss' },
        runs: [RUN, lost],
      },
    ],
    isPinned: true,
    skipped: [{ what: 'x', why: '--quick' }],
    failed: [],
  }).join('\n');
  expect(text).toMatch(/wav, 20 s each +200 +200 +0\.0500 +1200 a core +12\.0 ms +15\.0 ms +20 ms +0\.5 s +256 +yes/);
  expect(text).toContain('10 packets lost');
  expect(text).toContain('wav, 200 calls, by thread: media 80 %, finalizing 20 %');
  expect(text).toContain('50.0 ms for a call and 30.0 ms for each minute of it: 1286 calls of 180 s a core');
  expect(text).toContain('800 calls of 20 s at once are kept on one core (more are not kept)');
  expect(text).toContain('skipped: x: --quick');
});

for (const { options, wanted } of [
  { options: { filters: [] }, wanted: true },
  { options: { filters: [], only: ['pipeline'] }, wanted: true },
  { options: { filters: [], only: ['live'] }, wanted: false },
  { options: { filters: ['resampling'] }, wanted: false },
]) {
  test(`who asks for ${JSON.stringify(options)} gets the pipeline: ${wanted}`, () => {
    expect(isPipelineWanted(options)).toBe(wanted);
  });
}
