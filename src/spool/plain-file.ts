/** A file as it lies on disk, as a source of bytes. Knows nothing of what is in it. */
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ByteSource, OpenBytes } from '../core/byte-source.ts';
import { AppError, systemCode } from '../core/errors.ts';

/** Each `open` opens the file anew. */
export const plainFile = (path: string): ByteSource => ({ open: () => OpenFile.open(path) });

export interface PlainFile extends OpenBytes {
  /** What the disk says now of the file that is open. @throws the operating system's error */
  stat(): Promise<BigIntStats>;
}

/** @throws INPUT_MISSING */
export const openPlain = (path: string): Promise<PlainFile> => OpenFile.open(path);

/** Opens a file for reading. @throws INPUT_MISSING when it can't be, a folder neither */
export const openForReading = async (path: string): Promise<{ readonly handle: FileHandle; readonly size: number }> => {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const found = await handle.stat();
    if (found.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    return { handle, size: found.size };
  } catch (cause) {
    await handle?.close();
    throw new AppError('INPUT_MISSING', `can't read ${path}: ${systemCode(cause) ?? String(cause)}`, { cause });
  }
};

/** As much of `into` as the file has from `position` on; a system may give less at a time. @returns how many bytes */
export const readFully = async (
  handle: Pick<FileHandle, 'read'>,
  into: Uint8Array,
  position: number,
): Promise<number> => {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
};

class OpenFile implements PlainFile {
  readonly size: number;
  readonly #handle: FileHandle;
  #closing: Promise<void> | undefined;

  static async open(path: string): Promise<PlainFile> {
    const { handle, size } = await openForReading(path);
    return new OpenFile(handle, size);
  }

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    // What is appended meanwhile is not part of it.
    const wanted = Math.max(0, Math.min(into.length, this.size - position));
    return readFully(this.#handle, into.subarray(0, wanted), position);
  }

  stat(): Promise<BigIntStats> {
    return this.#handle.stat({ bigint: true });
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }
}
