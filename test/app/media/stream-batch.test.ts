/** Records of many connections in one room: what is read is what was put, in its order; what is no such room is refused. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  RECORD_KINDS,
  type RecordKind,
  readBatch,
  recordBytes,
  StreamBatch,
} from '../../../src/app/media/stream-batch.ts';

type Put = readonly [connection: number, kind: RecordKind, atUs: number, bytes: Uint8Array];

const taken = (room: ArrayBuffer, used: number): Put[] => {
  const out: Put[] = [];
  readBatch(room, used, (connection, kind, atUs, bytes) => out.push([connection, kind, atUs, Uint8Array.from(bytes)]));
  return out;
};

const record = fc.tuple(
  fc.nat(2 ** 32 - 1),
  fc.constantFrom(...RECORD_KINDS),
  fc.double({ min: 0, max: 1e16, noNaN: true }),
  fc.uint8Array({ maxLength: 50 }),
);

test('what is read is what was put, in its order', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), (puts) => {
      const batch = new StreamBatch(new ArrayBuffer(4096));
      for (const put of puts) batch.put(...put);
      expect(taken(batch.room, batch.used)).toEqual(puts);
    }),
  );
});

test('takes no more than there is room for', () => {
  const batch = new StreamBatch(new ArrayBuffer(recordBytes(9) + recordBytes(0)));
  expect([batch.fits(41), batch.fits(40)]).toEqual([false, true]);
  batch.put(1, 'binary', 0, new Uint8Array(9));
  expect([batch.fits(1), batch.fits(0)]).toEqual([false, true]);
  batch.put(1, 'closed', 0, new Uint8Array(0));
  expect(batch.fits(0)).toBe(false);
});

test('every record begins where numbers of 8 bytes may lie', () => {
  fc.assert(fc.property(fc.nat(1000), (length) => recordBytes(length) % 8 === 0 && recordBytes(length) >= 24 + length));
});

test('what is no batch is refused, and nothing beyond it is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(400), (bytes, used) => {
      const room = Uint8Array.from(bytes).buffer;
      let read = 0;
      try {
        readBatch(room, used, (_connection, _kind, _atUs, { byteOffset, length }) => {
          read++;
          expect(byteOffset + length).toBeLessThanOrEqual(Math.min(used, room.byteLength));
        });
      } catch (error) {
        expect(error).toMatchObject({ code: 'INTERNAL' });
      }
      expect(read * 24).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

test.each([1, 23, 24 + 4])('a row that is cut after %i bytes is refused', (used) => {
  const batch = new StreamBatch(new ArrayBuffer(64));
  batch.put(7, 'text', 1, Uint8Array.of(1, 2, 3, 4, 5));
  expect(() => readBatch(batch.room, used, () => {})).toThrow('none');
});
