/** What the first start tells its owner, once: `credentials.json` (design §6.5), for them alone. The key is nowhere else. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';

export type Credentials = { readonly account_id: string; readonly api_key: string; readonly url: string };

/** @throws OUTPUT_UNWRITABLE */
export const writeCredentials = async (path: string, credentials: Credentials): Promise<void> => {
  const part = `${path}.${randomBytes(6).toString('hex')}.part`;
  try {
    const file = await open(part, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(credentials, null, 2)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    throw new AppError('OUTPUT_UNWRITABLE', `can't write ${path} (${systemCode(cause) ?? 'unknown'})`, { cause });
  }
};

/** Brings the URL up to date where the file is still there; whoever removed it has read it. */
export const updateCredentialsUrl = async (path: string, url: string): Promise<void> => {
  const credentials = await readCredentials(path);
  if (credentials !== undefined && credentials.url !== url) await writeCredentials(path, { ...credentials, url });
};

const readCredentials = async (path: string): Promise<Credentials | undefined> => {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { account_id, api_key, url } = value as Partial<Record<keyof Credentials, unknown>>;
    if (typeof account_id !== 'string' || typeof api_key !== 'string' || typeof url !== 'string') return undefined;
    return { account_id, api_key, url };
  } catch {
    return undefined;
  }
};
