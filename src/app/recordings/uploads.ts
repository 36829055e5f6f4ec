/** Uploads that were cut off by the end of an earlier run. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes what was last written before `beforeMs`; what is being received now is newer. */
export const removeOldUploads = async (folder: string, beforeMs: number): Promise<void> => {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() && found.mtimeMs < beforeMs) await rm(path, { force: true });
  }
};
