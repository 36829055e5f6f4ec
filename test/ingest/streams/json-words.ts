/** Pieces of conversations in JSON for the tests of cloud voice servers. */
import type { StreamPlace, StreamTrack } from '../../../src/ingest/streams/stream-dialect.ts';
import type { Told } from './told.ts';

export const said = (message: object): string => JSON.stringify(message);

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Each byte different from its neighbours, and from run to run the same. */
export const audioBytes = (length: number, first = 1): Buffer =>
  Buffer.from(Array.from({ length }, (_, at) => (first + at * 7) & 0xff));

export const audio = (track: StreamTrack, bytes: Buffer, place?: StreamPlace): Told => ({
  kind: 'audio',
  track,
  bytes,
  ...(place === undefined ? {} : { place }),
});

export const digit = (track: StreamTrack, key: string): Told => ({ kind: 'digit', track, digit: key });

export const end = (reason: string): Told => ({ kind: 'end', reason });
