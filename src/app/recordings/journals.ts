/**
 * The journals on disk: which there are, whose each is, and the folder for those that can't be read. Beside each lies a note of whose
 * it is, so that a recording finds its way home when the store has lost its row. Never opens a journal for writing.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { systemCode } from '../../core/errors.ts';
import { readJournal } from '../../spool/journal-reader.ts';
import type { OpenRecord } from '../../spool/journal-record.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import type { SealKey } from '../../spool/seal/seal-key.ts';
import type { Vault } from '../../spool/seal/vault.ts';
import { parseAbout, type RecordingAbout, unknownAbout } from './about.ts';
import { DAMAGED, type DataFolders, journalFolder, journalPath, RECORDING_ID } from './data-folders.ts';

const JOURNAL = '.journal';
const ABOUT = '.about.json';

export type FoundJournal = { readonly accountId: string; readonly id: string; readonly path: string };

/** The note's name beside a journal. */
export const aboutPath = (journal: string): string => `${journal.slice(0, -JOURNAL.length)}${ABOUT}`;

/** Notes whose it is. @throws the operating system's error */
export const noteAbout = async (journal: string, about: RecordingAbout): Promise<void> => {
  const { accountId: _, ...rest } = about;
  await writeFile(aboutPath(journal), JSON.stringify(rest), { mode: 0o600 });
};

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

  /** @throws AppError JOURNAL_UNREADABLE, KEY_MISSING, KEY_UNUSABLE */
  async headOf(journal: FoundJournal): Promise<OpenRecord | undefined> {
    return headOf(journal.path, await this.keyOf(journal));
  }

  /** Every account's, in no order; those set aside are left out. */
  async *find(): AsyncGenerator<FoundJournal> {
    for (const accountId of await foldersIn(this.#folders.journals)) {
      if (accountId === DAMAGED) continue;
      for (const id of await this.#idsOf(accountId)) yield { accountId, id, path: this.path(accountId, id) };
    }
  }

  async about(accountId: string, id: string): Promise<RecordingAbout> {
    const text = await readFile(aboutPath(this.path(accountId, id)), 'utf8').catch(() => undefined);
    return text === undefined ? unknownAbout(accountId) : parseAbout(accountId, text);
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
    await noteAbout(path, about);
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

const idIn = (name: string): string[] => (RECORDING_ID.test(name) ? [name] : []);

const ifMissing = (error: unknown): void => {
  if (systemCode(error) !== 'ENOENT') throw error;
};
