/** Reads a capture's bytes from disk, unpacked when they are gzip, in constant memory. Says nothing about what they mean. */
import { stat } from 'node:fs/promises';
import type { ByteSource, OpenBytes } from '../../core/byte-source.ts';
import { AppError, systemCode } from '../../core/errors.ts';
import { plainFile } from '../../spool/plain-file.ts';
import { GzipUnpacker, isGzip } from './gzip-unpacker.ts';

const READ_BYTES = 1 << 18;

/** Told after each read: bytes of the file, packed as they are, and how many it had in all when it was opened. */
export type ReadProgress = (readBytes: number, totalBytes: number) => void;

export class CaptureFile {
  readonly #path: string;
  readonly #onProgress: ReadProgress | undefined;
  readonly #source: ByteSource | undefined;
  #packed = false;
  #warning: string | undefined;

  /** @param source what gives the file's bytes where it doesn't lie there as it is; `path` is then its name in messages. */
  constructor(path: string, onProgress?: ReadProgress, source?: ByteSource) {
    this.#path = path;
    this.#onProgress = onProgress;
    this.#source = source;
  }

  /** The file is gzip: positions in what comes out are not positions in the file. Known with the first chunk. */
  get packed(): boolean {
    return this.#packed;
  }

  /** One line on what the packing lacked, once the chunks have ended. */
  get warning(): string | undefined {
    return this.#warning;
  }

  /**
   * Each chunk stays as it is until the next one is asked for. The file is closed when the iteration ends, also by `return`.
   * @throws AppError INPUT_MISSING, CAPTURE_EMPTY
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const bytes = await (this.#source === undefined ? this.#openPlain() : this.#source.open());
    try {
      const file = this.#read(bytes);
      const first = await file.next();
      if (first.done) throw new AppError('CAPTURE_EMPTY', `${this.#path}: the file is empty; capture it again`);
      this.#packed = isGzip(first.value);
      const all = continued(first.value, file);
      yield* this.#packed ? this.#unpack(all) : all;
    } finally {
      await bytes.close();
    }
  }

  /** One buffer serves all reads. */
  async *#read(bytes: OpenBytes): AsyncGenerator<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    for (let readBytes = 0; ; ) {
      const read = await bytes.read(buffer, readBytes).catch((cause: unknown) => this.#missing(cause));
      if (read === 0) return;
      readBytes += read;
      this.#onProgress?.(readBytes, bytes.size);
      yield buffer.subarray(0, read);
    }
  }

  async *#unpack(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const unpacker = new GzipUnpacker();
    let empty = true;
    for await (const chunk of unpacker.unpack(packed)) {
      empty = false;
      yield chunk;
    }
    switch (unpacker.ending) {
      case 'whole':
        if (empty) throw new AppError('CAPTURE_EMPTY', `${this.#path}: the gzip file holds nothing; capture it again`);
        return;
      case 'cut':
        this.#warning = `the gzip data ends early, at byte ${unpacker.packedBytes} of the file`;
        return;
      case 'damaged':
        this.#warning = `the gzip data is damaged at about byte ${unpacker.packedBytes} of the file`;
        return;
      default:
        unpacker.ending satisfies never;
    }
  }

  /** Opening a pipe could wait for ever, and a capture is read twice: only a regular file will do. */
  async #openPlain(): Promise<OpenBytes> {
    const stats = await stat(this.#path).catch((cause: unknown) => this.#missing(cause));
    if (stats.isFile())
      return plainFile(this.#path)
        .open()
        .catch(({ cause }: AppError) => this.#missing(cause));
    const what = stats.isDirectory()
      ? 'a folder; name a capture file in it'
      : 'no regular file; save the capture to one';
    throw new AppError('INPUT_MISSING', `${this.#path}: this is ${what}`);
  }

  #missing(cause: unknown): never {
    if (cause instanceof AppError) throw cause;
    const code = systemCode(cause);
    const what =
      code === 'ENOENT'
        ? 'there is no such file; check the name'
        : code === 'EACCES' || code === 'EPERM'
          ? 'the file may not be read; check its permissions'
          : `the file cannot be read (${code ?? 'unknown error'}); check the path and the disk`;
    throw new AppError('INPUT_MISSING', `${this.#path}: ${what}`, { cause });
  }
}

async function* continued(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* rest;
}
