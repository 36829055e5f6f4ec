/**
 * Wrapped keys on disk, one file each, whole and durable before anyone hears of it, overwritten when it goes:
 *
 *     <keys>/store.key                      the key of small secrets in the store
 *     <keys>/<accountId>/<id>.key           a recording's
 *     <keys>/<accountId>/<id>.key.part      the next one of the same name, not in force
 *
 * What a file system keeps of what was overwritten (snapshots, copies on write, worn cells) is still of no use without a master key.
 */
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, systemCode } from '../../core/errors.ts';
import { FolderSync } from '../folder-sync.ts';
import { makeFolder } from '../make-folder.ts';

const KEY = '.key';
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

export type FoundKey = { readonly accountId: string; readonly id: string; readonly path: string };

export class KeyFiles {
  readonly folder: string;
  readonly #sync = new FolderSync();
  /** Accounts' folders whose own names are durable, or are being made so. */
  readonly #made = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws INTERNAL for ids that could lead elsewhere */
  path(accountId: string, id: string): string {
    if (!NAME.test(accountId) || !NAME.test(id)) throw new AppError('INTERNAL', 'an id that can be no name of a key');
    return join(this.folder, accountId, `${id}${KEY}`);
  }

  get storePath(): string {
    return join(this.folder, `store${KEY}`);
  }

  /** Resolves when the new file and its name are durable. @throws the operating system's error: EEXIST, ENOSPC … */
  async add(path: string, content: Uint8Array): Promise<void> {
    const folder = dirname(path);
    await this.#make(folder);
    try {
      await writeDurably(path, 'wx', content);
      await this.#sync.sync(folder);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** Takes another's place; a crash leaves the one or the other. @throws the operating system's error */
  async replace(path: string, content: Uint8Array): Promise<void> {
    await writeDurably(partOf(path), 'w', content);
    await rename(partOf(path), path);
    await this.#sync.sync(dirname(path));
  }

  /** @returns undefined when there is none. @throws KEY_UNUSABLE when it can't be read */
  async read(path: string): Promise<Buffer | undefined> {
    try {
      return await readFile(path);
    } catch (cause) {
      const code = systemCode(cause);
      if (code === 'ENOENT') return undefined;
      throw new AppError('KEY_UNUSABLE', `the key file ${basename(path)} can't be read (${code})`, { cause });
    }
  }

  /** Overwrites it and takes it away; one that is not there is gone. @throws the operating system's error */
  async destroy(path: string): Promise<void> {
    const wiped = [await wipe(partOf(path)), await wipe(path)];
    if (wiped.includes(true)) await this.#sync.sync(dirname(path));
  }

  /** Of every account, in no order; the store's own is left out. */
  async *find(): AsyncGenerator<FoundKey> {
    for (const accountId of await foldersIn(this.folder)) {
      for (const name of await readdir(join(this.folder, accountId))) {
        const id = name.endsWith(KEY) ? name.slice(0, -KEY.length) : '';
        if (NAME.test(id)) yield { accountId, id, path: this.path(accountId, id) };
      }
    }
  }

  async #make(folder: string): Promise<void> {
    await makeFolder(folder);
    const made = this.#made.get(folder) ?? this.#sync.sync(dirname(folder));
    this.#made.set(folder, made);
    await made.catch((error: unknown) => {
      this.#made.delete(folder);
      throw error;
    });
  }
}

/** How many wrapped keys there are, the store's too; 0 where there is no folder. */
export const countKeys = async (folder: string): Promise<number> => {
  const files = new KeyFiles(folder);
  let count = (await isThere(files.storePath)) ? 1 : 0;
  for await (const _ of files.find()) count++;
  return count;
};

const partOf = (path: string): string => `${path}.part`;

const writeDurably = async (path: string, flag: 'w' | 'wx', content: Uint8Array): Promise<void> => {
  const file = await open(path, flag, 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** @returns whether there was one */
const wipe = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size), 0, size, 0);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  await rm(path, { force: true });
  return true;
};

const foldersIn = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory() && NAME.test(entry.name)).map(({ name }) => name);
};

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    },
  );
