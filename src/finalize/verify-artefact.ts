/**
 * Holds an artefact against its manifest: its bytes, its length, and that what the manifest says is masked holds nothing of the call.
 * Reads both, changes neither.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { AppError, systemCode } from '../core/errors.ts';
import { decodeArtefact } from './decode/artefact-decoder.ts';
import type { Manifest, ManifestMask } from './manifest.ts';
import { BEEP, beepSample } from './mask-render.ts';

export type Check = { readonly name: string; readonly ok: boolean; readonly detail: string };

/**
 * An mp3 frame's transform reaches over its neighbours: what is next to a mask rings into it this far. Two frames of MPEG-2 and 2.5,
 * one of MPEG-1; nothing masked was ever given to the encoder, so this is sound from outside.
 */
const MP3_SMEAR_SAMPLES = 1152;
/** Largest peak of an mp3's silence away from its edges, of 32768: −60 dBFS. */
const MP3_SILENCE_PEAK = 33;
/** Lengths are told in whole milliseconds. */
const ROUNDING_MS = 3;
/** A beep may come out of an mp3 this much larger. */
const MP3_BEEP_MARGIN = 2;

/** @throws AppError INPUT_MISSING, ARTEFACT_UNREADABLE */
export const verifyArtefact = async (path: string, manifestPath = `${path}.json`): Promise<Check[]> => {
  const manifest = await readManifest(manifestPath);
  const { artefact } = manifest;
  const checks: Check[] = [];
  const check = (name: string, ok: boolean, detail: string): void => void checks.push({ name, ok, detail });

  const { sha256, bytes } = await digest(path);
  check(
    'digest',
    sha256 === artefact.sha256,
    sha256 === artefact.sha256 ? `sha256 ${sha256}` : `sha256 is ${sha256}, the manifest says ${artefact.sha256}`,
  );
  check(
    'size',
    bytes === artefact.bytes,
    `${bytes} bytes${bytes === artefact.bytes ? '' : `, the manifest says ${artefact.bytes}`}`,
  );

  const audio = await decodeArtefact(path);
  const sameShape =
    audio.format === artefact.format &&
    audio.sampleRate === artefact.sample_rate &&
    audio.channels === artefact.channels;
  check('format', sameShape, `${audio.format}, ${audio.sampleRate} Hz, ${audio.channels === 2 ? 'stereo' : 'mono'}`);

  const starts = beepStarts(manifest.masks);
  const spans = manifest.masks.map(
    (mask) => new SpanCheck(mask, audio.format === 'mp3', artefact.sample_rate, starts.get(mask)!),
  );
  let samples = 0;
  for await (const chunk of audio.chunks) {
    for (const span of spans) span.take(chunk, samples, audio.channels);
    samples += chunk.length / audio.channels;
  }
  check(
    'length',
    samples === artefact.samples,
    `${samples} samples${samples === artefact.samples ? '' : `, the manifest says ${artefact.samples}`}`,
  );
  const { isWhole, detail } = wholeness(manifest);
  check('masks', isWhole, detail);
  for (const span of spans) checks.push(span.result());
  return checks;
};

/** Masks that overlap or touch were rendered as one span: where each one's began. */
const beepStarts = (masks: readonly ManifestMask[]): Map<ManifestMask, number> => {
  const starts = new Map<ManifestMask, number>();
  let start = 0;
  let end = Number.NEGATIVE_INFINITY;
  for (const mask of [...masks].sort((one, other) => one.artefact.start_sample - other.artefact.start_sample)) {
    if (mask.artefact.start_sample > end) start = mask.artefact.start_sample;
    end = Math.max(end, mask.artefact.end_sample);
    starts.set(mask, start);
  }
  return starts;
};

/** Whether the masks are spans that the artefact can have, and its length is the call's less what was dropped. */
const wholeness = ({ masks, artefact, recording }: Manifest): { isWhole: boolean; detail: string } => {
  for (const { mode, artefact: at, start_ms: startMs, end_ms: endMs } of masks) {
    const hasLength = at.end_sample > at.start_sample;
    const isPossible = at.start_sample >= 0 && at.start_sample <= at.end_sample && at.end_sample <= artefact.samples;
    if (!isPossible || hasLength === (mode === 'drop')) {
      return { isWhole: false, detail: `the one at ${startMs}–${endMs} ms is no span that the artefact can have` };
    }
  }
  let droppedMs = 0;
  let endMs = 0;
  for (const mask of [...masks].sort((one, other) => one.start_ms - other.start_ms)) {
    if (mask.mode === 'drop') droppedMs += Math.max(0, mask.end_ms - Math.max(endMs, mask.start_ms));
    endMs = Math.max(endMs, mask.end_ms);
  }
  const missingMs = recording.call_duration_ms - droppedMs - (artefact.samples * 1000) / artefact.sample_rate;
  const isWhole = Math.abs(missingMs) <= ROUNDING_MS;
  const dropped = droppedMs === 0 ? '' : `, ${droppedMs} ms dropped`;
  return {
    isWhole,
    detail: isWhole
      ? `${masks.length}${dropped}`
      : `the artefact is ${Math.round(Math.abs(missingMs))} ms off the call's length${dropped}`,
  };
};

/** Looks at one mask's part of the artefact while it is being decoded. In a wav it must be what was rendered, to the sample. */
class SpanCheck {
  readonly #mask: ManifestMask;
  readonly #from: number;
  readonly #to: number;
  readonly #isMp3: boolean;
  readonly #rate: number;
  readonly #beepStart: number;
  /** Largest difference from what belongs there: silence, or the beep. */
  #excess = 0;

  /** @param beepStart sample at which the beep of its span began: masks that overlap are one span. */
  constructor(mask: ManifestMask, isMp3: boolean, rate: number, beepStart: number) {
    this.#beepStart = beepStart;
    const smear = isMp3 ? MP3_SMEAR_SAMPLES : 0;
    this.#mask = mask;
    this.#isMp3 = isMp3;
    this.#rate = rate;
    this.#from = mask.artefact.start_sample + smear;
    this.#to = mask.artefact.end_sample - smear;
  }

  take(chunk: Int16Array, position: number, channels: number): void {
    const from = Math.max(0, this.#from - position) * channels;
    const to = Math.min(chunk.length, (this.#to - position) * channels);
    const { mode } = this.#mask;
    for (let i = from; i < to; i++) {
      const at = position + Math.floor(i / channels) - this.#beepStart;
      const belongs = mode === 'tone' ? beepSample(at, this.#rate) : 0;
      // An mp3 smears the beep: near it, anything as quiet as the beep may be its own.
      const room = this.#isMp3 && mode === 'tone' && this.#isNearBeep(at) ? MP3_BEEP_MARGIN * BEEP.peak : 0;
      this.#excess = Math.max(this.#excess, Math.abs(chunk[i]! - belongs) - room);
    }
  }

  result(): Check {
    const { start_ms: startMs, end_ms: endMs, mode } = this.#mask;
    const name = `mask ${startMs}–${endMs} ms`;
    if (mode === 'drop') return { name, ok: true, detail: 'dropped: it is no part of the artefact' };
    const smearMs = Math.ceil((MP3_SMEAR_SAMPLES * 1000) / this.#rate);
    if (this.#to <= this.#from) {
      return { name, ok: true, detail: `too short to be told: an mp3 smears what is beside it by ${smearMs} ms` };
    }
    const ok = this.#excess <= (this.#isMp3 ? MP3_SILENCE_PEAK : 0);
    const unseen = this.#isMp3 ? `, but for ${smearMs} ms at either end, where an mp3 smears what is beside it` : '';
    const found = mode === 'tone' ? 'nothing but the beep' : 'silent';
    return { name, ok, detail: ok ? found + unseen : `holds sound, peak ${this.#excess} of 32768` };
  }

  #isNearBeep(at: number): boolean {
    const period = BEEP.everySeconds * this.#rate;
    const within = at % period;
    return within <= BEEP.onSeconds * this.#rate + MP3_SMEAR_SAMPLES || within >= period - MP3_SMEAR_SAMPLES;
  }
}

const digest = async (path: string): Promise<{ sha256: string; bytes: number }> => {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = createReadStream(path);
  file.on('data', (chunk) => {
    bytes += chunk.length;
  });
  try {
    await pipeline(file, hash);
  } catch (cause) {
    throw new AppError('INPUT_MISSING', `can't read ${path} (${systemCode(cause) ?? 'unknown'})`, { cause });
  }
  return { sha256: hash.digest('hex'), bytes };
};

const readManifest = async (path: string): Promise<Manifest> => {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError(
      'INPUT_MISSING',
      `can't read the manifest ${path} (${systemCode(cause) ?? 'unknown'}); name it after the artefact`,
      { cause },
    );
  }
  const manifest = parsed(text);
  if (!isManifest(manifest)) throw new AppError('ARTEFACT_UNREADABLE', `${path} is not a manifest of record-call`);
  return manifest;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What is used of it is there and has the right type. */
const isManifest = (value: unknown): value is Manifest => {
  if (typeof value !== 'object' || value === null) return false;
  const { version, artefact, masks, recording } = value as Partial<Manifest>;
  const numbers = (...each: unknown[]): boolean => each.every((one) => typeof one === 'number' && Number.isFinite(one));
  return (
    version === 1 &&
    typeof artefact === 'object' &&
    artefact !== null &&
    typeof artefact.sha256 === 'string' &&
    numbers(artefact.samples, artefact.sample_rate, artefact.channels, artefact.bytes) &&
    numbers(recording?.call_duration_ms) &&
    Array.isArray(masks) &&
    masks.every((mask: Partial<ManifestMask>) =>
      numbers(mask?.start_ms, mask?.end_ms, mask?.artefact?.start_sample, mask?.artefact?.end_sample),
    )
  );
};
