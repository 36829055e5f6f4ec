/** What `record-call doctor` says of the keys: whether the service may start with them, how many there are, which wraps. Makes none, and shows none. */
import { findMasterKeys, masterKeyPath } from '../app/master-key.ts';
import { dataFolders } from '../app/recordings/data-folders.ts';
import type { Settings } from '../app/settings.ts';
import { asAppError } from '../core/errors.ts';
import { countKeys } from '../spool/seal/key-files.ts';
import { checkKeys } from '../spool/seal/vault.ts';
import type { Finding } from './finding.ts';

const TOPIC = 'keys';

export const keyFinding = async (settings: Settings): Promise<Finding> => {
  try {
    const path = masterKeyPath(settings);
    const { keys: folder } = dataFolders(settings.data_dir);
    const master = await findMasterKeys(settings);
    const off = settings.encryption === 'off' ? 'RECORD_CALL_ENCRYPTION is off: new recordings are not sealed; ' : '';
    if (master === undefined)
      return { topic: TOPIC, state: 'ok', detail: `${off}the first start makes the master key ${path}` };
    await checkKeys(folder, master);
    const count = await countKeys(folder);
    const where = settings.master_key.length > 0 ? 'from RECORD_CALL_MASTER_KEY' : `in ${path}, for its owner alone`;
    const [first, ...others] = master.ids;
    const old = others.length === 0 ? '' : `; behind it ${others.join(', ')}`;
    return {
      topic: TOPIC,
      state: 'ok',
      detail: `${off}master key ${first} ${where}${old}; ${count === 1 ? '1 key' : `${count} keys`} under it`,
    };
  } catch (error) {
    return { topic: TOPIC, state: 'lack', detail: asAppError(error).message };
  }
};
