/**
 * Appends records to one recording's journal, sealed where it is given a key. Bytes gather in memory and go to disk in blocks; `sync`
 * returns when they are durable. A write that fails is remembered: nothing more is accepted, and `sync` and `close` say so. A frame
 * allocates nothing.
 */
import { randomBytes } from 'node:crypto';
import { AppError, systemCode } from '../core/errors.ts';
import { release } from '../kernel/release.ts';
import { AppendedFile } from './appended-file.ts';
import { copyBytes, copySummed, EMPTY_SUM, memoryOf, summed, sumOf } from './frame-copy.ts';
import type { Journal, JournalNotes } from './journal.ts';
import { BlockSize, giveBlock, type JournalBlock, takeBlock } from './journal-block.ts';
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
  #file: AppendedFile | undefined;
  /** None while nothing gathers. */
  #block: JournalBlock | undefined;
  readonly #size = new BlockSize();
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
    if (key === undefined) this.#blockFor(JOURNAL_MAGIC.length).bytes.set(JOURNAL_MAGIC);
    else this.#sealer = new SegmentSealer(key, randomBytes(SALT_BYTES));
    this.#used = key === undefined ? JOURNAL_MAGIC.length : 0;
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
    const block = this.#reserve(length);
    if (block === undefined) return;
    const at = this.#used - RECORD_HEAD_BYTES - length;
    const body = at + RECORD_HEAD_BYTES;
    const { view } = block;
    // Kind and flags, which are 0.
    view.setUint16(body, KIND.frame, true);
    view.setUint16(body + 2, track, true);
    view.setFloat64(body + 4, arrivalUs, true);
    view.setFloat64(body + 12, ticks, true);
    view.setUint32(at, length, true);
    const content = body + FRAME_HEAD_BYTES;
    if (this.#sealer !== undefined) {
      // Its segment's tag proves it.
      view.setInt32(at + 4, 0, true);
      copyBytes(source, start, end, view, content);
      return;
    }
    const head = summed(view, body, content, EMPTY_SUM);
    const from = source.byteOffset;
    const sum = copySummed(memoryOf(source), from + start, from + end, view, content, head);
    view.setInt32(at + 4, sumOf(sum), true);
  }

  note<K extends keyof JournalNotes>(kind: K, content: JournalNotes[K]): void {
    const json = Buffer.from(JSON.stringify(content), 'utf8');
    const length = 1 + json.length;
    const block = this.#reserve(length);
    if (block === undefined) return;
    const at = this.#used - RECORD_HEAD_BYTES - length;
    const body = at + RECORD_HEAD_BYTES;
    const { bytes, view } = block;
    bytes[body] = KIND[kind];
    bytes.set(json, body + 1);
    view.setUint32(at, length, true);
    const sum = this.#sealer === undefined ? sumOf(summed(view, body, body + length, EMPTY_SUM)) : 0;
    view.setInt32(at + 4, sum, true);
  }

  /** Hands what has gathered to the operating system, without waiting for it. */
  flush(): void {
    this.#size.flushed(this.#used);
    this.#write();
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
      await this.#file?.sync();
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
      // A failure leaves what could not be handed over.
      if (this.#block !== undefined) giveBlock(this.#block);
      this.#block = undefined;
      await this.#file?.close();
    }
  }

  /** Room for a record with a body of `length` bytes, the last in its block; undefined after a failure. */
  #reserve(length: number): JournalBlock | undefined {
    // Longer than any datagram: a reader would take it for a damaged tail.
    if (length > MAX_RECORD_BYTES || this.#failure !== undefined || this.#closed) return undefined;
    const total = RECORD_HEAD_BYTES + length;
    if (this.#block !== undefined && this.#used + total > this.#block.size) {
      this.#size.filled();
      this.#write();
    }
    const block = this.#block ?? this.#blockFor(total);
    this.#used += total;
    this.bytes += total;
    return block;
  }

  #blockFor(bytes: number): JournalBlock {
    this.#block = takeBlock(this.#size.bytes, bytes);
    return this.#block;
  }

  #write(): void {
    const block = this.#block;
    if (block === undefined || this.#failure !== undefined) return;
    const length = this.#used;
    this.#block = undefined;
    this.#used = 0;
    this.#inFlight += length;
    this.#writing = this.#writing.then(async () => {
      try {
        if (this.#failure === undefined) await this.#append(block.bytes.subarray(0, length));
      } catch (cause) {
        this.#fail(cause, 'written');
      } finally {
        this.#inFlight -= length;
        giveBlock(block);
      }
    });
  }

  async #append(bytes: Buffer): Promise<void> {
    const sealed = this.#sealer?.seal(bytes);
    await this.#file?.append(sealed ?? [bytes]);
    for (const part of sealed ?? []) release(part);
  }

  async #open(ready: Promise<void> | undefined): Promise<void> {
    try {
      await ready;
      this.#file = await AppendedFile.make(this.path);
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
