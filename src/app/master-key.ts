/**
 * The installation's master keys, and the vault they open: from the environment, before those of the file; a file is made at the first
 * start, and never while there is something that only another key opens.
 */
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { AppError, asAppError } from '../core/errors.ts';
import { countKeys } from '../spool/seal/key-files.ts';
import { MasterKeys } from '../spool/seal/master-keys.ts';
import { Vault } from '../spool/seal/vault.ts';
import { makeMasterKey, readMasterKeys } from './master-key-file.ts';
import { dataFolders } from './recordings/data-folders.ts';
import type { Settings } from './settings.ts';

export type KeySettings = Pick<Settings, 'data_dir' | 'master_key' | 'master_key_file'>;

export const masterKeyPath = ({ data_dir, master_key_file }: KeySettings): string =>
  master_key_file === '' ? join(resolve(data_dir), 'master.key') : resolve(master_key_file);

/** @returns undefined when there is none yet, and nothing that needs one. @throws KEY_MISSING, KEY_UNUSABLE */
export const findMasterKeys = async (settings: KeySettings): Promise<MasterKeys | undefined> => {
  const path = masterKeyPath(settings);
  const keys = [...settings.master_key, ...((await readMasterKeys(path)) ?? [])];
  if (keys.length > 0) return new MasterKeys(keys);
  const { keys: folder } = dataFolders(settings.data_dir);
  if ((await countKeys(folder)) === 0) return undefined;
  throw new AppError(
    'KEY_MISSING',
    `the master key ${path} is gone, and nothing else opens what is in ${folder}: put it back from a backup, or name it by RECORD_CALL_MASTER_KEY_FILE or RECORD_CALL_MASTER_KEY; to begin anew, without what was recorded, remove that folder`,
  );
};

/** For the service, whose data folder is there. @throws KEY_MISSING, KEY_UNUSABLE, OUTPUT_UNWRITABLE */
export const openVault = async (settings: KeySettings, logger: Pick<Logger, 'info'>): Promise<Vault> => {
  let master = await findMasterKeys(settings);
  if (master === undefined) {
    const path = masterKeyPath(settings);
    master = new MasterKeys(await makeMasterKey(path));
    logger.info(
      { path, masterKeyId: master.id },
      'a master key was made: keep a copy of it, apart from copies of the rest',
    );
  }
  try {
    return await Vault.open({ keys: dataFolders(settings.data_dir).keys, master });
  } catch (error) {
    throw error instanceof AppError
      ? error
      : new AppError('OUTPUT_UNWRITABLE', `the folder of keys can't be used: ${asAppError(error).message}`, {
          cause: error,
        });
  }
};

/** After a rotation: the first master key takes all keys over, beside the service's work; says when the others may go. Never rejects. */
export const rewrapKeys = async (
  vault: Vault,
  logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  signal: AbortSignal,
): Promise<void> => {
  const [first, ...others] = new MasterKeys(vault.share.masters).ids;
  if (others.length === 0) return;
  try {
    const { count, unusable } = await vault.rewrap(signal);
    const fields = { masterKeyId: first, oldMasterKeyIds: others, rewrapped: count };
    if (unusable > 0)
      logger.warn(
        { ...fields, unusable },
        'some keys are opened by no master key: their recordings can not be read; the first one has taken over the others',
      );
    else logger.info(fields, 'the first master key has taken over every key: the lines behind it may be removed');
  } catch (error) {
    if (signal.aborted) return;
    logger.error(
      { error: asAppError(error).message },
      'not every key could be brought under the first master key: keep every line',
    );
  }
};
