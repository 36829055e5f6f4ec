/** Files on their way in: each under a key of its own where uploads are sealed, removed with it when no job takes it. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RandomBytes } from '../../core/ids.ts';
import type { UploadPlace } from '../../http/service.ts';
import type { Vault } from '../../spool/seal/vault.ts';

export type UploadsOptions = {
  /** It exists. */
  readonly folder: string;
  readonly random: RandomBytes;
  readonly vault?: Pick<Vault, 'create' | 'durable' | 'destroy'>;
  /** Whether what comes now is sealed; default: it is, where there is a vault. */
  readonly encryption?: 'on' | 'off';
};

export class Uploads {
  readonly #options: UploadsOptions;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.folder;
  }

  /** @throws JOURNAL_UNWRITABLE when its key can't be kept */
  async newPlace(accountId: string): Promise<UploadPlace> {
    const { folder, vault, encryption, random } = this.#options;
    const id = Buffer.from(random(16)).toString('hex');
    const path = join(folder, `upload-${id}`);
    if (vault === undefined || encryption === 'off') return { id, path };
    const key = vault.create(accountId, id);
    await vault.durable(id);
    return { id, path, seal: { key, purpose: 'upload' } };
  }

  /** The key first: from then on nobody can read any of it. @throws the operating system's error */
  async drop(accountId: string, { id, path }: UploadPlace): Promise<void> {
    await this.#options.vault?.destroy(accountId, id);
    await rm(path, { force: true });
  }

  /** Removes what was last written before `beforeMs`: the end of an earlier run has cut it off. What is being received now is newer. */
  async removeOld(beforeMs: number): Promise<void> {
    const { folder } = this.#options;
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile() && found.mtimeMs < beforeMs) await rm(path, { force: true });
    }
  }
}
