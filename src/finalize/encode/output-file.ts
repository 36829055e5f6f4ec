/**
 * The file behind an encoder: appended through a buffer, its head patched, then hashed, synced and closed; sealed on its way to the disk
 * where there is a key. Exclusive and 0600 (design §6.4). Knows no audio and never renames.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { AppError, systemCode } from '../../core/errors.ts';
import { openedChunks } from '../../spool/seal/sealed-file.ts';
import { SealedWriter, type Sealing } from '../../spool/seal/sealed-writer.ts';

/** The part of a FileHandle that is used; tests put other disks behind it. */
export type OutputHandle = Pick<FileHandle, 'read' | 'write' | 'sync' | 'close'>;

/** A write per 64 KiB: 2 s of 8 kHz stereo, far above the cost of a system call, and little for a file that waits for a call to go on. */
const BUFFER_BYTES = 64 * 1024;
/** A seal gathers as much itself: it is given small pieces. */
const SEALED_BUFFER_BYTES = 16 * 1024;
/** What has been written is synced now and then, so that at the end there is little left to. */
const SYNC_BYTES = 8 * 1024 * 1024;
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

export type OutputOptions = {
  /** Its content is sealed: what the disk holds opens with the key only. */
  readonly seal?: Sealing | undefined;
  /** Opens a path for reading and writing, failing when it exists. */
  readonly openFile?: (path: string) => Promise<OutputHandle>;
  /** It is not to outlive a crash: nothing waits for the disk. */
  readonly isPassing?: boolean;
};

export class OutputFile {
  readonly path: string;
  readonly #handle: OutputHandle;
  readonly #sealing: Sealing | undefined;
  readonly #sealed: SealedWriter | undefined;
  readonly #buffer: Buffer;
  #buffered = 0;
  #flushed = 0;
  /** As far as a sync was asked for, and what came of the last. */
  #syncedTo: number;
  #syncing: Promise<{ readonly error: unknown } | undefined> = Promise.resolve(undefined);
  #state: 'open' | 'sealed' | 'discarded' = 'open';

  private constructor(path: string, handle: OutputHandle, sealing: Sealing | undefined, isPassing: boolean) {
    this.path = path;
    this.#syncedTo = isPassing ? Number.POSITIVE_INFINITY : 0;
    this.#handle = handle;
    this.#sealing = sealing;
    this.#sealed = sealing && new SealedWriter((bytes, at) => this.#writeAt(bytes, at), sealing);
    this.#buffer = Buffer.allocUnsafe(sealing === undefined ? BUFFER_BYTES : SEALED_BUFFER_BYTES);
  }

  /** @throws AppError OUTPUT_UNWRITABLE */
  static async create(
    path: string,
    { seal, openFile = (name) => open(name, 'wx+', 0o600), isPassing = false }: OutputOptions = {},
  ): Promise<OutputFile> {
    try {
      return new OutputFile(path, await openFile(path), seal, isPassing);
    } catch (error) {
      throw outputError(path, error);
    }
  }

  /** Bytes of content appended so far. */
  get bytes(): number {
    return this.#flushed + this.#buffered;
  }

  /** Copies `bytes`; a promise only when the disk had to be asked. */
  append(bytes: Uint8Array): Promise<void> | void {
    if (bytes.length > this.#buffer.length - this.#buffered) return this.#appendSlowly(bytes);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #appendSlowly(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, this.#buffer.length - this.#buffered);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#buffered);
      this.#buffered += taken;
      at += taken;
      if (this.#buffered === this.#buffer.length) await this.flush();
    }
  }

  /** Hands everything appended to the operating system, but for what a seal holds back. */
  async flush(): Promise<void> {
    this.#refuseIfOver();
    const pending = this.#buffer.subarray(0, this.#buffered);
    if (this.#sealed === undefined) await this.#writeAt(pending, this.#flushed);
    else await this.#sealed.append(pending);
    this.#flushed += this.#buffered;
    this.#buffered = 0;
    if (this.#flushed - this.#syncedTo >= SYNC_BYTES) this.#beginSync();
  }

  /** Overwrites what is at `at`, on disk when everything appended is there; in a sealed file that must be within the first 64 KiB. */
  async patch(bytes: Uint8Array, at: number): Promise<void> {
    // What a seal holds back needs no disk: the pieces stay as large as they are.
    if (this.#sealed === undefined || at + bytes.length > this.#flushed) await this.flush();
    if (this.#sealed === undefined) await this.#writeAt(bytes, at);
    else this.#sealed.patch(bytes, at);
  }

  /** Completes it, hashes what the disk holds, syncs and closes. @returns size and SHA-256 of the content, sealed or not. */
  async seal(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.#complete();
    try {
      this.#beginSync();
      const hash = createHash('sha256');
      for await (const piece of this.#written()) hash.update(piece);
      const failed = await this.#syncing;
      if (failed !== undefined) throw failed.error;
      await this.#handle.close();
      this.#state = 'sealed';
      return { bytes: this.#flushed, sha256: hash.digest('hex') };
    } catch (error) {
      // A seal that does not open is the disk's fault too: it did not keep what it was given.
      throw unwritable(this.path, systemCode(error), error);
    }
  }

  /** Completes and closes it, neither hashed nor synced: for a file that lives as long as the work it helps. */
  async close(): Promise<void> {
    await this.#complete();
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
    this.#sealed?.forget();
    this.#buffer.fill(0);
    // Nothing is left to be done about either failure: the file is given up.
    await this.#handle.close().catch(() => {});
    await unlink(this.path).catch(() => {});
  }

  /** Nothing waits for it before the end. One that failed is for good: the kernel may have dropped what it could not write. */
  #beginSync(): void {
    this.#syncedTo = this.#flushed;
    this.#syncing = this.#syncing.then(
      async (failed) =>
        failed ??
        this.#handle.sync().then(
          () => undefined,
          (error: unknown) => ({ error }),
        ),
    );
  }

  async #complete(): Promise<void> {
    await this.flush();
    await this.#sealed?.finish();
    this.#buffer.fill(0);
  }

  /** The content as the disk has it. */
  async *#written(): AsyncGenerator<Uint8Array> {
    if (this.#sealing !== undefined) {
      const { key, purpose } = this.#sealing;
      yield* openedChunks(this.path, this.#handle, { key, purpose, contentBytes: this.#flushed });
      return;
    }
    const room = Buffer.allocUnsafe(Math.min(HASH_BYTES, Math.max(this.#flushed, 1)));
    for (let at = 0; at < this.#flushed; ) {
      const { bytesRead } = await this.#handle.read(room, 0, room.length, at);
      if (bytesRead === 0) throw new Error('shorter than it was written');
      yield room.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  #refuseIfOver(): void {
    if (this.#state !== 'open')
      throw new AppError('INTERNAL', `${this.path} was written to after it was ${this.#state}`);
  }

  async #writeAt(bytes: Uint8Array, at: number): Promise<void> {
    this.#refuseIfOver();
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
