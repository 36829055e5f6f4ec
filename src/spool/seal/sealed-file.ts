/** A sealed file as a source of its content. What it gives was proven to be what was sealed; what was not proven it never gives. */
import type { FileHandle } from 'node:fs/promises';
import type { ByteSource, OpenBytes } from '../../core/byte-source.ts';
import { release } from '../../kernel/release.ts';
import { openForReading, readFully } from '../plain-file.ts';
import type { SealKey, SealPurpose } from './seal-key.ts';
import { CHUNK_BYTES, chunkAt, isSealedHead, SEAL_HEAD_BYTES, SealedChunks, sealedBytes } from './sealed-format.ts';

/** Each `open` opens the file anew. `open` and `read` throw SEAL_BROKEN for one that is damaged, cut, or another's. */
export const sealedFile = (path: string, key: SealKey, purpose: SealPurpose): ByteSource => ({
  open: () => OpenSealedFile.open(path, key, purpose),
});

/** Whether a file says of itself that it is sealed. @throws INPUT_MISSING */
export const isSealedFile = async (path: string): Promise<boolean> => {
  const { handle } = await openForReading(path);
  try {
    return isSealedHead(await headOf(handle));
  } finally {
    await handle.close();
  }
};

const CHUNKS_AT_ONCE = 16;

/**
 * The whole content of a sealed file that is open already, in order, as the disk has it. A piece is gone when the next is asked for.
 * @throws SEAL_BROKEN
 */
export async function* openedChunks(
  path: string,
  handle: Pick<FileHandle, 'read'>,
  { key, purpose, contentBytes }: { key: SealKey; purpose: SealPurpose; contentBytes: number },
): AsyncGenerator<Buffer> {
  const chunks = new SealedChunks(path, await headOf(handle), sealedBytes(contentBytes), key, purpose);
  const room = Buffer.allocUnsafe(chunkAt(CHUNKS_AT_ONCE) - chunkAt(0));
  for (let from = 0; from < chunks.count; from += CHUNKS_AT_ONCE) {
    const read = room.subarray(0, await readFully(handle, room, chunkAt(from)));
    for (let index = from; index < Math.min(from + CHUNKS_AT_ONCE, chunks.count); index++) {
      const { at, length } = chunks.place(index);
      const start = at - chunkAt(from);
      const content = chunks.open(index, read.subarray(start, start + length));
      yield content;
      release(content);
    }
  }
}

const contentOf = async (handle: Pick<FileHandle, 'read'>, chunks: SealedChunks, index: number): Promise<Buffer> => {
  const { at, length } = chunks.place(index);
  const sealed = Buffer.allocUnsafe(length);
  return chunks.open(index, sealed.subarray(0, await readFully(handle, sealed, at)));
};

const headOf = async (handle: Pick<FileHandle, 'read'>): Promise<Uint8Array> => {
  const head = new Uint8Array(SEAL_HEAD_BYTES);
  return head.subarray(0, await readFully(handle, head, 0));
};

class OpenSealedFile implements OpenBytes {
  readonly #handle: FileHandle;
  readonly #chunks: SealedChunks;
  /** The one that was opened last: small reads in order open each chunk once. */
  #held: { readonly index: number; readonly content: Buffer } | undefined;
  #closing: Promise<void> | undefined;

  static async open(path: string, key: SealKey, purpose: SealPurpose): Promise<OpenBytes> {
    const { handle, size } = await openForReading(path);
    try {
      const file = new OpenSealedFile(handle, new SealedChunks(path, await headOf(handle), size, key, purpose));
      // Before anybody is told the size: only the last chunk proves that nothing is missing behind it.
      await file.#content(file.#chunks.count - 1);
      return file;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  private constructor(handle: FileHandle, chunks: SealedChunks) {
    this.#handle = handle;
    this.#chunks = chunks;
  }

  get size(): number {
    return this.#chunks.size;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const wanted = Math.max(0, Math.min(into.length, this.size - position));
    for (let done = 0; done < wanted; ) {
      const at = position + done;
      const content = await this.#content(Math.floor(at / CHUNK_BYTES));
      const part = content.subarray(at % CHUNK_BYTES, (at % CHUNK_BYTES) + wanted - done);
      into.set(part, done);
      done += part.length;
    }
    return wanted;
  }

  close(): Promise<void> {
    this.#closing ??= this.#handle.close();
    return this.#closing;
  }

  async #content(index: number): Promise<Buffer> {
    if (this.#held?.index === index) return this.#held.content;
    const content = await contentOf(this.#handle, this.#chunks, index);
    this.#held = { index, content };
    return content;
  }
}
