/**
 * Appends records to one recording's journal, sealed where it is given a key. Bytes gather in memory and go to disk in blocks; `sync`
 * returns when they are durable. A write that fails is remembered: nothing more is accepted, and `sync` and `close` say so.
 */
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { AppError, systemCode } from '../core/errors.ts';
import type { Journal, JournalNotes } from './journal.ts';
import {
  FRAME_HEAD_BYTES,
  JOURNAL_MAGIC,
  KIND,
  MAX_RECORD_BYTES,
  type OpenRecord,
  RECORD_HEAD_BYTES,
} from './journal-record.ts';
import { SegmentSealer } from './journal-segments.ts';
import { SALT_BYTES, type SealKey } from './seal/seal-key.ts';

const BLOCK_BYTES = 64 * 1024;

export type JournalSeal = {
  /** Without it the journal is plain. */
  readonly key?: SealKey;
  /** Nothing goes to disk before it resolves: the key is durable then. What it rejects with, the journal has failed with. */
  readonly ready?: Promise<void>;
};

export class JournalWriter implements Journal {
  readonly path: string;
  /** Bytes handed over, written or not. */
  bytes = JOURNAL_MAGIC.length;
  #file: FileHandle | undefined;
  #block: Buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  /** A block whose write is done, to be used again. */
  #spare: Buffer | undefined;
  #used = 0;
  readonly #sealer: SegmentSealer | undefined;
  /** The opening and every block after it, on their way to disk in order. */
  #writing: Promise<void>;
  #inFlight = 0;
  #failure: AppError | undefined;
  #closed = false;

  /** Starts a new journal, mode 0600. Frames may be appended at once: they wait in memory while the file is made. */
  constructor(path: string, head: OpenRecord, { key, ready }: JournalSeal = {}) {
    this.path = path;
    if (key === undefined) this.#used = JOURNAL_MAGIC.copy(this.#block, 0);
    else this.#sealer = new SegmentSealer(key, randomBytes(SALT_BYTES));
    this.#writing = this.#open(ready);
    this.note('open', head);
  }

  /** The write that failed, after which nothing is accepted. */
  get failure(): AppError | undefined {
    return this.#failure;
  }

  /** Bytes gathered or in flight that are not on disk yet. */
  get pendingBytes(): number {
    return this.#used + this.#inFlight;
  }

  /** Appends a frame: copies `source[start, end)`, keeps no reference. */
  frame(track: number, arrivalUs: number, ticks: number, source: Uint8Array, start: number, end: number): void {
    const length = FRAME_HEAD_BYTES + end - start;
    const at = this.#reserve(length);
    if (at < 0) return;
    const block = this.#block;
    const body = at + RECORD_HEAD_BYTES;
    block[body] = KIND.frame;
    block[body + 1] = 0;
    block.writeUInt16LE(track, body + 2);
    block.writeDoubleLE(arrivalUs, body + 4);
    block.writeDoubleLE(ticks, body + 12);
    block.set(start === 0 && end === source.length ? source : source.subarray(start, end), body + FRAME_HEAD_BYTES);
    this.#seal(at, length);
  }

  note<K extends keyof JournalNotes>(kind: K, content: JournalNotes[K]): void {
    const json = Buffer.from(JSON.stringify(content), 'utf8');
    const length = 1 + json.length;
    const at = this.#reserve(length);
    if (at < 0) return;
    this.#block[at + RECORD_HEAD_BYTES] = KIND[kind];
    this.#block.set(json, at + RECORD_HEAD_BYTES + 1);
    this.#seal(at, length);
  }

  /** Hands what has gathered to the operating system, without waiting for it. */
  flush(): void {
    if (this.#used === 0 || this.#failure !== undefined) return;
    const block = this.#block;
    const length = this.#used;
    this.#block = this.#spare ?? Buffer.allocUnsafe(BLOCK_BYTES);
    this.#spare = undefined;
    this.#used = 0;
    this.#inFlight += length;
    this.#writing = this.#writing.then(async () => {
      try {
        const bytes = block.subarray(0, length);
        if (this.#failure === undefined) await this.#file?.appendFile(this.#sealer?.seal(bytes) ?? bytes);
      } catch (cause) {
        this.#fail(cause, 'written');
      } finally {
        this.#inFlight -= length;
        if (block.length === BLOCK_BYTES) this.#spare = block;
      }
    });
  }

  /** Resolves when all blocks handed over so far have been written; for the writer's backpressure. */
  async drained(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything appended so far is durable (fdatasync). @throws JOURNAL_UNWRITABLE */
  async sync(): Promise<void> {
    this.flush();
    await this.drained();
    try {
      await this.#file?.datasync();
    } catch (cause) {
      throw this.#fail(cause, 'synced');
    }
  }

  /** Durable, then closed. Idempotent. @throws JOURNAL_UNWRITABLE when any write failed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.sync();
    } finally {
      await this.#file?.close();
    }
  }

  /** Room for a record with a body of `length` bytes; its offset in the block, -1 after a failure. */
  #reserve(length: number): number {
    // Longer than any datagram: a reader would take it for a damaged tail.
    if (length > MAX_RECORD_BYTES || this.#failure !== undefined || this.#closed) return -1;
    const total = RECORD_HEAD_BYTES + length;
    if (this.#used + total > this.#block.length) this.flush();
    if (total > this.#block.length) this.#block = Buffer.allocUnsafe(total);
    const at = this.#used;
    this.#used += total;
    this.bytes += total;
    return at;
  }

  #seal(at: number, length: number): void {
    const body = at + RECORD_HEAD_BYTES;
    this.#block.writeUInt32LE(length, at);
    this.#block.writeUInt32LE(crc32(this.#block.subarray(body, body + length)), at + 4);
  }

  async #open(ready: Promise<void> | undefined): Promise<void> {
    try {
      await ready;
      this.#file = await open(this.path, 'wx', 0o600);
    } catch (cause) {
      this.#fail(cause, 'made');
    }
  }

  #fail(cause: unknown, what: 'made' | 'written' | 'synced'): AppError {
    this.#failure ??=
      cause instanceof AppError
        ? cause
        : new AppError(
            'JOURNAL_UNWRITABLE',
            `journal can't be ${what} (${systemCode(cause) ?? 'unknown'}): ${this.path}`,
            { cause },
          );
    return this.#failure;
  }
}
