/**
 * Watches over a long request body: cuts off one that stands still, and lets the sender of one that was refused come to read why.
 * Takes nothing from it.
 */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../core/clock.ts';

/** A sender that has nothing for so long has gone, or means harm. */
const STALL_MS = 30_000;
/** Less than this in `STALL_MS` is standing still. */
const LEAST_BYTES = 1024;
const DRAIN_MS = 5000;

export class UploadWatch {
  readonly #body: IncomingMessage;
  readonly #clock: Clock;
  /** Aborts when all of the body is there, or nothing more of it can come. */
  readonly #over = new AbortController();
  #bytes = 0;

  /** To be made in the same turn in which somebody begins to read the body: it flows from then on. */
  constructor(body: IncomingMessage, clock: Clock) {
    this.#body = body;
    this.#clock = clock;
    body.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
    });
    for (const event of ['end', 'close']) body.once(event, () => this.#over.abort());
    if (body.readableEnded || body.destroyed) this.#over.abort();
    void this.#guard();
  }

  /**
   * Reads and forgets the rest for a few seconds: a sender that is cut off while it writes hardly ever sees the answer. Whoever
   * writes for longer is.
   */
  async drain(): Promise<void> {
    this.#body.unpipe();
    this.#body.resume();
    await this.#sleep(DRAIN_MS);
  }

  async #guard(): Promise<void> {
    for (let before = this.#bytes; await this.#sleep(STALL_MS); before = this.#bytes) {
      // Bytes that wait for us are the disk's delay, not the sender's.
      if (this.#bytes - before < LEAST_BYTES && this.#body.readableLength === 0) this.#body.destroy();
    }
  }

  /** @returns whether it slept that long: false when the body was over before. */
  #sleep(delayMs: number): Promise<boolean> {
    return this.#clock.sleep(delayMs, this.#over.signal).then(
      () => true,
      () => false,
    );
  }
}
