/** Makes a folder and what is missing above it. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../core/errors.ts';

/**
 * Only the owner may enter what this makes (0700); a folder that is there stays as it is. One step at a time, because Node's recursive
 * mkdir never returns where a folder can't be made below one that exists, such as in /proc.
 * @throws the operating system's error: ENOTDIR, EACCES, EROFS, ENOSPC …
 */
export const makeFolder = async (path: string): Promise<void> => {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    const above = dirname(path);
    if (systemCode(error) === 'ENOENT' && above !== path) {
      await makeFolder(above);
      await mkdir(path, 0o700).catch(ifNotThere(path));
    } else await ifNotThere(path)(error);
  }
};

/** Somebody else's folder of that name will do; anything else of that name will not. */
const ifNotThere =
  (path: string) =>
  async (error: unknown): Promise<void> => {
    if (systemCode(error) !== 'EEXIST') throw error;
    if (!(await stat(path)).isDirectory())
      throw Object.assign(new Error(`${path} is not a folder`), { code: 'ENOTDIR' });
  };
