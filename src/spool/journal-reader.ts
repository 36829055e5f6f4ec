/**
 * Reads a journal from front to back, in bounded memory. A torn or damaged tail ends the reading where it begins: what came
 * before it is whole. Synchronous: it runs in a worker or at recovery, never on the thread that takes in media.
 */
import { crc32 } from 'node:zlib';
import { AppError } from '../core/errors.ts';
import { JournalBytes } from './journal-bytes.ts';
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
import type { SealKey } from './seal/seal-key.ts';

const CHUNK_BYTES = 256 * 1024;

export type JournalRecord =
  | { readonly kind: 'open'; readonly open: OpenRecord }
  | { readonly kind: 'track'; readonly track: TrackRecord }
  | { readonly kind: 'mask'; readonly mask: MaskRecord }
  | { readonly kind: 'tally'; readonly tally: TallyRecord }
  | { readonly kind: 'close'; readonly close: CloseRecord }
  /** `frame` and its payload are valid until the next record is asked for. */
  | { readonly kind: 'frame'; readonly frame: FrameRecord };

/** Where a journal is, and what it is sealed under, if it is. */
export type JournalFile = { readonly path: string; readonly key?: SealKey | undefined };

export type JournalEnd = {
  /** Bytes that were whole, in the clear. */
  bytes: number;
  /** Whether something after them was not. */
  torn: boolean;
};

/**
 * Yields the records of the journal at `path`.
 * @param end filled in when the reading ends.
 * @param key what it is sealed under; without one it is plain.
 * @throws JOURNAL_UNREADABLE when the file is missing, is no journal, or not even its first record is whole, or opens under this key;
 * KEY_MISSING when it is sealed and there is no key
 */
export function* readJournal(
  path: string,
  end: JournalEnd = { bytes: 0, torn: false },
  key?: SealKey | undefined,
): Generator<JournalRecord> {
  const bytes = JournalBytes.open(path, key);
  try {
    yield* records(bytes, path, end);
  } finally {
    bytes.close();
  }
}

function* records(bytes: JournalBytes, path: string, end: JournalEnd): Generator<JournalRecord> {
  let buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let from = 0;
  let to = 0;
  let atEnd = false;
  const frame: FrameRecord = { track: 0, arrivalUs: 0, ticks: 0, payload: buffer.subarray(0, 0) };
  const frameRecord: JournalRecord = { kind: 'frame', frame };

  const fill = (wanted: number): boolean => {
    while (to - from < wanted && !atEnd) {
      if (from > 0) {
        buffer.copyWithin(0, from, to);
        to -= from;
        from = 0;
      }
      if (wanted > buffer.length) {
        const larger = Buffer.allocUnsafe(wanted);
        buffer.copy(larger, 0, 0, to);
        buffer = larger;
      }
      const read = bytes.read(buffer, to);
      if (read === 0) atEnd = true;
      to += read;
    }
    return to - from >= wanted;
  };

  end.bytes = JOURNAL_MAGIC.length;
  let first = true;
  while (fill(RECORD_HEAD_BYTES)) {
    const length = buffer.readUInt32LE(from);
    if (length === 0 || length > MAX_RECORD_BYTES || !fill(RECORD_HEAD_BYTES + length)) break;
    const body = from + RECORD_HEAD_BYTES;
    if (crc32(buffer.subarray(body, body + length)) !== buffer.readUInt32LE(from + 4)) break;
    const kind = buffer[body]!;
    if (kind === KIND.frame) {
      frame.track = buffer.readUInt16LE(body + 2);
      frame.arrivalUs = buffer.readDoubleLE(body + 4);
      frame.ticks = buffer.readDoubleLE(body + 12);
      frame.payload = buffer.subarray(body + FRAME_HEAD_BYTES, body + length);
      yield frameRecord;
    } else {
      const record = note(kind, buffer.toString('utf8', body + 1, body + length));
      if (first && record?.kind !== 'open') break;
      if (record !== undefined) yield record;
    }
    first = false;
    from += RECORD_HEAD_BYTES + length;
    end.bytes += RECORD_HEAD_BYTES + length;
  }
  if (first) throw new AppError('JOURNAL_UNREADABLE', `the journal's head is damaged: ${path}`);
  end.torn = bytes.torn || to > from;
}

/** The checksum has already said that the text is what was written; a kind of a later version is passed over. */
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
