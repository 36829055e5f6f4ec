import { describe, expect, test } from 'vitest';
import { DatagramDecoder } from '../../../src/ingest/capture/datagram-decoder.ts';
import type { Datagram } from '../../../src/ingest/datagram.ts';
import { LINK_TYPES, type PacketEnds, tcpPacket, udpPacket } from '../../support/pcap-file.ts';

const v4: PacketEnds = {
  source: '192.0.2.1',
  sourcePort: 4000,
  target: '198.51.100.2',
  targetPort: 65_535,
  payload: Buffer.from('payload'),
};
const v6: PacketEnds = { ...v4, source: '2001:db8::1', target: '2001:db8::2' };
const ethernet = LINK_TYPES.ethernet;

/** Decodes packets of one link type; `kept` cuts them as a snap length would. */
const decode = (
  packets: readonly Buffer[],
  { linkType = ethernet as number, kept = Number.POSITIVE_INFINITY } = {},
) => {
  const decoder = new DatagramDecoder();
  for (const [index, packet] of packets.entries()) {
    const end = Math.min(kept, packet.length);
    decoder.decode(packet, 0, end, 1000 + index, linkType, end < packet.length);
  }
  return { found: decoder.takeBatch(), datagrams: decoder.datagrams, cut: decoder.cut, warnings: decoder.warnings };
};

const plain = ({ payload, ...rest }: Datagram) => ({ ...rest, payload: payload.toString('latin1') });

const edited = (packet: Buffer, change: (packet: Buffer) => void): Buffer => {
  change(packet);
  return packet;
};

const malformed = (count: number): string[] => [
  `packets skipped because their IP, UDP or TCP header contradicts itself: ${count}`,
];

describe('DatagramDecoder', () => {
  for (const ends of [v4, v6]) {
    const { source, sourcePort, target, targetPort } = ends;
    const known = { source, sourcePort, target, targetPort, atUs: 1000, cut: false };

    test(`UDP from ${source}`, () => {
      const { found, ...rest } = decode([udpPacket(ends)]);
      expect(found.map(plain)).toEqual([
        { ...known, protocol: 'udp', payload: 'payload', tcpSequence: 0, tcpSyn: false },
      ]);
      expect(rest).toEqual({ datagrams: 1, cut: 0, warnings: [] });
    });

    test(`TCP from ${source}: options are no payload`, () => {
      const { found } = decode([tcpPacket({ ...ends, sequence: 0xffffffff, tcpOptions: Buffer.alloc(12, 1) })]);
      expect(found.map(plain)).toEqual([
        { ...known, protocol: 'tcp', payload: 'payload', tcpSequence: 0xffffffff, tcpSyn: false },
      ]);
    });
  }

  test('a SYN counts as one before the payload’s first byte', () => {
    const empty = { ...v4, payload: Buffer.alloc(0) };
    const { found } = decode([
      tcpPacket({ ...empty, sequence: 99, syn: true }),
      tcpPacket({ ...v4, sequence: 0xffffffff, syn: true }),
    ]);
    expect(found.map(({ tcpSequence, tcpSyn, payload }) => [tcpSequence, tcpSyn, payload.length])).toEqual([
      [100, true, 0],
      [0, true, 7],
    ]);
  });

  test('TCP segments with neither payload nor SYN are passed over without a word', () => {
    const { found, warnings } = decode([tcpPacket({ ...v4, payload: Buffer.alloc(0) })]);
    expect(found).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test('an empty UDP datagram is one', () => {
    expect(decode([udpPacket({ ...v4, payload: Buffer.alloc(0) })]).found).toHaveLength(1);
  });

  test('other protocols are passed over without a word', () => {
    const icmp = edited(udpPacket({ ...v4, link: 'raw' }), (packet) => packet.writeUInt8(1, 9));
    const arp = edited(udpPacket(v4), (packet) => packet.writeUInt16BE(0x0806, 12));
    expect(decode([icmp], { linkType: 101 })).toEqual({ found: [], datagrams: 0, cut: 0, warnings: [] });
    expect(decode([arp])).toEqual({ found: [], datagrams: 0, cut: 0, warnings: [] });
  });

  test('Ethernet’s padding never gets into a payload', () => {
    const { found } = decode([
      udpPacket({ ...v4, trailer: Buffer.alloc(11, 0xaa) }),
      tcpPacket({ ...v4, trailer: Buffer.alloc(6, 0xaa) }),
    ]);
    expect(found.map(({ payload, cut }) => [payload.toString(), cut])).toEqual([
      ['payload', false],
      ['payload', false],
    ]);
  });

  for (const c of [
    { name: 'shorter than the IP packet: the rest is no payload', length: 12, payload: 'payl', cut: false },
    { name: 'just a header', length: 8, payload: '', cut: false },
    { name: 'longer than the IP packet: what is there, marked as cut', length: 5000, payload: 'payload', cut: true },
  ]) {
    test(`UDP length ${c.name}`, () => {
      const packet = edited(udpPacket({ ...v4, link: 'raw' }), (bytes) => bytes.writeUInt16BE(c.length, 24));
      const { found } = decode([packet], { linkType: 101 });
      expect(found.map(({ payload, cut }) => [payload.toString(), cut])).toEqual([[c.payload, c.cut]]);
    });
  }

  for (const length of [0, 7]) {
    test(`UDP length ${length} is malformed`, () => {
      const packet = edited(udpPacket({ ...v4, link: 'raw' }), (bytes) => bytes.writeUInt16BE(length, 24));
      expect(decode([packet], { linkType: 101 })).toEqual({ found: [], datagrams: 0, cut: 0, warnings: malformed(1) });
    });
  }

  for (const words of [0, 4, 15]) {
    test(`a TCP header of ${words} words, where 5 are there, is malformed`, () => {
      const empty = { ...v4, payload: Buffer.alloc(3), link: 'raw' as const };
      const packet = edited(tcpPacket(empty), (bytes) => bytes.writeUInt8(words << 4, 32));
      expect(decode([packet], { linkType: 101 })).toEqual({ found: [], datagrams: 0, cut: 0, warnings: malformed(1) });
    });
  }

  test('a TCP header shorter than it can be is malformed in a cut packet too', () => {
    const packet = edited(tcpPacket({ ...v4, link: 'raw' }), (bytes) => bytes.writeUInt8(4 << 4, 32));
    expect(decode([packet], { linkType: 101, kept: packet.length - 2 })).toMatchObject({
      cut: 0,
      warnings: malformed(1),
    });
  });

  test('an IP packet too short for the UDP header is malformed, not cut', () => {
    const packet = edited(udpPacket({ ...v4, link: 'raw' }), (bytes) => bytes.writeUInt16BE(27, 2));
    expect(decode([packet], { linkType: 101 })).toEqual({ found: [], datagrams: 0, cut: 0, warnings: malformed(1) });
  });

  for (const [name, packet, headerBytes] of [
    ['UDP over IPv4', udpPacket(v4), 14 + 20 + 8],
    ['UDP over IPv6', udpPacket(v6), 14 + 40 + 8],
    ['TCP over IPv4', tcpPacket(v4), 14 + 20 + 20],
    ['TCP over IPv6', tcpPacket(v6), 14 + 40 + 20],
  ] as const) {
    test(`${name}, cut by every snap length: counted, marked, and never more than was kept`, () => {
      for (let kept = 14; kept < packet.length; kept++) {
        const { found, cut, warnings } = decode([packet], { kept });
        expect(cut).toBe(1);
        expect(warnings).toEqual([]);
        expect(found.map((datagram) => [datagram.cut, datagram.payload.toString()])).toEqual(
          kept < headerBytes ? [] : [[true, 'payload'.slice(0, kept - headerBytes)]],
        );
      }
    });
  }

  test('cutting only Ethernet’s padding cuts no datagram', () => {
    const packet = udpPacket({ ...v4, trailer: Buffer.alloc(11) });
    expect(decode([packet], { kept: packet.length - 5 })).toMatchObject({ datagrams: 1, cut: 0, warnings: [] });
  });

  test('fragments are left out and told in one line, with their flow', () => {
    const long = { ...v4, payload: Buffer.alloc(56, 1) };
    const { found, warnings } = decode([
      ...[0, 24, 48].map((offset) => udpPacket({ ...long, fragment: { id: 5, offset, length: 24 } })),
      udpPacket(v4),
      ...[0, 32].map((offset) =>
        udpPacket({ ...v6, payload: Buffer.alloc(56), fragment: { id: 5, offset, length: 32 } }),
      ),
    ]);
    expect(found).toHaveLength(1);
    expect(warnings).toEqual([
      'IP fragments left out, as they are not put together: 5, of 192.0.2.1:4000>198.51.100.2:65535 (3), [2001:db8::1]:4000>[2001:db8::2]:65535 (2)',
    ]);
  });

  test('fragments of other protocols are none of our business', () => {
    const part = udpPacket({
      ...v4,
      link: 'raw',
      payload: Buffer.alloc(56),
      fragment: { id: 5, offset: 0, length: 24 },
    });
    part.writeUInt8(1, 9);
    expect(decode([part], { linkType: 101 }).warnings).toEqual([]);
  });

  test('an unknown link type is told once, by its number', () => {
    const { found, warnings } = decode([udpPacket(v4), udpPacket(v4)], { linkType: 147 });
    expect(found).toEqual([]);
    expect(warnings).toEqual(['packets skipped because link type 147 is not known: 2']);
  });

  test('a batch is handed out once, and its payloads are views', () => {
    const decoder = new DatagramDecoder();
    const packet = udpPacket(v4);
    decoder.decode(packet, 0, packet.length, 1, ethernet, false);
    const [datagram] = decoder.takeBatch();
    expect(datagram!.payload.buffer).toBe(packet.buffer);
    expect(decoder.takeBatch()).toEqual([]);
    expect(decoder.datagrams).toBe(1);
  });
});
