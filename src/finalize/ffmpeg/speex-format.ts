/**
 * SPEEX from RTP (RFC 5574) to Ogg, the only way into ffmpeg for it. The head says how many frames each packet has, so
 * the first packet decides; a packet with another number of them is silence.
 */
import type { WireCodec } from '../../media/wire-codec.ts';
import type { ForeignFormat } from './foreign-format.ts';
import { OGG_FIRST_PAGE, oggPage } from './ogg-page.ts';

const HEAD_BYTES = 80;
const BITSTREAM_VERSION = 4;
const BITRATE_UNKNOWN = -1;
/** 200 ms: nobody sends longer packets, and ffmpeg takes no head that says much more. */
const MOST_FRAMES = 10;
const COMMENT_VENDOR = 'record-call';

/** Narrow, wide and ultra-wide band by the clock; there are no others. */
const RATES: readonly number[] = [8000, 16_000, 32_000];

export const speex = (wire: WireCodec): ForeignFormat | undefined => {
  const mode = RATES.indexOf(wire.clockRate);
  if (mode < 0 || wire.channels > 1) return undefined;
  let packetSamples: number | undefined;
  let sequence = 2; // Two pages of head come before.
  let granule = 0;
  return {
    decoders: ['speex', 'libspeex'],
    inputOptions: ['-f', 'ogg'],
    preamble: () =>
      Buffer.concat([oggPage(head(mode, packetSamples ?? 0), 0, 0, OGG_FIRST_PAGE), oggPage(comment(), 1, 0)]),
    units: (payload, samples) => {
      if (samples === 0 || samples > MOST_FRAMES * (wire.clockRate / 50)) return [{ bytes: undefined, samples }];
      packetSamples ??= samples;
      if (samples !== packetSamples) return [{ bytes: undefined, samples }];
      granule += samples;
      return [{ bytes: oggPage(payload, sequence++, granule), samples }];
    },
  };
};

/** The Speex manual, table 7.1: all numbers are 32 bits, low byte first. */
const head = (mode: number, packetSamples: number): Uint8Array => {
  const frameSamples = RATES[mode]! / 50;
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.write('Speex   1.2', 0, 'latin1');
  const fields = [1, HEAD_BYTES, RATES[mode]!, mode, BITSTREAM_VERSION, 1, BITRATE_UNKNOWN, frameSamples];
  const variableRate = 1;
  [...fields, variableRate, packetSamples / frameSamples].forEach((value, index) => {
    bytes.writeInt32LE(value, 28 + 4 * index);
  });
  return bytes;
};

/** A vendor's name and no comments. */
const comment = (): Uint8Array => {
  const bytes = Buffer.alloc(8 + COMMENT_VENDOR.length);
  bytes.writeUInt32LE(COMMENT_VENDOR.length, 0);
  bytes.write(COMMENT_VENDOR, 4, 'latin1');
  return bytes;
};
