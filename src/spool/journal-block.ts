/**
 * Memory in which a journal's records gather until they are written. All journals of a thread share what is spare, so that none keeps a
 * block while it has nothing to write: a call costs what gathers between two flushes. Nothing of it is ever read back.
 */

/** Half a second of two G.711 legs and a little more, in a page's multiple. */
const LEAST_BYTES = 16 * 1024;
/** Where frames come faster than they are flushed, as in a replay, fewer and larger writes cost less. */
const MOST_BYTES = 64 * 1024;
/** Kept for later besides as much as is in use: a disk that was slow for a moment must not have all of it made anew. */
const LEAST_SPARE_BYTES = 2 << 20;

export class JournalBlock {
  /** How many bytes there are: asked for each frame, which needs nothing else of them. */
  readonly size: number;
  readonly bytes: Buffer;
  /** The same memory. */
  readonly view: DataView;
  /** False for one that was made for a single record, longer than any that is shared may hold. */
  readonly isShared: boolean;

  constructor(size: number, isShared: boolean) {
    this.size = size;
    this.isShared = isShared;
    // Its own memory, of which only the pages that are used count.
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** Least first. */
const spare: readonly { readonly size: number; readonly blocks: JournalBlock[] }[] = [16, 32, 64].map((size) => ({
  size: size * 1024,
  blocks: [],
}));
let spareBytes = 0;
let usedBytes = 0;

/** @param leastBytes of which there has to be room: one record may be longer than the largest block that is shared. */
export const takeBlock = (size: number, leastBytes: number): JournalBlock => {
  if (leastBytes > size) return new JournalBlock(leastBytes, false);
  usedBytes += size;
  const block = spare.find((each) => each.size === size)?.blocks.pop();
  if (block === undefined) return new JournalBlock(size, true);
  spareBytes -= size;
  return block;
};

/** Whoever gives a block back keeps no reference. */
export const giveBlock = (block: JournalBlock): void => {
  if (!block.isShared) return;
  const { size } = block;
  usedBytes -= size;
  spare.find((each) => each.size === size)?.blocks.push(block);
  spareBytes += size;
  for (const each of spare)
    while (spareBytes > usedBytes + LEAST_SPARE_BYTES && each.blocks.pop() !== undefined) spareBytes -= each.size;
};

/** How large one journal's blocks are to be: as its frames come. */
export class BlockSize {
  bytes = LEAST_BYTES;

  /** A block was full before anybody had it written. */
  filled(): void {
    if (this.bytes < MOST_BYTES) this.bytes *= 2;
  }

  /** A block is written when its time has come. @param used bytes of it */
  flushed(used: number): void {
    if (used <= this.bytes / 4 && this.bytes > LEAST_BYTES) this.bytes /= 2;
  }
}
