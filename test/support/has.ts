/** Whether a program is on the PATH: tests that need one skip by its name. Looks, never runs it. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const hasProgram = (name: string, path: string = process.env.PATH ?? ''): boolean =>
  path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return statSync(join(folder, name)).isFile();
      } catch {
        return false;
      }
    });
