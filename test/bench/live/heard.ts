/** Listens to a finished recording of the live trial: its legs' tones from end to end, silence where a mask was, nothing missing. */
import { LEGS } from '../../../src/core/leg.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import type { Manifest } from '../../../src/finalize/manifest.ts';
import { channelsOf, joined, levelOf, rmsDbfs } from '../../support/tones.ts';
import { FRAMES_PER_SECOND, hzOf, LEVEL_DBFS, RATE } from './leg-tone.ts';

/** When somebody asked for a mask and for its end, and when that was answered, ms since the Unix epoch. */
export type AskedMask = { readonly on: AskedAt; readonly off: AskedAt };
export type AskedAt = { readonly sentMs: number; readonly answeredMs: number };

export type Expected = {
  readonly call: number;
  readonly seconds: number;
  readonly masks: readonly AskedMask[];
  /** How long packets may have waited, in their sender and to be read. */
  readonly waitedMs: number;
};

/** Next to a mask a frame or two more are missing, and as many as had waited: where a frame that waited belongs is not known (rule 3). */
const MASK_EDGE_MS = 60;
/** Legs begin and end up to a frame apart. */
const END_MS = 40;
/** Clocks are told in whole ms. */
const CLOCK_MS = 2;
/** A tone crosses zero; it doesn't stay there. */
const HOLE_SAMPLES = 8;
const LEVEL_DB = 0.5;
/** Neighbouring legs' tones are told apart in a second. */
const EAR_MS = 1000;

type Span = { readonly startMs: number; readonly endMs: number };
/** @property edgeMs how much more may be missing on either side */
type MaskSpan = Span & { readonly edgeMs: number };

/** @returns one sentence for each thing that is wrong */
export const recordingFaults = async (
  { manifest, audio: bytes }: { readonly manifest: Manifest; readonly audio: Buffer },
  expected: Expected,
): Promise<string[]> => {
  const edgeMs = MASK_EDGE_MS + expected.waitedMs;
  const masks = manifest.masks.map(({ start_ms, end_ms }) => ({ startMs: start_ms, endMs: end_ms, edgeMs }));
  const faults = manifestFaults(manifest, expected);
  const audio = await decodeArtefact({
    open: async () => ({
      size: bytes.length,
      read: async (into, position) => bytes.copy(into, 0, position, position + into.length),
      close: async () => {},
    }),
  });
  if (audio.sampleRate !== RATE || audio.channels !== 2)
    return [...faults, `${audio.sampleRate} Hz, ${audio.channels} channels`];
  const chunks: Int16Array[] = [];
  for await (const chunk of audio.chunks) chunks.push(chunk);
  const channels = channelsOf(joined(...chunks), 2);
  for (const [at, leg] of LEGS.entries()) {
    const own = legFaults(channels[at], hzOf(2 * expected.call + at), masks);
    faults.push(...own.map((fault) => `leg ${leg}: ${fault}`));
  }
  return faults;
};

export const manifestFaults = (
  { artefact, legs, masks, recording, recovered }: Manifest,
  expected: Expected,
): string[] => {
  const faults: string[] = [];
  const { seconds } = expected;
  if (recovered) faults.push('its journal was cut');
  if (Math.abs(artefact.duration_ms - seconds * 1000) > END_MS) faults.push(`lasts ${artefact.duration_ms} ms`);
  for (const leg of LEGS) {
    const { packets } = legs[leg];
    const wanted = seconds * FRAMES_PER_SECOND;
    if (packets.received !== wanted) faults.push(`leg ${leg}: ${packets.received} packets of ${wanted}`);
    const { lost, late, duplicate, unusable } = packets;
    if (lost + late + duplicate + unusable > 0) faults.push(`leg ${leg}: ${JSON.stringify(packets)}`);
  }
  if (masks.length !== expected.masks.length) return [...faults, `${masks.length} masks, not ${expected.masks.length}`];
  const startedMs = Date.parse(recording.started_at);
  for (const [at, { on, off }] of expected.masks.entries()) {
    const { start_ms, end_ms, asked_at } = masks[at];
    // It may begin sooner: where the loop stood still, it reaches back to when that began, for its code may have waited.
    if (!isBetween(Date.parse(asked_at), on) || startedMs + start_ms > on.answeredMs + CLOCK_MS)
      faults.push(`mask ${at} begins at ${start_ms} ms, not when it was asked for`);
    if (!isBetween(startedMs + end_ms, off))
      faults.push(`mask ${at} ends at ${end_ms} ms, not when that was asked for`);
  }
  return faults;
};

const isBetween = (ms: number, { sentMs, answeredMs }: AskedAt): boolean =>
  ms >= sentMs - CLOCK_MS && ms <= answeredMs + CLOCK_MS;

export const legFaults = (pcm: Int16Array, hz: number, masks: readonly MaskSpan[]): string[] => {
  const faults: string[] = [];
  const lengthMs = (pcm.length * 1000) / RATE;
  const isNearMask = ({ startMs, endMs }: Span): boolean =>
    masks.some((mask) => startMs < mask.endMs + mask.edgeMs && endMs > mask.startMs - mask.edgeMs);
  for (const { startMs, endMs } of masks) {
    const part = pcm.subarray(Math.round((startMs * RATE) / 1000), Math.round((endMs * RATE) / 1000));
    if (part.some((sample) => sample !== 0)) faults.push(`something is heard under the mask from ${startMs} ms`);
  }
  for (const hole of holesIn(pcm)) {
    const isAtAnEnd = hole.endMs <= END_MS || hole.startMs >= lengthMs - END_MS;
    const isMask = masks.some(
      (mask) => hole.startMs > mask.startMs - mask.edgeMs && hole.endMs < mask.endMs + mask.edgeMs,
    );
    if (!isAtAnEnd && !isMask)
      faults.push(`nothing is heard from ${hole.startMs.toFixed(1)} to ${hole.endMs.toFixed(1)} ms`);
  }
  for (const share of [0.02, 0.25, 0.5, 0.75, 0.98]) {
    const startMs = END_MS + share * (lengthMs - 2 * END_MS - EAR_MS);
    const endMs = startMs + EAR_MS;
    if (isNearMask({ startMs, endMs })) continue;
    const level = levelOf(pcm, RATE, hz, startMs, endMs);
    const all = rmsDbfs(pcm, RATE, startMs, endMs);
    if (Math.abs(level - LEVEL_DBFS) > LEVEL_DB || Math.abs(all - LEVEL_DBFS) > LEVEL_DB)
      faults.push(`${hz} Hz at ${level.toFixed(1)} dBFS of ${all.toFixed(1)} in all, at ${startMs.toFixed(0)} ms`);
  }
  return faults;
};

/** Where a leg says nothing. */
const holesIn = (pcm: Int16Array): Span[] => {
  const holes: Span[] = [];
  const ms = (sample: number): number => (sample * 1000) / RATE;
  let since = 0;
  for (let at = 0; at <= pcm.length; at++) {
    if (at < pcm.length && pcm[at] === 0) continue;
    if (at - since >= HOLE_SAMPLES) holes.push({ startMs: ms(since), endMs: ms(at) });
    since = at + 1;
  }
  return holes;
};
