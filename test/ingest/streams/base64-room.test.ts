import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Base64Room } from '../../../src/ingest/streams/base64-room.ts';

test('bytes come back as they were, with padding or none, in either alphabet', () => {
  const room = new Base64Room();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      for (const each of [text, text.replace(/=+$/, ''), Buffer.from(bytes).toString('base64url')]) {
        expect(Buffer.from(room.decode(each)!).equals(bytes)).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test('text that has any other character is refused', () => {
  const room = new Base64Room();
  const text = fc.array(fc.constantFrom('A', 'b', '9', '+', '/', '-', '_', '=', ' ', '\n', '!', '.', 'ä'), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(text, (characters) => {
      const said = characters.join('');
      const isBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/.test(said) && said.replace(/=+$/, '').length % 4 !== 1;
      expect(room.decode(said) !== undefined, JSON.stringify(said)).toBe(isBase64);
    }),
    { numRuns: 2000 },
  );
});

test('nothing is left once it is cleared, nor after what was refused', () => {
  const room = new Base64Room();
  const bytes = room.decode(Buffer.alloc(300, 7).toString('base64'))!;
  const all = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  room.clear();
  expect(all.every((byte) => byte === 0)).toBe(true);
  expect(room.decode(`${Buffer.alloc(150, 7).toString('base64')}!!`)).toBeUndefined();
  expect(all.every((byte) => byte === 0)).toBe(true);
});

test('three seconds of linear audio fit, a byte more does not', () => {
  const room = new Base64Room();
  expect(room.decode(Buffer.alloc(98_304).toString('base64'))).toHaveLength(98_304);
  expect(room.decode(Buffer.alloc(98_305).toString('base64'))).toBeUndefined();
});
