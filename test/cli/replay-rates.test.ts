/**
 * Every sample rate: one call in which a code per rate starts a recording, so that all of them are of the same sound and many are made at
 * once. wav and mp3 of a rate must be equally long and lie on each other.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { MP3_RATES } from '../../src/core/record-call.ts';
import { nativeModule } from '../../src/kernel/native-module.ts';
import { expectVerified, listenTo, readManifest, runReplay } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import type { Audio } from '../support/listen.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { CALLER_HZ, writeSmallCall } from '../support/small-call.ts';
import { lagOf, levelOf, noise, peak, span } from '../support/tones.ts';

const folder = sharedScratchDir();
const ODD_RATES = [8001, 12_345, 37_800, 47_999];
const WAV_RATES = [...MP3_RATES, ...ODD_RATES];
/** A code is `*` and two digits: three keys of 60 ms and as many pauses. */
const CODE_MS = 3 * 120;
const FIRST_MS = 100;
const DURATION_MS = FIRST_MS + 1.5 * CODE_MS * WAV_RATES.length + 3000;
/** The last second is masked in all of them: by position in the first. */
const keysOf = (index: number): string => `*${10 + index}`;

/** The caller's tone with noise under it: a tone alone looks the same at many lags. */
const callerPcm = noise(DURATION_MS, 8000, -24);
const capture = writeSmallCall(folder, 'rates.pcap', {
  durationMs: DURATION_MS,
  legs: {
    a: { pcm: callerPcm },
    b: {
      tones: [],
      typed: WAV_RATES.map((_, index) => ({
        keys: keysOf(index),
        atMs: Math.ceil((FIRST_MS + 1.5 * CODE_MS * index) / 20) * 20,
        heldMs: 60,
        gapMs: 60,
      })),
    },
  },
});

type Made = { readonly document: RecordingDocument; readonly audio: Audio };

const recordAll = async (
  format: 'wav' | 'mp3',
  rates: readonly number[],
  encoder: string,
): Promise<Map<number, Made>> => {
  const start = (rate: number) => ({
    action: 'start',
    format,
    record_sample_rate: rate,
    media_name: `${rate}.${format}`,
  });
  const numbers = Object.fromEntries(
    rates.map((rate) => [keysOf(WAV_RATES.indexOf(rate)).slice(1), { module: 'record_call', data: start(rate) }]),
  );
  const metaflows = join(folder, `${format}-${encoder}.json`);
  writeFileSync(metaflows, JSON.stringify({ numbers }));
  const out = join(folder, `${format}-${encoder}`);
  const mask = `${(DURATION_MS - 2000) / 1000}-${(DURATION_MS - 1000) / 1000}`;
  const args = [capture, '--metaflows', metaflows, '--out', out, '--mask', mask];
  const { documents } = await runReplay(args, { env: { RECORD_CALL_MP3_ENCODER: encoder }, timeoutMs: 60_000 });
  const made = new Map<number, Made>();
  for (const document of documents)
    made.set(Number.parseInt(document.media_name, 10), { document, audio: await listenTo(document.path!) });
  return made;
};

let wavs: Map<number, Made>;
beforeAll(async () => {
  wavs = await recordAll('wav', WAV_RATES, 'auto');
});

const expectSound = ({ document, audio }: Made, rate: number, silence: number): void => {
  expect(document).toMatchObject({ sample_rate: rate, state: 'stored' });
  expect(audio.sampleRate).toBe(rate);
  const { artefact } = readManifest(document);
  expect(audio.channels[0]).toHaveLength(artefact.samples);
  expect(Math.abs((artefact.samples * 1000) / rate - document.duration_ms)).toBeLessThanOrEqual(0.5);
  const [{ start_ms, end_ms }] = document.masks;
  expect(levelOf(audio.channels[0], rate, CALLER_HZ, 300, start_ms - 300)).toBeCloseTo(-12, 0);
  for (const pcm of audio.channels)
    expect(peak(span(pcm, rate, start_ms + silence, end_ms - silence))).toBeLessThanOrEqual(silence === 0 ? 0 : 33);
};

describe('wav', () => {
  for (const rate of WAV_RATES) {
    test(`${rate} Hz: right length, right tone, silent under the mask, verified`, async () => {
      const made = wavs.get(rate)!;
      expect(made).toBeDefined();
      expectSound(made, rate, 0);
      await expectVerified(made.document.path!);
    });
  }
});

describe.each(
  [
    { encoder: 'lamejs', has: true },
    { encoder: 'libmp3lame', has: nativeModule?.mp3Library() !== undefined },
    { encoder: 'ffmpeg', has: hasProgram('ffmpeg') },
  ].filter(({ has }) => has),
)('mp3 by $encoder', ({ encoder }) => {
  let mp3s: Map<number, Made>;
  beforeAll(async () => {
    mp3s = await recordAll('mp3', MP3_RATES, encoder);
  });

  for (const rate of MP3_RATES) {
    test(`${rate} Hz: as long as the wav, and on it to the sample`, async () => {
      const made = mp3s.get(rate)!;
      expect(made).toBeDefined();
      // Two frames of 1152 or 576 samples, at the lowest rates.
      expectSound(made, rate, 150);
      expect(readManifest(made.document).artefact.encoder).toContain(encoder);
      const wav = wavs.get(rate)!.audio.channels[0];
      const mp3 = made.audio.channels[0];
      expect(mp3).toHaveLength(wav.length);
      const some = (pcm: Int16Array): Int16Array => pcm.subarray(rate / 2, Math.round(rate * 1.5));
      const { lag, likeness } = lagOf(some(wav), some(mp3), 30);
      expect(lag).toBe(0);
      expect(likeness).toBeGreaterThan(0.98);
      await expectVerified(made.document.path!);
    });
  }
});
