/** Holds a recording of the seed's call against what was sent, and every file against what may be in none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LEGS } from '../../src/core/leg.ts';
import { systemCode } from '../../src/core/errors.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import type { Audio, AudioPlan } from './listen.ts';
import { CARD_DIGITS, FRAME_MS, HZ, SECRET, SECRET_HZ, type SeedCall, asSamples, speechOf } from './live-call.ts';
import { levelOf } from './tones.ts';

/** What is too short to be told from its edges is not looked for. */
const SHORTEST_MS = 240;
const WINDOW_MS = 100;
/** Sent at −12 dBFS; what a tone's sudden end sounds like elsewhere stays below. */
const SECRET_DBFS = -40;

const NEEDLES = [SECRET, asSamples(SECRET), Buffer.from(CARD_DIGITS)];

/**
 * Every file below a folder that holds one of `needles`, by its path in it; files that vanish meanwhile turn up under another name at
 * the next look.
 */
export const filesWith = (folder: string, ...needles: readonly Buffer[]): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      try {
        const bytes = readFileSync(path);
        return needles.some((needle) => bytes.includes(needle));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return false;
        throw error;
      }
    })
    .map((path) => relative(folder, path));

/** As bytes, as samples, and the digits of the card. */
export const filesWithSecret = (folder: string): string[] => filesWith(folder, ...NEEDLES);

/**
 * Where each leg is to be heard in a recording: its tone whenever it spoke and was neither masked nor before or after the recording.
 * @param zeroMs when the call's first packet left, ms since the Unix epoch.
 */
export const seedPlan = (call: SeedCall, manifest: Manifest, zeroMs: number): AudioPlan => {
  const { artefact, recording, masks } = manifest;
  // A packet leaves at the end of the frame that is in it.
  const shiftMs = Date.parse(recording.started_at) - zeroMs + FRAME_MS;
  const gone = [{ start_ms: artefact.duration_ms, end_ms: Number.POSITIVE_INFINITY }, ...masks];
  const tones = LEGS.flatMap((leg, channel) =>
    gone
      .reduce(
        (heard, { start_ms, end_ms }) =>
          heard.flatMap(({ from, to }) => [
            { from, to: Math.min(to, start_ms) },
            { from: Math.max(from, end_ms), to },
          ]),
        speechOf(leg, call).map(({ fromMs, toMs }) => ({ from: Math.max(0, fromMs - shiftMs), to: toMs - shiftMs })),
      )
      .filter(({ from, to }) => to - from >= SHORTEST_MS)
      .map(({ from, to }) => ({ channel, hz: HZ[leg], startMs: from, endMs: to })),
  );
  const silent = masks.flatMap(({ start_ms: startMs, end_ms: endMs }) =>
    LEGS.map((_, channel) => ({ channel, startMs, endMs })),
  );
  return { durationMs: artefact.duration_ms, tones, silent };
};

/** Where anything of the secret is heard, on whichever channel; empty when it is nowhere. */
export const secretsHeard = ({ sampleRate, channels }: Audio): string[] => {
  const heard: string[] = [];
  for (const [channel, pcm] of channels.entries()) {
    if (Buffer.from(Int16Array.from(pcm).buffer).includes(asSamples(SECRET))) heard.push(`its samples on ${channel}`);
    const lengthMs = (pcm.length * 1000) / sampleRate;
    for (const hz of Object.values(SECRET_HZ)) {
      for (let at = 0; at + WINDOW_MS <= lengthMs; at += WINDOW_MS / 2) {
        const level = levelOf(pcm, sampleRate, hz, at, at + WINDOW_MS);
        if (level > SECRET_DBFS) heard.push(`${hz} Hz on ${channel} at ${at} ms: ${level.toFixed(1)} dBFS`);
      }
    }
  }
  return heard;
};
