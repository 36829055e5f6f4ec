/** `--mask A-B`: which positions are masked, what the document says of them, what is heard there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectVerified, listenTo, readManifest, runReplay } from '../support/command.ts';
import { assertPlan, type PlannedTone } from '../support/listen.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';
import { levelOf, peak, span } from '../support/tones.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);
const FRAME_MS = 20;

type Span = readonly [startMs: number, endMs: number];

const replayed = async (masks: readonly string[], data: object = {}) => {
  const out = scratchDir();
  const args = [
    capture,
    '--out',
    out,
    '--data',
    JSON.stringify({ format: 'wav', ...data }),
    ...masks.flatMap((mask) => ['--mask', mask]),
  ];
  const { documents } = await runReplay(args);
  expect(documents).toHaveLength(1);
  return documents[0];
};

/** The spans of `[0, endMs)` that no mask touches, a frame's room around each. */
const between = (masks: readonly Span[], endMs: number): Span[] => {
  const kept: Span[] = [];
  let from = 0;
  for (const [start, end] of [...masks].sort((one, other) => one[0] - other[0])) {
    if (start > from) kept.push([from, start]);
    from = Math.max(from, end);
  }
  return from < endMs ? [...kept, [from, endMs]] : kept;
};

const tonesIn = (kept: readonly Span[], channels: readonly number[][]): PlannedTone[] =>
  channels.flatMap((frequencies, channel) =>
    frequencies.flatMap((hz) => kept.map(([startMs, endMs]) => ({ channel, hz, startMs, endMs, dbfs: -12 }))),
  );

const STEREO = [[CALLER_HZ], [CALLEE_HZ]];

describe('silence: both legs, the whole span, and no more than a frame beside it', () => {
  for (const { name, asked, masks } of [
    { name: 'none', asked: [], masks: [] },
    { name: 'one', asked: ['1-2'], masks: [[1000, 2000]] },
    {
      name: 'several, in any order',
      asked: ['2.5-3', '1-1.5'],
      masks: [
        [1000, 1500],
        [2500, 3000],
      ],
    },
    { name: 'at the very beginning', asked: ['0-1'], masks: [[0, 1000]] },
    { name: 'to the very end', asked: ['3-4'], masks: [[3000, 4000]] },
    { name: 'beyond the end, which ends it', asked: ['3-99999'], masks: [[3000, 4000]] },
    { name: 'wholly beyond the end, which masks nothing', asked: ['10-20'], masks: [] },
    {
      name: 'overlapping: both are told',
      asked: ['1-2', '1.5-3'],
      masks: [
        [1000, 2000],
        [1500, 3000],
      ],
    },
    {
      name: 'one inside another',
      asked: ['1-3', '1.5-2'],
      masks: [
        [1000, 3000],
        [1500, 2000],
      ],
    },
    {
      name: 'the same twice',
      asked: ['1-2', '1-2'],
      masks: [
        [1000, 2000],
        [1000, 2000],
      ],
    },
    {
      name: 'end to end',
      asked: ['1-2', '2-3'],
      masks: [
        [1000, 2000],
        [2000, 3000],
      ],
    },
    { name: 'in milliseconds, off the frames', asked: ['1.234-2.777'], masks: [[1234, 2777]] },
    { name: 'finer than a millisecond, rounded outward', asked: ['1.2345-2.7771'], masks: [[1234, 2778]] },
    { name: 'shorter than a frame', asked: ['1.005-1.006'], masks: [[1005, 1006]] },
    { name: 'everything', asked: ['0-4'], masks: [[0, 4000]] },
  ] satisfies { name: string; asked: string[]; masks: [number, number][] }[]) {
    test(name, async () => {
      const document = await replayed(asked);
      expect(document.masks).toEqual(masks.map(([start_ms, end_ms]) => ({ start_ms, end_ms, mode: 'silence' })));
      expect(document.duration_ms).toBe(SMALL_CALL_MS);
      const audio = await listenTo(document.path!);
      const silent = masks.flatMap(([startMs, endMs]) => [0, 1].map((channel) => ({ channel, startMs, endMs })));
      // A mask's edges lie anywhere in a frame, which is withheld whole.
      const wide = masks.map(
        ([start, end]): Span => [Math.floor(start / FRAME_MS) * FRAME_MS, Math.ceil(end / FRAME_MS) * FRAME_MS],
      );
      assertPlan(audio, { durationMs: SMALL_CALL_MS, tones: tonesIn(between(wide, SMALL_CALL_MS), STEREO), silent });
      // Not a sample more than those frames: the sound begins again with the next.
      for (const [, end] of wide) {
        if (end < SMALL_CALL_MS && !wide.some(([from, to]) => from <= end && end < to)) {
          expect(peak(span(audio.channels[0], audio.sampleRate, end, end + 5))).toBeGreaterThan(1000);
        }
      }
      expect(
        readManifest(document).masks.every(({ trigger }) => trigger.kind === 'policy' && trigger.by === 'position'),
      ).toBe(true);
      await expectVerified(document.path!);
    });
  }
});

describe('in a mono recording', () => {
  test('both legs are masked and both are mixed outside of it', async () => {
    const document = await replayed(['1-2'], { channels: 'mono' });
    expect(document.channels).toBe(1);
    const audio = await listenTo(document.path!);
    expect(audio.channels).toHaveLength(1);
    assertPlan(audio, {
      durationMs: SMALL_CALL_MS,
      tones: tonesIn(
        [
          [0, 1000],
          [2000, 4000],
        ],
        [[CALLER_HZ, CALLEE_HZ]],
      ).map(({ dbfs: _, ...planned }) => planned),
      silent: [{ channel: 0, startMs: 1000, endMs: 2000 }],
    });
  });
});

test('positions count from the recording’s start, where a code began it', async () => {
  const coded = writeSmallCall(folder, 'coded.pcap', {
    legs: { b: { typed: [{ keys: '*1', atMs: 500, heldMs: 60, gapMs: 60 }] } },
  });
  const metaflows = join(folder, 'start.json');
  writeFileSync(
    metaflows,
    JSON.stringify({ numbers: { 1: { module: 'record_call', data: { action: 'start', format: 'wav' } } } }),
  );
  const { documents } = await runReplay([coded, '--metaflows', metaflows, '--mask', '1-2', '--out', scratchDir()]);
  expect(documents[0].masks).toEqual([{ start_ms: 1000, end_ms: 2000, mode: 'silence' }]);
  const { channels, sampleRate } = await listenTo(documents[0].path!);
  expect(peak(span(channels[0], sampleRate, 1000, 2000))).toBe(0);
  expect(levelOf(channels[0], sampleRate, CALLER_HZ, 500, 970)).toBeGreaterThan(-14);
  expect(levelOf(channels[0], sampleRate, CALLER_HZ, 2030, 2500)).toBeGreaterThan(-14);
});
