import { readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import lamejs from 'lamejs';
import { describe, expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { MP3_RATES } from '../../../src/core/record-call.ts';
import type { EncoderOptions } from '../../../src/finalize/encode/audio-encoder.ts';
import { crc16 } from '../../../src/finalize/encode/crc16.ts';
import { parseInfoFrame } from '../../../src/finalize/encode/info-tag.ts';
import { LameEncoder } from '../../../src/finalize/encode/lame-encoder.ts';
import { nativeMp3Coder, portableMp3Coder } from '../../../src/finalize/encode/mp3-coder.ts';
import { parseMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';
import { nativeModule } from '../../../src/kernel/native-module.ts';
import {
  channel,
  encodeAll,
  hasFfmpeg,
  hear,
  hearWithFfmpeg,
  interleave,
  lag,
  levelDb,
  noise,
  peak,
  probe,
  scratch,
  sweep,
  tone,
} from './listening.ts';

const place = scratch();

/** A constant tone keeps its level this well, the first frames aside: without a bit reservoir an onset is coarse. */
const LEVEL_DB = 0.05;
const ONSET = 3000;
/** Two decoders round their arithmetic each in its own way. */
const ROUNDING = 2;
/**
 * ffmpeg 5.1 garbles one granule of speech in a hundred or so at this rate, those of its own libmp3lame too, where
 * mpg123 and LAME's decoder agree to a bit. ISO 13818-3 table B.2 begins scale factor band 18 at 332 there; decoders
 * that took 330 are known.
 */
const WRONG_IN_FFMPEG = 24_000;
/** What dither-free decoding leaves of digital silence. */
const SILENT = 1;

const LENGTHS = [1, 577, 3001];
/** Around the decoder's start, granules, frames and the encoder's own pieces; at one rate of each version of MPEG. */
const MORE_LENGTHS = [0, 47, 48, 529, 575, 576, 1152, 2304];
const EACH_VERSION = [8000, 16_000, 48_000];

/** Both under one contract; the machine's own is skipped by name where there is none. */
const CODERS = [
  { name: 'lamejs 1.2.0', make: portableMp3Coder },
  { name: nativeModule?.mp3Library() ?? 'libmp3lame', make: nativeMp3Coder() },
];

for (const { name, make } of CODERS) {
  describe.skipIf(make === undefined)(name, () => {
    const create = (options: EncoderOptions): Promise<LameEncoder> => LameEncoder.create(options, make!);

    describe('the length is exact', () => {
      for (const sampleRate of MP3_RATES) {
        for (const channels of [1, 2] as const) {
          test(`${sampleRate} Hz, ${channels} channels`, async () => {
            for (const length of EACH_VERSION.includes(sampleRate) ? [...LENGTHS, ...MORE_LENGTHS] : LENGTHS) {
              const path = place('a.mp3');
              const encoder = await create({ path, sampleRate, channels });
              const file = await encodeAll(encoder, noise(length * channels, 5000), channels, 700);
              expect(file).toMatchObject({ samples: length, bytes: statSync(path).size, encoder: name });
              const heard = await hear(path);
              expect(heard).toMatchObject({ format: 'mp3', sampleRate, channels, samples: length });
              expect(heard.pcm.length).toBe(length * channels);
            }
          });
        }
      }
    });

    describe.skipIf(!hasFfmpeg)('ffmpeg and ffprobe agree', () => {
      for (const sampleRate of MP3_RATES) {
        test(`${sampleRate} Hz`, async () => {
          const path = place('b.mp3');
          await encodeAll(await create({ path, sampleRate, channels: 2 }), noise(2 * 4001, 5000), 2);
          const [ours, theirs] = [(await hear(path)).pcm, hearWithFfmpeg(path)];
          expect(theirs.length).toBe(2 * 4001);
          expect(lag(channel(ours, 2, 0), channel(theirs, 2, 0), 100)).toBe(0);
          if (sampleRate !== WRONG_IN_FFMPEG) {
            expect(peak(ours.map((sample, i) => sample - theirs[i]))).toBeLessThanOrEqual(ROUNDING);
          }
          expect(probe(path)).toMatchObject({
            codec_name: 'mp3',
            sample_rate: `${sampleRate}`,
            channels: '2',
            format_name: 'mp3',
          });
        });
      }
      for (const sampleRate of EACH_VERSION) {
        test(`${sampleRate} Hz, hardly anything`, async () => {
          for (const length of [0, 1, 48]) {
            const path = place('c.mp3');
            await encodeAll(await create({ path, sampleRate, channels: 1 }), noise(length, 5000), 1);
            expect(hearWithFfmpeg(path, ['-f', 'mp3']).length).toBe(length);
          }
        });
      }
    });

    describe('what goes in comes out, not a sample late and as loud', () => {
      for (const sampleRate of MP3_RATES) {
        test(`${sampleRate} Hz`, async () => {
          const [left, right] = [sweep(2500), sweep(2500).reverse()];
          const path = place('d.mp3');
          await encodeAll(await create({ path, sampleRate, channels: 2 }), interleave(left, right), 2);
          const { pcm } = await hear(path);
          expect(lag(left, channel(pcm, 2, 0))).toBe(0);
          expect(lag(right, channel(pcm, 2, 1))).toBe(0);
        });
        test(`${sampleRate} Hz: level of tones up to the telephone band's edge`, async () => {
          for (const hertz of [300, 3400]) {
            const sent = tone(8000, hertz / sampleRate);
            const path = place('e.mp3');
            await encodeAll(await create({ path, sampleRate, channels: 1 }), sent, 1);
            const { pcm } = await hear(path);
            expect(Math.abs(levelDb(sent.subarray(ONSET, -ONSET), pcm.subarray(ONSET, -ONSET)))).toBeLessThan(LEVEL_DB);
          }
        });
      }
    });

    test('silence stays silent, and a leg does not leak into the other', async () => {
      const path = place('f.mp3');
      const left = tone(16_000, 0.1, 20_000);
      await encodeAll(
        await create({ path, sampleRate: 8000, channels: 2 }),
        interleave(left, new Int16Array(16_000)),
        2,
      );
      const { pcm } = await hear(path);
      expect(peak(channel(pcm, 2, 1))).toBeLessThanOrEqual(SILENT);
      expect(peak(channel(pcm, 2, 0))).toBeGreaterThan(19_000);
    });

    test('the loudest noise is encoded, not wrapped round', async () => {
      const path = place('g.mp3');
      const square = Int16Array.from({ length: 16_000 }, (_, i) => (i % 40 < 20 ? 32_767 : -32_768));
      await encodeAll(await create({ path, sampleRate: 8000, channels: 1 }), square, 1);
      const { pcm } = await hear(path);
      let wrong = 0;
      for (let i = 0; i < pcm.length; i++)
        if (i % 20 > 4 && i % 20 < 15 && Math.sign(pcm[i]) !== Math.sign(square[i])) wrong++;
      expect(wrong).toBe(0);
    });

    test('however it is cut into writes, the file is the same', async () => {
      const pcm = noise(2 * 4000, 9000);
      const whole = await encodeAll(
        await create({ path: place('h.mp3'), sampleRate: 16_000, channels: 2 }),
        pcm,
        2,
        6000,
      );
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (frames) => {
          const encoder = await create({ path: place('i.mp3'), sampleRate: 16_000, channels: 2 });
          expect((await encodeAll(encoder, pcm, 2, frames)).sha256).toBe(whole.sha256);
        }),
        { numRuns: 6 },
      );
    });

    test('the tag tells frames, bytes and CRC of what follows it', async () => {
      const path = place('j.mp3');
      await encodeAll(await create({ path, sampleRate: 24_000, channels: 1 }), noise(5000, 9000), 1);
      const file = readFileSync(path);
      const first = parseMp3Frame(file, 0)!;
      const tag = parseInfoFrame(file.subarray(0, first.bytes))!;
      let frames = 0;
      for (let at = first.bytes; at < file.length; frames++) at += parseMp3Frame(file, at)!.bytes;
      expect(tag).toMatchObject({ frames, bytes: file.length });
      expect(file.readUInt16BE(first.sideInfoEnd + 152)).toBe(crc16(file.subarray(first.bytes)));
    });

    test('another rate is RATE_UNSUPPORTED and leaves no file', async () => {
      const path = place('k.mp3');
      const refused = expect.objectContaining({ code: 'RATE_UNSUPPORTED' });
      await expect(create({ path, sampleRate: 9000, channels: 1 })).rejects.toThrow(refused);
      expect(() => statSync(path)).toThrow('ENOENT');
    });

    test('an unwritable path is OUTPUT_UNWRITABLE', async () => {
      const path = `${place('nowhere')}/l.mp3`;
      const refused = expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' });
      await expect(create({ path, sampleRate: 8000, channels: 1 })).rejects.toThrow(refused);
    });

    test('abort leaves nothing', async () => {
      const path = place('m.mp3');
      const encoder = await create({ path, sampleRate: 8000, channels: 1 });
      await encoder.write(noise(5000, 9000), 5000);
      await encoder.abort();
      expect(() => statSync(path)).toThrow('ENOENT');
    });

    test('more frames than were given are refused', async () => {
      const encoder = await create({ path: place('n.mp3'), sampleRate: 8000, channels: 2 });
      await expect(encoder.write(new Int16Array(100).subarray(0, 9), 5)).rejects.toThrow(RangeError);
      await encoder.abort();
    });
  });
}

describe('lamejs itself', () => {
  test('is 1.2.0 exactly: 1.2.1 throws "MPEGMode is not defined" in Node', () => {
    expect(manifest.dependencies.lamejs).toBe('1.2.0');
  });
  test('changes the rate by itself when bits are few, which the bitrates avoid', () => {
    const encoder = new lamejs.Mp3Encoder(2, 16_000, 24);
    const mp3 = Uint8Array.from(encoder.encodeBuffer(noise(5000, 9000), noise(5000, 9000)));
    expect(parseMp3Frame(mp3, 0)?.sampleRate).toBe(8000);
  });
});
