import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { byteRangeOf, isUnchanged } from '../../src/http/byte-range.ts';

const FILE = { bytes: 1000, etag: '"abc"' };
const part = (first: number, last: number) => ({ kind: 'part', first, last });
const WHOLE = { kind: 'whole' };
const NOTHING = { kind: 'unsatisfiable' };

describe('a byte range', () => {
  for (const { name, range, is, bytes = 1000 } of [
    { name: 'none is the whole file', range: undefined, is: WHOLE },
    { name: 'the first 500 bytes', range: 'bytes=0-499', is: part(0, 499) },
    { name: 'from a place on', range: 'bytes=500-', is: part(500, 999) },
    { name: 'the last 500 bytes', range: 'bytes=-500', is: part(500, 999) },
    { name: 'the last of more than there are', range: 'bytes=-5000', is: part(0, 999) },
    { name: 'one byte', range: 'bytes=0-0', is: part(0, 0) },
    { name: 'the last byte', range: 'bytes=999-999', is: part(999, 999) },
    { name: 'ends behind the end', range: 'bytes=900-5000', is: part(900, 999) },
    { name: 'begins behind the end', range: 'bytes=1000-', is: NOTHING },
    { name: 'lies behind the end', range: 'bytes=1000-1001', is: NOTHING },
    { name: 'the last none', range: 'bytes=-0', is: NOTHING },
    { name: 'of an empty file', range: 'bytes=0-', is: NOTHING, bytes: 0 },
    { name: 'the last of an empty file', range: 'bytes=-5', is: NOTHING, bytes: 0 },
    { name: 'backwards is none', range: 'bytes=5-4', is: WHOLE },
    { name: 'several are none', range: 'bytes=0-1,5-6', is: WHOLE },
    { name: 'another unit is none', range: 'items=0-5', is: WHOLE },
    { name: 'negative numbers are none', range: 'bytes=--5', is: WHOLE },
    { name: 'no numbers are none', range: 'bytes=-', is: WHOLE },
    { name: 'hexadecimal is none', range: 'bytes=0x1-5', is: WHOLE },
    { name: 'an endless number is none', range: `bytes=0-${'9'.repeat(400)}`, is: WHOLE },
    { name: 'the unit in capitals', range: 'Bytes=1-2', is: part(1, 2) },
  ]) {
    test(name, () => expect(byteRangeOf(range, { ...FILE, bytes })).toEqual(is));
  }

  for (const { name, ifRange, is } of [
    { name: 'the same tag keeps the range', ifRange: '"abc"', is: part(0, 9) },
    { name: 'another tag drops it', ifRange: '"abd"', is: WHOLE },
    { name: 'a weak tag drops it', ifRange: 'W/"abc"', is: WHOLE },
    { name: 'a date drops it', ifRange: 'Sun, 22 Nov 2026 16:00:00 GMT', is: WHOLE },
  ]) {
    test(`If-Range: ${name}`, () => expect(byteRangeOf('bytes=0-9', FILE, ifRange)).toEqual(is));
  }

  test('whatever is asked for, a part lies within the file', () => {
    const number = fc.oneof(fc.nat(50).map(String), fc.constant(''), fc.string());
    fc.assert(
      fc.property(number, number, fc.nat(40), (from, to, bytes) => {
        const range = byteRangeOf(`bytes=${from}-${to}`, { bytes, etag: '"x"' });
        if (range.kind !== 'part') return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(bytes);
      }),
    );
  });
});

describe('If-None-Match', () => {
  for (const { name, field, is } of [
    { name: 'none', field: undefined, is: false },
    { name: 'the tag', field: '"abc"', is: true },
    { name: 'the tag, called weak by a proxy', field: 'W/"abc"', is: true },
    { name: 'the tag among others', field: '"x", "abc"', is: true },
    { name: 'anything', field: '*', is: true },
    { name: 'another', field: '"abcd"', is: false },
  ]) {
    test(`${name}: ${is}`, () => expect(isUnchanged(field, '"abc"')).toBe(is));
  }
});
