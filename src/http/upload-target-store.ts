/**
 * The folder of an upload target: takes streams into hidden files beside their final place and makes them appear whole.
 * Never overwrites, and never shows a half-written file under its final name.
 */
import { randomUUID } from 'node:crypto';
import { access, constants, link, lstat, open, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError, systemCode } from '../core/errors.ts';
import { createDigest } from '../deliver/content-digest.ts';
import { makeFolder } from '../spool/make-folder.ts';
import { numberedName } from './upload-target-name.ts';

/** A file that was taken whole and has no name yet. Whoever has it commits or discards it. */
export type Staged = { readonly path: string; readonly bytes: number; readonly sha256: string };

/** What `link` says on file systems that have none. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export class UploadStore {
  readonly directory: string;

  /** @throws OUTPUT_UNWRITABLE */
  static async open(directory: string): Promise<UploadStore> {
    try {
      await makeFolder(directory);
      await access(directory, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new AppError('OUTPUT_UNWRITABLE', `the folder for uploads can't be made or written to: ${directory}`, {
        cause: error,
      });
    }
    return new UploadStore(directory);
  }

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Writes a stream to a hidden file and has it on disk. The stream is not destroyed, whatever happens.
   * @param accept sees each chunk before it is written and says whether to go on.
   * @returns `undefined` when `accept` said no; nothing is kept then, nor when the stream or the disk fails.
   */
  async stage(source: Readable, accept: (chunk: Buffer) => boolean): Promise<Staged | undefined> {
    const path = join(this.directory, `.incoming-${randomUUID()}`);
    const file = await open(path, 'wx', 0o600);
    const hash = createDigest('sha-256');
    let bytes = 0;
    let whole = false;
    try {
      for await (const chunk of source.iterator({ destroyOnReturn: false })) {
        if (!accept(chunk)) return undefined;
        hash.update(chunk);
        bytes += chunk.length;
        await file.appendFile(chunk);
      }
      await file.datasync();
      whole = true;
    } finally {
      await file.close();
      if (!whole) await rm(path, { force: true });
    }
    return { path, bytes, sha256: hash.digest('hex') };
  }

  async discard(staged: Staged): Promise<void> {
    await rm(staged.path, { force: true });
  }

  /** Gives a staged file the wanted name, or the first free one of its kind. Called for one file at a time. @returns the name. */
  async commit(staged: Staged, wanted: string): Promise<string> {
    for (let count = 1; ; count++) {
      const name = numberedName(wanted, count);
      if (await this.#place(staged.path, join(this.directory, name))) return name;
    }
  }

  /** @returns false when the name is taken. */
  async #place(from: string, to: string): Promise<boolean> {
    try {
      // Unlike a rename, a link fails when the name is there: no look before, no file lost.
      await link(from, to);
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'EEXIST') return false;
      if (!NO_LINKS.has(code)) throw error;
      if (await lstat(to).catch(() => undefined)) return false;
      await rename(from, to);
      return true;
    }
    await unlink(from);
    return true;
  }
}
