/** Reads an artefact by position, in pieces of the caller's size: a file on disk, or whatever else gives its bytes. */
import type { ByteSource, OpenBytes } from '../../core/byte-source.ts';
import { plainArtefact } from './plain-artefact.ts';

export class ArtefactFile {
  readonly bytes: number;
  readonly #file: OpenBytes;

  private constructor(file: OpenBytes) {
    this.#file = file;
    this.bytes = file.size;
  }

  /**
   * @param from the path of a plain artefact, or a source.
   * @throws AppError INPUT_MISSING when it can't be opened, ARTEFACT_UNREADABLE when it is no file (a folder, a pipe) or is sealed; what
   *   the source throws
   */
  static async open(from: string | ByteSource): Promise<ArtefactFile> {
    return new ArtefactFile(await (typeof from === 'string' ? plainArtefact(from) : from).open());
  }

  /** Up to `length` bytes at `position`, fewer where the file ends. */
  readonly readAt = async (position: number, length: number): Promise<Buffer> => {
    const room = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.bytes - position)));
    return room.subarray(0, await this.#file.read(room, position));
  };

  close(): Promise<void> {
    return this.#file.close();
  }
}
