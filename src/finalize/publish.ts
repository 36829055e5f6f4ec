/**
 * Brings an artefact and its manifest to their final names, over an older pair or not, so that a failure or a crash leaves the old
 * pair or the new one. No system renames two files at once: the manifest goes first, so that what a crash in between leaves is never an
 * artefact that passes for proven; `removeParts` then takes the manifest back.
 */
import { constants } from 'node:fs';
import { copyFile, link, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../core/errors.ts';
import { unwritable } from './encode/output-file.ts';
import type { Manifest } from './manifest.ts';
import { manifestParts, partPath, takeBackManifest } from './part-files.ts';

/** The steps that tests make fail. */
export type Disk = { readonly link: typeof link; readonly rename: (from: string, to: string) => Promise<void> };

/**
 * @param directory where the artefact lies, complete and synced, as the recording's part.
 * @param name of the artefact; the manifest's is this with `.json` behind it.
 * @returns the final paths. @throws AppError OUTPUT_UNWRITABLE; what was there before is there.
 */
export const publish = async (
  directory: string,
  name: string,
  manifest: Manifest,
  disk: Disk = { link, rename },
): Promise<{ readonly path: string; readonly manifestPath: string }> => {
  const { id } = manifest.recording;
  const path = join(directory, name);
  const manifestPath = `${path}.json`;
  const parts = manifestParts(directory, id, name);
  try {
    // Before the one that tells whoever finds these files what they are: without an older one there was none.
    await twin(manifestPath, parts.older, disk).catch(ifThere);
    await writeFile(parts.own, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await twin(parts.own, parts.next, disk);
    await disk.rename(parts.next, manifestPath);
    await syncFolder(directory);
    await disk.rename(partPath(directory, id), path);
    await syncFolder(directory);
  } catch (cause) {
    // Where even that fails, whoever removes the parts tries again.
    await takeBackManifest(directory, id).catch(() => {});
    throw unwritable(path, systemCode(cause), cause);
  }
  // The pair is there: nothing that fails from here on is a failure of it.
  await Promise.allSettled([parts.own, parts.older].map((each) => rm(each, { force: true })));
  return { path, manifestPath };
};

/** A second name for a file; where the file system has no such thing, a copy. */
const twin = async (from: string, to: string, disk: Disk): Promise<void> => {
  try {
    await disk.link(from, to);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw error;
    await copyFile(from, to, constants.COPYFILE_EXCL);
  }
};

const ifThere = (error: unknown): void => {
  if (systemCode(error) !== 'ENOENT') throw error;
};

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};
