/**
 * Makes the names in a folder durable: a new file is, after a power cut, only where its folder was synced too. Whoever asks while a
 * sync runs shares the next one, so that a thousand new files cost a few.
 */
import { open } from 'node:fs/promises';
import { systemCode } from '../core/errors.ts';

/** File systems that can't sync a folder say so by one of these: there is nothing more that could be done. */
const CANNOT: readonly unknown[] = ['EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM'];

type Turn = { readonly running: Promise<void>; next: Promise<void> | undefined };

export class FolderSync {
  readonly #turns = new Map<string, Turn>();

  /** Resolves when a sync that began after this call is done. @throws the operating system's error */
  sync(path: string): Promise<void> {
    const turn = this.#turns.get(path);
    if (turn === undefined) return this.#begin(path);
    turn.next ??= turn.running.catch(() => {}).then(() => this.#begin(path));
    return turn.next;
  }

  #begin(path: string): Promise<void> {
    const turn: Turn = { running: syncFolder(path), next: undefined };
    this.#turns.set(path, turn);
    const forget = (): void => {
      if (turn.next === undefined) this.#turns.delete(path);
    };
    turn.running.then(forget, forget);
    return turn.running;
  }
}

/** @throws the operating system's error */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!CANNOT.includes(systemCode(error))) throw error;
  } finally {
    await folder.close();
  }
};
