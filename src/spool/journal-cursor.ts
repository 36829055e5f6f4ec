/**
 * Reads a journal record by record, in bounded memory, also while it still grows. What is not whole is not there: in a journal that
 * is written to it may be whole later; in one that is closed its tail is torn or damaged there.
 */
import { AppError } from '../core/errors.ts';
import { EMPTY_SUM, summed, sumOf } from './frame-copy.ts';
import {
  type CloseRecord,
  FRAME_HEAD_BYTES,
  type FrameRecord,
  JOURNAL_MAGIC,
  KIND,
  MAX_RECORD_BYTES,
  type MaskRecord,
  type OpenRecord,
  RECORD_HEAD_BYTES,
  type TallyRecord,
  type TrackRecord,
} from './journal-record.ts';
import type { JournalSource } from './journal-source.ts';
import type { JournalWindow } from './journal-window.ts';
import { LentFrame } from './lent-frame.ts';

export type JournalRecord =
  | { readonly kind: 'open'; readonly open: OpenRecord }
  | { readonly kind: 'track'; readonly track: TrackRecord }
  | { readonly kind: 'mask'; readonly mask: MaskRecord }
  | { readonly kind: 'tally'; readonly tally: TallyRecord }
  | { readonly kind: 'close'; readonly close: CloseRecord }
  /** `frame` and its payload are valid until the next record is asked for. */
  | { readonly kind: 'frame'; readonly frame: FrameRecord };

export class JournalCursor {
  /** Bytes that were whole, in the clear. */
  bytes = JOURNAL_MAGIC.length;
  readonly #path: string;
  readonly #window: JournalWindow;
  readonly #frame = new LentFrame();
  readonly #frameRecord: JournalRecord = { kind: 'frame', frame: this.#frame };
  #isFirst = true;

  constructor(source: JournalSource) {
    this.#path = source.path;
    this.#window = source.window();
  }

  /** @returns undefined when nothing whole follows yet. @throws JOURNAL_UNREADABLE when it does not begin as a journal does */
  next(): JournalRecord | undefined {
    for (;;) {
      const length = this.#whole();
      if (length === 0) return undefined;
      const window = this.#window;
      const { buffer, view } = window;
      const body = window.from + RECORD_HEAD_BYTES;
      const kind = view.getUint8(body);
      const isFrame = kind === KIND.frame;
      // A frame without its head is none that was ever written.
      if (isFrame && length < FRAME_HEAD_BYTES) return undefined;
      const record = isFrame ? this.#frameRecord : note(kind, buffer.toString('utf8', body + 1, body + length));
      if (this.#isFirst && record?.kind !== 'open')
        throw new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${this.#path}`);
      if (isFrame) this.#take(buffer, view, body, body + length);
      this.#isFirst = false;
      window.from = body + length;
      this.bytes += RECORD_HEAD_BYTES + length;
      if (record !== undefined) return record;
    }
  }

  /** Whether there was a first record. */
  get hasBegun(): boolean {
    return !this.#isFirst;
  }

  /** Whether something follows what was read; of a journal that is closed, and read to its end, the torn tail. */
  get hasMore(): boolean {
    return this.#window.hasMore;
  }

  /** Holds no memory until the next record is asked for; the last one is no longer valid. */
  rest(): void {
    this.#frame.giveBack();
    this.#window.rest();
  }

  /** The length of the next record's body; 0 when it is not there, or not as it was written. */
  #whole(): number {
    const window = this.#window;
    if (window.to - window.from < RECORD_HEAD_BYTES && !window.fill(RECORD_HEAD_BYTES)) return 0;
    const length = window.view.getUint32(window.from, true);
    if (length === 0 || length > MAX_RECORD_BYTES) return 0;
    const total = RECORD_HEAD_BYTES + length;
    if (window.to - window.from < total && !window.fill(total)) return 0;
    if (window.isProven) return length;
    const { view, from } = window;
    const sum = summed(view, from + RECORD_HEAD_BYTES, from + total, EMPTY_SUM);
    return sumOf(sum) === view.getInt32(from + 4, true) ? length : 0;
  }

  #take(buffer: Buffer, view: DataView, body: number, end: number): void {
    const frame = this.#frame;
    frame.track = view.getUint16(body + 2, true);
    frame.arrivalUs = view.getFloat64(body + 4, true);
    frame.ticks = view.getFloat64(body + 12, true);
    frame.lend(buffer, view, body + FRAME_HEAD_BYTES, end);
  }
}

/** Its sum or its segment has already said that the text is what was written; a kind of a later version is passed over. */
const note = (kind: number, json: string): JournalRecord | undefined => {
  switch (kind) {
    case KIND.open:
      return { kind: 'open', open: JSON.parse(json) };
    case KIND.track:
      return { kind: 'track', track: JSON.parse(json) };
    case KIND.mask:
      return { kind: 'mask', mask: JSON.parse(json) };
    case KIND.tally:
      return { kind: 'tally', tally: JSON.parse(json) };
    case KIND.close:
      return { kind: 'close', close: JSON.parse(json) };
    default:
      return undefined;
  }
};
