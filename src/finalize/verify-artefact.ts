/**
 * Holds an artefact against its manifest: who signed that, its bytes, its length, that what the manifest says is masked holds nothing of the
 * call; and the manifest against an audit. Reads them, changes none. Whatever has become of the artefact since, as long as it can be read, is
 * told by the checks.
 */
import { createHash } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { auditChecks } from './audit-file.ts';
import type { Check } from './check.ts';
import { decodeArtefact } from './decode/artefact-decoder.ts';
import { ArtefactFile } from './decode/artefact-file.ts';
import type { DecodedAudio } from './decode/decoded-audio.ts';
import type { Manifest } from './manifest.ts';
import { readManifest } from './manifest-file.ts';
import { type MaskCheck, maskChecks } from './mask-check.ts';
import { signatureCheck } from './signature-check.ts';

export type { Check };

/** Lengths are told in whole milliseconds. */
const ROUNDING_MS = 3;
const PIECE_BYTES = 256 * 1024;

export type VerifyOptions = {
  /** Base64 of raw public keys, one of which has to have signed; empty: whoever did, if anybody. */
  readonly trusted?: readonly string[];
  /** An exported audit, in which the manifest's entry has to be. */
  readonly audit?: string | undefined;
};

/**
 * The same checks in the same order whatever is wrong: signature, digest, size, format, length, masks, then each mask; of the audit: head,
 * chain, entry.
 * @throws AppError INPUT_MISSING, ARTEFACT_UNREADABLE when the artefact is no file or the manifest is none.
 */
export const verifyArtefact = async (
  path: string,
  manifestPath = `${path}.json`,
  { trusted = [], audit }: VerifyOptions = {},
): Promise<Check[]> => {
  // Before the manifest: when both are missing, it is the artefact that was asked for.
  const file = await ArtefactFile.open(path);
  try {
    const manifest = await readManifest(manifestPath);
    const { artefact } = manifest;
    const spans = maskChecks(manifest.masks, artefact.format === 'mp3', artefact.sample_rate);
    return [
      signatureCheck('signature', manifest, trusted),
      ...(await bytesChecks(file, artefact)),
      ...(await soundChecks(path, artefact, spans)),
      wholeness(manifest),
      ...spans.map((span) => span.result()),
      ...(audit === undefined ? [] : await auditChecks(audit, trusted, manifest)),
    ];
  } finally {
    await file.close();
  }
};

const bytesChecks = async (file: ArtefactFile, artefact: Manifest['artefact']): Promise<Check[]> => {
  const hash = createHash('sha256');
  let bytes = 0;
  for (;;) {
    const piece = await file.readAt(bytes, PIECE_BYTES);
    if (piece.length === 0) break;
    hash.update(piece);
    bytes += piece.length;
  }
  const sha256 = hash.digest('hex');
  return [
    sha256 === artefact.sha256
      ? { name: 'digest', ok: true, detail: `sha256 ${sha256}` }
      : { name: 'digest', ok: false, detail: `sha256 is ${sha256}, the manifest says ${artefact.sha256}` },
    compared('size', 'bytes', bytes, artefact.bytes),
  ];
};

/** Decodes it once, for its format, its length and the masks. What can't be decoded is no error: it can't be what was made. */
const soundChecks = async (
  path: string,
  artefact: Manifest['artefact'],
  spans: readonly MaskCheck[],
): Promise<[format: Check, length: Check]> => {
  const opened = await sound(path, () => decodeArtefact(path));
  if (typeof opened === 'string') {
    return [
      { name: 'format', ok: false, detail: opened },
      { name: 'length', ok: false, detail: 'not known' },
    ];
  }
  const { format, sampleRate, channels } = opened;
  const ok = format === artefact.format && sampleRate === artefact.sample_rate && channels === artefact.channels;
  const shape = { name: 'format', ok, detail: `${format}, ${sampleRate} Hz, ${channels === 2 ? 'stereo' : 'mono'}` };
  const samples = await sound(path, () => lookedThrough(opened, spans));
  const length =
    typeof samples === 'string'
      ? { name: 'length', ok: false, detail: samples }
      : compared('length', 'samples', samples, artefact.samples);
  return [shape, length];
};

/** @returns samples per channel. */
const lookedThrough = async ({ chunks, channels }: DecodedAudio, spans: readonly MaskCheck[]): Promise<number> => {
  let samples = 0;
  for await (const chunk of chunks) {
    for (const span of spans) span.take(chunk, samples, channels);
    samples += chunk.length / channels;
  }
  return samples;
};

/** What `read` gives, or why the artefact's sound can't be read. */
const sound = async <T>(path: string, read: () => Promise<T>): Promise<T | string> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'ARTEFACT_UNREADABLE') throw error;
    return error.message.replace(`${path}: `, '');
  }
};

const compared = (name: string, unit: string, found: number, said: number): Check => ({
  name,
  ok: found === said,
  detail: `${found} ${unit}${found === said ? '' : `, the manifest says ${said}`}`,
});

/** Whether the masks are spans that the artefact can have, and its length is the call's less what was dropped. */
const wholeness = ({ masks, artefact, recording }: Manifest): Check => {
  for (const { mode, artefact: at, start_ms: startMs, end_ms: endMs } of masks) {
    const hasLength = at.end_sample > at.start_sample;
    const isPossible = at.start_sample >= 0 && at.start_sample <= at.end_sample && at.end_sample <= artefact.samples;
    if (!isPossible || hasLength === (mode === 'drop')) {
      return {
        name: 'masks',
        ok: false,
        detail: `the one at ${startMs}–${endMs} ms is no span that the artefact can have`,
      };
    }
  }
  let droppedMs = 0;
  let lastMs = 0;
  for (const mask of [...masks].sort((one, other) => one.start_ms - other.start_ms)) {
    if (mask.mode === 'drop') droppedMs += Math.max(0, mask.end_ms - Math.max(lastMs, mask.start_ms));
    lastMs = Math.max(lastMs, mask.end_ms);
  }
  const missingMs = recording.call_duration_ms - droppedMs - (artefact.samples * 1000) / artefact.sample_rate;
  const dropped = droppedMs === 0 ? '' : `, ${droppedMs} ms dropped`;
  return Math.abs(missingMs) <= ROUNDING_MS
    ? { name: 'masks', ok: true, detail: `${masks.length}${dropped}` }
    : {
        name: 'masks',
        ok: false,
        detail: `the artefact is ${Math.round(Math.abs(missingMs))} ms off the call's length${dropped}`,
      };
};
