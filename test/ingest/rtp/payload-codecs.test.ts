import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { PayloadCodecs } from '../../../src/ingest/rtp/payload-codecs.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import { formatWireCodec } from '../../../src/media/wire-codec.ts';

const shown = (payloads: PayloadCodecs, payloadType: number): string | undefined => {
  const codec = payloads.codecOf(payloadType);
  return codec && formatWireCodec(codec);
};

describe('payload types', () => {
  const STATIC = PayloadCodecs.of();
  for (const [payloadType, expected] of [
    [0, 'PCMU/8000'],
    [3, 'GSM/8000'],
    [4, 'G723/8000'],
    [8, 'PCMA/8000'],
    [9, 'G722/8000'],
    [10, 'L16/44100/2'],
    [11, 'L16/44100'],
    [13, 'CN/8000'],
    [18, 'G729/8000'],
    [19, 'CN/8000'],
    [101, 'TELEPHONE-EVENT/8000'],
    [7, undefined], // LPC: nothing decodes it.
    [34, undefined],
    [96, undefined],
    [127, undefined],
  ] as const) {
    test(`${payloadType} is ${expected ?? 'unknown'} when nobody says otherwise`, () =>
      expect(shown(STATIC, payloadType)).toBe(expected));
  }

  test('are all codecs that the registry knows', () => {
    const known = Array.from({ length: 128 }, (_, payloadType) => STATIC.codecOf(payloadType)).filter((codec) => codec);
    expect(known.length).toBeGreaterThan(12);
    for (const codec of known) expect(codecFor(codec!)).toBeDefined();
  });

  for (const { name, map, payloadType, expected } of [
    { name: 'a dynamic type', map: { 96: 'opus/48000/2' }, payloadType: 96, expected: 'OPUS/48000/2' },
    { name: 'a static type meant otherwise', map: { 10: 'L16/8000' }, payloadType: 10, expected: 'L16/8000' },
    { name: '101 meant otherwise', map: { 101: 'PCMA/8000' }, payloadType: 101, expected: 'PCMA/8000' },
    {
      name: '101 beside another telephone-event',
      map: { 96: 'telephone-event/48000' },
      payloadType: 101,
      expected: 'TELEPHONE-EVENT/8000',
    },
    { name: 'G722 written with its audio rate', map: { 99: 'G722/16000' }, payloadType: 99, expected: 'G722/8000' },
    { name: 'what is not mapped', map: { 96: 'opus/48000/2' }, payloadType: 0, expected: 'PCMU/8000' },
  ]) {
    test(`${name}: ${expected}`, () => expect(shown(PayloadCodecs.of(map), payloadType)).toBe(expected));
  }

  test('are one object for each type, also between two looks', () => {
    const payloads = PayloadCodecs.of({ 96: 'opus/48000/2' });
    for (const payloadType of [0, 13, 96, 101]) {
      expect(payloads.codecOf(payloadType)).toBe(payloads.codecOf(payloadType));
    }
    expect(payloads.codecOf(0)).toBe(STATIC.codecOf(0));
  });

  test('keep their objects where a new announcement says the same, and only there', () => {
    const before = PayloadCodecs.of({ 96: 'opus/48000/2', 97: 'L16/16000' });
    const after = PayloadCodecs.of({ 96: 'opus/48000/2', 97: 'L16/8000' }).keeping(before);
    expect(after.codecOf(96)).toBe(before.codecOf(96));
    expect(shown(after, 97)).toBe('L16/8000');
    expect(PayloadCodecs.of().keeping(before).codecOf(96)).toBeUndefined();
  });

  test('an offer that describes a type as something unknown takes away its static meaning', () => {
    const foo = { name: 'FOO', clockRate: 8000, channels: 1 };
    const payloads = PayloadCodecs.ofOffer(
      new Map([
        [101, foo],
        [0, undefined],
      ]),
    );
    expect([shown(payloads, 101), shown(payloads, 0), shown(payloads, 8)]).toEqual([undefined, undefined, 'PCMA/8000']);
  });
});

describe('a map of payload types is refused', () => {
  for (const [key, rtpmap] of [
    ['128', 'PCMU/8000'],
    ['-1', 'PCMU/8000'],
    ['1.5', 'PCMU/8000'],
    ['007', 'PCMU/8000'],
    ['', 'PCMU/8000'],
    ['x', 'PCMU/8000'],
    ['72', 'PCMU/8000'], // With its marker bit it would be RTCP.
    ['96', 'PCMU'],
    ['96', 'PCMU/'],
    ['96', 'PCMU/8000/0'],
    ['96', 'PCMU/8000/256'],
    ['96', 'PCMU/8000/1/1'],
    ['96', 'PCMU/96000'],
    ['96', 'PCMU /8000'],
    ['96', 'H264/90000'],
    ['96', ''],
    ['96', `${'A'.repeat(10_000)}/8000`],
    ['96', 'PCMU/8000\r\na=x'],
    ['96', 8000 as unknown as string],
    ['96', null as unknown as string],
  ] as const) {
    test(`${key}: ${JSON.stringify(rtpmap).slice(0, 40)}`, () => {
      const thrown = faultOf(() => PayloadCodecs.of({ [key]: rtpmap }, ['media', 'codecs', 'a']));
      expect(thrown.code).toBe('FIELDS_INVALID');
      expect(Object.keys(thrown.details as object)).toEqual([`media.codecs.a.${key.replaceAll('.', '%2E')}`]);
      expect(thrown.message.length).toBeLessThan(300);
      expect(thrown.message).not.toMatch(/[\r\n]/);
    });
  }

  test('with every fault at once', () => {
    const thrown = faultOf(() => PayloadCodecs.of({ 96: 'x', 97: 'opus/48000/2', 200: 'PCMU/8000' }));
    expect(Object.keys(thrown.details as object)).toEqual(['media.codecs.96', 'media.codecs.200']);
  });
});

const faultOf = (work: () => unknown): AppError => {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};
