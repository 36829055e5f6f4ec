/**
 * What a loop has read of many connections in one turn, packed into a room that is handed to another thread as it is: records in the order
 * in which they were read, each with when that was. Pure; it holds audio, so whoever has read a room zeroes it.
 *
 *     u32 connection │ u32 kind │ u32 length │ u32 0 │ f64 µs │ bytes, and as many more as make it a multiple of 8
 */
import { AppError } from '../../core/errors.ts';

/** `closed`: the peer has said so by its protocol; `broken`: it has not. */
export const RECORD_KINDS = ['text', 'binary', 'bytes', 'heard', 'closed', 'broken'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** @param bytes a view of the room, valid until this returns */
export type RecordTaker = (connection: number, kind: RecordKind, atUs: number, bytes: Uint8Array) => void;

const HEAD_BYTES = 24;
const AT = { connection: 0, kind: 4, length: 8, time: 16 } as const;

/** What a record of so many bytes takes. */
export const recordBytes = (length: number): number => HEAD_BYTES + ((length + 7) & ~7);

export class StreamBatch {
  readonly room: ArrayBuffer;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #used = 0;

  /** @param room its own from now on */
  constructor(room: ArrayBuffer) {
    this.room = room;
    this.#view = new DataView(room);
    this.#bytes = new Uint8Array(room);
  }

  /** Bytes of the room that hold records. */
  get used(): number {
    return this.#used;
  }

  fits(length: number): boolean {
    return this.#used + recordBytes(length) <= this.room.byteLength;
  }

  /** Copies one in, as the last; it has to fit. @param connection 0 to 2³² − 1 */
  put(connection: number, kind: RecordKind, atUs: number, bytes: Uint8Array): void {
    const at = this.#used;
    this.#view.setUint32(at + AT.connection, connection, true);
    this.#view.setUint32(at + AT.kind, RECORD_KINDS.indexOf(kind), true);
    this.#view.setUint32(at + AT.length, bytes.length, true);
    this.#view.setFloat64(at + AT.time, atUs, true);
    this.#bytes.set(bytes, at + HEAD_BYTES);
    this.#used = at + recordBytes(bytes.length);
  }
}

/** Gives the records of a room in their order. @param used how much of it holds them. @throws INTERNAL where it is no such row */
export const readBatch = (room: ArrayBuffer, used: number, take: RecordTaker): void => {
  const view = new DataView(room);
  for (let at = 0; at < used; ) {
    if (used > room.byteLength || at + HEAD_BYTES > used) throw notABatch();
    const kind = RECORD_KINDS[view.getUint32(at + AT.kind, true)];
    const length = view.getUint32(at + AT.length, true);
    if (kind === undefined || at + HEAD_BYTES + length > used) throw notABatch();
    const connection = view.getUint32(at + AT.connection, true);
    take(connection, kind, view.getFloat64(at + AT.time, true), new Uint8Array(room, at + HEAD_BYTES, length));
    at += recordBytes(length);
  }
};

const notABatch = (): AppError => new AppError('INTERNAL', 'a batch of streams that is none');
