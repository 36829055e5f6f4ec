import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DECODER_DELAY,
  ENCODER_DELAY,
  LEAD_IN,
  LONGEST_TRIM,
  paddingAfter,
  silenceAfter,
} from '../../../src/finalize/encode/gapless.ts';

const TOO_FEW = expect.objectContaining({ code: 'ENCODE_FAILED' });

test('what decoders skip is whole frames', () => expect(LEAD_IN + ENCODER_DELAY + DECODER_DELAY).toBe(1152));

test('padding is what the frames have besides lead-in, delay and audio', () => {
  expect(paddingAfter(8000, 17, 576)).toBe(17 * 576 - 623 - 8000);
});

test('padding can not be less than a decoder holds back', () => {
  const samples = 4 * 576 - LEAD_IN - ENCODER_DELAY - DECODER_DELAY;
  expect(paddingAfter(samples, 4, 576)).toBe(DECODER_DELAY);
  expect(() => paddingAfter(samples + 1, 4, 576)).toThrow(TOO_FEW);
});

test('the silence after makes short files long enough to be recognised, and its padding can always be said', () => {
  fc.assert(
    fc.property(fc.nat(9000), fc.constantFrom(576, 1152), (samples, frameSamples) => {
      const silence = silenceAfter(samples, frameSamples);
      // As all three encoders end a file.
      const frames = Math.ceil((LEAD_IN + samples + silence + 2 * ENCODER_DELAY) / frameSamples);
      expect(paddingAfter(samples, frames, frameSamples)).toBeLessThanOrEqual(LONGEST_TRIM);
      expect(frames).toBeGreaterThanOrEqual(frameSamples === 576 || samples >= 2194 ? 6 : 4);
      if (samples > 7000) expect(silence).toBe(0);
    }),
    { numRuns: 1000 },
  );
});
