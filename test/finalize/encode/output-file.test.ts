import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { OutputFile, type OutputHandle } from '../../../src/finalize/encode/output-file.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../../src/spool/seal/sealed-file.ts';
import { noise, scratch } from './listening.ts';

const place = scratch();
const MEGABYTE = new Uint8Array(noise(2 ** 19, 30_000).buffer);

const unwritable = (path: string) =>
  expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining(path) });

test('holds what was appended and patched, and says its length and hash', async () => {
  const path = place('whole');
  const file = await OutputFile.create(path);
  for (let at = 0; at < MEGABYTE.length; at += 77_777) await file.append(MEGABYTE.subarray(at, at + 77_777));
  expect(file.bytes).toBe(MEGABYTE.length);
  await file.patch(Buffer.from('head'), 0);
  const sealed = await file.seal();
  const expected = Buffer.from(MEGABYTE);
  expected.write('head');
  expect(readFileSync(path).equals(expected)).toBe(true);
  expect(sealed).toEqual({ bytes: expected.length, sha256: createHash('sha256').update(expected).digest('hex') });
});

test('an empty file is sealed too', async () => {
  const file = await OutputFile.create(place('empty'));
  expect(await file.seal()).toEqual({ bytes: 0, sha256: createHash('sha256').digest('hex') });
});

test('a piece larger than the buffer arrives whole', async () => {
  const path = place('large');
  const file = await OutputFile.create(path);
  await file.append(Uint8Array.of(1));
  await file.append(MEGABYTE);
  await file.close();
  expect(readFileSync(path).equals(Buffer.concat([Buffer.of(1), MEGABYTE]))).toBe(true);
});

test('nobody else may read it', async () => {
  const path = place('private');
  const file = await OutputFile.create(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await file.discard();
});

for (const size of [0, 1, 65_536, 65_537, MEGABYTE.length]) {
  test(`sealed, ${size} bytes: size and hash are the content's, the disk has none of it, and the key gives it back`, async () => {
    const path = place('sealed');
    const key = newSealKey(randomBytes);
    const file = await OutputFile.create(path, { seal: { key, purpose: 'artefact' } });
    const expected = Buffer.from(MEGABYTE.subarray(0, size));
    for (let at = 0; at < size; at += 77_777) await file.append(expected.subarray(at, Math.min(at + 77_777, size)));
    if (size > 4) {
      await file.patch(Buffer.from('head'), 0);
      expected.write('head');
    }
    expect(file.bytes).toBe(size);
    const sealed = await file.seal();
    expect(sealed).toEqual({ bytes: size, sha256: createHash('sha256').update(expected).digest('hex') });
    const open = await sealedFile(path, key, 'artefact').open();
    const content = Buffer.alloc(open.size);
    await open.read(content, 0);
    await open.close();
    expect(content.equals(expected)).toBe(true);
    if (size > 64) expect(readFileSync(path).includes(expected.subarray(0, 64))).toBe(false);
  });
}

test('sealed, at no moment is anything of the content on disk', async () => {
  const path = place('watched');
  const disk = await open(path, 'wx+');
  const write = async (...args: Parameters<typeof disk.write>) => {
    const result = await disk.write(...args);
    expect(readFileSync(path).includes('the secret words')).toBe(false);
    return result;
  };
  const openFile = async () => disguised(disk, { write: write as OutputHandle['write'] });
  const file = await OutputFile.create(path, { seal: { key: newSealKey(randomBytes), purpose: 'artefact' }, openFile });
  const words = Buffer.alloc(300_000, 'the secret words ');
  for (let n = 0; n < 4; n++) {
    await file.append(words);
    await file.patch(words.subarray(0, 80), 0);
  }
  await file.seal();
});

describe('is OUTPUT_UNWRITABLE', () => {
  test('when the file is there already, which stays as it was', async () => {
    const path = place('taken');
    writeFileSync(path, 'mine');
    await expect(OutputFile.create(path)).rejects.toThrow(unwritable(path));
    expect(readFileSync(path, 'utf8')).toBe('mine');
  });
  test('when the folder is missing', async () => {
    const path = `${place('nowhere')}/file`;
    await expect(OutputFile.create(path)).rejects.toThrow(unwritable(path));
  });
  test('when a file stands where the folder should be', async () => {
    const path = place('file');
    writeFileSync(path, '');
    await expect(OutputFile.create(`${path}/file`)).rejects.toThrow(unwritable(path));
  });
  test('when it is a folder', async () => {
    const path = place('folder');
    mkdirSync(path);
    await expect(OutputFile.create(path)).rejects.toThrow(unwritable(path));
  });
  for (const failing of ['write', 'read', 'sync', 'close'] as const)
    for (const seal of [undefined, { key: newSealKey(randomBytes), purpose: 'artefact' }] as const) {
      test(`when ${failing} fails before ${seal ? 'a sealed one' : 'it'} is whole`, async () => {
        const path = place(failing);
        const openFile = async () => failingDisk(await open(path, 'wx+'), failing);
        const file = await OutputFile.create(path, { seal, openFile });
        const sealing = (async () => {
          await file.append(MEGABYTE);
          await file.seal();
        })();
        await expect(sealing).rejects.toThrow(unwritable(path));
        await file.discard();
        expect(() => statSync(path)).toThrow('ENOENT');
      });
    }
});

for (const { code, says } of [
  { code: 'ENOSPC', says: 'the disk is full (ENOSPC)' },
  { code: 'EDQUOT', says: 'the disk quota is used up (EDQUOT)' },
  { code: 'EFBIG', says: 'a file may not be that large (EFBIG)' },
  { code: 'EIO', says: 'EIO' },
]) {
  test(`${code} is told as "${says}"`, async () => {
    const path = place(code);
    const file = await OutputFile.create(path, {
      openFile: async () => failingDisk(await open(path, 'wx+'), 'write', code),
    });
    await file.append(Uint8Array.of(1));
    await expect(file.seal()).rejects.toThrow(`${path} can't be written: ${says}`);
    await file.discard();
  });
}

test('a disk that takes a few bytes at a time gets all of them', async () => {
  const path = place('slow');
  const disk = await open(path, 'wx+');
  const write = (bytes: Uint8Array, from: number, length: number, at: number) =>
    disk.write(bytes, from, Math.min(length, 4096), at);
  const slow = disguised(disk, { write: write as OutputHandle['write'] });
  const file = await OutputFile.create(path, { openFile: async () => slow });
  await file.append(MEGABYTE);
  await file.seal();
  expect(readFileSync(path).equals(MEGABYTE)).toBe(true);
});

test('discard removes it, also twice, and nothing can be written afterwards', async () => {
  const path = place('given-up');
  const file = await OutputFile.create(path);
  await file.append(MEGABYTE);
  await file.discard();
  await file.discard();
  expect(() => statSync(path)).toThrow('ENOENT');
  await expect(file.flush()).rejects.toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});

test('discard after seal leaves it', async () => {
  const path = place('kept');
  const file = await OutputFile.create(path);
  await file.append(Uint8Array.of(1, 2, 3));
  await file.seal();
  await file.discard();
  expect(statSync(path).size).toBe(3);
});

/** `disk` with some of its methods replaced. */
const disguised = (disk: OutputHandle, others: Partial<OutputHandle>): OutputHandle =>
  new Proxy(disk, {
    get: (target, name) => {
      const method = Reflect.get(others, name) ?? Reflect.get(target, name);
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });

const failingDisk = (disk: OutputHandle, failing: keyof OutputHandle, code = 'ENOSPC'): OutputHandle =>
  disguised(disk, {
    [failing]: async () => {
      throw Object.assign(new Error('as the system words it'), { code });
    },
  });

describe('a long file is synced now and then, so that little is left to sync at its end', () => {
  /** A disk whose first sync does `first`. */
  const watched = async (path: string, first: () => Promise<void> = async () => {}) => {
    const disk = await open(path, 'wx+');
    const counts = { syncs: 0 };
    const sync = async (): Promise<void> => {
      if (counts.syncs++ === 0) await first();
      await disk.sync();
    };
    return { handle: disguised(disk, { sync }), counts };
  };

  test('every 8 MiB, and nothing waits for it', async () => {
    const path = place('synced');
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { handle, counts } = await watched(path, () => held);
    const file = await OutputFile.create(path, { openFile: async () => handle });
    for (let n = 0; n < 20; n++) await file.append(MEGABYTE);
    // The first is still under way, the next waits for it.
    expect(counts.syncs).toBe(1);
    release();
    const { bytes } = await file.seal();
    expect(bytes).toBe(20 * MEGABYTE.length);
    expect(counts.syncs).toBe(3);
  });

  test('one that failed on the way is for good', async () => {
    const path = place('unsynced');
    const { handle } = await watched(path, async () => {
      throw Object.assign(new Error('dropped'), { code: 'EIO' });
    });
    const file = await OutputFile.create(path, { openFile: async () => handle });
    for (let n = 0; n < 9; n++) await file.append(MEGABYTE);
    await expect(file.seal()).rejects.toThrow(unwritable(path));
    await file.discard();
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  test('not one that lives no longer than the work it helps', async () => {
    const path = place('passing');
    const { handle, counts } = await watched(path);
    const file = await OutputFile.create(path, { openFile: async () => handle, isPassing: true });
    for (let n = 0; n < 9; n++) await file.append(MEGABYTE);
    await file.close();
    expect(counts.syncs).toBe(0);
  });
});
