/**
 * What a WAV format chunk says, read by the package `wav`. The chunk is handed to it behind a canonical head, as that
 * is all it reads safely: it wants the format first, throws on an empty chunk, keeps a foreign chunk whole in memory
 * and knows no RF64.
 */
import wav, { type Format } from 'wav';
import { AppError } from '../../core/errors.ts';
import type { PcmFormat } from '../encode/audio-encoder.ts';

const PCM = 1;
const EXTENSIBLE = 0xfffe;
/** Where WAVE_FORMAT_EXTENSIBLE keeps the real format's number: the first two bytes of its GUID. */
const SUBFORMAT_AT = 24;

const unreadable = (why: string): AppError => new AppError('ARTEFACT_UNREADABLE', `the wav ${why}`);

/** @throws AppError ARTEFACT_UNREADABLE when it is not 16-bit PCM of one or two channels. */
export const readWavFormat = (fmt: Buffer): PcmFormat => {
  const head = Buffer.alloc(20);
  head.write('RIFF', 0, 'latin1');
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(fmt.length, 16);
  let format: Format | undefined;
  const reader = new wav.Reader();
  reader.on('format', (said: Format) => {
    format = said;
  });
  // Synchronous: the parser calls back from within write().
  reader.write(Buffer.concat([head, fmt]));
  if (format === undefined) throw unreadable('has a format chunk that can not be read');

  const { channels, sampleRate, bitDepth } = format;
  const subformat = fmt.length >= SUBFORMAT_AT + 2 ? fmt.readUInt16LE(SUBFORMAT_AT) : undefined;
  const audioFormat = format.audioFormat === EXTENSIBLE ? subformat : format.audioFormat;
  if (audioFormat !== PCM || bitDepth !== 16) {
    throw unreadable(`holds format ${audioFormat} of ${bitDepth} bits; 16-bit PCM is read`);
  }
  if (channels !== 1 && channels !== 2) throw unreadable(`has ${channels} channels; one and two are read`);
  if (sampleRate === 0) throw unreadable('has no sample rate');
  return { sampleRate, channels };
};
