import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planCapture } from '../../src/ingest/survey/plan-capture.ts';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { scratchDir } from '../support/scratch.ts';
import { rms } from '../support/tones.ts';
import { writeLongCall } from './long-call.ts';
import { FRAME_SAMPLES, sampleVoices } from './voice.ts';

const never = new AbortController().signal;

test('a call is one call of two legs, complete and of the length asked for, and its PCM is the same speech', async () => {
  const folder = scratchDir();
  const [capture, pcmPath] = [join(folder, 'call.pcap'), join(folder, 'call.pcm')];
  const voices = await sampleVoices();
  const packets = await writeLongCall({ minutes: 2, driftPpm: 0 }, voices, capture, pcmPath, never);
  expect(packets).toBe(2 * 2 * 60 * 50);

  const plan = await planCapture(capture);
  expect(plan.warnings).toEqual([]);
  expect(plan.leftOut).toEqual([]);
  expect(plan.calls).toHaveLength(1);
  const [{ firstUs, lastUs, streams }] = plan.calls;
  expect(streams.map(({ leg, packets }) => [leg, packets])).toEqual([
    ['a', packets / 2],
    ['b', packets / 2],
  ]);
  expect((lastUs - firstUs) / 1e6).toBeCloseTo(120 - 0.02, 1);

  const bytes = readFileSync(pcmPath);
  expect(bytes.length).toBe(2 * 60 * 8000 * 4);
  const pcm = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const frame = new Int16Array(FRAME_SAMPLES);
  // Past the end of the sample call, where it begins again.
  for (const index of [0, 1000, 4000]) {
    for (const [channel, frames] of [voices.a, voices.b].entries()) {
      decodeUlaw(frames[index % frames.length], frame);
      const heard = frame.map((_, n) => pcm[2 * (index * FRAME_SAMPLES + n) + channel]);
      expect(heard).toEqual(frame);
    }
  }
  expect(rms(pcm)).toBeGreaterThan(300);
});

test('a clock that drifts arrives later and later', async () => {
  const capture = join(scratchDir(), 'call.pcap');
  await writeLongCall({ minutes: 1, driftPpm: 1000 }, await sampleVoices(), capture, undefined, never);
  const [{ streams }] = (await planCapture(capture)).calls;
  const lengths = streams.map(({ firstUs, lastUs }) => lastUs - firstUs);
  expect((lengths[1] - lengths[0]) / 1000).toBeGreaterThan(55);
  expect((lengths[1] - lengths[0]) / 1000).toBeLessThan(65);
});

test('an interrupted benchmark stops writing', async () => {
  const capture = join(scratchDir(), 'call.pcap');
  const interrupted = AbortSignal.abort(new Error('enough'));
  await expect(
    writeLongCall({ minutes: 60, driftPpm: 0 }, await sampleVoices(), capture, undefined, interrupted),
  ).rejects.toThrow('enough');
  expect(statSync(capture).size).toBeLessThan(100);
});
