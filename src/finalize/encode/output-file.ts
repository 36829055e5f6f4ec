/**
 * The file behind an encoder: appended through a buffer, its head patched, then hashed, synced and closed. Exclusive
 * and 0600 (design §6.4). Knows no audio and never renames.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { AppError, systemCode } from '../../core/errors.ts';

/** The part of a FileHandle that is used; tests put other disks behind it. */
export type OutputHandle = Pick<FileHandle, 'read' | 'write' | 'stat' | 'sync' | 'close'>;

/** A write per 256 KiB: 8 s of 8 kHz stereo, far above the cost of a system call. */
const BUFFER_BYTES = 256 * 1024;
const HASH_BYTES = 1024 * 1024;

/** Of the system's reasons those that have a remedy, in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file may not be that large',
};

/** @param code the operating system's, such as ENOSPC; undefined when it gave none. */
export const unwritable = (path: string, code: string | undefined, cause?: unknown): AppError => {
  const words = code === undefined ? undefined : REASONS[code];
  const reason = words === undefined ? (code ?? 'unknown reason') : `${words} (${code})`;
  return new AppError('OUTPUT_UNWRITABLE', `${path} can't be written: ${reason}`, { cause });
};

/** `error` as the OUTPUT_UNWRITABLE of `path`; an AppError stays itself. */
export const outputError = (path: string, error: unknown): AppError =>
  error instanceof AppError ? error : unwritable(path, systemCode(error), error);

export class OutputFile {
  readonly path: string;
  readonly #handle: OutputHandle;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #buffered = 0;
  #flushed = 0;
  #state: 'open' | 'sealed' | 'discarded' = 'open';

  private constructor(path: string, handle: OutputHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /**
   * @param openFile opens `path` for reading and writing, failing when it exists.
   * @throws AppError OUTPUT_UNWRITABLE
   */
  static async create(
    path: string,
    openFile: (path: string) => Promise<OutputHandle> = (name) => open(name, 'wx+', 0o600),
  ): Promise<OutputFile> {
    try {
      return new OutputFile(path, await openFile(path));
    } catch (error) {
      throw outputError(path, error);
    }
  }

  /** Bytes appended so far. */
  get bytes(): number {
    return this.#flushed + this.#buffered;
  }

  /** Copies `bytes`; a promise only when the disk had to be asked. */
  append(bytes: Uint8Array): Promise<void> | void {
    if (bytes.length > BUFFER_BYTES - this.#buffered) return this.#appendSlowly(bytes);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #appendSlowly(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, BUFFER_BYTES - this.#buffered);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#buffered);
      this.#buffered += taken;
      at += taken;
      if (this.#buffered === BUFFER_BYTES) await this.flush();
    }
  }

  /** Hands everything appended to the operating system. */
  async flush(): Promise<void> {
    await this.#writeAt(this.#buffer.subarray(0, this.#buffered), this.#flushed);
    this.#flushed += this.#buffered;
    this.#buffered = 0;
  }

  /** Flushes, then overwrites what is at `at`. */
  async patch(bytes: Uint8Array, at: number): Promise<void> {
    await this.flush();
    await this.#writeAt(bytes, at);
  }

  /** Counts what another program wrote through the file's name, instead of what was appended. */
  async adopt(): Promise<void> {
    try {
      this.#flushed = (await this.#handle.stat()).size;
    } catch (error) {
      throw outputError(this.path, error);
    }
  }

  /** Up to `length` flushed bytes at `position`. */
  async read(position: number, length: number): Promise<Uint8Array> {
    try {
      const { bytesRead, buffer } = await this.#handle.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      throw outputError(this.path, error);
    }
  }

  /** Flushes, hashes what the disk holds, syncs and closes. */
  async seal(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.flush();
    try {
      const hash = createHash('sha256');
      const room = Buffer.allocUnsafe(Math.min(HASH_BYTES, Math.max(this.#flushed, 1)));
      for (let at = 0; at < this.#flushed; ) {
        const { bytesRead } = await this.#handle.read(room, 0, room.length, at);
        if (bytesRead === 0) throw new Error('shorter than it was written');
        hash.update(room.subarray(0, bytesRead));
        at += bytesRead;
      }
      await this.#handle.sync();
      await this.#handle.close();
      this.#state = 'sealed';
      return { bytes: this.#flushed, sha256: hash.digest('hex') };
    } catch (error) {
      throw outputError(this.path, error);
    }
  }

  /** Flushes and closes, neither hashed nor synced: for a file that lives as long as the work it helps. */
  async close(): Promise<void> {
    await this.flush();
    try {
      await this.#handle.close();
    } catch (error) {
      throw outputError(this.path, error);
    }
    this.#state = 'sealed';
  }

  /** Closes and removes the file, unless it was sealed or closed. Idempotent; never throws. */
  async discard(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'discarded';
    // Nothing is left to be done about either failure: the file is given up.
    await this.#handle.close().catch(() => {});
    await unlink(this.path).catch(() => {});
  }

  async #writeAt(bytes: Uint8Array, at: number): Promise<void> {
    if (this.#state !== 'open')
      throw new AppError('INTERNAL', `${this.path} was written to after it was ${this.#state}`);
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw outputError(this.path, error);
    }
  }
}
