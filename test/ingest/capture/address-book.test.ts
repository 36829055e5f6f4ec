import { isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test } from 'vitest';
import { AddressBook } from '../../../src/ingest/capture/address-book.ts';

const bytesOf = (text: string): Buffer => Buffer.from(ipaddr.parse(text).toByteArray());

describe('AddressBook', () => {
  for (const text of ['0.0.0.0', '192.0.2.1', '127.0.0.1', '255.255.255.255', '128.0.0.1']) {
    test(`v4: ${text}`, () => {
      const book = new AddressBook();
      expect(book.v4(bytesOf(text), 0)).toBe(text);
      expect(book.v4(bytesOf(text), 0)).toBe(text);
    });
  }

  for (const c of [
    { name: 'nothing but zeros', in: '0:0:0:0:0:0:0:0', out: '::' },
    { name: 'loopback', in: '::1', out: '::1' },
    { name: 'zeros at the end', in: 'fe80:0:0:0:0:0:0:0', out: 'fe80::' },
    { name: 'leading zeros of a group', in: '2001:0db8:0000:0000:0000:0000:0001:00ab', out: '2001:db8::1:ab' },
    { name: 'one lone zero group stays', in: '2001:db8:0:1:1:1:1:1', out: '2001:db8:0:1:1:1:1:1' },
    { name: 'the longest run of zeros', in: '2001:0:0:1:0:0:0:1', out: '2001:0:0:1::1' },
    { name: 'the first of two equal runs', in: '2001:db8:0:0:1:0:0:1', out: '2001:db8::1:0:0:1' },
    { name: 'no zeros', in: '1:2:3:4:5:6:7:8', out: '1:2:3:4:5:6:7:8' },
    { name: 'lower case', in: '2001:DB8::ABCD', out: '2001:db8::abcd' },
    { name: 'an IPv4-mapped address', in: '::ffff:192.0.2.1', out: '::ffff:192.0.2.1' },
  ]) {
    test(`v6, RFC 5952: ${c.name}`, () => {
      expect(new AddressBook().v6(bytesOf(c.in), 0)).toBe(c.out);
    });
  }

  test('v6 agrees with the operating system’s text for random addresses', () => {
    const book = new AddressBook();
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const bytes = Buffer.from(groups.flatMap((value) => [value >> 8, value & 0xff]));
        const text = book.v6(bytes, 0);
        const ours = groups.map((value) => value.toString(16)).join(':');
        expect(isIPv6(text)).toBe(true);
        // An IPv4-compatible address (::a.b.c.d) is deprecated: the operating system prints it with dots, RFC 5952 doesn't ask to.
        if (groups.slice(0, 6).some((value) => value !== 0)) {
          expect(text).toBe(new SocketAddress({ family: 'ipv6', address: ours }).address);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('addresses that differ in any one bit keep apart, at any place in the bytes', () => {
    const book = new AddressBook();
    const base = bytesOf('2001:db8:1:2:3:4:5:6');
    const seen = new Set<string>();
    for (let round = 0; round < 2; round++) {
      for (let bit = 0; bit < 128; bit++) {
        const bytes = Buffer.concat([Buffer.from('xyz'), base]);
        bytes[3 + (bit >> 3)]! ^= 1 << (bit & 7);
        const text = book.v6(bytes, 3);
        expect(text).toBe(ipaddr.fromByteArray([...bytes.subarray(3)]).toString());
        seen.add(text);
      }
    }
    expect(seen.size).toBe(128);
  });

  test('addresses whose hashes collide keep apart', () => {
    const book = new AddressBook();
    const address = (c: number, d: number): Buffer => {
      const bytes = Buffer.alloc(16);
      bytes.writeInt32BE(c | 0, 8);
      bytes.writeInt32BE(d | 0, 12);
      return bytes;
    };
    // The hash multiplies the third word by 31 and xors the fourth: look for two that meet.
    const one = book.v6(address(1, 0), 0);
    for (let d = 0; d < 4096; d++)
      expect(book.v6(address(2, d), 0)).toBe(ipaddr.fromByteArray([...address(2, d)]).toString());
    expect(book.v6(address(1, 0), 0)).toBe(one);
  });

  test('a scan of more addresses than the book holds still gets every text right', () => {
    const book = new AddressBook();
    const v4 = Buffer.alloc(4);
    const v6 = bytesOf('2001:db8::');
    for (let host = 0; host < 70_000; host++) {
      v4.writeUInt32BE(0x0a000000 + host);
      v6.writeUInt32BE(host, 12);
      const dotted = `10.${host >> 16}.${(host >> 8) & 0xff}.${host & 0xff}`;
      if (book.v4(v4, 0) !== dotted) expect.fail(dotted);
      const text = book.v6(v6, 0);
      if (host % 1000 === 999) expect(ipaddr.parse(text).toByteArray()).toEqual([...v6]);
    }
    expect(book.v6(bytesOf('2001:db8::1'), 0)).toBe('2001:db8::1');
  });
});
