/**
 * The journals on disk: which there are, whose each is, and the folder for those that can't be read. Beside each lies a note of whose
 * it is, so that a recording finds its way home when the store has lost its row. Never opens a journal for writing.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AppError, systemCode } from '../../core/errors.ts';
import { readJournal } from '../../spool/journal-reader.ts';
import type { OpenRecord } from '../../spool/journal-record.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import type { Vault } from '../../spool/seal/vault.ts';
import { parseAbout, type RecordingAbout, saysSealed } from './about.ts';
import { DAMAGED, type DataFolders, journalFolder, journalPath, RECORDING_ID } from './data-folders.ts';

const JOURNAL = '.journal';
const ABOUT = '.about.json';

export type FoundJournal = { readonly accountId: string; readonly id: string; readonly path: string };

/** The note's name beside a journal. */
export const aboutPath = (journal: string): string => `${journal.slice(0, -JOURNAL.length)}${ABOUT}`;

/** The first record: what was known when the recording began. @throws AppError JOURNAL_UNREADABLE, KEY_MISSING */
export const headOf = (path: string, key: SealKey | undefined): OpenRecord | undefined => {
  for (const record of readJournal(path, undefined, key)) return record.kind === 'open' ? record.open : undefined;
  return undefined;
};

export class Journals {
  readonly #folders: DataFolders;
  readonly #vault: Pick<Vault, 'keyOf' | 'destroy'> | undefined;

  /** @param vault of the journals' keys; without one every journal is plain */
  constructor(folders: DataFolders, vault: Pick<Vault, 'keyOf' | 'destroy'> | undefined) {
    this.#folders = folders;
    this.#vault = vault;
  }

  path(accountId: string, id: string): string {
    return journalPath(this.#folders.journals, accountId, id);
  }

  /** What it is sealed under, and its recording's files with it; undefined: nothing. @throws KEY_UNUSABLE */
  async keyOf({ accountId, id }: Pick<FoundJournal, 'accountId' | 'id'>): Promise<SealKey | undefined> {
    return this.#vault?.keyOf(accountId, id);
  }

  /** Nothing is left that it was for. @throws the operating system's error */
  async destroyKey({ accountId, id }: Pick<FoundJournal, 'accountId' | 'id'>): Promise<void> {
    await this.#vault?.destroy(accountId, id);
  }

  /**
   * What a journal is to be read with. One that was begun sealed is read with its key or not at all: a plain one in its place somebody
   * else has put there.
   * @throws AppError JOURNAL_UNREADABLE, KEY_MISSING, KEY_UNUSABLE
   */
  async readingKeyOf(journal: FoundJournal): Promise<SealKey | undefined> {
    const key = await this.keyOf(journal);
    if (key !== undefined || !saysSealed(await noteBeside(journal.path))) return key;
    headOf(journal.path, undefined);
    throw new AppError('JOURNAL_UNREADABLE', `the journal was begun sealed, and is plain: ${journal.path}`);
  }

  /** @throws AppError JOURNAL_UNREADABLE, KEY_MISSING, KEY_UNUSABLE */
  async headOf(journal: FoundJournal): Promise<OpenRecord | undefined> {
    return headOf(journal.path, await this.readingKeyOf(journal));
  }

  /** Notes whose it is, and whether it is sealed. @throws the operating system's error */
  async note(path: string, id: string, about: RecordingAbout): Promise<void> {
    const { accountId, ...rest } = about;
    // A key that can't be had just now is one.
    const sealed = await this.keyOf({ accountId, id }).then(
      (key) => key !== undefined,
      () => true,
    );
    await writeFile(aboutPath(path), JSON.stringify({ ...rest, ...(sealed ? { sealed } : {}) }), { mode: 0o600 });
  }

  /** Every account's, in no order; those set aside are left out. */
  async *find(): AsyncGenerator<FoundJournal> {
    for (const accountId of await foldersIn(this.#folders.journals)) {
      if (accountId === DAMAGED) continue;
      for (const id of await this.#idsOf(accountId)) yield { accountId, id, path: this.path(accountId, id) };
    }
  }

  async about(accountId: string, id: string): Promise<RecordingAbout> {
    return parseAbout(accountId, await noteBeside(this.path(accountId, id)));
  }

  /** Once the artefact is there, and its row says so. */
  async remove(accountId: string, id: string): Promise<void> {
    const path = this.path(accountId, id);
    // The note last: a journal without one would be nobody's.
    await rm(path, { force: true });
    await rm(aboutPath(path), { force: true });
  }

  /** Takes in a journal, and the note about it, that were written elsewhere on the same disk. */
  async adopt(from: string, about: RecordingAbout, id: string): Promise<string> {
    const path = this.path(about.accountId, id);
    await makeFolder(dirname(path));
    await this.note(path, id, about);
    await rename(from, path);
    return path;
  }

  /** Moves a journal that can't be read out of the way. @returns where it is now */
  async setAside(accountId: string, id: string): Promise<string> {
    const path = this.path(accountId, id);
    const aside = journalFolder(this.#folders.damaged, accountId);
    await makeFolder(aside);
    const moved = join(aside, basename(path));
    const note = aboutPath(path);
    await rename(note, join(aside, basename(note))).catch(ifMissing);
    await rename(path, moved);
    return moved;
  }

  /** Removes notes that no journal is left for. */
  async removeStrayNotes(): Promise<void> {
    for (const accountId of await foldersIn(this.#folders.journals)) {
      if (accountId === DAMAGED) continue;
      const folder = journalFolder(this.#folders.journals, accountId);
      const names = new Set(await readdir(folder));
      for (const name of names) {
        if (!name.endsWith(ABOUT) || names.has(`${name.slice(0, -ABOUT.length)}${JOURNAL}`)) continue;
        await rm(join(folder, name), { force: true });
      }
    }
  }

  async #idsOf(accountId: string): Promise<string[]> {
    const names = await readdir(journalFolder(this.#folders.journals, accountId));
    return names.filter((name) => name.endsWith(JOURNAL)).flatMap((name) => idIn(name.slice(0, -JOURNAL.length)));
  }
}

/** Folders of accounts; whatever else lies there is somebody else's. */
export const foldersIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && /^[A-Za-z0-9_-]{1,64}$/.test(entry.name))
    .map(({ name }) => name);

/** Empty where there is none. */
const noteBeside = (path: string): Promise<string> => readFile(aboutPath(path), 'utf8').catch(() => '');

const idIn = (name: string): string[] => (RECORDING_ID.test(name) ? [name] : []);

const ifMissing = (error: unknown): void => {
  if (systemCode(error) !== 'ENOENT') throw error;
};
