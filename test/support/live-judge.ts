/** Holds a live recording against what was sent, and every file against what may be in none. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { systemCode } from '../../src/core/errors.ts';
import { LEGS, type Leg } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { type Audio, type PlannedTone, planFaults } from './listen.ts';
import { asSamples, CARD_DIGITS, FRAME_MS, SECRET, SECRET_HZ } from './live-call.ts';
import { levelOf, span } from './tones.ts';

/** What is left of a tone between its edges: the ear's window. */
const SHORTEST_MS = 40;
/** One frame that is missing, and what a tone's edge sounds like. */
const EDGE_MS = 60;
/** An mp3 smears the sound beside a silence into it: two of its frames. */
const MP3_SMEAR_MS = 144;
const MP3_SILENT_DBFS = -60;
const DRAIN_MS = 200;
const WINDOW_MS = 100;
/** Sent at −12 dBFS; what a tone's sudden end sounds like elsewhere stays below. */
const SECRET_DBFS = -40;

const NEEDLES = [SECRET, asSamples(SECRET), Buffer.from(CARD_DIGITS)];

/** A file that is gone meanwhile turns up under another name at the next look. */
export const fileHolds = (path: string, needles: readonly Buffer[]): boolean => {
  try {
    const bytes = readFileSync(path);
    return needles.some((needle) => bytes.includes(needle));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
};

/** Every file below a folder that holds one of `needles`, by its path in it. */
export const filesWith = (folder: string, ...needles: readonly Buffer[]): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => fileHolds(path, needles))
    .map((path) => relative(folder, path));

/** As bytes, as samples, and the digits of the card. */
export const filesWithSecret = (folder: string): string[] => filesWith(folder, ...NEEDLES);

type Span = { readonly from: number; readonly to: number };

const without = (spans: readonly Span[], gone: readonly Span[]): Span[] =>
  gone.reduce<Span[]>(
    (left, { from, to }) =>
      left.flatMap((each) => [
        { from: each.from, to: Math.min(each.to, from) },
        { from: Math.max(each.from, to), to: each.to },
      ]),
    [...spans],
  );

type Said = Readonly<Record<Leg, { readonly hz: number; readonly spans: readonly Span[] }>>;

/**
 * Everything that is not as it was said: each leg's tone whenever it spoke and was neither masked nor before or after the recording, silence
 * in the masks, the secret nowhere. What came late to a mask's beginning may be missing beside it (design §4 rule 3), and is not judged.
 * @param said when each leg spoke, ms after the recording's beginning.
 */
export const liveFaults = (audio: Audio, manifest: Manifest, said: Said, lagMs: number): string[] => {
  const { tones, faults } = judged(audio, manifest, said, lagMs, 'told');
  const unheard = LEGS.flatMap((leg, channel) =>
    tones.some((each) => each.channel === channel) ? [] : [`nothing of leg ${leg} is looked for`],
  );
  return [...faults, ...unheard];
};

/** The same of a recording that may be too short for any tone to be looked for: what is too short to be told is not judged. */
export const shortFaults = (audio: Audio, manifest: Manifest, said: Said, lagMs: number): string[] =>
  judged(audio, manifest, said, lagMs, 'passed over').faults;

const judged = (
  audio: Audio,
  { artefact, masks }: Manifest,
  said: Said,
  lagMs: number,
  shortTones: 'told' | 'passed over',
): { readonly tones: readonly PlannedTone[]; readonly faults: string[] } => {
  const isMp3 = artefact.format === 'mp3';
  const smearMs = isMp3 ? MP3_SMEAR_MS : 0;
  const edgeMs = EDGE_MS + smearMs;
  const lengthMs = artefact.duration_ms;
  const vague = masks.map(({ start_ms }) => ({ from: start_ms - lagMs - FRAME_MS, to: start_ms }));
  // A recording that is stopped waits no longer than this for what was said before.
  if (lagMs > DRAIN_MS) vague.push({ from: lengthMs - lagMs, to: lengthMs });
  const gone = [...vague, ...masks.map(({ start_ms, end_ms }) => ({ from: start_ms, to: end_ms }))];
  gone.push({ from: Number.NEGATIVE_INFINITY, to: 0 }, { from: lengthMs, to: Number.POSITIVE_INFINITY });
  const heard = LEGS.flatMap((leg, channel) =>
    without(said[leg].spans, gone)
      .filter(({ from, to }) => to > from)
      .map(({ from, to }) => ({ channel, hz: said[leg].hz, startMs: from, endMs: to })),
  );
  const isLong = ({ startMs, endMs }: PlannedTone): boolean => endMs - startMs >= SHORTEST_MS + 2 * edgeMs;
  const tones = heard.filter(isLong);
  const silent = masks
    .filter(({ start_ms, end_ms }) => end_ms - start_ms > 2 * smearMs)
    .flatMap(({ start_ms, end_ms }) =>
      LEGS.map((_, channel) => ({ channel, startMs: start_ms + smearMs, endMs: end_ms - smearMs })),
    );
  const tolerances = { edgeMs, durationMs: 1, ...(isMp3 ? { silentDbfs: MP3_SILENT_DBFS } : {}) };
  const cleared = { sampleRate: audio.sampleRate, channels: audio.channels.map((pcm) => pcm.slice()) };
  for (const { from, to } of vague) for (const pcm of cleared.channels) span(pcm, cleared.sampleRate, from, to).fill(0);
  if (shortTones === 'passed over')
    for (const each of heard.filter((tone) => !isLong(tone)))
      span(cleared.channels[each.channel], cleared.sampleRate, each.startMs - edgeMs, each.endMs + edgeMs).fill(0);
  const faults = planFaults(cleared, { durationMs: lengthMs, tones, silent }, tolerances);
  return { tones, faults: [...faults, ...secretsHeard(audio)] };
};

/** Where anything of the secret is heard, on whichever channel; empty when it is nowhere. */
const secretsHeard = ({ sampleRate, channels }: Audio): string[] => {
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
