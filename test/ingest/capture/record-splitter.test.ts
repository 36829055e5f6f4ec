import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordSplitter, STOP } from '../../../src/ingest/capture/record-splitter.ts';

/** A toy format: one byte of length (itself counted), 255 is impossible, 200–254 means: a head of one byte, then that many to skip. */
const recordsOf = (chunks: readonly Buffer[]) => {
  const records: string[] = [];
  const views: Buffer[] = [];
  const splitter = new RecordSplitter({
    measure: (bytes, start) => (bytes[start] === 255 ? STOP : bytes[start]! >= 200 ? 1 : Math.max(1, bytes[start]!)),
    take: (bytes, start, end) => {
      const skip = bytes[start]! >= 200 ? bytes[start]! - 200 : 0;
      if (bytes[start] === 9 && bytes[start + 1] === 9) return STOP;
      views.push(bytes.subarray(start, end));
      records.push(bytes.toString('hex', start, end));
      return skip;
    },
  });
  for (const chunk of chunks) splitter.push(chunk);
  return { records, views, position: splitter.position, stopped: splitter.stopped, unfinished: splitter.unfinished };
};

const split = (bytes: Buffer, sizes: readonly number[]): Buffer[] => {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
  }
  chunks.push(Buffer.from(bytes.subarray(at)));
  return chunks;
};

describe('RecordSplitter', () => {
  for (const c of [
    { name: 'nothing', bytes: [], records: [], position: 0, stopped: false, unfinished: false },
    { name: 'two whole records', bytes: [2, 7, 3, 8, 8], records: ['0207', '030808'], position: 5 },
    { name: 'a record that isn’t all there', bytes: [2, 7, 3, 8], records: ['0207'], position: 2, unfinished: true },
    { name: 'bytes to skip', bytes: [202, 1, 1, 2, 7], records: ['ca', '0207'], position: 5 },
    { name: 'bytes to skip that aren’t all there', bytes: [205, 1, 1], records: ['cd'], position: 3, unfinished: true },
    { name: 'an impossible record', bytes: [2, 7, 255, 2, 7], records: ['0207'], position: 2, stopped: true },
    {
      name: 'a record refused when taken',
      bytes: [2, 7, 9, 9, 0, 0, 0, 0, 0, 0, 0, 2, 7],
      records: ['0207'],
      position: 2,
      stopped: true,
    },
  ]) {
    test(`${c.name}: whole and byte by byte are the same`, () => {
      const { stopped = false, unfinished = false } = c;
      const expected = { records: c.records, position: c.position, stopped, unfinished };
      const bytes = Buffer.from(c.bytes);
      expect(recordsOf([bytes])).toMatchObject(expected);
      expect(recordsOf([...bytes].map((byte) => Buffer.from([byte])))).toMatchObject(expected);
    });
  }

  test('any split of any bytes gives the same records', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        fc.array(fc.nat(40), { maxLength: 20 }),
        (bytes, sizes) => {
          const { views: _whole, ...whole } = recordsOf([bytes]);
          const { views: _parts, ...parts } = recordsOf(split(bytes, sizes));
          expect(parts).toEqual(whole);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a record that was put together is never written again', () => {
    const bytes = Buffer.from(Array.from({ length: 90 }, (_, at) => (at % 3 === 0 ? 3 : at)));
    const { records, views } = recordsOf(split(bytes, Array<number>(44).fill(2)));
    expect(records).toHaveLength(30);
    expect(views.map((view) => view.toString('hex'))).toEqual(records);
  });
});
