/**
 * Files of a recording that is not finished: hidden, in the artefact's folder, named by the recording. Whoever finds them when nobody
 * works on it any more takes them away, and with them a manifest whose artefact never followed.
 */
import { access, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export const partPath = (directory: string, recordingId: string): string => join(directory, `.${recordingId}.part`);

export const pcmPath = (directory: string, recordingId: string, track: number): string =>
  join(directory, `.${recordingId}.${track}.pcm`);

/** The manifest, whose part says in its name where it goes; the same on its way there; what was there before. */
export const manifestParts = (
  directory: string,
  recordingId: string,
  mediaName: string,
): { readonly own: string; readonly next: string; readonly older: string } => ({
  own: join(directory, `${ownPrefix(recordingId)}${mediaName}`),
  next: join(directory, `.${recordingId}.next`),
  older: join(directory, `.${recordingId}.older`),
});

const ownPrefix = (recordingId: string): string => `.${recordingId}.json.`;

/** Removes what a finalizer that failed or was stopped has left. Never rejects. @returns how many files. */
export const removeParts = async (directory: string, recordingId: string): Promise<number> => {
  const parts = await partsOf(directory, recordingId);
  if (parts.length === 0) return 0;
  try {
    await takeBackManifest(directory, recordingId);
  } catch {
    // What is needed for it stays, for the next who comes by.
    return 0;
  }
  const removed = await Promise.allSettled(parts.map((name) => rm(join(directory, name), { force: true })));
  return removed.filter(({ status }) => status === 'fulfilled').length;
};

/**
 * Gives the final name back to the older manifest, or to none, when the recording's own has it and its artefact, which should have
 * followed, is still a part. Does nothing otherwise.
 */
export const takeBackManifest = async (directory: string, recordingId: string): Promise<void> => {
  const prefix = ownPrefix(recordingId);
  const own = (await partsOf(directory, recordingId)).find((name) => name.startsWith(prefix));
  if (own === undefined || !(await isThere(partPath(directory, recordingId)))) return;
  const mediaName = own.slice(prefix.length);
  const manifestPath = join(directory, `${mediaName}.json`);
  if ((await recordingIdIn(manifestPath)) !== recordingId) return;
  const { older } = manifestParts(directory, recordingId, mediaName);
  if (await isThere(older)) await rename(older, manifestPath);
  else await rm(manifestPath, { force: true });
};

const partsOf = async (directory: string, recordingId: string): Promise<string[]> => {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => name.startsWith(`.${recordingId}.`));
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whose manifest it is, as far as it is one. */
const recordingIdIn = async (path: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')).recording?.id;
  } catch {
    return undefined;
  }
};
