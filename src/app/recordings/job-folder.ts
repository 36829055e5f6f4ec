/**
 * A replay's files, so that it outlives a restart and its recordings come into being exactly once:
 *
 *     job.json    what was asked for                upload      the file itself, sealed under the job's own key
 *     journals/   what it has become so far         done.json   the journals are complete: they are the account's now
 *
 * Without `done.json` a restart begins anew; with it, it goes on taking the journals over.
 */
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordCallFields } from '../../core/record-call.ts';
import { makeFolder } from '../../spool/make-folder.ts';
import { unknownAbout } from './about.ts';
import { type DataFolders, RECORDING_ID, safeAccount } from './data-folders.ts';
import { type FoundJournal, foldersIn, type Journals } from './journals.ts';

export type JobOrder = { readonly name: string; readonly fields: RecordCallFields };

const ORDER = 'job.json';
const DONE = 'done.json';
const JOB_ID = /^[0-9a-f]{32}$/;

export class JobFolder {
  readonly accountId: string;
  readonly id: string;
  readonly path: string;

  constructor(folders: DataFolders, accountId: string, id: string) {
    this.accountId = accountId;
    this.id = id;
    this.path = join(folders.jobs, safeAccount(accountId), id);
  }

  get upload(): string {
    return join(this.path, 'upload');
  }

  get journals(): string {
    return join(this.path, 'journals');
  }

  /** Takes the uploaded file over. @throws the operating system's error */
  async fill(order: JobOrder, upload: string): Promise<void> {
    await makeFolder(this.path);
    await this.#write(ORDER, order);
    await rename(upload, this.upload);
  }

  /** @returns undefined when it was not filled to the end. */
  async order(): Promise<JobOrder | undefined> {
    const order = (await this.#read(ORDER)) as JobOrder | undefined;
    const files = await readdir(this.path);
    return files.includes('upload') || files.includes(DONE) ? order : undefined;
  }

  /** Its recordings' ids once the journals are complete; undefined before. */
  async done(): Promise<readonly string[] | undefined> {
    return (await this.#read(DONE)) as readonly string[] | undefined;
  }

  /** The journals are complete. */
  async finish(ids: readonly string[]): Promise<void> {
    await this.#write(DONE, ids);
  }

  /** Makes the journals the account's, those that are not yet. @returns where they are */
  async handOver(ids: readonly string[], journals: Journals): Promise<FoundJournal[]> {
    const { accountId } = this;
    const left = new Set(await readdir(this.journals).catch(() => []));
    const found: FoundJournal[] = [];
    for (const id of ids) {
      const path = left.has(`${id}.journal`)
        ? await journals.adopt(join(this.journals, `${id}.journal`), unknownAbout(accountId), id)
        : journals.path(accountId, id);
      found.push({ accountId, id, path });
    }
    return found;
  }

  /** Nothing of it is left, nor what its upload is sealed under. @throws the operating system's error */
  async remove(journals: Journals): Promise<void> {
    await journals.destroyKey(this);
    await rm(this.path, { recursive: true, force: true });
  }

  /** Appears whole or not at all. */
  async #write(name: string, content: unknown): Promise<void> {
    const path = join(this.path, name);
    await writeFile(`${path}.part`, JSON.stringify(content), { mode: 0o600, flush: true });
    await rename(`${path}.part`, path);
  }

  async #read(name: string): Promise<unknown> {
    try {
      const value: unknown = JSON.parse(await readFile(join(this.path, name), 'utf8'));
      if (name === ORDER) return isOrder(value) ? value : undefined;
      return Array.isArray(value) && value.every((id) => RECORDING_ID.test(id)) ? value : undefined;
    } catch {
      return undefined;
    }
  }
}

const isOrder = (value: unknown): value is JobOrder =>
  typeof value === 'object' && value !== null && 'fields' in value && 'name' in value;

/** Jobs that an earlier run has left. */
export const findJobs = async (folders: DataFolders): Promise<JobFolder[]> => {
  const found: JobFolder[] = [];
  for (const accountId of await foldersIn(folders.jobs)) {
    for (const id of await foldersIn(join(folders.jobs, accountId)))
      if (JOB_ID.test(id)) found.push(new JobFolder(folders, accountId, id));
  }
  return found;
};
