/**
 * The first 80 bytes of a WAV file of 16-bit PCM, as RIFF or, past 4 GiB, as RF64 (EBU Tech 3306). Pure.
 *
 *     RIFF:  "RIFF" size "WAVE"   "fmt " 16 …   "JUNK" 28 …   "data" size
 *     RF64:  "RF64" −1   "WAVE"   "ds64" 28 …   "fmt " 16 …   "data" −1
 *
 * Both are 80 bytes, so one can replace the other in place. RF64 wants ds64 first; RIFF puts JUNK second instead,
 * because simple readers (the package `wav` among them) insist on "fmt " at byte 12.
 */
import type { PcmFormat } from './audio-encoder.ts';

export const WAV_HEADER_BYTES = 80;

/** What a RIFF size field can say. */
export const RIFF_LIMIT_BYTES = 0xffff_ffff;

/** Stands in a 32-bit field whose value is in ds64. */
const IN_DS64 = 0xffff_ffff;
const PCM = 1;

/** @param limitBytes the largest size RIFF is used for; tests lower it. */
export const wavHeader = (format: PcmFormat, dataBytes: number, limitBytes = RIFF_LIMIT_BYTES): Uint8Array => {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  const riffBytes = WAV_HEADER_BYTES - 8 + dataBytes;
  const long = riffBytes > limitBytes;
  const blockBytes = 2 * format.channels;

  header.write(long ? 'RF64' : 'RIFF', 0, 'latin1');
  header.writeUInt32LE(long ? IN_DS64 : riffBytes, 4);
  header.write('WAVE', 8, 'latin1');

  const fmtAt = long ? 48 : 12;
  header.write('fmt ', fmtAt, 'latin1');
  header.writeUInt32LE(16, fmtAt + 4);
  header.writeUInt16LE(PCM, fmtAt + 8);
  header.writeUInt16LE(format.channels, fmtAt + 10);
  header.writeUInt32LE(format.sampleRate, fmtAt + 12);
  header.writeUInt32LE(format.sampleRate * blockBytes, fmtAt + 16);
  header.writeUInt16LE(blockBytes, fmtAt + 20);
  header.writeUInt16LE(16, fmtAt + 22);

  const extraAt = long ? 12 : 36;
  header.write(long ? 'ds64' : 'JUNK', extraAt, 'latin1');
  header.writeUInt32LE(28, extraAt + 4);
  if (long) {
    header.writeBigUInt64LE(BigInt(riffBytes), extraAt + 8);
    header.writeBigUInt64LE(BigInt(dataBytes), extraAt + 16);
    header.writeBigUInt64LE(BigInt(dataBytes / blockBytes), extraAt + 24);
  }

  header.write('data', 72, 'latin1');
  header.writeUInt32LE(long ? IN_DS64 : dataBytes, 76);
  return header;
};
