import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IpPacket } from '../../../src/ingest/capture/ip-packet.ts';
import { type Extension, type PacketEnds, tcpPacket, udpPacket } from '../../support/pcap-file.ts';

const payload = Buffer.from('sixteen bytes!!!');
const v4: PacketEnds = {
  source: '192.0.2.1',
  sourcePort: 4000,
  target: '198.51.100.2',
  targetPort: 5000,
  payload,
  link: 'raw',
};
const v6: PacketEnds = { ...v4, source: '2001:db8::1', target: '2001:db8::2' };

/** One object for all: a field left over from the packet before must not show. */
const ip = new IpPacket();

const parse = (packet: Buffer) => {
  const before = Buffer.from('odd');
  const bytes = Buffer.concat([before, packet, Buffer.alloc(64, 0xee)]);
  if (!ip.parse(bytes, before.length, before.length + packet.length)) return undefined;
  const { version, protocol, bodyCut, fragment } = ip;
  const addressBytes = version === 4 ? 4 : 16;
  return {
    version,
    protocol,
    source: bytes.toString('hex', ip.sourceAt, ip.sourceAt + addressBytes),
    target: bytes.toString('hex', ip.targetAt, ip.targetAt + addressBytes),
    body: bytes.toString('hex', ip.bodyStart, ip.bodyEnd),
    bodyCut,
    fragment: fragment && { id: ip.fragmentId, first: ip.firstFragment },
  };
};

const edited = (packet: Buffer, change: (packet: Buffer) => void): Buffer => {
  const copy = Buffer.from(packet);
  change(copy);
  return copy;
};

const body = udpPacket(v4).toString('hex', 20);
const body6 = udpPacket(v6).toString('hex', 40);
const whole = {
  version: 4,
  protocol: 17,
  source: 'c0000201',
  target: 'c6336402',
  body,
  bodyCut: false,
  fragment: false,
};
const whole6 = {
  ...whole,
  version: 6,
  source: '20010db8000000000000000000000001',
  target: '20010db8000000000000000000000002',
  body: body6,
};

describe('IpPacket', () => {
  for (const c of [
    { name: 'IPv4', packet: udpPacket(v4), expected: whole },
    { name: 'IPv4 with options', packet: udpPacket({ ...v4, ipOptions: Buffer.alloc(12, 1) }), expected: whole },
    {
      name: 'IPv4 with the longest options',
      packet: udpPacket({ ...v4, ipOptions: Buffer.alloc(40, 1) }),
      expected: whole,
    },
    { name: 'Ethernet’s padding is no body', packet: udpPacket({ ...v4, trailer: Buffer.alloc(18) }), expected: whole },
    {
      name: 'TCP',
      packet: tcpPacket(v4),
      expected: { ...whole, protocol: 6, body: tcpPacket(v4).toString('hex', 20) },
    },
    {
      name: 'a total length of 0 reaches to the end',
      packet: edited(udpPacket(v4), (packet) => packet.writeUInt16BE(0, 2)),
      expected: whole,
    },
    {
      name: 'cut in the body',
      packet: udpPacket(v4).subarray(0, 30),
      expected: { ...whole, body: body.slice(0, 20), bodyCut: true },
    },
    {
      name: 'cut behind the header',
      packet: udpPacket(v4).subarray(0, 20),
      expected: { ...whole, body: '', bodyCut: true },
    },
    { name: 'IPv6', packet: udpPacket(v6), expected: whole6 },
    { name: 'IPv6 with padding behind', packet: udpPacket({ ...v6, trailer: Buffer.alloc(3) }), expected: whole6 },
    {
      name: 'IPv6 with a payload length of 0',
      packet: edited(udpPacket(v6), (packet) => packet.writeUInt16BE(0, 4)),
      expected: whole6,
    },
    {
      name: 'IPv6 cut in the body',
      packet: udpPacket(v6).subarray(0, 50),
      expected: { ...whole6, body: body6.slice(0, 20), bodyCut: true },
    },
    { name: 'nothing', packet: Buffer.alloc(0), expected: undefined },
    { name: 'version 5', packet: edited(udpPacket(v4), (packet) => packet.writeUInt8(0x55, 0)), expected: undefined },
    { name: 'IPv4 header cut', packet: udpPacket(v4).subarray(0, 19), expected: undefined },
    {
      name: 'IPv4 options cut',
      packet: udpPacket({ ...v4, ipOptions: Buffer.alloc(8, 1) }).subarray(0, 27),
      expected: undefined,
    },
    {
      name: 'IPv4 header shorter than it can be',
      packet: edited(udpPacket(v4), (packet) => packet.writeUInt8(0x44, 0)),
      expected: undefined,
    },
    {
      name: 'IPv4 total length within the header',
      packet: edited(udpPacket(v4), (packet) => packet.writeUInt16BE(19, 2)),
      expected: undefined,
    },
    { name: 'IPv6 header cut', packet: udpPacket(v6).subarray(0, 39), expected: undefined },
  ]) {
    test(`${c.name}: ${c.expected ? 'addresses, protocol and body' : 'refused'}`, () => {
      expect(parse(c.packet)).toEqual(c.expected);
    });
  }

  const chains: Extension[][] = [
    ['hop-by-hop'],
    ['routing'],
    ['destination'],
    ['ah'],
    ['fragment'],
    ['hop-by-hop', 'destination', 'routing', 'fragment', 'ah', 'destination'],
  ];
  for (const extensions of chains) {
    const packet = udpPacket({ ...v6, extensions });
    test(`IPv6 with ${extensions.join(', ')}: skipped`, () => {
      expect(parse(packet)).toEqual(whole6);
    });
    test(`IPv6 with ${extensions.join(', ')}: cut anywhere in them is refused`, () => {
      for (let length = 40; length < packet.length - 24; length++)
        expect(parse(packet.subarray(0, length))).toBeUndefined();
      expect(parse(packet.subarray(0, packet.length - 24))).toMatchObject({ protocol: 17, body: '', bodyCut: true });
    });
  }

  test('an extension header that reaches past the packet is refused', () => {
    const packet = udpPacket({ ...v6, extensions: ['hop-by-hop'] });
    packet[41] = 200;
    expect(parse(packet)).toBeUndefined();
  });

  for (const [family, ends] of [
    ['IPv4', v4],
    ['IPv6', v6],
  ] as const) {
    for (const c of [
      { name: 'first', offset: 0, length: 8, first: true },
      { name: 'middle', offset: 8, length: 8, first: false },
      { name: 'last', offset: 16, length: 8, first: false },
    ]) {
      test(`${family}: the ${c.name} fragment is known as one, with its packet’s id`, () => {
        const packet = udpPacket({ ...ends, fragment: { id: 777, offset: c.offset, length: c.length } });
        expect(parse(packet)).toMatchObject({
          protocol: 17,
          fragment: { id: 777, first: c.first },
          body: (family === 'IPv4' ? body : body6).slice(c.offset * 2, (c.offset + c.length) * 2),
        });
      });
    }
  }

  test('an IPv6 fragment in the middle isn’t taken for more extension headers', () => {
    const packet = udpPacket({ ...v6, payload: Buffer.alloc(64), fragment: { id: 1, offset: 8, length: 8 } });
    packet[40] = 0; // What follows once put together would be hop-by-hop options.
    expect(parse(packet)).toMatchObject({ protocol: 0, fragment: { first: false }, body: '0000000000000000' });
  });

  test('random bytes never throw, and what is found lies within the packet', () => {
    fc.assert(
      fc.property(fc.constantFrom(0x45, 0x4f, 0x60, 0x00), fc.uint8Array({ maxLength: 120 }), (first, bytes) => {
        const packet = Buffer.from([first, ...bytes]);
        if (!ip.parse(packet, 0, packet.length)) return;
        expect(ip.bodyStart).toBeLessThanOrEqual(ip.bodyEnd);
        expect(ip.bodyEnd).toBeLessThanOrEqual(packet.length);
        expect(ip.bodyStart).toBeGreaterThanOrEqual(ip.targetAt + (ip.version === 4 ? 4 : 16));
      }),
      { numRuns: 3000 },
    );
  });
});
