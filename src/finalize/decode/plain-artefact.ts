/** An artefact as it was delivered, on disk under a name that somebody gave: looked at before it is opened, for it may be anything. */
import { stat } from 'node:fs/promises';
import type { ByteSource } from '../../core/byte-source.ts';
import { AppError, systemCode } from '../../core/errors.ts';
import { plainFile } from '../../spool/plain-file.ts';
import { isSealedFile } from '../../spool/seal/sealed-file.ts';

/** `open` throws INPUT_MISSING when it can't be opened; ARTEFACT_UNREADABLE for a folder or a pipe, and for a sealed file. */
export const plainArtefact = (path: string): ByteSource => ({
  open: async () => {
    try {
      await refuseOthers(path);
      return await plainFile(path).open();
    } catch (error) {
      if (error instanceof AppError && error.code !== 'INPUT_MISSING') throw error;
      const cause = error instanceof AppError ? error.cause : error;
      throw new AppError('INPUT_MISSING', `can't read the artefact ${path} (${systemCode(cause) ?? 'unknown'})`, {
        cause,
      });
    }
  },
});

const refuseOthers = async (path: string): Promise<void> => {
  // Opened, a named pipe would wait for its writer, perhaps for ever.
  if (!(await stat(path)).isFile()) throw new AppError('ARTEFACT_UNREADABLE', `${path} is not a file`);
  if (!(await isSealedFile(path))) return;
  throw new AppError(
    'ARTEFACT_UNREADABLE',
    `${path} is sealed: a service's own file, encrypted at rest; fetch the recording through its API and verify that`,
  );
};
