import { describe, expect, test } from 'vitest';
import { ipStart, NOT_IP, UNKNOWN_LINK } from '../../../src/ingest/capture/link-layer.ts';
import { LINK_TYPES, type Link, udpPacket } from '../../support/pcap-file.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const macs = '020000000002 020000000001';

/** The packet lies at an odd place of a bigger buffer, with bytes behind it that belong to something else. */
const startOf = (linkType: number, packet: Buffer): number => {
  const before = Buffer.from('before!');
  const behind = Buffer.from('0000080045000000000000000000', 'hex'); // Would read on as IPv4, from a type or a tag.
  const at = ipStart(linkType, Buffer.concat([before, packet, behind]), before.length, before.length + packet.length);
  return at < 0 ? at : at - before.length;
};

const HEADER_BYTES = { ethernet: 14, vlan: 18, qinq: 22, raw: 0, null: 4, loop: 4, sll: 16, sll2: 20 } as const;

describe('ipStart', () => {
  for (const link of Object.keys(HEADER_BYTES) as Link[]) {
    for (const [family, source, target] of [
      ['IPv4', '192.0.2.1', '192.0.2.2'],
      ['IPv6', '2001:db8::1', '2001:db8::2'],
    ] as const) {
      test(`${link}: ${family} begins behind ${HEADER_BYTES[link]} bytes`, () => {
        const packet = udpPacket({ source, sourcePort: 1, target, targetPort: 2, payload: Buffer.from('x'), link });
        expect(startOf(LINK_TYPES[link], packet)).toBe(HEADER_BYTES[link]);
      });
    }
  }

  for (const linkType of [12, 14, 101, 228, 229]) {
    test(`link type ${linkType} has no header`, () => {
      expect(startOf(linkType, hex('45000014'))).toBe(0);
    });
  }

  for (const c of [
    { name: 'QinQ of the older number', linkType: 1, packet: `${macs} 9100 0007 8100 002a 0800 45`, start: 22 },
    { name: 'three tags', linkType: 1, packet: `${macs} 88a8 0001 88a8 0002 8100 0003 86dd 60`, start: 26 },
    {
      name: 'a tag behind a cooked header',
      linkType: 113,
      packet: '0000 0001 0006 020000000001 0000 8100 002a 0800 45',
      start: 20,
    },
    {
      name: 'a tag behind a cooked v2 header',
      linkType: 276,
      packet: '8100 0000 00000002 0001 00 06 020000000001 0000 002a 0800 45',
      start: 24,
    },
    { name: 'ARP', linkType: 1, packet: `${macs} 0806 0001`, start: NOT_IP },
    { name: 'ARP in a VLAN', linkType: 1, packet: `${macs} 8100 0001 0806 0001`, start: NOT_IP },
    { name: 'an IEEE 802.3 length', linkType: 1, packet: `${macs} 0026 424203`, start: NOT_IP },
    { name: 'tags to the end', linkType: 1, packet: `${macs} 8100 0001 8100 0001 8100`, start: NOT_IP },
    { name: 'an Ethernet header cut short', linkType: 1, packet: macs, start: NOT_IP },
    { name: 'a type cut in two', linkType: 1, packet: `${macs} 08`, start: NOT_IP },
    { name: 'a cooked header cut short', linkType: 113, packet: '0000 0001 0006 020000000001 0000 08', start: NOT_IP },
    {
      name: 'a cooked v2 header cut short',
      linkType: 276,
      packet: '0800 0000 00000002 0001 00 06 020000000001 00',
      start: NOT_IP,
    },
    { name: 'NULL by a big-endian host', linkType: 0, packet: '00000002 45', start: 4 },
    { name: 'NULL, IPv6 on Linux', linkType: 0, packet: '0a000000 60', start: 4 },
    { name: 'NULL, IPv6 on NetBSD', linkType: 0, packet: '18000000 60', start: 4 },
    { name: 'NULL, IPv6 on FreeBSD', linkType: 0, packet: '1c000000 60', start: 4 },
    { name: 'LOOP, IPv6 on Darwin', linkType: 108, packet: '0000001e 60', start: 4 },
    { name: 'NULL, AppleTalk', linkType: 0, packet: '10000000 00', start: NOT_IP },
    { name: 'NULL cut short', linkType: 0, packet: '020000', start: NOT_IP },
    { name: 'an empty packet', linkType: 1, packet: '', start: NOT_IP },
    { name: 'PPP', linkType: 9, packet: 'ff030021 45', start: UNKNOWN_LINK },
    { name: '802.11', linkType: 105, packet: '0800 0000', start: UNKNOWN_LINK },
  ]) {
    test(`${c.name}: ${c.start === NOT_IP ? 'not IP' : c.start === UNKNOWN_LINK ? 'unknown' : `begins at ${c.start}`}`, () => {
      expect(startOf(c.linkType, hex(c.packet))).toBe(c.start);
    });
  }
});
