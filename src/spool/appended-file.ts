/**
 * A new file that is only ever appended to, one write at a time: whoever appends waits for it. Written by a callback: thousands of journals
 * are written twice a second each, and the promises of a `FileHandle`'s write cost more than the write.
 */
import { writev } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

export class AppendedFile {
  readonly #handle: FileHandle;

  /** Mode 0600. @throws the operating system's error, `EEXIST` where there is one */
  static async make(path: string): Promise<AppendedFile> {
    return new AppendedFile(await open(path, 'wx', 0o600));
  }

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** All of the parts, one behind the other, however often the system takes only some of it. @throws the operating system's error */
  append(parts: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve, reject) => this.#append(parts, resolve, reject));
  }

  /** Durable (fdatasync). @throws the operating system's error */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** When nothing is being appended. */
  close(): Promise<void> {
    return this.#handle.close();
  }

  #append(parts: readonly Uint8Array[], resolve: () => void, reject: (error: Error) => void): void {
    writev(this.#handle.fd, parts, (error, written) => {
      if (error !== null) {
        reject(error);
        return;
      }
      const rest = behind(parts, written);
      if (rest.length === 0) resolve();
      else this.#append(rest, resolve, reject);
    });
  }
}

/** What is left of the parts when so many bytes are gone. */
const behind = (parts: readonly Uint8Array[], bytes: number): Uint8Array[] => {
  const rest: Uint8Array[] = [];
  let at = 0;
  for (const part of parts) {
    const gone = Math.max(0, bytes - at);
    if (gone < part.length) rest.push(part.subarray(gone));
    at += part.length;
  }
  return rest;
};
