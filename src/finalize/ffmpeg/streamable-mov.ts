/**
 * An mp4, m4a or mov whose index lies behind its sound, in the order in which a program can read it that can't go back: index first
 * (ISO/IEC 14496-12 §8). Nothing is rewritten but where the index says that the sound lies.
 *
 *     as recorded:  ftyp · mdat … · moov          as given:  ftyp · moov' · mdat …
 */
import type { ByteSource, OpenBytes } from '../../core/byte-source.ts';

/** An index of three hours has a few hundred KiB. */
const LARGEST_INDEX = 64 << 20;
/** Boxes at the outermost level; files have four or five. */
const LONGEST_WALK = 1000;
/** What such a file begins with; QuickTime's own had no `ftyp`. */
const FIRST: ReadonlySet<string> = new Set(['ftyp', 'mdat', 'wide', 'free', 'skip']);
/** Boxes that hold boxes, on the way to where the offsets are. */
const CONTAINERS: ReadonlySet<string> = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl']);

type Box = { readonly type: string; readonly at: number; readonly headBytes: number; readonly bytes: number };

/** Whatever is not such a file, or is one in order already, is given as it is. */
export const streamableMov = (source: ByteSource): ByteSource => ({
  open: async () => {
    const file = await source.open();
    try {
      return (await reordered(file)) ?? file;
    } catch (error) {
      await file.close();
      throw error;
    }
  },
});

const reordered = async (file: OpenBytes): Promise<OpenBytes | undefined> => {
  const boxes = await outermost(file);
  const index = boxes.find(({ type }) => type === 'moov');
  const sound = boxes.find(({ type }) => type === 'mdat');
  if (index === undefined || sound === undefined || sound.at > index.at) return undefined;
  if (index.bytes > LARGEST_INDEX) return undefined;
  const moov = await piece(file, index.at, index.bytes);
  const isMoved = (offset: number): boolean => offset < index.at;
  if (!shiftOffsets(moov, 0, moov.length, (offset) => (isMoved(offset) ? offset + moov.length : offset)))
    return undefined;
  const [first] = boxes;
  return new Reordered(file, first?.type === 'ftyp' ? first.bytes : 0, moov, index.at);
};

const outermost = async (file: OpenBytes): Promise<Box[]> => {
  const boxes: Box[] = [];
  for (let at = 0; at < file.size && boxes.length < LONGEST_WALK; at += boxes.at(-1)!.bytes) {
    const box = boxIn(await piece(file, at, 16), 0, file.size - at);
    // A file's first box says what it is: for anything else this is where the walk ends.
    if (box === undefined || (at === 0 && !FIRST.has(box.type))) break;
    boxes.push({ ...box, at });
  }
  return boxes;
};

/** @param room how many bytes it can have. @returns undefined for what can be none */
const boxIn = (data: Buffer, at: number, room: number): Box | undefined => {
  if (at + 8 > data.length) return undefined;
  const type = data.toString('latin1', at + 4, at + 8);
  const said = data.readUInt32BE(at);
  const isLong = said === 1;
  if (isLong && at + 16 > data.length) return undefined;
  const headBytes = isLong ? 16 : 8;
  const bytes = said === 0 ? room : isLong ? Number(data.readBigUInt64BE(at + 8)) : said;
  return bytes < headBytes || bytes > room ? undefined : { type, at, headBytes, bytes };
};

/** Brings the chunk offsets (`stco`, `co64`: §8.7.5) of every track up to date. @returns false when they can't be, or are packed */
const shiftOffsets = (data: Buffer, from: number, to: number, moved: (offset: number) => number): boolean => {
  for (let at = from; at < to; ) {
    const box = boxIn(data, at, to - at);
    if (box === undefined || box.type === 'cmov') return false;
    const inside = at + box.headBytes;
    const end = at + box.bytes;
    if (CONTAINERS.has(box.type) && !shiftOffsets(data, inside, end, moved)) return false;
    if (box.type === 'stco' || box.type === 'co64') {
      const width = box.type === 'stco' ? 4 : 8;
      if (inside + 8 > end) return false;
      const count = data.readUInt32BE(inside + 4);
      if (inside + 8 + count * width > end) return false;
      for (let n = 0, place = inside + 8; n < count; n++, place += width) {
        const offset = moved(width === 4 ? data.readUInt32BE(place) : Number(data.readBigUInt64BE(place)));
        if (width === 4 && offset > 0xffff_ffff) return false;
        if (width === 4) data.writeUInt32BE(offset, place);
        else data.writeBigUInt64BE(BigInt(offset), place);
      }
    }
    at = end;
  }
  return true;
};

const piece = async (file: OpenBytes, at: number, length: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(Math.min(length, file.size - at));
  return bytes.subarray(0, await file.read(bytes, at));
};

/** The same file with `moov` taken from `takenAt` and put in at `putAt`. */
class Reordered implements OpenBytes {
  readonly size: number;
  readonly #file: OpenBytes;
  readonly #putAt: number;
  readonly #moov: Buffer;
  readonly #takenAt: number;

  constructor(file: OpenBytes, putAt: number, moov: Buffer, takenAt: number) {
    this.size = file.size;
    this.#file = file;
    this.#putAt = putAt;
    this.#moov = moov;
    this.#takenAt = takenAt;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const read = await this.#readSome(into.subarray(done), position + done);
      if (read === 0) break;
      done += read;
    }
    return done;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** As far as one stretch goes. */
  async #readSome(into: Uint8Array, position: number): Promise<number> {
    const moovEnd = this.#putAt + this.#moov.length;
    if (position < this.#putAt) return this.#file.read(into.subarray(0, this.#putAt - position), position);
    if (position < moovEnd) {
      const part = this.#moov.subarray(position - this.#putAt, position - this.#putAt + into.length);
      into.set(part);
      return part.length;
    }
    const shiftedEnd = this.#takenAt + this.#moov.length;
    if (position < shiftedEnd)
      return this.#file.read(into.subarray(0, shiftedEnd - position), position - this.#moov.length);
    return this.#file.read(into, position);
  }
}
