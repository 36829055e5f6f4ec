/** What the parsers of both capture formats have in common: packets out, and how the file ended. Types and limits only. */

/** No packet on a wire we read is longer, so a record that claims to be is damage. */
export const MAX_PACKET_BYTES = 1 << 20;

/**
 * Takes each captured packet: `bytes[start, end)` from the link layer on, captured at `atUs` microseconds since the Unix epoch.
 * `linkType` is a number of the LINKTYPE registry; `cut` says that the wire had more bytes than the capture kept.
 * The bytes stay as they are for as long as the chunk that was pushed does.
 */
export type PacketSink = (
  bytes: Buffer,
  start: number,
  end: number,
  atUs: number,
  linkType: number,
  cut: boolean,
) => void;

/** How the bytes ended. `atByte` counts from the file's first byte to the start of the record in question. */
export type CaptureEnding =
  | { readonly kind: 'whole' }
  /** The last record isn't all there. */
  | { readonly kind: 'cut'; readonly atByte: number }
  /** A record can't be what it says; nothing behind it was read. */
  | { readonly kind: 'damaged'; readonly atByte: number; readonly what: string };

export interface CaptureParser {
  /** Takes the file's next bytes, split anywhere. Calls the sink before it returns. */
  push(chunk: Buffer): void;
  /** The state after all that was pushed; final when no more will come. */
  readonly ending: CaptureEnding;
  /** The file's own header was whole and right. */
  readonly opened: boolean;
  /** Packets handed to the sink. */
  readonly packets: number;
  /** Packets that carry no time of their own, and got the one of the packet before them. */
  readonly untimed: number;
}

export const readU16 = (bytes: Buffer, at: number, bigEndian: boolean): number =>
  bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);

export const readU32 = (bytes: Buffer, at: number, bigEndian: boolean): number =>
  bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
