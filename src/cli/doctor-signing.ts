/** What `record-call doctor` says of the key that manifests are signed with, where there is a data folder: its public half, to be kept elsewhere. */
import { access } from 'node:fs/promises';
import type { Settings } from '../app/settings.ts';
import { readSigningKey, signingKeyPath } from '../app/signing-key.ts';
import { asAppError } from '../core/errors.ts';
import { publicKeyDocument } from '../finalize/signature.ts';
import type { Finding } from './finding.ts';

const TOPIC = 'signing key';

/** @returns none where there is no data folder yet. */
export const signingFindings = async ({ data_dir: folder }: Pick<Settings, 'data_dir'>): Promise<Finding[]> => {
  const isThere = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    );
  if (!(await isThere(folder))) return [];
  const path = signingKeyPath(folder);
  if (!(await isThere(path)))
    return [{ topic: TOPIC, state: 'ok', detail: `none in ${folder}: the first start makes one` }];
  try {
    const { key_id, public_key } = publicKeyDocument(await readSigningKey(path));
    return [{ topic: TOPIC, state: 'ok', detail: `Ed25519, id ${key_id}, public key ${public_key}` }];
  } catch (error) {
    return [{ topic: TOPIC, state: 'lack', detail: asAppError(error).message }];
  }
};
