import { describe, expect, test } from 'vitest';
import { PcapngParser } from '../../../src/ingest/capture/pcapng-parser.ts';
import { type PcapngOptions, type PcapngPacket, pcapngBlock, pcapngFile } from '../../support/pcap-file.ts';

type Seen = { data: string; atUs: number; linkType: number; cut: boolean };

const parse = (file: Buffer, pieceBytes = file.length) => {
  const seen: Seen[] = [];
  const parser = PcapngParser.for(file, (bytes, start, end, atUs, linkType, cut) =>
    seen.push({ data: bytes.toString('latin1', start, end), atUs, linkType, cut }),
  );
  if (!parser) return undefined;
  for (let at = 0; at < file.length; at += pieceBytes) parser.push(file.subarray(at, at + pieceBytes));
  const { ending, opened, packets, untimed } = parser;
  return { seen, ending, opened, packets, untimed };
};

const atUs = 1_700_000_000_123_456;
const say = (text: string, more: Partial<PcapngPacket> = {}): PcapngPacket => ({
  atUs,
  data: Buffer.from(text),
  ...more,
});

describe('PcapngParser', () => {
  for (const bigEndian of [false, true]) {
    const order = bigEndian ? 'big-endian' : 'little-endian';

    test(`${order}: interfaces with link types and clocks of their own`, () => {
      const file = pcapngFile(
        [
          say('µs by default', { interfaceId: 0 }),
          say('ns', { interfaceId: 1, atUs: atUs + 0.5 }),
          say('ms', { interfaceId: 2, atUs: 1_700_000_000_123_000 }),
          say('s', { interfaceId: 3, atUs: 1_700_000_000_000_000 }),
          say('2^-20 s', { interfaceId: 4, atUs: 1_700_000_000_500_000 }),
          say('offset', { interfaceId: 5, originalLength: 5000 }),
          say('ns with a negative offset', { interfaceId: 6, atUs: 5_000_000.25 }),
        ],
        {
          bigEndian,
          interfaces: [
            { linkType: 1 },
            { linkType: 113, tsresol: 9 },
            { linkType: 101, tsresol: 3 },
            { linkType: 0, tsresol: 0 },
            { linkType: 276, tsresol: 0x80 | 20 },
            { linkType: 12, tsoffset: 1_600_000_000, snaplen: 96 },
            { linkType: 108, tsresol: 9, tsoffset: -3600 },
          ],
        },
      );
      const { seen, ...rest } = parse(file)!;
      expect(rest).toEqual({ ending: { kind: 'whole' }, opened: true, packets: 7, untimed: 0 });
      expect(seen.map(({ linkType, atUs: time, cut }) => [linkType, time, cut])).toEqual([
        [1, atUs, false],
        [113, atUs + 0.5, false],
        [101, 1_700_000_000_123_000, false],
        [0, 1_700_000_000_000_000, false],
        [276, 1_700_000_000_500_000, false],
        [12, atUs, true],
        [108, 5_000_000.25, false],
      ]);
      expect(parse(file, 1)).toEqual(parse(file));
      expect(parse(file, 13)).toEqual(parse(file));
    });

    test(`${order}: enhanced, simple and obsolete blocks, padded or not`, () => {
      const options: PcapngOptions = { bigEndian, interfaces: [{ linkType: 101, snaplen: 6 }, { linkType: 113 }] };
      const file = pcapngFile(
        [
          say('epb', { interfaceId: 1 }),
          say('simple', { block: 'spb', originalLength: 60 }),
          say('four', { block: 'spb' }),
          say('obsolete', { block: 'pb', interfaceId: 1, atUs: atUs + 7, originalLength: 9 }),
          say('', { atUs: atUs + 8 }),
        ],
        options,
      );
      const { seen, untimed, ending } = parse(file)!;
      expect(ending).toEqual({ kind: 'whole' });
      expect(untimed).toBe(2);
      expect(seen).toEqual([
        { data: 'epb', atUs, linkType: 113, cut: false },
        { data: 'simple', atUs, linkType: 101, cut: true },
        { data: 'four', atUs, linkType: 101, cut: false },
        { data: 'obsolete', atUs: atUs + 7, linkType: 113, cut: true },
        { data: '', atUs: atUs + 8, linkType: 101, cut: false },
      ]);
      expect(parse(file, 1)).toEqual(parse(file));
    });

    test(`${order}: blocks that mean nothing to us are skipped`, () => {
      const extraBlocks = [
        pcapngBlock(4, Buffer.from('names of hosts'), bigEndian),
        pcapngBlock(5, Buffer.alloc(12), bigEndian),
        pcapngBlock(0x0bad, Buffer.alloc(0), bigEndian),
        pcapngBlock(0x8000_0001, Buffer.alloc(3_000_000, 'k'), bigEndian),
      ];
      const file = pcapngFile([say('behind them')], { bigEndian, extraBlocks });
      expect(parse(file)!.seen.map(({ data }) => data)).toEqual(['behind them']);
      expect(parse(file, 4096)).toEqual(parse(file));
    });
  }

  test('sections may change the byte order, and forget the interfaces before them', () => {
    const little = pcapngFile([say('a', { interfaceId: 1 })], { interfaces: [{ linkType: 1 }, { linkType: 113 }] });
    const big = pcapngFile([say('b')], { bigEndian: true, interfaces: [{ linkType: 101, tsresol: 9 }] });
    const stale = pcapngFile([say('c', { interfaceId: 1 })], { interfaces: [{}] });
    const { seen, ending } = parse(Buffer.concat([little, big, little, stale]))!;
    expect(seen.map(({ data, linkType }) => [data, linkType])).toEqual([
      ['a', 113],
      ['b', 101],
      ['a', 113],
    ]);
    expect(ending).toMatchObject({ kind: 'damaged', what: 'a packet of interface 1, which is not described' });
  });

  test('nanoseconds of our days are kept to a quarter of a microsecond', () => {
    for (let ns = 0n; ns < 4_000_000_000n; ns += 12_345_679n) {
      const exact = 1_700_000_000_000_000_000n + ns;
      const file = pcapngFile([say('x')], { interfaces: [{ tsresol: 9 }] });
      const packet = file.length - 36;
      file.writeUInt32LE(Number(exact >> 32n), packet + 12);
      file.writeUInt32LE(Number(exact & 0xffffffffn), packet + 16);
      const error = parse(file)!.seen[0]!.atUs - 1_700_000_000_000_000 - Number(ns) / 1000;
      expect(Math.abs(error)).toBeLessThanOrEqual(0.126);
    }
  });

  for (const tsresol of [6, 9, 0x80 | 30]) {
    test(`one interface's clock runs on for hours, resolution ${tsresol}`, () => {
      const times = Array.from({ length: 200 }, (_, index) => atUs + 44 + index * 61_000_000);
      const back = [...times, times[3]!, times[100]!];
      const file = pcapngFile(
        back.map((time) => say('x', { atUs: time })),
        { interfaces: [{ tsresol }] },
      );
      for (const [index, { atUs: time }] of parse(file)!.seen.entries()) {
        expect(Math.abs(time - back[index]!)).toBeLessThanOrEqual(0.25);
      }
    });
  }

  test('more interfaces than anyone has are damage', () => {
    const interfaces = Array.from({ length: 65_537 }, () => ({}));
    expect(parse(pcapngFile([], { interfaces }))!.ending).toEqual({
      kind: 'damaged',
      atByte: 28 + 65_536 * 20,
      what: 'more than 65536 interfaces',
    });
  });

  test('an option whose value the block has no room for is not read', () => {
    const body = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 14, 0, 8, 0, 1, 1, 1, 1]);
    const file = pcapngFile([say('x')], { interfaces: [], extraBlocks: [pcapngBlock(1, body)] });
    expect(parse(file)).toMatchObject({ seen: [{ atUs, linkType: 1 }], ending: { kind: 'whole' } });
  });

  test('strange options: resolutions out of all proportion, options that reach past the block', () => {
    for (const tsresol of [19, 127, 0x80 | 63, 0xff]) {
      const file = pcapngFile([say('x', { atUs: 0 })], { interfaces: [{ tsresol }] });
      expect(parse(file)!.seen[0]!.atUs).toBe(0);
    }
    const file = pcapngFile([say('x')], { interfaces: [{ tsresol: 9 }] });
    file.writeUInt16LE(60_000, 28 + 18);
    expect(parse(file)).toMatchObject({ packets: 1, ending: { kind: 'whole' } });
  });

  const good = pcapngFile([say('one'), say('two')]);
  const section = pcapngFile([], { interfaces: [] });
  const edited = (change: (file: Buffer) => void): Buffer => {
    const file = Buffer.from(good);
    change(file);
    return file;
  };
  const secondPacket = good.length - 36;
  for (const c of [
    {
      name: 'a block shorter than its frame',
      file: edited((file) => file.writeUInt32LE(8, secondPacket + 4)),
      what: 'a block of 8 bytes',
    },
    {
      name: 'a block that isn’t a multiple of 4',
      file: edited((file) => file.writeUInt32LE(37, secondPacket + 4)),
      what: 'a block of 37 bytes',
    },
    {
      name: 'a packet block too short for a packet',
      file: edited((file) => file.writeUInt32LE(28, secondPacket + 4)),
      what: 'a block of 28 bytes',
    },
    {
      name: 'a packet block of 3 GB',
      file: edited((file) => file.writeUInt32LE(0xc0000000, secondPacket + 4)),
      what: 'a block of 3221225472 bytes',
    },
    {
      name: 'an unknown block of 3 GB',
      file: edited((file) => {
        file.writeUInt32LE(77, secondPacket);
        file.writeUInt32LE(0xc0000000, secondPacket + 4);
      }),
      what: 'a block of 3221225472 bytes',
    },
    {
      name: 'two lengths that differ',
      file: edited((file) => file.writeUInt32LE(40, file.length - 4)),
      what: 'a block whose two lengths differ',
    },
    {
      name: 'a packet longer than its block',
      file: edited((file) => file.writeUInt32LE(5, secondPacket + 20)),
      what: 'a packet of 5 bytes in a block of 36',
    },
    {
      name: 'an interface nobody described',
      file: edited((file) => file.writeUInt32LE(9, secondPacket + 8)),
      what: 'a packet of interface 9, which is not described',
    },
    {
      name: 'zeros at the end',
      file: Buffer.concat([good, Buffer.alloc(64)]),
      atByte: good.length,
      what: 'a block of 0 bytes',
    },
    {
      name: 'a section of another version',
      file: Buffer.concat([good, edited((file) => file.writeUInt16LE(2, 12))]),
      atByte: good.length,
      what: 'version 2 of pcapng, where only 1 is known',
    },
    {
      name: 'a section without byte order',
      file: Buffer.concat([good, edited((file) => file.writeUInt32LE(1, 8))]),
      atByte: good.length,
      what: 'a section without its byte-order magic',
    },
    {
      name: 'a simple packet and no interface',
      file: Buffer.concat([section, pcapngBlock(3, Buffer.alloc(8))]),
      atByte: section.length,
      what: 'a packet before any interface was described',
    },
    {
      name: 'a simple packet longer than its block',
      file: Buffer.concat([good, pcapngBlock(3, Buffer.from([9, 0, 0, 0, 1, 2, 3, 4]))]),
      atByte: good.length,
      what: 'a packet of 9 bytes in a block of 20',
    },
  ]) {
    test(`${c.name}: stops there and says where`, () => {
      expect(parse(c.file)!.ending).toEqual({ kind: 'damaged', atByte: c.atByte ?? secondPacket, what: c.what });
      expect(parse(c.file, 1)).toEqual(parse(c.file));
    });
  }

  test('cut at every byte, the whole packets before it are there and the cut block’s place is told', () => {
    const ends = [0, 28, 48, 48 + 36, good.length];
    for (let length = 4; length < good.length; length++) {
      const { seen, ending, opened } = parse(good.subarray(0, length))!;
      const border = ends.findLast((end) => end <= length)!;
      expect(seen).toHaveLength(Math.max(0, ends.indexOf(border) - 2));
      expect(opened).toBe(length >= 28);
      expect(ending).toEqual(border === length ? { kind: 'whole' } : { kind: 'cut', atByte: border });
    }
  });
});
