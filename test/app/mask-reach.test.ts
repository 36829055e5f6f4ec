import { expect, test } from 'vitest';
import { MaskReach } from '../../src/app/mask-reach.ts';
import type { RecordingDocument } from '../../src/app/recording-document.ts';

/** A recording from `fromMs` of its call, `durationMs` long. */
const recording = (fromMs: number, durationMs: number, change: Partial<RecordingDocument> = {}): RecordingDocument =>
  ({
    media_name: 'call.mp3',
    path: 'out/call.mp3',
    duration_ms: durationMs,
    masks: [],
    started_at: new Date(1.7e12 + fromMs).toISOString(),
    ...change,
  }) as RecordingDocument;

const mode = 'drop' as const;

for (const { name, masks, calls, expected } of [
  { name: 'no masks', masks: [], calls: [[recording(0, 34_200)]], expected: [] },
  { name: 'inside', masks: [[1, 2]], calls: [[recording(0, 34_200)]], expected: [] },
  {
    name: 'beyond',
    masks: [[90, 95]],
    calls: [[recording(0, 34_200)]],
    expected: ['--mask 90-95: the recording is 34.2 s long: nothing masked there'],
  },
  {
    name: 'from its very end',
    masks: [[34.2, 35]],
    calls: [[recording(0, 34_200)]],
    expected: ['--mask 34.2-35: the recording is 34.2 s long: nothing masked there'],
  },
  {
    name: 'partly beyond',
    masks: [[30, 95.25]],
    calls: [[recording(0, 34_200)]],
    expected: ['--mask 30-95.25: the recording is 34.2 s long: masked to the end'],
  },
  { name: 'to the end as it was read off', masks: [[30, 34.2]], calls: [[recording(0, 34_160)]], expected: [] },
  {
    name: 'of several masks those that miss',
    masks: [
      [1, 2],
      [40, 41],
      [50, 51],
    ],
    calls: [[recording(0, 34_200)]],
    expected: [
      '--mask 40-41: the recording is 34.2 s long: nothing masked there',
      '--mask 50-51: the recording is 34.2 s long: nothing masked there',
    ],
  },
  {
    name: 'of several calls each that is too short, by name',
    masks: [[40, 50]],
    calls: [[recording(0, 60_000)], [recording(0, 30_000, { media_name: 'other.mp3' })]],
    expected: ['--mask 40-50: other.mp3 is 30.0 s long: nothing masked there'],
  },
  {
    name: 'a mask belongs to the call: it reaches the second recording',
    masks: [[65, 70]],
    calls: [[recording(60_000, 30_000), recording(0, 30_000)]],
    expected: [],
  },
  {
    name: 'between two recordings of a call',
    masks: [[40, 50]],
    calls: [[recording(0, 30_000), recording(60_000, 30_000)]],
    expected: ['--mask 40-50: the recordings of its call end at 90.0 s: nothing masked there'],
  },
  {
    name: 'positions count from the first recording, though it was discarded',
    masks: [[12, 13]],
    calls: [[recording(0, 1000, { path: null }), recording(10_000, 5000)]],
    expected: [],
  },
  { name: 'nothing was kept', masks: [[40, 50]], calls: [[recording(0, 1000, { path: null })]], expected: [] },
  {
    name: 'what was dropped counts, once where masks overlap',
    masks: [[8, 9.5]],
    calls: [
      [
        recording(0, 6000, {
          masks: [
            { start_ms: 3000, end_ms: 5000, mode },
            { start_ms: 1000, end_ms: 4000, mode },
          ],
        }),
      ],
    ],
    expected: [],
  },
  {
    name: 'what was dropped does not count twice; positions are told as they were typed',
    masks: [[10.1, 1.1e3]],
    calls: [
      [
        recording(0, 6000, {
          masks: [
            { start_ms: 3000, end_ms: 5000, mode },
            { start_ms: 1000, end_ms: 4000, mode },
          ],
        }),
      ],
    ],
    expected: ['--mask 10.1-1100: the recording is 10.0 s long: nothing masked there'],
  },
] satisfies {
  name: string;
  masks: [number, number][];
  calls: RecordingDocument[][];
  expected: string[];
}[]) {
  test(`${name}: ${expected.length === 0 ? 'nothing to say' : expected.join('; ')}`, () => {
    const reach = new MaskReach<number>(masks.map(([start, end]) => ({ startMs: start * 1000, endMs: end * 1000 })));
    for (const [call, documents] of calls.entries()) for (const document of documents) reach.add(call, document);
    expect(reach.warnings).toEqual(expected);
  });
}
