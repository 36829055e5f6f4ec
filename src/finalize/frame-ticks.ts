/** How long a track's frames are. Of many codecs a payload's length says it: what was found of one holds for the next that is as long. Pure. */
import type { Codec } from '../media/codec.ts';
import type { FrameRecord } from '../spool/journal-record.ts';
import { LentFrame } from '../spool/lent-frame.ts';

export class FrameTicks {
  readonly #codec: Codec;
  /** Of the last payload that was asked about. */
  #length = -1;
  #ticks = 0;

  constructor(codec: Codec) {
    this.#codec = codec;
  }

  /** Ticks of the wire clock. */
  of(frame: FrameRecord): number {
    const { byLength } = this.#codec;
    // Asked before there is a view of the payload: for most frames there never is one.
    if (byLength !== true || !(frame instanceof LentFrame)) return this.#codec.duration(frame.payload);
    const { length } = frame;
    if (length !== this.#length) {
      this.#ticks = this.#codec.duration(frame.payload);
      this.#length = length;
    }
    return this.#ticks;
  }
}
