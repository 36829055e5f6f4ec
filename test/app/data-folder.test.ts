/** The data folder and its disk. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freeMebibytes, openDataFolder } from '../../src/app/data-folder.ts';
import { DiskWatch } from '../../src/app/disk-watch.ts';
import { scratchDir } from '../support/scratch.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the data folder', () => {
  test('is made with what is in it, for its owner alone, and opened again', async () => {
    const root = join(scratchDir(), 'a', 'data');
    const folder = await openDataFolder(root);
    expect(readdirSync(root).sort()).toEqual(['jobs', 'journals', 'recordings', 'uploads']);
    for (const path of [root, folder.journals, folder.recordings, folder.uploads]) expect(modeOf(path)).toBe(0o700);
    expect(await openDataFolder(root)).toEqual(folder);
  });

  test('that is a file is refused by name', async () => {
    const path = join(scratchDir(), 'data');
    writeFileSync(path, '');
    await expect(openDataFolder(path)).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining(path),
    });
  });

  test.skipIf(process.getuid?.() === 0)('that may not be written to is refused (not as root)', async () => {
    const path = scratchDir();
    mkdirSync(join(path, 'journals'));
    chmodSync(join(path, 'journals'), 0o500);
    await expect(openDataFolder(path)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  test('has room that can be asked for', async () => expect(await freeMebibytes(scratchDir())).toBeGreaterThan(0));
});

describe('the disk watch', () => {
  test('warns once while room is short, refuses when there is too little, and forgets both when there is room again', async () => {
    let free = 10_000;
    const warnings: string[] = [];
    const watch = new DiskWatch(
      500,
      async () => free,
      (message) => warnings.push(message),
    );
    const looked = async (mib: number) => {
      free = mib;
      await watch.look();
      return watch.refusal?.code;
    };
    expect(await looked(10_000)).toBeUndefined();
    expect(await looked(1999)).toBeUndefined();
    expect(await looked(1500)).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(await looked(499)).toBe('DISK_LOW');
    expect(warnings).toHaveLength(1);
    expect(await looked(2000)).toBeUndefined();
    expect(await looked(600)).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });

  test('takes a disk that can’t be asked for a full one', async () => {
    const watch = new DiskWatch(
      1,
      async () => Promise.reject(new Error('gone')),
      () => {},
    );
    await watch.look();
    expect(watch.refusal?.code).toBe('DISK_LOW');
  });
});
