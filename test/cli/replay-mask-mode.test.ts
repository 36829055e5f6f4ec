/** `mask_mode` tone and drop through the command line: what is heard in the artefact instead of the call. */
import { expect, test } from 'vitest';
import { expectVerified, listenTo, runReplay } from '../support/command.ts';
import { assertPlan, type PlannedTone } from '../support/listen.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';
import { levelOf, peak, span, toDbfs } from '../support/tones.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

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

const tonesIn = (kept: readonly Span[], channels: readonly number[][]): PlannedTone[] =>
  channels.flatMap((frequencies, channel) =>
    frequencies.flatMap((hz) => kept.map(([startMs, endMs]) => ({ channel, hz, startMs, endMs, dbfs: -12 }))),
  );

const STEREO = [[CALLER_HZ], [CALLEE_HZ]];

test('tone: a quiet beep on both channels at the beginning of the span, nothing else in it', async () => {
  const document = await replayed(['1-3'], { mask_mode: 'tone' });
  expect(document.masks).toEqual([{ start_ms: 1000, end_ms: 3000, mode: 'tone' }]);
  const { channels, sampleRate } = await listenTo(document.path!);
  for (const [channel, pcm] of channels.entries()) {
    expect(levelOf(pcm, sampleRate, 425, 1020, 1130)).toBeGreaterThan(-40);
    expect(toDbfs(peak(span(pcm, sampleRate, 1000, 3000)))).toBeLessThan(-35);
    expect(peak(span(pcm, sampleRate, 1150, 3000))).toBe(0);
    expect(levelOf(pcm, sampleRate, STEREO[channel][0], 1020, 1130)).toBeLessThan(-50);
  }
  // The beep is near the caller's tone: the ear hears it there, no louder than it is.
  assertPlan(
    { channels, sampleRate },
    {
      durationMs: SMALL_CALL_MS,
      tones: tonesIn(
        [
          [0, 1000],
          [3000, 4000],
        ],
        STEREO,
      ),
    },
    { absentDbfs: -35 },
  );
});

for (const { name, asked, kept } of [
  { name: 'one span', asked: ['1-3'], kept: 2000 },
  { name: 'at 0', asked: ['0-1'], kept: 3000 },
  { name: 'beyond the end', asked: ['3-60'], kept: 3000 },
  { name: 'overlapping spans, which are taken out once', asked: ['1-2', '1.5-3'], kept: 2000 },
  { name: 'everything: a recording of no length', asked: ['0-60'], kept: 0 },
]) {
  for (const format of asked.length > 1 || kept === 0 ? (['wav', 'mp3'] as const) : (['wav'] as const)) {
    test(`drop, as ${format}: ${name}`, async () => {
      const document = await replayed(asked, { mask_mode: 'drop', format });
      expect(document.duration_ms).toBe(kept);
      expect(document.masks).toHaveLength(asked.length);
      expect(document.masks[0].start_ms).toBe(Number.parseFloat(asked[0]) * 1000);
      const audio = await listenTo(document.path!);
      expect(audio.channels[0]).toHaveLength(kept * 8);
      if (kept > 0)
        assertPlan(audio, { tones: tonesIn([[0, kept]], STEREO).map(({ dbfs: _, ...planned }) => planned) });
      // No click: at the seam the sound fades out and in, so no two samples lie further apart than a loud tone's own.
      if (format === 'wav') {
        for (const [channel, pcm] of audio.channels.entries()) {
          const steepest = 2 * Math.PI * (STEREO[channel][0] / 8000) * 8231 * 1.05;
          for (let n = 1; n < pcm.length; n++) expect(Math.abs(pcm[n] - pcm[n - 1])).toBeLessThan(steepest);
        }
      }
      await expectVerified(document.path!);
    });
  }
}

test('tone, where spans overlap: verify accepts what this program has written', async () => {
  const document = await replayed(['0.5-2', '1-3.7'], { mask_mode: 'tone' });
  await expectVerified(document.path!);
});
