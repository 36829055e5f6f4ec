/** Files of a recording that is not finished: hidden, in the artefact's folder, named by the recording. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export const partPath = (directory: string, recordingId: string): string => join(directory, `.${recordingId}.part`);

export const pcmPath = (directory: string, recordingId: string, track: number): string =>
  join(directory, `.${recordingId}.${track}.pcm`);

/** Removes what a finalizer that failed or was stopped has left. */
export const removeParts = async (directory: string, recordingId: string): Promise<void> => {
  const names = await readdir(directory).catch(() => []);
  const own = names.filter((name) => name.startsWith(`.${recordingId}.`));
  await Promise.all(own.map((name) => rm(join(directory, name), { force: true })));
};
