/**
 * A recording's waveform: the least and greatest sample of equal parts of it, per channel, from −1 to 1. Measured once, in as many parts
 * as anyone may ask for; fewer are put together from those. Memory is the parts' alone, however long the recording.
 */
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ByteSource } from '../../core/byte-source.ts';
import { decodeArtefact } from '../../finalize/decode/artefact-decoder.ts';
import { OutputFile } from '../../finalize/encode/output-file.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { storedFile } from './stored-file.ts';

export type PeakRow = { readonly min: readonly number[]; readonly max: readonly number[] };

export type Peaks = {
  readonly channels: readonly PeakRow[];
  readonly points: number;
  readonly duration_ms: number;
};

/** What the API gives at most. */
export const MOST_POINTS = 20_000;

/** Four decimals: a screen has no more. */
const share = (sample: number): number => Math.round((sample * 10_000) / 32_768) / 10_000;

/** @param samples of each channel, as the manifest says. @throws INPUT_MISSING, ARTEFACT_UNREADABLE; what the source throws */
export const measurePeaks = async (
  artefact: string | ByteSource,
  samples: number,
  onProgress: (share: number) => void = () => {},
): Promise<Peaks> => {
  const audio = await decodeArtefact(artefact);
  const { channels, sampleRate } = audio;
  const points = Math.min(MOST_POINTS, samples);
  const least = Array.from({ length: channels }, () => new Int16Array(points));
  const greatest = Array.from({ length: channels }, () => new Int16Array(points));
  const endOf = (part: number): number =>
    part === points - 1 ? Number.POSITIVE_INFINITY : Math.ceil(((part + 1) * samples) / points);
  let part = 0;
  let partEnd = endOf(0);
  let isFirst = true;
  let at = 0;
  for await (const chunk of points === 0 ? [] : audio.chunks) {
    for (let index = 0; index < chunk.length; index += channels, at++) {
      if (at >= partEnd) {
        partEnd = endOf(++part);
        isFirst = true;
      }
      for (let channel = 0; channel < channels; channel++) {
        const sample = chunk[index + channel]!;
        const [low, high] = [least[channel]!, greatest[channel]!];
        if (isFirst || sample < low[part]!) low[part] = sample;
        if (isFirst || sample > high[part]!) high[part] = sample;
      }
      isFirst = false;
    }
    onProgress(at / samples);
  }
  return {
    channels: least.map((low, channel) => ({
      min: Array.from(low, share),
      max: Array.from(greatest[channel]!, share),
    })),
    points,
    duration_ms: Math.round((samples * 1000) / sampleRate),
  };
};

/** Fewer parts of the same; one that lies across an edge counts to both sides. @returns all of them when there are no more than `points`. */
export const fewerPeaks = (peaks: Peaks, points: number): Peaks => {
  const wanted = Math.max(1, Math.floor(points));
  if (wanted >= peaks.points) return peaks;
  const from = (part: number): number => Math.floor((part * peaks.points) / wanted);
  const to = (part: number): number => Math.ceil(((part + 1) * peaks.points) / wanted);
  const each = (row: readonly number[], pick: (...values: number[]) => number): number[] =>
    Array.from({ length: wanted }, (_, part) =>
      row.slice(from(part), to(part)).reduce((one, other) => pick(one, other)),
    );
  return {
    ...peaks,
    channels: peaks.channels.map(({ min, max }) => ({ min: each(min, Math.min), max: each(max, Math.max) })),
    points: wanted,
  };
};

/** Beside the artefact. */
export const peaksPath = (artefact: string): string => `${artefact}.peaks.json`;

/** @param key what they are sealed under, if they are. @throws OUTPUT_UNWRITABLE; the operating system's error */
export const writePeaks = async (artefact: string, id: string, peaks: Peaks, key?: SealKey): Promise<void> => {
  const path = peaksPath(artefact);
  // Named as all parts of a recording are, so that whoever clears those away takes it along.
  const part = join(dirname(path), `.${id}.${basename(path)}`);
  await rm(part, { force: true });
  const file = await OutputFile.create(part, { seal: key && { key, purpose: 'peaks' } });
  try {
    await file.append(Buffer.from(JSON.stringify(peaks)));
    await file.close();
  } finally {
    await file.discard();
  }
  await rename(part, path);
};

/** @returns undefined where there are none, or none that can be read: they are measured anew. */
export const readPeaks = async (artefact: string, key?: SealKey): Promise<Peaks | undefined> => {
  try {
    const peaks = JSON.parse(await textOf(storedFile(peaksPath(artefact), key, 'peaks'))) as Peaks;
    return Array.isArray(peaks.channels) && Number.isInteger(peaks.points) ? peaks : undefined;
  } catch {
    return undefined;
  }
};

const textOf = async (source: ByteSource): Promise<string> => {
  const file = await source.open();
  try {
    const bytes = Buffer.alloc(file.size);
    return bytes.toString('utf8', 0, await file.read(bytes, 0));
  } finally {
    await file.close();
  }
};
