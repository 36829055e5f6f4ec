/** Reads a manifest back from disk. It may have been written by anybody: what is used of it is there and has the right type. */
import { readFile } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import { parseJsonText, repeatsNames } from '../core/json-text.ts';
import type { Manifest, ManifestMask } from './manifest.ts';

/** @throws AppError INPUT_MISSING, ARTEFACT_UNREADABLE */
export const readManifest = async (path: string): Promise<Manifest> => {
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
  const json = parseJsonText(text);
  const whole = json.ok ? json.value : undefined;
  const manifest = isManifest(whole) ? whole : answered(whole);
  if (isManifest(manifest) && repeatsNames(text, whole))
    throw new AppError('ARTEFACT_UNREADABLE', `${path} has a name twice, so that it may be read in two ways`);
  if (!isManifest(manifest)) throw new AppError('ARTEFACT_UNREADABLE', `${path} is not a manifest of record-call`);
  return manifest;
};

/** As the API answers it: in its envelope. */
const answered = (whole: unknown): unknown =>
  typeof whole === 'object' && whole !== null && 'data' in whole ? whole.data : undefined;

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
