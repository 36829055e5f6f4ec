/**
 * The Info tag: a silent first frame that says how long an mp3 is and how much of it is the encoder's own delay and
 * padding (Xing's layout, LAME's extension "Mp3 Info Tag rev 1"). Decoders that know it return exactly the samples that
 * went in. Pure.
 *
 *     after the side information:
 *     "Info" flags frames bytes toc[100] quality | version[9] … delay:12 padding:12 … bytes musicCRC tagCRC
 *      0      4     8      12    16       116      120          141                     148   152      154
 */
import { AppError } from '../../core/errors.ts';
import { crc16 } from './crc16.ts';
import { LONGEST_TRIM } from './gapless.ts';
import { parseMp3Frame, silentMp3Frame } from './mp3-frame.ts';

export type Mp3Format = { readonly sampleRate: number; readonly channels: 1 | 2; readonly kbps: number };

export type InfoTag = {
  /** Frames of audio, this one not counted. */
  readonly frames: number;
  /** The whole file, this frame counted. */
  readonly bytes: number;
  /** Samples per channel that the encoder put before the first one. */
  readonly delay: number;
  /** Samples per channel after the last one: `frames × samples per frame − delay − samples`. At most 4095. */
  readonly padding: number;
};

const TAG_BYTES = 156;
const TRIM_AT = 141;
const TAG_CRC_AT = 154;
const HAS_FRAMES_BYTES_TOC_QUALITY = 0x0f;
const REVISION_0_CBR = 0x01;
const STEREO = 1 << 2;

/** The class of the source's rate, as the tag's misc byte has it. */
const sourceClass = (sampleRate: number): number => {
  if (sampleRate <= 32_000) return 0;
  return sampleRate <= 44_100 ? 1 : 2;
};

/**
 * The tag's frame for constant bitrate. Its length depends on rate, channels and `kbps` only: write it once empty, once
 * full.
 */
export const infoFrame = (
  format: Mp3Format,
  tag: InfoTag & {
    /** Nine characters at most, beginning with `LAME`, without which ffmpeg ignores delay and padding. */
    readonly encoder: string;
    /** CRC-16 of every audio frame. */
    readonly musicCrc: number;
  },
): Uint8Array => {
  const frame = silentMp3Frame(format.sampleRate, format.channels, format.kbps, TAG_BYTES);
  const start = parseMp3Frame(frame, 0)!.sideInfoEnd;
  const out = Buffer.from(frame.buffer, start, TAG_BYTES);
  out.write('Info', 0, 'latin1');
  out.writeUInt32BE(HAS_FRAMES_BYTES_TOC_QUALITY, 4);
  out.writeUInt32BE(tag.frames, 8);
  out.writeUInt32BE(tag.bytes, 12);
  for (let percent = 0; percent < 100; percent++) out[16 + percent] = Math.floor((percent * 256) / 100);
  out.writeUInt32BE(0, 116); // Quality: not said.

  out.write(tag.encoder.padEnd(9).slice(0, 9), 120, 'latin1');
  out[129] = REVISION_0_CBR;
  out[140] = Math.min(format.kbps, 255);
  out[144] = (format.channels === 2 ? STEREO : 0) | (sourceClass(format.sampleRate) << 6);
  out.writeUInt32BE(tag.bytes, 148);
  out.writeUInt16BE(tag.musicCrc, 152);
  return withTrim(frame, tag.delay, tag.padding);
};

/**
 * Sets delay and padding in `frame`, which holds a full tag with LAME's extension, and brings the tag's CRC up to date.
 * @returns `frame`
 */
export const withTrim = (frame: Uint8Array, delay: number, padding: number): Uint8Array => {
  if (Math.min(delay, padding) < 0 || Math.max(delay, padding) > LONGEST_TRIM) {
    throw new AppError(
      'ENCODE_FAILED',
      `an mp3 can't say that it begins with ${delay} samples and ends with ${padding}`,
    );
  }
  const start = parseMp3Frame(frame, 0)!.sideInfoEnd;
  const out = Buffer.from(frame.buffer, frame.byteOffset + start, TAG_BYTES);
  out.writeUIntBE(delay * 4096 + padding, TRIM_AT, 3);
  out.writeUInt16BE(crc16(frame.subarray(0, start + TAG_CRC_AT)), TAG_CRC_AT);
  return frame;
};

/**
 * The tag in `frame`, which is a whole first frame of a file, from whatever encoder; undefined when the frame is audio.
 * Delay and padding are 0 where the tag has no LAME extension: then only the frame itself is to be skipped.
 */
export const parseInfoFrame = (frame: Uint8Array): (Partial<InfoTag> & { readonly gapless: boolean }) | undefined => {
  const header = parseMp3Frame(frame, 0);
  if (header === undefined || frame.length < header.bytes) return undefined;
  const data = Buffer.from(frame.buffer, frame.byteOffset, header.bytes);
  const start = header.sideInfoEnd;
  if (start + 8 > data.length) return undefined;
  const name = data.toString('latin1', start, start + 4);
  if (name !== 'Info' && name !== 'Xing') return undefined;
  const flags = data.readUInt32BE(start + 4);
  let at = start + 8;
  const take = (bit: number, bytes: number): number | undefined => {
    if (!(flags & bit) || at + bytes > data.length) return undefined;
    at += bytes;
    return bytes === 4 ? data.readUInt32BE(at - 4) : 0;
  };
  const frames = take(1, 4);
  const bytes = take(2, 4);
  take(4, 100);
  take(8, 4);
  const said = { ...(frames !== undefined && { frames }), ...(bytes !== undefined && { bytes }) };
  const maker = data.toString('latin1', at, at + 4);
  if (at + 24 > data.length || !['LAME', 'Lavf', 'Lavc'].includes(maker)) return { ...said, gapless: false };
  const trim = data.readUIntBE(at + 21, 3);
  return { ...said, gapless: true, delay: trim >> 12, padding: trim & 0xfff };
};
