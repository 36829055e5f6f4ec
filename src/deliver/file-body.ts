/**
 * A file as the body of one request. Its last byte is held back a moment, so that a target which answers without reading is found
 * out even when the whole file would fit into socket buffers (design §6.7). Never reads past the size it was opened with.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { AppError } from '../core/errors.ts';

const CHUNK_BYTES = 65_536;

export type FileBodyOptions = {
  /** Called before each chunk is read: the target took what came before. */
  readonly onProgress: () => void;
  /** Resolves when the last byte may go out. */
  readonly beforeLastByte: () => Promise<void>;
};

export class FileBody extends Readable {
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #options: FileBodyOptions;
  #offset = 0;

  /** @throws INPUT_MISSING */
  static async open(path: string, size: number, options: FileBodyOptions): Promise<FileBody> {
    try {
      return new FileBody(await open(path, 'r'), size, options);
    } catch (error) {
      throw new AppError('INPUT_MISSING', `the file to deliver can't be read: ${path}`, { cause: error });
    }
  }

  private constructor(file: FileHandle, size: number, options: FileBodyOptions) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#file = file;
    this.#size = size;
    this.#options = options;
    // Whoever ends the try destroys this stream, and reads the reason where the request fails.
    this.on('error', () => {});
  }

  /** Whether every byte has left this stream. */
  get handedOver(): boolean {
    return this.#offset === this.#size && this.readableLength === 0;
  }

  override _read(): void {
    this.#next().catch((error: Error) => this.destroy(error));
  }

  async #next(): Promise<void> {
    this.#options.onProgress();
    const left = this.#size - this.#offset;
    if (left === 0) {
      this.push(null);
      return;
    }
    if (left === 1) await this.#options.beforeLastByte();
    const chunk = Buffer.allocUnsafe(Math.max(1, Math.min(CHUNK_BYTES, left - 1)));
    const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, this.#offset);
    if (bytesRead === 0) throw new AppError('INTERNAL', 'the file to deliver became shorter while it was sent');
    this.#offset += bytesRead;
    this.push(chunk.subarray(0, bytesRead));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#file.close().then(
      () => callback(error),
      (closeError: Error) => callback(error ?? closeError),
    );
  }
}
