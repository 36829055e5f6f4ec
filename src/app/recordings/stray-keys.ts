/**
 * Keys of recordings of which nothing is left: a service that died between a key and its journal's first byte leaves one, so does a
 * replay that began anew. A key that may still be needed stays.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { asAppError, systemCode } from '../../core/errors.ts';
import type { Vault } from '../../spool/seal/vault.ts';
import { artefactFolder, type DataFolders, RECORDING_ID } from './data-folders.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Teller } from './teller.ts';

export type StrayKeysOptions = {
  readonly vault?: Pick<Vault, 'find' | 'destroy'>;
  readonly store: Pick<ShelfStore, 'recordings'>;
  readonly folders: DataFolders;
  readonly teller: Teller;
  /** Recorded or finalized now. */
  readonly isBusy: (id: string) => boolean;
  /** Keys made since then are this run's, whose journals may be on their way. */
  readonly beganMs: number;
};

/** What can't be looked at, or destroyed, is told of, and stays. @throws STORE_FAILED */
export const removeStrayKeys = async (options: StrayKeysOptions): Promise<void> => {
  const { vault, teller } = options;
  if (vault === undefined) return;
  await removeFrom(vault, options).catch((error: unknown) => {
    if (asAppError(error).code === 'STORE_FAILED') throw error;
    teller.defect('keys that nothing is left for could not be looked for', error);
  });
};

const removeFrom = async (
  vault: NonNullable<StrayKeysOptions['vault']>,
  { store, folders, teller, isBusy, beganMs }: StrayKeysOptions,
): Promise<void> => {
  const files = new WantedFiles(folders);
  for await (const { accountId, id, path } of vault.find()) {
    if (isBusy(id) || (await files.has(accountId, id))) continue;
    const changedMs = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (changedMs === undefined || changedMs >= beganMs) continue;
    if ((await store.recordings.get(accountId, id)) !== undefined) continue;
    await vault.destroy(accountId, id).catch((error: unknown) => {
      teller.warn('a key that nothing is left for could not be destroyed', { error: asAppError(error).message });
    });
    await setImmediate();
  }
};

/** Which recordings, and replay jobs, have files; each folder is read once. */
class WantedFiles {
  readonly #folders: DataFolders;
  readonly #names = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(folders: DataFolders) {
    this.#folders = folders;
  }

  async has(accountId: string, id: string): Promise<boolean> {
    for (const folder of this.#foldersOf(accountId, id)) if ((await this.#idsIn(folder)).has(id)) return true;
    return false;
  }

  #foldersOf(accountId: string, id: string): string[] {
    const { journals, damaged, recordings, jobs } = this.#folders;
    const account = [journals, damaged, jobs].map((folder) => join(folder, accountId));
    return RECORDING_ID.test(id) ? [artefactFolder(recordings, accountId, id), ...account] : account;
  }

  /** What files and folders there are named after. */
  #idsIn(folder: string): Promise<ReadonlySet<string>> {
    const known = this.#names.get(folder);
    if (known !== undefined) return known;
    const names = this.#namesIn(folder).then(
      // Parts begin with a dot.
      (all) => new Set(all.map((name) => name.replace(/^\./, '').split('.', 1)[0]!)),
    );
    this.#names.set(folder, names);
    return names;
  }

  async #namesIn(folder: string): Promise<string[]> {
    const isJobs = folder.startsWith(this.#folders.jobs);
    const names = await readdir(folder).catch(noneIfMissing);
    if (!isJobs) return names;
    const journals = names.map((job) => readdir(join(folder, job, 'journals')).catch(noneIfMissing));
    return [...names, ...(await Promise.all(journals)).flat()];
  }
}

/** What can't be looked into may hold anything. */
const noneIfMissing = (error: unknown): string[] => {
  if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
  throw error;
};
