/**
 * Gathers what one turn of the loop reads of all streams, hands it on as one batch at the turn's end, and says when the loop goes round. A
 * batch's room comes back when it has been taken, and is used again. While too much is away nothing more is to be read; the loop then
 * counts as standing still, for what waits unread has no time of its arrival.
 */
import type { Clock } from '../../core/clock.ts';
import type { Every } from '../live/call-ticker.ts';
import { LOOK_MS } from '../live/loop-watch.ts';
import { type RecordKind, recordBytes, StreamBatch } from './stream-batch.ts';

/** A turn's with hundreds of streams; a message that is longer has a room of its own. */
const ROOM_BYTES = 32_768;
const MOST_SPARE = 64;
/** Handed over and not taken: from here on nothing is read, until half of it is back. */
export const MOST_AWAY_BYTES = 2 ** 25;
const NOTHING = new Uint8Array(0);

export type StreamTurnsOptions = {
  readonly clock: Clock;
  readonly every: Every;
  /** Runs `work` when the turn has read what there is to read. */
  readonly atTurnsEnd: (work: () => void) => void;
  /** @param room handed over */
  readonly hand: (room: ArrayBuffer, used: number) => void;
  readonly look: (atUs: number) => void;
  readonly rest: () => void;
  /** Whether anything more may be read. */
  readonly onFull: (isFull: boolean) => void;
};

export class StreamTurns {
  readonly #options: StreamTurnsOptions;
  readonly #spare: ArrayBuffer[] = [];
  #batch: StreamBatch | undefined;
  #isDue = false;
  #awayBytes = 0;
  #isFull = false;
  #endLook: (() => void) | undefined;

  constructor(options: StreamTurnsOptions) {
    this.#options = options;
  }

  /** Handed over and not taken yet. */
  get awayBytes(): number {
    return this.#awayBytes;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Takes what has just been read. @param bytes copied, then zeroed */
  put(connection: number, kind: RecordKind, bytes: Uint8Array = NOTHING): void {
    if (this.#batch?.fits(bytes.length) === false) this.flush();
    this.#batch ??= new StreamBatch(this.#room(recordBytes(bytes.length)));
    this.#batch.put(connection, kind, this.#options.clock.now(), bytes);
    bytes.fill(0);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.atTurnsEnd(() => {
      this.#isDue = false;
      this.flush();
    });
  }

  /** Hands over what there is: before anything else is said that is to be heard behind it. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    this.#awayBytes += batch.room.byteLength;
    this.#options.hand(batch.room, batch.used);
    if (this.#isFull || this.#awayBytes < MOST_AWAY_BYTES) return;
    this.#isFull = true;
    this.#options.onFull(true);
  }

  /** A batch was taken. @param room its own, with no audio in it */
  taken(room: ArrayBuffer): void {
    this.#awayBytes -= room.byteLength;
    if (room.byteLength === ROOM_BYTES && this.#spare.length < MOST_SPARE) this.#spare.push(room);
    if (!this.#isFull || this.#awayBytes > MOST_AWAY_BYTES / 2) return;
    this.#isFull = false;
    this.#options.onFull(false);
  }

  /** A stream is there: from now on it is said when the loop goes round. Idempotent. */
  begin(): void {
    if (this.#endLook !== undefined) return;
    this.#look();
    this.#endLook = this.#options.every(LOOK_MS, () => this.#look());
  }

  /** There is none any more. Idempotent. */
  rest(): void {
    if (this.#endLook === undefined) return;
    this.#endLook();
    this.#endLook = undefined;
    this.flush();
    this.#options.rest();
  }

  #look(): void {
    this.flush();
    if (!this.#isFull) this.#options.look(this.#options.clock.now());
  }

  #room(bytes: number): ArrayBuffer {
    return bytes > ROOM_BYTES ? new ArrayBuffer(bytes) : (this.#spare.pop() ?? new ArrayBuffer(ROOM_BYTES));
  }
}
