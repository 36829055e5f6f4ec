/**
 * One listener's server-sent events (WHATWG HTML §9.2): bounded, with a heartbeat, ended after an hour so that whoever listens has
 * to show a valid token again. Never waits for its reader: one that lags too far behind is told so and let go, and can resume by
 * `Last-Event-ID`. Opens no socket: `body` is what to send.
 */
import { Readable } from 'node:stream';
import type { Clock } from '../core/clock.ts';
import type { ServiceEvent } from './service.ts';

export type EventStreamOptions = {
  readonly clock: Clock;
  /** How long the line may be silent; default 15 s, which is less than what proxies wait for. */
  readonly heartbeatMs?: number;
  /** Default one hour. */
  readonly lifetimeMs?: number;
  /** How much may wait for the reader; default 1 MiB. */
  readonly limitBytes?: number;
  /** How long a reader has to take what ends the stream before it is cut off; default 5 s. */
  readonly graceMs?: number;
};

/** What a browser waits before it comes back. */
const RETRY_MS = 3000;

export class EventStream {
  readonly body: Readable;
  readonly #clock: Clock;
  readonly #limitBytes: number;
  readonly #graceMs: number;
  readonly #closed = new AbortController();
  /** Whole events and comments, not yet in `body`. */
  #waiting: string[] = [];
  #waitingBytes = 0;
  #ending = false;

  constructor(options: EventStreamOptions) {
    const { clock, heartbeatMs = 15_000, lifetimeMs = 3_600_000 } = options;
    this.#clock = clock;
    this.#limitBytes = options.limitBytes ?? 1_048_576;
    this.#graceMs = options.graceMs ?? 5000;
    this.body = new Readable({ read: () => this.#flush(true) });
    this.body.once('close', () => this.#closed.abort());
    this.#write(`retry: ${RETRY_MS}\n\n`);
    void this.#beat(heartbeatMs, lifetimeMs);
  }

  /** Aborts when nobody reads any more, whoever ended it. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  send(event: ServiceEvent): void {
    this.#write(`id: ${oneLine(event.id)}\nevent: ${oneLine(event.type)}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  /** Says why and ends; may be called twice. @param why one line, for whoever debugs the reader. */
  end(why: string): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#waiting.push(`: ${oneLine(why)}\n\n`);
    this.#flush();
    void this.#sleep(this.#graceMs).then((slept) => slept && this.body.destroy());
  }

  #write(text: string): void {
    if (this.#ending || this.#closed.signal.aborted) return;
    const bytes = Buffer.byteLength(text);
    if (this.#waitingBytes + bytes > this.#limitBytes) {
      // Whole events only are dropped, so that what the reader has got is a place to resume from.
      this.#waiting = [];
      this.#waitingBytes = 0;
      this.end('closed: read faster, and resume by Last-Event-ID');
      return;
    }
    this.#waiting.push(text);
    this.#waitingBytes += bytes;
    this.#flush();
  }

  /** @param asked by the reader: a reader that asks and gets nothing does not ask again. */
  #flush(asked = false): void {
    let wanted = asked || this.body.readableLength < this.body.readableHighWaterMark;
    while (wanted && this.#waiting.length > 0) {
      const text = this.#waiting.shift()!;
      this.#waitingBytes -= Buffer.byteLength(text);
      wanted = this.body.push(text);
    }
    if (this.#ending && this.#waiting.length === 0 && !this.body.readableEnded) this.body.push(null);
  }

  async #beat(heartbeatMs: number, lifetimeMs: number): Promise<void> {
    for (let age = heartbeatMs; await this.#sleep(heartbeatMs); age += heartbeatMs) {
      if (age >= lifetimeMs) return this.end('come back, with a valid token');
      this.#write(':\n\n');
    }
  }

  /** @returns whether it slept that long: false when the stream was closed meanwhile. */
  #sleep(delayMs: number): Promise<boolean> {
    return this.#clock.sleep(delayMs, this.#closed.signal).then(
      () => true,
      () => false,
    );
  }
}

/** A line end in an id or a type would begin a field of its own. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, ' ');
