import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { GzipUnpacker, isGzip } from '../../../src/ingest/capture/gzip-unpacker.ts';

/** Hands out `bytes` in pieces, each in the same buffer, as the file reader does. */
async function* pieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.alloc(pieceBytes);
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const length = bytes.copy(buffer, 0, at, at + pieceBytes);
    yield buffer.subarray(0, length);
    buffer.fill(0xee);
  }
}

const unpack = async (bytes: Buffer, pieceBytes = 1 << 18) => {
  const unpacker = new GzipUnpacker();
  const chunks: Buffer[] = [];
  for await (const chunk of unpacker.unpack(pieces(bytes, pieceBytes))) chunks.push(chunk);
  return { out: text(Buffer.concat(chunks)), ending: unpacker.ending, packedBytes: unpacker.packedBytes };
};

/** As text: two long strings are compared at once, two long buffers byte by byte. */
const text = (bytes: Buffer): string => bytes.toString('latin1');

/** Bytes that hardly pack, so that a piece of the packed ones is a piece of these. */
const noise = (length: number): Buffer => {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    }),
  );
};

describe('GzipUnpacker', () => {
  test('knows gzip by its first two bytes', () => {
    expect(isGzip(gzipSync('x'))).toBe(true);
    expect(isGzip(Buffer.from([0x1f]))).toBe(false);
    expect(isGzip(Buffer.alloc(0))).toBe(false);
    expect(isGzip(Buffer.from([0xd4, 0xc3, 0xb2, 0xa1]))).toBe(false);
  });

  test('one member, two, and an empty one between: one stream', async () => {
    const one = noise(300_000);
    const two = Buffer.alloc(500_000, 'two');
    const packed = Buffer.concat([gzipSync(one), gzipSync(''), gzipSync(two)]);
    expect(await unpack(gzipSync(one))).toEqual({ out: text(one), ending: 'whole', packedBytes: gzipSync(one).length });
    expect(await unpack(packed)).toEqual({
      out: text(one) + text(two),
      ending: 'whole',
      packedBytes: packed.length,
    });
  });

  test('two members, split anywhere', async () => {
    const packed = Buffer.concat([gzipSync('first'), gzipSync('second')]);
    for (let pieceBytes = 1; pieceBytes <= packed.length; pieceBytes++) {
      expect(await unpack(packed, pieceBytes)).toMatchObject({ out: 'firstsecond', ending: 'whole' });
    }
  });

  test('zeros behind the last member are padding', async () => {
    const packed = Buffer.concat([gzipSync('all'), Buffer.alloc(100_000)]);
    for (const pieceBytes of [7, 1 << 15, 1 << 18]) {
      expect(await unpack(packed, pieceBytes)).toMatchObject({ out: 'all', ending: 'whole' });
    }
  });

  test('cut at every byte: what was whole comes out, and it is called cut', async () => {
    const bytes = noise(400);
    const packed = gzipSync(bytes);
    let before = 0;
    for (let length = 2; length < packed.length; length++) {
      const { out, ending, packedBytes } = await unpack(packed.subarray(0, length));
      expect(ending).toBe('cut');
      expect(packedBytes).toBe(length);
      expect(text(bytes).startsWith(out)).toBe(true);
      expect(out.length).toBeGreaterThanOrEqual(before);
      before = out.length;
    }
    expect(before).toBe(400);
  });

  test('cut in a long file: nothing that was whole is missing', async () => {
    const bytes = noise(1_000_000);
    const packed = gzipSync(bytes);
    const { out, ending } = await unpack(packed.subarray(0, 600_000));
    expect(ending).toBe('cut');
    expect(out.length).toBeGreaterThan(590_000);
    expect(text(bytes).startsWith(out)).toBe(true);
  });

  for (const c of [
    { name: 'in its header', at: 2 },
    { name: 'in its check sum', at: -6 },
    { name: 'in its length', at: -2 },
  ]) {
    test(`damaged ${c.name}`, async () => {
      const packed = gzipSync(noise(1000));
      const at = (packed.length + c.at) % packed.length;
      packed[at]! ^= 0xff;
      expect((await unpack(packed)).ending).toBe('damaged');
    });
  }

  test('damaged in the middle: all but the last 32 KiB before it is there', async () => {
    const bytes = Buffer.alloc(2_000_000, 'a capture, a capture, ');
    const packed = Buffer.concat([gzipSync(bytes), Buffer.from('and then no gzip at all')]);
    const { out, ending } = await unpack(packed);
    expect(ending).toBe('damaged');
    expect(out.length).toBeGreaterThanOrEqual(bytes.length - (1 << 15));
    expect(text(bytes).startsWith(out)).toBe(true);
  });

  test('whoever stops early gets no more, and nothing hangs', async () => {
    const packed = gzipSync(noise(2_000_000));
    let source = 0;
    async function* counted(): AsyncGenerator<Buffer> {
      for await (const piece of pieces(packed, 50_000)) {
        source++;
        yield piece;
      }
    }
    for await (const chunk of new GzipUnpacker().unpack(counted())) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(source).toBeLessThan(3);
  });
});
