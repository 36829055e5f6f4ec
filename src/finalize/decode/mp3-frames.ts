/**
 * Cuts an mp3 file into its Layer III frames, whole ones only, skipping an ID3v2 tag before and ID3v1 or APE tags after
 * them. Strict: what is between must be frames of one rate, so that a damaged artefact is told from a sound one.
 */
import { AppError } from '../../core/errors.ts';
import { MP3_HEADER_BYTES, type Mp3Frame, parseMp3Frame } from '../encode/mp3-frame.ts';
import type { ReadAt } from './wav-layout.ts';

const PIECE_BYTES = 64 * 1024;
const ID3V2_HEAD_BYTES = 10;
const ID3V1_BYTES = 128;

const unreadable = (why: string): AppError => new AppError('ARTEFACT_UNREADABLE', `the mp3 ${why}`);

/**
 * Where the first frame should be: after an ID3v2 tag (id3.org, ID3v2.4 §3.1: size in four bytes of seven bits), else
 * 0.
 */
export const mp3Start = (head: Uint8Array): number => {
  if (head.length < ID3V2_HEAD_BYTES || head[0] !== 0x49 || head[1] !== 0x44 || head[2] !== 0x33) return 0;
  const size = ((head[6]! & 0x7f) << 21) | ((head[7]! & 0x7f) << 14) | ((head[8]! & 0x7f) << 7) | (head[9]! & 0x7f);
  const footer = head[5]! & 0x10 ? ID3V2_HEAD_BYTES : 0;
  return ID3V2_HEAD_BYTES + size + footer;
};

/**
 * Batches of whole frames in order: `data` holds nothing else, each of `frames` follows the one before.
 * @throws AppError ARTEFACT_UNREADABLE
 */
export async function* readMp3Frames(
  readAt: ReadAt,
  fileBytes: number,
): AsyncGenerator<{ readonly data: Uint8Array; readonly frames: readonly Mp3Frame[] }> {
  let at = mp3Start(await readAt(0, ID3V2_HEAD_BYTES));
  let first: Mp3Frame | undefined;
  while (at < fileBytes) {
    const data = await readAt(at, PIECE_BYTES);
    const frames: Mp3Frame[] = [];
    let end = 0;
    while (end + MP3_HEADER_BYTES <= data.length) {
      const frame = parseMp3Frame(data, end);
      if (frame === undefined) break;
      first ??= frame;
      if (frame.sampleRate !== first.sampleRate) throw unreadable(`changes its rate at byte ${at + end}`);
      if (frame.channels !== first.channels) throw unreadable(`changes its channels at byte ${at + end}`);
      if (end + frame.bytes > data.length) break;
      frames.push(frame);
      end += frame.bytes;
    }
    if (frames.length === 0) {
      if (first !== undefined && isTail(data)) return;
      if (parseMp3Frame(data, 0) === undefined) throw unreadable(`has no frame at byte ${at}`);
      throw unreadable(`is cut inside a frame at byte ${at}`);
    }
    at += end;
    yield { data: data.subarray(0, end), frames };
  }
  if (first === undefined) throw unreadable('holds no frame');
}

/** Tags that other programs append. */
const isTail = (data: Uint8Array): boolean => {
  const start = Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, 8)).toString('latin1');
  return (data.length === ID3V1_BYTES && start.startsWith('TAG')) || start === 'APETAGEX';
};
