import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes, copySummed, EMPTY_SUM, memoryOf, summed, sumOf } from '../../src/spool/frame-copy.ts';

const AROUND = 0xa5;

/** Any bytes, and where among others they lie. */
const PLACED = fc.tuple(fc.uint8Array({ maxLength: 700 }), fc.nat(40), fc.nat(40));

test('a copy is what was copied, its sum is CRC-32, and nothing beside it is touched', () => {
  fc.assert(
    fc.property(PLACED, ([bytes, before, at]) => {
      const source = Buffer.concat([Buffer.alloc(before, 1), bytes, Buffer.alloc(9, 2)]);
      const from = source.byteOffset + before;
      for (const copy of ['summed', 'plain'] as const) {
        const room = Buffer.alloc(at + bytes.length + 20, AROUND);
        const into = new DataView(room.buffer, room.byteOffset, room.length);
        if (copy === 'plain') copyBytes(source, before, before + bytes.length, into, at);
        else {
          const sum = copySummed(memoryOf(source), from, from + bytes.length, into, at, EMPTY_SUM);
          expect(sumOf(sum) >>> 0).toBe(crc32(bytes));
        }
        expect(room.subarray(at, at + bytes.length).equals(Buffer.from(bytes))).toBe(true);
        expect(room.subarray(0, at).every((byte) => byte === AROUND)).toBe(true);
        expect(room.subarray(at + bytes.length).every((byte) => byte === AROUND)).toBe(true);
      }
    }),
  );
});

test('a sum in two pieces is that of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
      const view = new DataView(Uint8Array.from(bytes).buffer);
      const middle = Math.min(cut, bytes.length);
      const sum = summed(view, middle, bytes.length, summed(view, 0, middle, EMPTY_SUM));
      expect(sumOf(sum) >>> 0).toBe(crc32(bytes));
    }),
  );
});

test('memory is viewed as a whole, and anew only when it is neither of the last two', () => {
  const [one, two, three] = [new ArrayBuffer(8), new ArrayBuffer(8), new ArrayBuffer(8)];
  const view = memoryOf(new Uint8Array(one, 3, 2));
  expect(view).toMatchObject({ byteOffset: 0, byteLength: 8 });
  expect(memoryOf(new Uint8Array(two)).buffer).toBe(two);
  expect(memoryOf(new Uint8Array(one))).toBe(view);
  memoryOf(new Uint8Array(two));
  memoryOf(new Uint8Array(three));
  expect(memoryOf(new Uint8Array(one))).not.toBe(view);
});
