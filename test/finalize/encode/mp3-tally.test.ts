import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc16 } from '../../../src/finalize/encode/crc16.ts';
import { silentMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';
import { Mp3Tally } from '../../../src/finalize/encode/mp3-tally.ts';

const FRAMES = [24, 32, 40, 24, 64].map((kbps) => silentMp3Frame(8000, 1, kbps, 0));
const BYTES = Buffer.concat(FRAMES);

test('the same, wherever the bytes are cut', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: BYTES.length }), { maxLength: 30 });
  fc.assert(
    fc.property(cuts, (places) => {
      const tally = new Mp3Tally(8000);
      const all = [0, ...places.sort((one, other) => one - other), BYTES.length];
      for (const [n, at] of all.slice(1).entries()) expect(tally.take(BYTES.subarray(all[n], at))).toBe(true);
      expect([tally.frames, tally.isWhole, tally.musicCrc]).toEqual([FRAMES.length, true, crc16(BYTES)]);
    }),
  );
});

test('an end in the middle of a frame, or of its header, is not whole', () => {
  for (let cut = 1; cut < FRAMES.at(-1)!.length; cut++) {
    const tally = new Mp3Tally(8000);
    expect(tally.take(BYTES.subarray(0, -cut))).toBe(true);
    expect(tally.isWhole).toBe(false);
  }
});

for (const { name, bytes } of [
  { name: 'of another rate', bytes: silentMp3Frame(16_000, 1, 24, 0) },
  { name: 'no frame at all', bytes: Buffer.from('ID3 and so on') },
  { name: 'something behind a frame', bytes: Buffer.concat([FRAMES[0]!, Buffer.from('TAG!')]) },
])
  test(`${name} is told`, () => expect(new Mp3Tally(8000).take(bytes)).toBe(false));
