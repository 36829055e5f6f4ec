import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { CaptureDecoder } from '../../../src/ingest/capture/capture-decoder.ts';
import type { Datagram } from '../../../src/ingest/datagram.ts';
import {
  type CapturedPacket,
  LINK_TYPES,
  type Link,
  pcapFile,
  pcapngBlock,
  pcapngFile,
  tcpPacket,
  udpPacket,
} from '../../support/pcap-file.ts';

type Plain = Omit<Datagram, 'payload'> & { payload: string };
const plain = ({ payload, ...rest }: Datagram): Plain => ({ ...rest, payload: payload.toString('hex') });

const decode = (chunks: Iterable<Buffer>, sourceWarning?: string) => {
  const decoder = new CaptureDecoder('x.pcap');
  const found: Plain[] = [];
  for (const chunk of chunks) found.push(...decoder.push(chunk).map(plain));
  return { found, report: decoder.finish(sourceWarning) };
};

const pieces = (bytes: Buffer, pieceBytes: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
    Buffer.from(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)),
  );

/** The outcome as a value, so that two ways of reading can be compared, errors included. Any error but ours is a failure. */
const outcome = (chunks: Iterable<Buffer>) => {
  try {
    return decode(chunks);
  } catch (error) {
    if (error instanceof AppError && error.code === 'CAPTURE_UNREADABLE') return { error: error.message };
    throw error;
  }
};

const startUs = 1_700_000_000_000_000;
const ends = {
  v4: { source: '192.0.2.1', sourcePort: 4000, target: '198.51.100.2', targetPort: 5000 },
  v6: { source: '2001:db8::1', sourcePort: 4000, target: '2001:db8::2', targetPort: 5000 },
};

/** A datagram of each family, a SYN, and a TCP segment. */
const conversation = (link: Link): CapturedPacket[] =>
  [
    udpPacket({ ...ends.v4, payload: Buffer.from('four'), link }),
    udpPacket({ ...ends.v6, payload: Buffer.from('six'), link, extensions: ['hop-by-hop', 'fragment'] }),
    tcpPacket({ ...ends.v4, payload: Buffer.alloc(0), link, syn: true, sequence: 41 }),
    tcpPacket({ ...ends.v6, payload: Buffer.from('segment'), link, sequence: 42 }),
  ].map((data, index) => ({ atUs: startUs + index * 20_000, data }));

const heard: Plain[] = [
  { protocol: 'udp', ...ends.v4, payload: 'four' },
  { protocol: 'udp', ...ends.v6, payload: 'six' },
  { protocol: 'tcp', ...ends.v4, payload: '', tcpSequence: 42, tcpSyn: true },
  { protocol: 'tcp', ...ends.v6, payload: 'segment', tcpSequence: 42 },
].map((datagram, index) => ({
  atUs: startUs + index * 20_000,
  cut: false,
  tcpSequence: 0,
  tcpSyn: false,
  ...datagram,
  protocol: datagram.protocol as 'udp' | 'tcp',
  payload: Buffer.from(datagram.payload).toString('hex'),
}));

const FORMATS: Record<string, (packets: readonly CapturedPacket[], linkType: number, bigEndian: boolean) => Buffer> = {
  'pcap in µs': (packets, linkType, bigEndian) => pcapFile(packets, { linkType, bigEndian }),
  'pcap in ns': (packets, linkType, bigEndian) => pcapFile(packets, { linkType, bigEndian, nanosecond: true }),
  'modified pcap': (packets, linkType, bigEndian) => pcapFile(packets, { linkType, bigEndian, modified: true }),
  'pcapng in µs': (packets, linkType, bigEndian) => pcapngFile(packets, { bigEndian, interfaces: [{ linkType }] }),
  'pcapng in ns': (packets, linkType, bigEndian) =>
    pcapngFile(packets, { bigEndian, interfaces: [{ linkType, tsresol: 9, tsoffset: 1_000_000 }] }),
  'pcapng of obsolete blocks': (packets, linkType, bigEndian) =>
    pcapngFile(
      packets.map((packet) => ({ ...packet, block: 'pb' as const })),
      { bigEndian, interfaces: [{ linkType }] },
    ),
};

describe('CaptureDecoder: every format, link layer and byte order', () => {
  for (const [format, write] of Object.entries(FORMATS)) {
    for (const link of Object.keys(LINK_TYPES) as Link[]) {
      for (const bigEndian of [false, true]) {
        test(`${format}, ${link}, ${bigEndian ? 'big' : 'little'}-endian: whole and byte by byte`, () => {
          const file = write(conversation(link), LINK_TYPES[link], bigEndian);
          const expected = { found: heard, report: { packets: 4, datagrams: 4, cut: 0, warnings: [] } };
          expect(decode([file])).toEqual(expected);
          expect(decode(pieces(file, 1))).toEqual(expected);
        });
      }
    }
  }
});

describe('CaptureDecoder: what can’t be read', () => {
  const damagedFirst = Buffer.concat([pcapFile([]), Buffer.alloc(16, 0xff)]);
  const text = (start: string): Buffer => Buffer.concat([Buffer.from(start, 'hex'), Buffer.alloc(40, 0x20)]);
  for (const c of [
    {
      name: 'a text',
      bytes: Buffer.from('INVITE sip:bob@example.org SIP/2.0'),
      says: 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    },
    {
      name: 'zeros',
      bytes: Buffer.alloc(4096),
      says: 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    },
    {
      name: 'three bytes',
      bytes: pcapFile([]).subarray(0, 3),
      says: 'too short for a pcap or pcapng capture; capture it again',
    },
    {
      name: 'half a pcap header',
      bytes: pcapFile([]).subarray(0, 12),
      says: 'ends inside its file header; copy or capture it again',
    },
    {
      name: 'half a pcapng header',
      bytes: pcapngFile([]).subarray(0, 20),
      says: 'ends inside its file header; copy or capture it again',
    },
    {
      name: 'a pcap whose first record is impossible',
      bytes: damagedFirst,
      says: 'damaged at byte 24 (a record of 4294967295 bytes), before any packet; copy or capture it again',
    },
    {
      name: 'a pcapng whose first block is impossible',
      bytes: Buffer.concat([pcapngFile([], { interfaces: [] }), Buffer.alloc(12)]),
      says: 'damaged at byte 28 (a block of 0 bytes), before any packet; copy or capture it again',
    },
    { name: 'zstd', bytes: text('28b52ffd'), says: 'this is zstd data; unpack it first' },
    { name: 'xz', bytes: text('fd377a585a00'), says: 'this is xz data; unpack it first' },
    { name: 'bzip2', bytes: text('425a6839'), says: 'this is bzip2 data; unpack it first' },
    { name: 'zip', bytes: text('504b0304'), says: 'this is a zip archive; unpack it first' },
    { name: 'gzip in gzip', bytes: text('1f8b08'), says: 'this is gzip data inside gzip; unpack it first' },
    { name: 'snoop', bytes: text('736e6f6f7000'), says: 'this is a snoop capture; convert it with editcap -F pcapng' },
    { name: 'a WAV file', bytes: text('52494646'), says: 'this is a WAV or AVI file, not a capture' },
  ]) {
    test(`${c.name}: one line`, () => {
      expect(outcome([c.bytes])).toEqual({ error: `x.pcap: ${c.says}` });
      expect(outcome(pieces(c.bytes, 1))).toEqual({ error: `x.pcap: ${c.says}` });
    });
  }

  test('no bytes, and why there are none', () => {
    const why = 'the gzip data ends early, at byte 9 of the file';
    expect(() => decode([], why)).toThrow(`x.pcap: ${why}, before any packet; copy or capture it again`);
    expect(() => decode([pcapFile([]).subarray(0, 12)], why)).toThrow(`x.pcap: ${why}, before any packet`);
  });

  test('random bytes: an error of ours or none', () => {
    const magics = ['d4c3b2a1', 'a1b2c3d4', '4d3cb2a1', 'a1b23c4d', '34cdb2a1', '0a0d0d0a', ''];
    fc.assert(
      fc.property(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 400 }), (magic, bytes) => {
        const file = Buffer.concat([Buffer.from(magic, 'hex'), bytes]);
        expect(outcome(pieces(file, 3))).toEqual(outcome([file]));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('CaptureDecoder: damage and cuts', () => {
  const files = {
    pcap: pcapFile(conversation('ethernet'), { bigEndian: true }),
    pcapng: Buffer.concat([
      pcapngFile(conversation('sll'), { interfaces: [{ linkType: LINK_TYPES.sll, tsresol: 9 }] }),
      pcapngFile(conversation('raw'), { bigEndian: true, interfaces: [{ linkType: LINK_TYPES.raw }] }),
    ]),
  };

  for (const [format, file] of Object.entries(files)) {
    const whole = decode([file]).found;

    test(`${format} cut at every byte: a prefix of its datagrams, a warning unless it ends between records`, () => {
      let borders = 0;
      for (let length = 1; length < file.length; length++) {
        const result = outcome([file.subarray(0, length)]);
        expect(outcome(pieces(file.subarray(0, length), 11))).toEqual(result);
        if ('error' in result) {
          expect(length).toBeLessThan(28);
          continue;
        }
        expect(result.found).toEqual(whole.slice(0, result.found.length));
        const { warnings, packets } = result.report;
        if (warnings.length === 0) borders++;
        else {
          expect(warnings).toHaveLength(1);
          expect(warnings[0]).toMatch(
            new RegExp(`^whole packets read: ${packets}; the file ends inside a record at byte \\d+$`),
          );
        }
      }
      // Behind each header, interface and packet but the last one.
      expect(borders).toBe(format === 'pcap' ? 4 : 11);
    });

    test(`${format} with any bytes changed: the same at any split, never an error but ours`, () => {
      const change = fc.record({ at: fc.nat(file.length - 1), value: fc.nat(255) });
      fc.assert(
        fc.property(
          fc.array(change, { minLength: 1, maxLength: 6 }),
          fc.integer({ min: 1, max: 60 }),
          (changes, size) => {
            const mutant = Buffer.from(file);
            for (const { at, value } of changes) mutant[at] = value;
            expect(outcome(pieces(mutant, size))).toEqual(outcome([mutant]));
          },
        ),
        { numRuns: 1000 },
      );
    });

    test(`${format} with a span torn out or doubled: the same at any split, never an error but ours`, () => {
      fc.assert(
        fc.property(
          fc.nat(file.length),
          fc.nat(200),
          fc.nat(200),
          fc.integer({ min: 1, max: 60 }),
          (at, keep, drop, size) => {
            const mutant = Buffer.concat([file.subarray(0, at + keep), file.subarray(at + drop)]);
            expect(outcome(pieces(mutant, size))).toEqual(outcome([mutant]));
          },
        ),
        { numRuns: 1000 },
      );
    });
  }

  test('a first record that isn’t all there is a cut file of no packets, not an error', () => {
    const file = pcapFile([{ atUs: 0, data: Buffer.alloc(1 << 20) }]);
    expect(decode([file.subarray(0, 5000)])).toEqual({
      found: [],
      report: {
        packets: 0,
        datagrams: 0,
        cut: 0,
        warnings: ['whole packets read: 0; the file ends inside a record at byte 24'],
      },
    });
  });

  test('damage behind good packets keeps them and says where it is', () => {
    const { found, report } = decode([Buffer.concat([files.pcap, Buffer.alloc(16, 0xff), files.pcap.subarray(24)])]);
    expect(found).toHaveLength(4);
    expect(report.warnings).toEqual([
      `whole packets read: 4; damaged at byte ${files.pcap.length} (a record of 4294967295 bytes), what follows was not read`,
    ]);
  });

  test('damage stops the reading', () => {
    const decoder = new CaptureDecoder('x.pcap');
    decoder.push(files.pcap);
    expect(decoder.stopped).toBe(false);
    decoder.push(Buffer.alloc(16, 0xff));
    expect(decoder.stopped).toBe(true);
    expect(decoder.push(files.pcap.subarray(24))).toEqual([]);
  });

  test('the reason of the source is told instead of the cut record it caused', () => {
    const { report } = decode([files.pcap.subarray(0, -3)], 'the gzip data ends early, at byte 77 of the file');
    expect(report.warnings).toEqual(['whole packets read: 3; the gzip data ends early, at byte 77 of the file']);
  });

  test('positions are told in what was unpacked', () => {
    const decoder = new CaptureDecoder('x.pcap.gz');
    decoder.push(files.pcap.subarray(0, -3));
    expect(decoder.finish(undefined, ' of the unpacked capture').warnings[0]).toMatch(
      /at byte \d+ of the unpacked capture$/,
    );
  });

  test('packets without a time are told', () => {
    const file = pcapngFile(conversation('ethernet').map((packet) => ({ ...packet, block: 'spb' as const })));
    const { found, report } = decode([file]);
    expect(found).toHaveLength(4);
    expect(report.warnings).toEqual([
      'packets without a capture time (Simple Packet Blocks), placed with those before: 4',
    ]);
  });

  test('every kind of loss has its line', () => {
    const [four] = conversation('ethernet');
    const fragment = udpPacket({ ...ends.v4, payload: Buffer.alloc(64), fragment: { id: 1, offset: 0, length: 32 } });
    const lying = Buffer.from(four!.data);
    lying.writeUInt16BE(3, 14 + 20 + 4);
    const packets = [
      { atUs: 1, data: four!.data.subarray(0, 44), originalLength: 46 },
      { atUs: 2, data: fragment },
      { atUs: 3, data: lying },
      { atUs: 4, data: four!.data, interfaceId: 1 },
    ];
    const file = pcapngFile(packets, { interfaces: [{}, { linkType: 147 }] });
    const { report } = decode([Buffer.concat([file, pcapngBlock(6, Buffer.alloc(20)).subarray(0, 30)])]);
    expect(report).toEqual({
      packets: 4,
      datagrams: 1,
      cut: 1,
      warnings: [
        `whole packets read: 4; the file ends inside a record at byte ${file.length}`,
        'IP fragments left out, as they are not put together: 1, of 192.0.2.1:4000>198.51.100.2:5000 (1)',
        'packets skipped because link type 147 is not known: 1',
        'packets skipped because their IP, UDP or TCP header contradicts itself: 1',
      ],
    });
  });
});

describe('CaptureDecoder: capture times', () => {
  const SECOND = 1e6;
  const packet = udpPacket({ ...ends.v4, payload: Buffer.from('x') });
  const timed = (seconds: number, tsoffset: number): Buffer =>
    pcapngFile([{ atUs: (seconds + tsoffset) * SECOND, data: packet }], { interfaces: [{ tsresol: 0, tsoffset }] });

  for (const { name, seconds, tsoffset } of [
    { name: 'the first instant there is', seconds: 0, tsoffset: 0 },
    { name: 'an offset and back again', seconds: 1000, tsoffset: -900 },
    { name: 'today', seconds: 1_700_000_000, tsoffset: 0 },
    { name: 'the last second that microseconds can tell', seconds: 9_007_199_254, tsoffset: 0 },
  ]) {
    test(`${name} is taken`, () => {
      const { found, report } = decode([timed(seconds, tsoffset)]);
      expect(found.map(({ atUs }) => atUs)).toEqual([(seconds + tsoffset) * SECOND]);
      expect(report.warnings).toEqual([]);
    });
  }

  const impossible = [
    { name: 'the second after the last', seconds: 9_007_199_255, tsoffset: 0 },
    { name: 'further than a date can be', seconds: 8_640_000_000_001, tsoffset: 0 },
    { name: 'an offset of nearly all 64 bits', seconds: 1, tsoffset: 2 ** 62 },
    { name: 'before 1970', seconds: 0, tsoffset: -1 },
    { name: 'an offset of nearly all 64 bits backwards', seconds: 1, tsoffset: -(2 ** 62) },
  ];
  for (const { name, seconds, tsoffset } of impossible) {
    test(`${name}: the packet is left out, and told of; the others are read`, () => {
      const interfaces = [{ tsresol: 0, tsoffset }, {}];
      const packets = [
        { atUs: startUs, data: packet, interfaceId: 1 },
        { atUs: (seconds + tsoffset) * SECOND, data: packet },
        { atUs: startUs + 1, data: packet, interfaceId: 1 },
      ];
      const { found, report } = decode([pcapngFile(packets, { interfaces })]);
      expect(found.map(({ atUs }) => atUs)).toEqual([startUs, startUs + 1]);
      expect(report).toMatchObject({
        packets: 3,
        datagrams: 2,
        warnings: ['packets skipped because their capture time is before 1970 or after 2255: 1'],
      });
    });

    test(`${name}, and no other time in the file: it is refused, with what to do`, () => {
      expect(() => decode([timed(seconds, tsoffset)])).toThrow(
        expect.objectContaining({
          code: 'CAPTURE_UNREADABLE',
          message: expect.stringMatching(/^x\.pcap: every capture time in it is before 1970 or after 2255; /),
        }),
      );
    });
  }

  test('whatever the clock of an interface claims, a date can be made of every time', () => {
    const interfaces = fc.record({
      tsresol: fc.integer({ min: 0, max: 255 }),
      tsoffset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    });
    const words = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff));
    fc.assert(
      fc.property(interfaces, fc.array(words, { minLength: 1 }), ({ tsresol, tsoffset }, times) => {
        const file = pcapngFile([], { interfaces: [{ tsresol, tsoffset: tsoffset as unknown as number }] });
        const blocks = times.map(([high, low]) => {
          const body = Buffer.alloc(20 + packet.length);
          for (const [index, word] of [0, high, low, packet.length, packet.length].entries())
            body.writeUInt32LE(word, 4 * index);
          packet.copy(body, 20);
          return pcapngBlock(6, body);
        });
        const result = outcome([Buffer.concat([file, ...blocks])]);
        if ('found' in result) for (const { atUs } of result.found) new Date(atUs / 1000).toISOString();
      }),
      { numRuns: 300 },
    );
  });
});

describe('CaptureDecoder: a long capture', () => {
  test('4 GB go through in constant memory, and positions stay right', () => {
    const recordBytes = 1 << 13;
    const packet = udpPacket({ ...ends.v4, payload: Buffer.alloc(recordBytes - 16 - 42, 7) });
    const record = pcapFile([{ atUs: startUs, data: packet }]).subarray(24);
    const records = Buffer.concat(Array<Buffer>(64).fill(record));
    // Borders of chunks fall inside records, as they do in a file.
    const chunk = Buffer.concat([records.subarray(5000), records.subarray(0, 5000)]);
    const decoder = new CaptureDecoder('x.pcap');
    decoder.push(Buffer.concat([pcapFile([]), records.subarray(0, 5000)]));
    let datagrams = 0;
    let bytes = 0;
    let rssAtStart = 0;
    while (bytes < 4.2e9) {
      datagrams += decoder.push(chunk).length;
      bytes += chunk.length;
      if (rssAtStart === 0 && bytes > 2e8) rssAtStart = process.memoryUsage.rss();
    }
    const grown = process.memoryUsage.rss() - rssAtStart;
    decoder.push(records.subarray(5000, recordBytes));
    decoder.push(Buffer.alloc(16, 0xff));
    expect(datagrams).toBe(bytes / recordBytes);
    expect(decoder.finish().warnings).toEqual([
      `whole packets read: ${datagrams + 1}; damaged at byte ${24 + bytes + recordBytes} (a record of 4294967295 bytes), what follows was not read`,
    ]);
    expect(grown).toBeLessThan(64 * 2 ** 20);
  });
});
