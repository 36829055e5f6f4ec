/** A payload in memory of its own, which is used for one after another. */
import { copyMemory, viewOf } from '../spool/frame-copy.ts';
import type { FrameRecord } from '../spool/journal-record.ts';
import { LentFrame } from '../spool/lent-frame.ts';

/** A G.711 frame of 30 ms and less. */
const USUAL_BYTES = 256;

export class HeldPayload {
  length = 0;
  #bytes: Buffer = Buffer.allocUnsafe(USUAL_BYTES);
  #view: DataView = viewOf(this.#bytes);

  /** Copies a frame's. */
  hold(frame: FrameRecord): void {
    if (frame instanceof LentFrame) {
      this.#makeRoom(frame.length);
      frame.copyTo(this.#view);
      return;
    }
    const { payload } = frame;
    this.#makeRoom(payload.length);
    this.#bytes.set(payload);
  }

  /** A view, valid until the next is held. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  /** Copies it to `into[at…]`, which must be so long. */
  copyTo(into: DataView, at: number): void {
    copyMemory(this.#view, 0, this.length, into, at);
  }

  #makeRoom(length: number): void {
    this.length = length;
    if (length <= this.#bytes.length) return;
    this.#bytes = Buffer.allocUnsafe(length);
    this.#view = viewOf(this.#bytes);
  }
}
