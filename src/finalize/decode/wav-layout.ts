/**
 * Finds format and data in a WAV file by walking its chunks: RIFF, and RF64 with ds64 (EBU Tech 3306). Reads only what
 * it walks over, in bounded pieces; chunks may come in any order before the data.
 */
import { AppError } from '../../core/errors.ts';

/** Reads up to `length` bytes at `position`; fewer only where the file ends. */
export type ReadAt = (position: number, length: number) => Promise<Buffer>;

export type WavLayout = {
  /** The content of the format chunk, at most 40 bytes of it. */
  readonly fmt: Buffer;
  readonly dataAt: number;
  /** As the header says; up to the file's end where the header could not be completed by its writer. */
  readonly dataBytes: number;
};

/** No file needs so many chunks before its data: a longer walk is a file made to be slow. */
const LONGEST_WALK = 1000;
const FMT_BYTES = { least: 16, most: 40 } as const;
const IN_DS64 = 0xffff_ffff;
/** Writers that can't seek leave sizes close to 2³² behind; the package `wav` says 4294967195. */
const LEAST_STAND_IN = 0xffff_ff00;

const unreadable = (why: string): AppError => new AppError('ARTEFACT_UNREADABLE', `the wav ${why}`);

/** @throws AppError ARTEFACT_UNREADABLE, without the file's name: the caller knows it. */
export const readWavLayout = async (readAt: ReadAt, fileBytes: number): Promise<WavLayout> => {
  const riff = await readAt(0, 12);
  const form = riff.toString('latin1', 0, 4);
  if ((form !== 'RIFF' && form !== 'RF64') || riff.toString('latin1', 8, 12) !== 'WAVE')
    throw unreadable('has no RIFF head');

  let fmt: Buffer | undefined;
  let longDataBytes: number | undefined;
  let at = 12;
  for (let walked = 0; walked < LONGEST_WALK; walked++) {
    const head = await readAt(at, 8);
    if (head.length < 8) throw unreadable('ends before its data');
    const id = head.toString('latin1', 0, 4);
    const bytes = head.readUInt32LE(4);
    at += 8;
    if (id === 'data') {
      if (fmt === undefined) throw unreadable('has no format before its data');
      const long = form === 'RF64' && bytes === IN_DS64;
      if (long && longDataBytes === undefined) throw unreadable('is RF64 without ds64');
      const present = Math.max(0, fileBytes - at);
      const said = long ? longDataBytes! : bytes >= LEAST_STAND_IN ? present : bytes;
      if (said > present) throw unreadable(`is cut: ${present} of ${said} bytes of audio are there`);
      return { fmt, dataAt: at, dataBytes: said };
    }
    if (id === 'fmt ') {
      fmt = await readAt(at, Math.min(bytes, FMT_BYTES.most));
      if (fmt.length < FMT_BYTES.least) throw unreadable('has a format chunk that is too short');
    } else if (id === 'ds64' && form === 'RF64') {
      const sizes = await readAt(at, 16);
      if (sizes.length < 16) throw unreadable('is RF64 with a cut ds64');
      const bytes64 = sizes.readBigUInt64LE(8);
      if (bytes64 > BigInt(Number.MAX_SAFE_INTEGER)) throw unreadable('is RF64 with a size that can not be');
      longDataBytes = Number(bytes64);
    }
    at += bytes + (bytes & 1); // Chunks begin at even positions.
    if (at > fileBytes) throw unreadable('ends before its data');
  }
  throw unreadable(`has more than ${LONGEST_WALK} chunks before its data`);
};
