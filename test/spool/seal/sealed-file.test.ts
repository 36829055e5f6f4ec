import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/core/byte-source.ts';
import { plainFile } from '../../../src/spool/plain-file.ts';
import { newSealKey, type SealKey, type SealPurpose } from '../../../src/spool/seal/seal-key.ts';
import { isSealedFile, sealedFile } from '../../../src/spool/seal/sealed-file.ts';
import { CHUNK_BYTES, chunkAt, SEAL_HEAD_BYTES } from '../../../src/spool/seal/sealed-format.ts';
import { SealedReader } from '../../../src/spool/seal/sealed-reader.ts';
import { SealedWriter } from '../../../src/spool/seal/sealed-writer.ts';
import { scratchDir } from '../../support/scratch.ts';
import { seeded } from '../../support/tones.ts';

const KEY = newSealKey(randomBytes);
const SEALED_CHUNK = CHUNK_BYTES + 16;

const content = (length: number, seed = 1): Buffer => {
  const random = seeded(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(random() * 256)));
};

const writeAt = (handle: FileHandle) => async (bytes: Uint8Array, at: number) => {
  await handle.write(bytes, 0, bytes.length, at);
};

/** @param piece how many bytes are appended at a time */
const seal = async (
  path: string,
  bytes: Uint8Array,
  {
    key = KEY,
    purpose = 'artefact' as SealPurpose,
    piece = 10_000,
    patches = [] as readonly (readonly [Uint8Array, number])[],
  } = {},
): Promise<void> => {
  const handle = await open(path, 'wx+');
  const writer = new SealedWriter(writeAt(handle), { key, purpose });
  for (let at = 0; at < bytes.length; at += piece) await writer.append(bytes.subarray(at, at + piece));
  expect(writer.bytes).toBe(bytes.length);
  for (const [patch, at] of patches) writer.patch(patch, at);
  await writer.finish();
  await handle.close();
};

const readAll = async (source: ByteSource): Promise<Buffer> => {
  const file = await source.open();
  try {
    const all = Buffer.alloc(file.size);
    expect(await file.read(all, 0)).toBe(file.size);
    return all;
  } finally {
    await file.close();
  }
};

const readInOrder = (path: string, key: SealKey = KEY, purpose: SealPurpose = 'artefact', step = 7001): Buffer => {
  const reader = new SealedReader(path, key, purpose);
  try {
    const parts: Buffer[] = [];
    for (;;) {
      const part = Buffer.alloc(step);
      const read = reader.read(part);
      parts.push(part.subarray(0, read));
      if (read < step) return Buffer.concat(parts);
    }
  } finally {
    reader.close();
  }
};

const broken = expect.objectContaining({ code: 'SEAL_BROKEN' });
const BORDERS = [0, 1, 15, 16, 17, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 9];

/** Sizes that crowd around the borders of chunks. */
const nearBorder = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -40, max: 40 }))
  .map(([chunks, off]) => Math.max(0, chunks * CHUNK_BYTES + off));
const sizes = fc.oneof(nearBorder, fc.integer({ min: 0, max: 3 * CHUNK_BYTES }));

describe('what was sealed comes back, byte for byte', () => {
  for (const size of BORDERS) {
    test(`${size} bytes`, async () => {
      const path = join(scratchDir(), 'x');
      const bytes = content(size);
      await seal(path, bytes);
      expect((await readAll(sealedFile(path, KEY, 'artefact'))).equals(bytes)).toBe(true);
      expect(readInOrder(path).equals(bytes)).toBe(true);
      const chunks = Math.max(1, Math.ceil(size / CHUNK_BYTES));
      expect(readFileSync(path).length).toBe(SEAL_HEAD_BYTES + size + 16 * chunks);
    });
  }

  test('whatever the size, the pieces it came in and the places it is read from', async () => {
    const folder = scratchDir();
    const source = content(4 * CHUNK_BYTES);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 2 * CHUNK_BYTES }),
        fc.array(fc.tuple(fc.double({ min: 0, max: 1.1, noNaN: true }), fc.integer({ min: 0, max: 150_000 })), {
          minLength: 1,
          maxLength: 8,
        }),
        async (size, piece, reads) => {
          const path = join(folder, `${count++}`);
          const bytes = source.subarray(0, size);
          await seal(path, bytes, { piece: Math.max(piece, 64) });
          const [one, other] = [await sealedFile(path, KEY, 'artefact').open(), await plainFile(path).open()];
          expect(one.size).toBe(size);
          for (const [share, length] of reads) {
            const at = Math.floor(share * size);
            const into = Buffer.alloc(length);
            const read = await one.read(into, at);
            expect(read).toBe(Math.max(0, Math.min(length, size - at)));
            expect(into.subarray(0, read).equals(bytes.subarray(at, at + read))).toBe(true);
          }
          await one.close();
          await one.close();
          await other.close();
          rmSync(path);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('with its head patched last, in one chunk and in many', async () => {
    for (const size of [100, CHUNK_BYTES, 3 * CHUNK_BYTES + 5]) {
      const path = join(scratchDir(), 'x');
      const bytes = content(size);
      await seal(path, bytes, {
        patches: [
          [Buffer.from('HEAD'), 0],
          [Buffer.from('!'), 99],
        ],
      });
      const expected = Buffer.from(bytes);
      expected.write('HEAD', 0);
      expected.write('!', 99);
      expect((await readAll(sealedFile(path, KEY, 'artefact'))).equals(expected)).toBe(true);
    }
  });

  test('read by several at once from one open file', async () => {
    const path = join(scratchDir(), 'x');
    const bytes = content(4 * CHUNK_BYTES);
    await seal(path, bytes);
    const file = await sealedFile(path, KEY, 'artefact').open();
    const reads = Array.from({ length: 20 }, async (_, n) => {
      const into = Buffer.alloc(30_000);
      await file.read(into, n * 11_111);
      expect(into.equals(bytes.subarray(n * 11_111, n * 11_111 + 30_000))).toBe(true);
    });
    await Promise.all(reads);
    await file.close();
  });
});

test('nothing of the content is in the file, nor any two chunks alike', async () => {
  const path = join(scratchDir(), 'x');
  await seal(path, Buffer.alloc(3 * CHUNK_BYTES, 'secret.'));
  const file = readFileSync(path);
  expect(file.includes('secret')).toBe(false);
  const chunks = [0, 1, 2].map((n) => file.subarray(chunkAt(n), chunkAt(n) + 1000).toString('hex'));
  expect(new Set(chunks).size).toBe(3);
});

test('two files under one key and of one content have nothing in common', async () => {
  const [one, other] = [join(scratchDir(), 'x'), join(scratchDir(), 'y')];
  for (const path of [one, other]) await seal(path, content(1000));
  const [a, b] = [one, other].map((path) => readFileSync(path).subarray(8).toString('hex'));
  expect(a).not.toBe(b);
  expect(a!.slice(64, 128)).not.toBe(b!.slice(64, 128));
});

test('nothing is enciphered twice under one number: a patch after a chunk was written is refused', async () => {
  const handle = await open(join(scratchDir(), 'x'), 'wx+');
  const written: number[] = [];
  const writer = new SealedWriter(
    async (bytes, at) => {
      written.push(at);
      await writeAt(handle)(bytes, at);
    },
    { key: KEY, purpose: 'artefact' },
  );
  await writer.append(content(3 * CHUNK_BYTES + 1));
  writer.patch(Buffer.alloc(4), CHUNK_BYTES - 4);
  for (const at of [CHUNK_BYTES - 3, CHUNK_BYTES, 2 * CHUNK_BYTES])
    expect(() => writer.patch(Buffer.alloc(4), at)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  await writer.finish();
  expect(written).toEqual([chunkAt(1), chunkAt(3), 0]);
  await expect(writer.finish()).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(writer.append(Buffer.alloc(1))).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(() => writer.patch(Buffer.alloc(1), 0)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  await handle.close();
});

describe('SEAL_BROKEN', () => {
  /** A file of three chunks, the last one short. */
  const whole = async (size = 2 * CHUNK_BYTES + 500): Promise<{ path: string; sealed: Buffer }> => {
    const path = join(scratchDir(), 'x');
    await seal(path, content(size));
    return { path, sealed: readFileSync(path) };
  };
  const chunk = (file: Buffer, index: number): Buffer => file.subarray(chunkAt(index), chunkAt(index + 1));
  const head = (file: Buffer): Buffer => file.subarray(0, SEAL_HEAD_BYTES);

  /** Every way in: from the start, in order without waiting, and nothing but the last byte. */
  const expectBroken = async (path: string): Promise<void> => {
    await expect(readAll(sealedFile(path, KEY, 'artefact'))).rejects.toThrow(broken);
    expect(() => readInOrder(path)).toThrow(broken);
  };

  for (const { name, change } of [
    { name: 'two chunks change places', change: (f: Buffer) => [head(f), chunk(f, 1), chunk(f, 0), chunk(f, 2)] },
    { name: 'a chunk is there twice', change: (f: Buffer) => [head(f), chunk(f, 0), chunk(f, 0), chunk(f, 2)] },
    { name: 'a chunk is left out', change: (f: Buffer) => [head(f), chunk(f, 0), chunk(f, 2)] },
    { name: 'the last chunk is cut off', change: (f: Buffer) => [head(f), chunk(f, 0), chunk(f, 1)] },
    { name: 'all but the head is cut off', change: (f: Buffer) => [head(f)] },
    { name: 'the head is cut', change: (f: Buffer) => [f.subarray(0, 30)] },
    { name: 'nothing is left', change: () => [] },
    { name: 'something follows', change: (f: Buffer) => [f, Buffer.alloc(100)] },
    { name: 'one byte follows', change: (f: Buffer) => [f, Buffer.alloc(1)] },
    { name: 'an empty chunk follows', change: (f: Buffer) => [f, chunk(f, 2).subarray(0, 16)] },
    { name: 'it says to be another format', change: (f: Buffer) => [Buffer.from('RCSEAL99'), f.subarray(8)] },
  ])
    test(name, async () => {
      const { path, sealed } = await whole();
      writeFileSync(path, Buffer.concat(change(sealed)));
      await expectBroken(path);
    });

  for (const size of [1, CHUNK_BYTES, 3 * CHUNK_BYTES])
    test(`${size} bytes, cut anywhere, is found out before its length is told`, async () => {
      const { path, sealed } = await whole(size);
      const random = seeded(9);
      const cuts = [1, 16, 17, SEALED_CHUNK, SEALED_CHUNK + 1, ...Array.from({ length: 30 }, () => random() * size)];
      for (const cut of cuts.map(Math.floor)) {
        if (cut < 1 || cut > sealed.length) continue;
        truncateSync(path, sealed.length - cut);
        await expect(sealedFile(path, KEY, 'artefact').open()).rejects.toThrow(broken);
        expect(() => new SealedReader(path, KEY, 'artefact')).toThrow(broken);
        writeFileSync(path, sealed);
      }
    });

  test('one bit is turned over, anywhere', async () => {
    const { path, sealed } = await whole();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 8 * sealed.length - 1 }), async (bit) => {
        const changed = Buffer.from(sealed);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        writeFileSync(path, changed);
        await expectBroken(path);
      }),
      { numRuns: 60 },
    );
  });

  test('what is not damaged can be read, what is damaged never', async () => {
    const { path, sealed } = await whole();
    sealed[chunkAt(1) + 5]! ^= 1;
    writeFileSync(path, sealed);
    const file = await sealedFile(path, KEY, 'artefact').open();
    const into = Buffer.alloc(CHUNK_BYTES + 1);
    expect(await file.read(into.subarray(0, CHUNK_BYTES), 0)).toBe(CHUNK_BYTES);
    await expect(file.read(into, 0)).rejects.toThrow(broken);
    expect(await file.read(into.subarray(0, 500), 2 * CHUNK_BYTES)).toBe(500);
    await file.close();
  });

  test('it is another recording’s, or was sealed for another purpose, or is not sealed at all', async () => {
    const path = join(scratchDir(), 'x');
    await seal(path, content(100));
    await expect(sealedFile(path, newSealKey(randomBytes), 'artefact').open()).rejects.toThrow(broken);
    await expect(sealedFile(path, KEY, 'peaks').open()).rejects.toThrow(broken);
    writeFileSync(path, content(100));
    await expect(sealedFile(path, KEY, 'artefact').open()).rejects.toThrow(broken);
  });

  test('its chunks are another file’s of the same recording', async () => {
    const { path, sealed } = await whole();
    const { sealed: other } = await whole();
    writeFileSync(path, Buffer.concat([head(sealed), chunk(sealed, 0), chunk(other, 1), chunk(sealed, 2)]));
    await expectBroken(path);
  });

  test('the writer did not come to its end', async () => {
    const path = join(scratchDir(), 'x');
    const handle = await open(path, 'wx+');
    const writer = new SealedWriter(writeAt(handle), { key: KEY, purpose: 'artefact' });
    await writer.append(content(4 * CHUNK_BYTES));
    await handle.close();
    await expectBroken(path);
  });

  test('random bytes behind a right head', async () => {
    const path = join(scratchDir(), 'x');
    for (const length of [16, 17, 1000, SEALED_CHUNK, 2 * SEALED_CHUNK]) {
      writeFileSync(path, Buffer.concat([Buffer.from('RCSEAL01'), randomBytes(32 + length)]));
      await expectBroken(path);
    }
  });
});

test('a file that is removed while it is open is read to its end', async () => {
  const path = join(scratchDir(), 'x');
  const bytes = content(3 * CHUNK_BYTES);
  await seal(path, bytes);
  const file = await sealedFile(path, KEY, 'artefact').open();
  rmSync(path);
  const all = Buffer.alloc(file.size);
  await file.read(all, 0);
  await file.close();
  expect(createHash('sha256').update(all).digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'));
});

test('a file says whether it is sealed; one that is not there, or a folder, is INPUT_MISSING', async () => {
  const folder = scratchDir();
  const path = join(folder, 'x');
  await seal(path, content(10));
  expect(await isSealedFile(path)).toBe(true);
  for (const text of ['', 'RCSEAL0', 'RIFF and so on, and so on']) {
    writeFileSync(path, text);
    expect(await isSealedFile(path)).toBe(false);
  }
  for (const missing of [join(folder, 'nothing'), folder]) {
    await expect(isSealedFile(missing)).rejects.toMatchObject({ code: 'INPUT_MISSING' });
    await expect(sealedFile(missing, KEY, 'artefact').open()).rejects.toMatchObject({ code: 'INPUT_MISSING' });
    await expect(plainFile(missing).open()).rejects.toMatchObject({ code: 'INPUT_MISSING' });
  }
});

test('a plain file is read from anywhere, and what is appended meanwhile is not part of it', async () => {
  const path = join(scratchDir(), 'x');
  const bytes = content(1000);
  writeFileSync(path, bytes);
  const file = await plainFile(path).open();
  writeFileSync(path, 'more', { flag: 'a' });
  expect(file.size).toBe(1000);
  for (const [at, length] of [
    [0, 1000],
    [990, 100],
    [1000, 5],
    [2000, 5],
    [500, 0],
  ] as const) {
    const into = Buffer.alloc(length);
    const read = await file.read(into, at);
    expect(into.subarray(0, read).equals(bytes.subarray(at, at + length))).toBe(true);
    expect(read).toBe(Math.max(0, Math.min(length, 1000 - at)));
  }
  await file.close();
  await file.close();
});
