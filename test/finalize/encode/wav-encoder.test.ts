import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import wav from 'wav';
import wavefile from 'wavefile';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { WavEncoder } from '../../../src/finalize/encode/wav-encoder.ts';
import { RIFF_LIMIT_BYTES, WAV_HEADER_BYTES, wavHeader } from '../../../src/finalize/encode/wav-header.ts';
import { encodeAll, hasFfmpeg, hear, hearWithFfmpeg, noise, probe, same, scratch } from './listening.ts';

const place = scratch();
const GIB = 2 ** 30;

for (const channels of [1, 2] as const) {
  for (const length of [0, 1, 999, 1000, 1001, 70_001]) {
    test(`${length} samples, ${channels} channels: what goes in comes out`, async () => {
      const path = place('a.wav');
      const pcm = noise(length * channels, 32_767);
      const file = await encodeAll(await WavEncoder.create({ path, sampleRate: 8000, channels }), pcm, channels);
      expect(file).toMatchObject({ bytes: statSync(path).size, samples: length, encoder: 'wav' });
      const heard = await hear(path);
      expect(heard).toMatchObject({ format: 'wav', sampleRate: 8000, channels, samples: length });
      expect(same(heard.pcm, pcm)).toBe(true);
      if (hasFfmpeg && length > 0) expect(same(hearWithFfmpeg(path), pcm)).toBe(true);
    });
  }
}

test('other readers agree: the package wavefile', async () => {
  const path = place('b.wav');
  const pcm = noise(5000, 20_000);
  await encodeAll(await WavEncoder.create({ path, sampleRate: 11_025, channels: 1 }), pcm, 1);
  const read = new wavefile.WaveFile(readFileSync(path));
  expect(read.fmt).toMatchObject({ sampleRate: 11_025, numChannels: 1, bitsPerSample: 16 });
  expect(Int16Array.from(read.getSamples(false, Int16Array) as unknown as Int16Array)).toEqual(pcm);
});

test('other readers agree: the package wav, which insists on the format at byte 12', async () => {
  const path = place('c.wav');
  await encodeAll(await WavEncoder.create({ path, sampleRate: 16_000, channels: 2 }), noise(2000, 20_000), 2);
  const reader = new wav.Reader();
  const format = new Promise((resolve, reject) => reader.on('format', resolve).on('error', reject));
  reader.end(readFileSync(path));
  expect(await format).toMatchObject({ channels: 2, sampleRate: 16_000, bitDepth: 16 });
});

test('the header counts what was written while the rest is still to come, so that a killed process leaves a readable file', async () => {
  const path = place('d.wav');
  const pcm = noise(400_000, 20_000);
  const encoder = await WavEncoder.create({ path, sampleRate: 8000, channels: 2 });
  for (let at = 0; at < 8; at++) await encoder.write(pcm, 200_000);
  const { samples } = await hear(path); // Throws when the header says more than is there.
  expect(samples).toBeGreaterThan(1_000_000);
  await encoder.abort();
});

test('what is written may change at once', async () => {
  const path = place('e.wav');
  const encoder = await WavEncoder.create({ path, sampleRate: 8000, channels: 1 });
  const pcm = Int16Array.of(1, 2, 3);
  await encoder.write(pcm, 3);
  pcm.fill(9);
  await encoder.finish();
  expect((await hear(path)).pcm).toEqual(Int16Array.of(1, 2, 3));
});

test('more frames than were given are refused: what lies behind an array may be masked audio', async () => {
  const encoder = await WavEncoder.create({ path: place('f.wav'), sampleRate: 8000, channels: 2 });
  expect(() => encoder.write(new Int16Array(100).subarray(0, 9), 5)).toThrow(RangeError);
  await encoder.abort();
});

test('abort leaves nothing', async () => {
  const path = place('g.wav');
  const encoder = await WavEncoder.create({ path, sampleRate: 8000, channels: 1 });
  await encoder.write(noise(1000, 100), 1000);
  await encoder.abort();
  await encoder.abort();
  expect(() => statSync(path)).toThrow('ENOENT');
});

describe('past 4 GiB', () => {
  const format = { sampleRate: 48_000, channels: 2 } as const;

  test('the header is RIFF up to the last size that RIFF can say, and RF64 from the next', () => {
    const most = RIFF_LIMIT_BYTES - (WAV_HEADER_BYTES - 8);
    const riff = Buffer.from(wavHeader(format, most - (most % 4)));
    const rf64 = Buffer.from(wavHeader(format, most - (most % 4) + 4));
    expect([riff.toString('latin1', 0, 4), riff.readUInt32LE(76)]).toEqual(['RIFF', most - (most % 4)]);
    expect([rf64.toString('latin1', 0, 4), rf64.readUInt32LE(76)]).toEqual(['RF64', 0xffff_ffff]);
    expect(rf64.length).toBe(riff.length);
  });

  test('ds64 comes first and holds the sizes and the sample count (EBU Tech 3306)', () => {
    const header = Buffer.from(wavHeader(format, 5 * GIB));
    expect(header.toString('latin1', 12, 16)).toBe('ds64');
    expect(header.readUInt32LE(4)).toBe(0xffff_ffff);
    expect(header.readBigUInt64LE(20)).toBe(BigInt(5 * GIB + 72));
    expect(header.readBigUInt64LE(28)).toBe(BigInt(5 * GIB));
    expect(header.readBigUInt64LE(36)).toBe(BigInt((5 * GIB) / 4));
    expect(header.toString('latin1', 48, 52)).toBe('fmt ');
  });

  test('a file with a hole of 5 GiB is read: its length, its start, and by ffprobe', async () => {
    const path = place('sparse.wav');
    writeFileSync(path, Buffer.concat([wavHeader(format, 5 * GIB), Buffer.from(noise(8, 999).buffer)]));
    await truncate(path, WAV_HEADER_BYTES + 5 * GIB);
    const { samples, chunks } = await decodeArtefact(path);
    expect(samples).toBe((5 * GIB) / 4);
    for await (const chunk of chunks) {
      expect(chunk.subarray(0, 8)).toEqual(noise(8, 999));
      break;
    }
    if (hasFfmpeg) expect(Number(probe(path).duration)).toBeCloseTo((5 * GIB) / 4 / 48_000, 3);
  });

  test('the encoder changes over when it passes the limit', async () => {
    const path = place('h.wav');
    const pcm = noise(3000, 20_000);
    await encodeAll(await WavEncoder.create({ path, ...format }, 4096), pcm, 2);
    expect(readFileSync(path).toString('latin1', 0, 4)).toBe('RF64');
    expect(same((await hear(path)).pcm, pcm)).toBe(true);
    if (hasFfmpeg) expect(same(hearWithFfmpeg(path), pcm)).toBe(true);
  });
});

test.skipIf(!hasFfmpeg)('ffprobe sees a plain wav', async () => {
  const path = place('i.wav');
  await encodeAll(await WavEncoder.create({ path, sampleRate: 12_345, channels: 1 }), noise(12_345, 20_000), 1);
  expect(probe(path)).toMatchObject({
    codec_name: 'pcm_s16le',
    sample_rate: '12345',
    channels: '1',
    duration: '1.000000',
  });
});
