import { expect, test } from 'vitest';
import { MP3_RATES } from '../../../src/core/record-call.ts';
import { mp3Bitrates, mp3VersionOf } from '../../../src/finalize/encode/mp3-frame.ts';
import { voiceBitrate } from '../../../src/finalize/encode/voice-bitrate.ts';

test('all nine rates have a bitrate that their version of MPEG can have', () => {
  for (const rate of MP3_RATES) {
    for (const channels of [1, 2] as const)
      expect(mp3Bitrates(mp3VersionOf(rate)!)).toContain(voiceBitrate(rate, channels));
  }
});

for (const rate of [0, 7999, 8001, 44000, 96000, Number.NaN]) {
  test(`${rate} Hz is RATE_UNSUPPORTED, and the message lists what is not`, () => {
    const refused = expect.objectContaining({
      code: 'RATE_UNSUPPORTED',
      message: expect.stringContaining('11025 12000'),
    });
    expect(() => voiceBitrate(rate, 1)).toThrow(refused);
  });
}
