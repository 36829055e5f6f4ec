/** What the tests of finished audio share: signals, a place to write, and ways to hear what was written. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ByteSource } from '../../../src/core/byte-source.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import type { AudioEncoder } from '../../../src/finalize/encode/audio-encoder.ts';

export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0;

/** A folder of this test file's own, gone afterwards; each call names another file in it. */
export const scratch = (): ((name: string) => string) => {
  const folder = mkdtempSync(join(tmpdir(), 'record-call-audio-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let count = 0;
  return (name) => join(folder, `${count++}-${name}`);
};

export const tone = (length: number, cyclesPerSample: number, amplitude = 8000): Int16Array =>
  Int16Array.from({ length }, (_, i) => Math.round(amplitude * Math.sin(2 * Math.PI * cyclesPerSample * i)));

/** From 2 % to 35 % of the sample rate: no two lags look alike. */
export const sweep = (length: number, amplitude = 8000): Int16Array =>
  Int16Array.from({ length }, (_, i) =>
    Math.round(amplitude * Math.sin(2 * Math.PI * (0.02 + (0.165 * i) / length) * i)),
  );

/** The same numbers on every run. */
export const noise = (length: number, amplitude: number): Int16Array => {
  let state = 12_345;
  return Int16Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * amplitude);
  });
};

export const interleave = (left: Int16Array, right: Int16Array): Int16Array =>
  Int16Array.from({ length: 2 * left.length }, (_, i) => (i % 2 === 0 ? left[i >> 1] : right[i >> 1]));

export const channel = (pcm: Int16Array, channels: number, index: number): Int16Array =>
  Int16Array.from({ length: pcm.length / channels }, (_, i) => pcm[i * channels + index]);

/** Everything `chunks` has, and what the head says. */
export const hear = async (from: string | ByteSource) => {
  const { chunks, ...head } = await decodeArtefact(from);
  const parts: Int16Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const pcm = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    pcm.set(part, at);
    at += part.length;
  }
  return { ...head, pcm };
};

const asPcm = (bytes: Buffer): Int16Array => new Int16Array(Uint8Array.from(bytes).buffer);

/**
 * The same by ffmpeg; it fails on any damage it sees. @param before such as `-f mp3`, for files too short to be
 * recognised.
 */
export const hearWithFfmpeg = (path: string, before: readonly string[] = []): Int16Array =>
  asPcm(
    execFileSync('ffmpeg', ['-v', 'error', '-xerror', ...before, '-i', path, '-f', 's16le', '-'], {
      maxBuffer: 2 ** 28,
    }),
  );

/** Pipes `input` through ffmpeg. */
export const throughFfmpeg = (before: readonly string[], input: Uint8Array, after: readonly string[]): Buffer =>
  execFileSync('ffmpeg', ['-v', 'error', ...before, '-i', 'pipe:0', ...after, 'pipe:1'], {
    input,
    maxBuffer: 2 ** 28,
    stdio: 'pipe',
  });

export const pcmThroughFfmpeg = (before: readonly string[], input: Uint8Array): Int16Array =>
  asPcm(throughFfmpeg(before, input, ['-f', 's16le']));

/** What ffprobe finds, one `name=value` per entry. */
export const probe = (path: string): Record<string, string> => {
  const entries = 'stream=codec_name,sample_rate,channels,bit_rate:format=format_name,duration';
  const text = execFileSync('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'default=nw=1', path], {
    encoding: 'utf8',
  });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split('=', 2) as [string, string]),
  );
};

/** By how many samples `heard` is late against `sent`, by the highest correlation within `range`. */
export const lag = (sent: Int16Array, heard: Int16Array, range = 1200): number => {
  let best = 0;
  let highest = Number.NEGATIVE_INFINITY;
  for (let late = -range; late <= range; late++) {
    let sum = 0;
    for (let i = Math.max(0, -late); i < sent.length && i + late < heard.length; i++) sum += sent[i] * heard[i + late];
    if (sum > highest) [highest, best] = [sum, late];
  }
  return best;
};

/** Level of `heard` against `sent` in dB, by projection. */
export const levelDb = (sent: Int16Array, heard: Int16Array): number => {
  let product = 0;
  let power = 0;
  for (let i = 0; i < sent.length; i++) {
    product += sent[i] * heard[i];
    power += sent[i] * sent[i];
  }
  return 20 * Math.log10(product / power);
};

export const peak = (pcm: Int16Array): number => pcm.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);

/** Writes `pcm` in pieces of `frames` and finishes. */
export const encodeAll = async (encoder: AudioEncoder, pcm: Int16Array, channels: number, frames = 1000) => {
  for (let at = 0; at < pcm.length; at += frames * channels) {
    const piece = pcm.subarray(at, at + frames * channels);
    await encoder.write(piece, piece.length / channels);
  }
  return encoder.finish();
};

/** Whether both are equal, sample for sample; a hundred times as fast as comparing them by `toEqual`. */
export const same = (a: Int16Array, b: Int16Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;
