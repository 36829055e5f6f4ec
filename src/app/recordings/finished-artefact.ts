/** Finds an artefact that a finalizer has finished and nobody noted, because the service ended in between. Changes nothing. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measure } from '../../deliver/content-digest.ts';
import type { Manifest } from '../../finalize/manifest.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import { storedFile } from './stored-file.ts';

export type FinishedArtefact = { readonly path: string; readonly manifestPath: string; readonly manifest: Manifest };

/** @param key what it is sealed under, if it is. @returns undefined where there is none, or one that is not what its manifest says. */
export const findFinished = async (
  directory: string,
  id: string,
  format: string,
  key: SealKey | undefined,
): Promise<FinishedArtefact | undefined> => {
  const path = join(directory, `${id}.${format}`);
  const manifestPath = `${path}.json`;
  try {
    const manifest = JSON.parse(await readFile(manifestPath, 'utf8')) as Manifest;
    const { sha256, size } = await measure(storedFile(path, key, 'artefact'));
    const isOurs = manifest.recording.id === id && manifest.artefact.format === format;
    const isWhole = manifest.artefact.bytes === size && manifest.artefact.sha256 === sha256.toString('hex');
    return isOurs && isWhole ? { path, manifestPath, manifest } : undefined;
  } catch {
    // Missing, torn or of another shape: the journal is finalized again, which replaces it.
    return undefined;
  }
};
