/**
 * A file as the body of one request. Its last byte is held back a moment, so that a target which answers without reading is found
 * out even when the whole file would fit into socket buffers (design §6.7). Never reads past the size it was opened with.
 */
import { Readable } from 'node:stream';
import type { ByteSource, OpenBytes } from '../core/byte-source.ts';
import { AppError } from '../core/errors.ts';

const CHUNK_BYTES = 65_536;

export type FileBodyOptions = {
  /** Called before each chunk is read: the target took what came before. */
  readonly onProgress: () => void;
  /** Resolves when the last byte may go out. */
  readonly beforeLastByte: () => Promise<void>;
};

export class FileBody extends Readable {
  readonly #bytes: OpenBytes;
  readonly #size: number;
  readonly #options: FileBodyOptions;
  #offset = 0;

  /** @throws INPUT_MISSING; what else the source knows to say of it */
  static async open(source: ByteSource, size: number, options: FileBodyOptions): Promise<FileBody> {
    return new FileBody(await source.open(), size, options);
  }

  private constructor(bytes: OpenBytes, size: number, options: FileBodyOptions) {
    super({ highWaterMark: CHUNK_BYTES });
    this.#bytes = bytes;
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
    const bytesRead = await this.#bytes.read(chunk, this.#offset);
    if (bytesRead === 0) throw new AppError('INTERNAL', 'the file to deliver became shorter while it was sent');
    this.#offset += bytesRead;
    this.push(chunk.subarray(0, bytesRead));
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#bytes.close().then(
      () => callback(error),
      (closeError: Error) => callback(error ?? closeError),
    );
  }
}
