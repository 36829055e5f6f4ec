import { describe, expect, test } from 'vitest';
import { PcapParser } from '../../../src/ingest/capture/pcap-parser.ts';
import { type CapturedPacket, pcapFile } from '../../support/pcap-file.ts';

type Seen = { data: string; atUs: number; linkType: number; cut: boolean };

const parse = (file: Buffer, pieceBytes = file.length) => {
  const seen: Seen[] = [];
  const parser = PcapParser.for(file, (bytes, start, end, atUs, linkType, cut) =>
    seen.push({ data: bytes.toString('latin1', start, end), atUs, linkType, cut }),
  );
  if (!parser) return undefined;
  for (let at = 0; at < file.length; at += pieceBytes) parser.push(file.subarray(at, at + pieceBytes));
  return { seen, ending: parser.ending, opened: parser.opened, packets: parser.packets };
};

const packets: CapturedPacket[] = [
  { atUs: 1_700_000_000_123_456, data: Buffer.from('first') },
  { atUs: 1_700_000_000_999_999.5, data: Buffer.from('second'), originalLength: 99 },
  { atUs: 0, data: Buffer.alloc(0), originalLength: 60 },
  { atUs: 4_294_967_295_999_999, data: Buffer.from('the last second of 32 bits') },
];

describe('PcapParser', () => {
  for (const bigEndian of [false, true]) {
    for (const kind of ['microsecond', 'nanosecond', 'modified'] as const) {
      const order = bigEndian ? 'big-endian' : 'little-endian';
      test(`${kind}, ${order}: packets, times, lengths and link type`, () => {
        const options = { bigEndian, nanosecond: kind === 'nanosecond', modified: kind === 'modified', linkType: 113 };
        const file = pcapFile(packets, options);
        const expected = packets.map(({ atUs, data, originalLength = 0 }) => ({
          data: data.toString('latin1'),
          atUs: kind === 'nanosecond' ? atUs : Math.floor(atUs),
          linkType: 113,
          cut: originalLength > data.length,
        }));
        expect(parse(file)).toEqual({ seen: expected, ending: { kind: 'whole' }, opened: true, packets: 4 });
        expect(parse(file, 1)).toEqual(parse(file));
        expect(parse(file, 7)).toEqual(parse(file));
      });
    }
  }

  test('nanoseconds are kept as far as a double can: a quarter of a microsecond', () => {
    for (const ns of [1, 250, 500, 750, 999_999_999]) {
      const file = pcapFile([{ atUs: 0, data: Buffer.from('x') }], { nanosecond: true });
      file.writeUInt32LE(1_700_000_000, 24);
      file.writeUInt32LE(ns, 28);
      const error = parse(file)!.seen[0]!.atUs - 1_700_000_000_000_000 - ns / 1000;
      expect(Math.abs(error)).toBeLessThanOrEqual(0.126);
    }
    const early = pcapFile([{ atUs: 1.001, data: Buffer.from('x') }], { nanosecond: true });
    expect(parse(early)!.seen[0]!.atUs).toBe(1.001);
  });

  test('other first bytes are no pcap', () => {
    expect(parse(Buffer.from('a text, long enough for a header'))).toBeUndefined();
    expect(parse(Buffer.alloc(24))).toBeUndefined();
  });

  test('bits above the link type are about check sequences and don’t change it', () => {
    const file = pcapFile(packets, { linkType: 0x2400_0001 });
    expect(parse(file)!.seen[0]!.linkType).toBe(1);
  });

  test('a header alone is a whole capture of no packets', () => {
    expect(parse(pcapFile([]))).toEqual({ seen: [], ending: { kind: 'whole' }, opened: true, packets: 0 });
  });

  const good = pcapFile(packets.slice(0, 2));
  const record = (captured: number, wire = captured): Buffer => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(captured, 8);
    head.writeUInt32LE(wire, 12);
    return head;
  };
  const version = Buffer.from(good);
  version.writeUInt16LE(7, 4);

  for (const c of [
    { name: 'another version', file: version, packets: 0, atByte: 0, what: 'version 7 of pcap, where only 2 is known' },
    {
      name: 'a record of 4 GB',
      file: Buffer.concat([good, record(0xffffffff)]),
      packets: 2,
      what: 'a record of 4294967295 bytes',
    },
    {
      name: 'a record of 1 MiB and a byte',
      file: Buffer.concat([good, record((1 << 20) + 1)]),
      packets: 2,
      what: 'a record of 1048577 bytes',
    },
    {
      name: 'zeros at the end',
      file: Buffer.concat([good, Buffer.alloc(400)]),
      packets: 2,
      what: 'a record of no bytes',
    },
  ]) {
    test(`${c.name}: stops there and says where`, () => {
      const { ending, packets: whole } = parse(c.file)!;
      expect(whole).toBe(c.packets);
      expect(ending).toEqual({ kind: 'damaged', atByte: c.atByte ?? good.length, what: c.what });
      expect(parse(c.file, 1)).toEqual(parse(c.file));
    });
  }

  test('a record of exactly 1 MiB is read', () => {
    const file = Buffer.concat([good, record(1 << 20), Buffer.alloc(1 << 20, 'x')]);
    const { seen, ending } = parse(file, 4096)!;
    expect(seen[2]!.data).toHaveLength(1 << 20);
    expect(ending).toEqual({ kind: 'whole' });
  });

  test('a record that claims no length on the wire, and has bytes, is read', () => {
    const { packets: whole, ending } = parse(Buffer.concat([good, record(3, 0), Buffer.from('abc')]))!;
    expect(whole).toBe(3);
    expect(ending).toEqual({ kind: 'whole' });
  });

  test('cut at every byte, the whole packets before it are there and the cut one’s place is told', () => {
    const ends = [24, 24 + 16 + 5, good.length];
    for (let length = 4; length < good.length; length++) {
      const { seen, ending, opened } = parse(good.subarray(0, length))!;
      const whole = ends.filter((end) => end <= length).length - 1;
      expect(seen).toHaveLength(Math.max(0, whole));
      expect(opened).toBe(length >= 24);
      const atBorder = ends.includes(length);
      expect(ending).toEqual(atBorder ? { kind: 'whole' } : { kind: 'cut', atByte: whole < 0 ? 0 : ends[whole] });
    }
  });
});
