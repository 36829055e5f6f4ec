/** Reads an artefact from disk by position, in pieces of the caller's size. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AppError, systemCode } from '../../core/errors.ts';

export class ArtefactFile {
  readonly path: string;
  readonly bytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, bytes: number, handle: FileHandle) {
    this.path = path;
    this.bytes = bytes;
    this.#handle = handle;
  }

  /**
   * @throws AppError INPUT_MISSING when it can't be opened, ARTEFACT_UNREADABLE when it is no file (a folder, a pipe).
   */
  static async open(path: string): Promise<ArtefactFile> {
    // Without O_NONBLOCK a named pipe would wait for its writer, perhaps for ever.
    const opening = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const handle = await opening.catch((error: unknown) => {
      throw new AppError('INPUT_MISSING', `can't read the artefact ${path} (${systemCode(error) ?? 'unknown'})`, {
        cause: error,
      });
    });
    const about = await handle.stat();
    if (about.isFile()) return new ArtefactFile(path, about.size, handle);
    await handle.close();
    throw new AppError('ARTEFACT_UNREADABLE', `${path} is not a file`);
  }

  /** Up to `length` bytes at `position`, fewer where the file ends. */
  readonly readAt = async (position: number, length: number): Promise<Buffer> => {
    const room = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.bytes - position)));
    let done = 0;
    while (done < room.length) {
      const { bytesRead } = await this.#handle.read(room, done, room.length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return room.subarray(0, done);
  };

  close(): Promise<void> {
    return this.#handle.close();
  }
}
