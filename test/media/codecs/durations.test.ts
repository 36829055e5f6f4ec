import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';

const bytes = (length: number, ...first: number[]): Uint8Array => {
  const payload = new Uint8Array(length);
  payload.set(first.slice(0, length));
  return payload;
};

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

/** `NAME/clock[/channels] [fmtp]`, as an rtpmap and its fmtp read. */
const wire = (text: string): WireCodec => {
  const [map, fmtp] = text.split(' ');
  const [name, clockRate, channels] = map.split('/');
  return {
    name,
    clockRate: Number(clockRate),
    channels: Number(channels ?? 1),
    ...(fmtp === undefined ? {} : { fmtp }),
  };
};

const ticksOf = (text: string, payload: Uint8Array): number => codecFor(wire(text))!.duration(payload);

describe('ticks by length', () => {
  test.each([
    { codec: 'PCMU/8000', length: 160, ticks: 160 },
    { codec: 'PCMU/8000', length: 0, ticks: 0 },
    { codec: 'PCMA/8000/2', length: 321, ticks: 160 },
    { codec: 'L16/8000', length: 320, ticks: 160 },
    { codec: 'L16/44100/2', length: 882 * 4, ticks: 882 },
    { codec: 'L16/16000', length: 641, ticks: 320 },
    { codec: 'G722/8000', length: 160, ticks: 160 },
    { codec: 'G722/16000', length: 160, ticks: 320 },
    { codec: 'G729/8000', length: 20, ticks: 160 },
    { codec: 'G729/8000', length: 10, ticks: 80 },
    { codec: 'G729/8000', length: 2, ticks: 80 },
    { codec: 'G729/8000', length: 22, ticks: 240 },
    { codec: 'G729/8000', length: 9, ticks: 0 },
    { codec: 'GSM/8000', length: 33, ticks: 160 },
    { codec: 'GSM/8000', length: 66, ticks: 320 },
    { codec: 'GSM/8000', length: 32, ticks: 0 },
    { codec: 'ILBC/8000', length: 50, ticks: 240 },
    { codec: 'ILBC/8000', length: 38, ticks: 160 },
    { codec: 'ILBC/8000 mode=20', length: 76, ticks: 320 },
    { codec: 'ILBC/8000 mode=30', length: 100, ticks: 480 },
    { codec: 'ILBC/8000 mode=20', length: 50, ticks: 240 },
    { codec: 'ILBC/8000 mode=20', length: 1900, ticks: 8000 },
    { codec: 'ILBC/8000 mode=30', length: 1900, ticks: 9120 },
    { codec: 'ILBC/8000', length: 39, ticks: 0 },
    { codec: 'G726-16/8000', length: 40, ticks: 160 },
    { codec: 'G726-24/8000', length: 60, ticks: 160 },
    { codec: 'G726-32/8000', length: 80, ticks: 160 },
    { codec: 'G726-40/8000', length: 100, ticks: 160 },
    { codec: 'AAL2-G726-32/8000', length: 80, ticks: 160 },
    { codec: 'DVI4/8000', length: 84, ticks: 160 },
    { codec: 'DVI4/16000', length: 164, ticks: 320 },
    { codec: 'DVI4/8000', length: 3, ticks: 0 },
    { codec: 'G728/8000', length: 40, ticks: 160 },
    { codec: 'TELEPHONE-EVENT/8000', length: 4, ticks: 0 },
    { codec: 'TELEPHONE-EVENT/48000', length: 4, ticks: 0 },
    { codec: 'CN/8000', length: 11, ticks: 0 },
  ])('$length bytes of $codec are $ticks', ({ codec, length, ticks }) => {
    expect(ticksOf(codec, bytes(length, 0x55, 0x55))).toBe(ticks);
  });
});

describe('G723: frames by their first two bits', () => {
  test.each([
    { name: '6.3 kbit/s', payload: bytes(24, 0), ticks: 240 },
    { name: '5.3 kbit/s', payload: bytes(20, 1), ticks: 240 },
    { name: 'silence description', payload: bytes(4, 2), ticks: 240 },
    { name: 'speech, then silence', payload: Uint8Array.of(...bytes(24, 0), ...bytes(4, 2)), ticks: 480 },
    { name: 'a cut frame does not count', payload: bytes(23, 0), ticks: 0 },
    { name: 'a whole one before a cut one does', payload: bytes(30, 0), ticks: 240 },
    { name: 'reserved', payload: bytes(24, 3), ticks: 0 },
  ])('$name', ({ payload, ticks }) => expect(ticksOf('G723/8000', payload)).toBe(ticks));
});

describe('QCELP: frames by their rate byte', () => {
  test.each([
    { name: 'full', payload: bytes(36, 0, 4), ticks: 160 },
    { name: 'half', payload: bytes(18, 0, 3), ticks: 160 },
    { name: 'quarter and eighth', payload: Uint8Array.of(0, ...bytes(8, 2), ...bytes(4, 1)), ticks: 320 },
    { name: 'blank and erasure', payload: Uint8Array.of(0, 0, 14), ticks: 320 },
    { name: 'cut', payload: bytes(35, 0, 4), ticks: 0 },
    { name: 'reserved rate', payload: bytes(36, 0, 9), ticks: 0 },
  ])('$name', ({ payload, ticks }) => expect(ticksOf('QCELP/8000', payload)).toBe(ticks));
});

/** Bits as text, spaces between fields, padded with zeros to `length` bytes. */
const packed = (bits: string, length: number): Uint8Array => {
  const flat = bits.replaceAll(' ', '').padEnd(8 * length, '0');
  return Uint8Array.from({ length }, (_, i) => Number.parseInt(flat.slice(8 * i, 8 * i + 8), 2));
};

describe('AMR and AMR-WB: frames in the table of contents', () => {
  test.each([
    // Bandwidth-efficient: 4 bits of mode request, 6 per entry, then the speech; sizes from RFC 4867 §4.3.
    { name: '12.2 kbit/s', codec: 'AMR/8000', payload: packed('1111 0 0111 1', 32), ticks: 160 },
    { name: '12.2 kbit/s, one byte short', codec: 'AMR/8000', payload: packed('1111 0 0111 1', 31), ticks: 0 },
    { name: '4.75 kbit/s', codec: 'AMR/8000', payload: packed('1111 0 0000 1', 14), ticks: 160 },
    { name: 'silence description', codec: 'AMR/8000', payload: packed('1111 0 1000 1', 7), ticks: 160 },
    { name: 'no data', codec: 'AMR/8000', payload: packed('1111 0 1111 1', 2), ticks: 160 },
    { name: 'two frames', codec: 'AMR/8000', payload: packed('1111 1 0000 1 0 1000 1', 19), ticks: 320 },
    { name: 'a reserved type', codec: 'AMR/8000', payload: packed('1111 0 1100 1', 32), ticks: 0 },
    { name: 'a list without an end', codec: 'AMR/8000', payload: packed('1111 1 1111 1 1 1111 1', 2), ticks: 0 },
    { name: 'wideband 23.85 kbit/s', codec: 'AMR-WB/16000', payload: packed('1111 0 1000 1', 61), ticks: 320 },
    { name: 'wideband silence', codec: 'AMR-WB/16000', payload: packed('1111 0 1001 1', 7), ticks: 320 },
    { name: 'wideband speech lost', codec: 'AMR-WB/16000', payload: packed('1111 0 1110 1', 2), ticks: 320 },
    // Octet-aligned: a byte of mode request, one per entry, speech in whole bytes.
    { name: 'aligned', codec: 'AMR/8000 octet-align=1', payload: packed('11110000 00111100', 33), ticks: 160 },
    { name: 'aligned, short', codec: 'AMR/8000 octet-align=1', payload: packed('11110000 00111100', 32), ticks: 0 },
    {
      name: 'aligned, two',
      codec: 'AMR/8000 octet-align=1',
      payload: packed('11110000 10111100 00111100', 65),
      ticks: 320,
    },
    { name: 'with CRC', codec: 'AMR/8000 octet-align=1;crc=1', payload: packed('11110000 00111100', 34), ticks: 160 },
    {
      name: 'with CRC, short',
      codec: 'AMR/8000 octet-align=1;crc=1',
      payload: packed('11110000 00111100', 33),
      ticks: 0,
    },
    {
      name: 'interleaved',
      codec: 'AMR/8000 interleaving=30',
      payload: packed('11110000 00000000 00111100', 34),
      ticks: 160,
    },
    {
      name: 'two channels',
      codec: 'AMR/8000/2 octet-align=1',
      payload: packed('11110000 10111100 00111100', 65),
      ticks: 160,
    },
    {
      name: 'aligned wideband',
      codec: 'AMR-WB/16000 octet-align=1',
      payload: packed('11110000 01000100', 62),
      ticks: 320,
    },
    { name: 'empty', codec: 'AMR/8000', payload: new Uint8Array(0), ticks: 0 },
    { name: 'aligned, empty', codec: 'AMR/8000 octet-align=1', payload: new Uint8Array(0), ticks: 0 },
  ])('$name', ({ codec, payload, ticks }) => expect(ticksOf(codec, payload)).toBe(ticks));
});

describe('SPEEX: frames by their own bits', () => {
  test.each([
    { codec: 'SPEEX/8000', file: 'speex-narrow-two-frames.bin', ticks: 320 },
    { codec: 'SPEEX/8000', file: 'speex-narrow-three-frames.bin', ticks: 480 },
    { codec: 'SPEEX/16000', file: 'speex-wide-three-frames.bin', ticks: 960 },
    { codec: 'SPEEX/32000', file: 'speex-ultrawide-one-frame.bin', ticks: 640 },
  ])('$file is $ticks', ({ codec, file, ticks }) => expect(ticksOf(codec, fixture(file))).toBe(ticks));

  test.each([
    { name: 'a silent frame and the terminator', payload: packed('0 0000 0 1111', 2), ticks: 160 },
    { name: 'a message in between', payload: packed('0 1110 0000 1 0 0000 0 1111', 3), ticks: 160 },
    { name: 'a cut frame does not count', payload: packed('0 0101', 30), ticks: 0 },
    { name: 'nothing', payload: new Uint8Array(0), ticks: 0 },
    { name: 'an undefined mode', payload: packed('0 1100', 40), ticks: 0 },
  ])('$name', ({ payload, ticks }) => expect(ticksOf('SPEEX/8000', payload)).toBe(ticks));
});
