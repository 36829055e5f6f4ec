/** The data folder and its disk. */
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freeMebibytes, openDataFolder, tryToFill } from '../../src/app/data-folder.ts';
import { DiskWatch } from '../../src/app/disk-watch.ts';
import { AppError } from '../../src/core/errors.ts';
import { scratchDir } from '../support/scratch.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe('the data folder', () => {
  test('is made with what is in it, for its owner alone, and opened again', async () => {
    const root = join(scratchDir(), 'a', 'data');
    const folder = await openDataFolder(root);
    expect(readdirSync(root).sort()).toEqual(['jobs', 'journals', 'keys', 'recordings', 'uploads']);
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

  test('is written to for a trial, and nothing of that stays', async () => {
    const path = scratchDir();
    await tryToFill(path);
    expect(readdirSync(path)).toEqual([]);
    await expect(tryToFill(join(path, 'none'))).rejects.toThrow(/ENOENT/);
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

  const failure = (code: string): AppError =>
    new AppError('JOURNAL_UNWRITABLE', `journal can't be written (${code})`, {
      cause: Object.assign(new Error(code), { code }),
    });

  test.each(['ENOSPC', 'EDQUOT'])(
    'refuses as soon as a journal meets %s, warned of before, until writing works again',
    async (code) => {
      // A quota is full while the disk is not.
      let isFull = true;
      const story: string[] = [];
      const watch: DiskWatch = new DiskWatch(
        500,
        async () => 10_000,
        () => story.push(`warned, ${watch.refusal === undefined ? 'nothing refused yet' : 'refused already'}`),
        async () => {
          if (isFull) throw failure(code).cause;
        },
      );
      await watch.look();
      watch.journalFailed(failure(code));
      watch.journalFailed(failure(code));
      expect(watch.refusal?.code).toBe('DISK_LOW');
      expect(watch.refusal?.message).toContain(code);
      expect(story).toEqual(['warned, nothing refused yet']);
      await watch.look();
      expect(watch.refusal?.code).toBe('DISK_LOW');
      isFull = false;
      await watch.look();
      await watch.look();
      expect(watch.refusal).toBeUndefined();
    },
  );

  test('looks at once when a journal fails, and takes other failures for what they are', async () => {
    let free = 10_000;
    const watch = new DiskWatch(
      500,
      async () => free,
      () => {},
    );
    await watch.look();
    free = 3;
    watch.journalFailed(failure('ENOSPC'));
    await watch.look();
    expect(watch.freeMib).toBe(3);
    expect(watch.refusal?.message).toContain('3 MiB');
    free = 10_000;
    await watch.look();
    watch.journalFailed(failure('EIO'));
    expect(watch.refusal).toBeUndefined();
  });

  test('warns before it refuses, when room goes all at once too', async () => {
    const story: string[] = [];
    const watch: DiskWatch = new DiskWatch(
      500,
      async () => 10,
      () => story.push(watch.refusal === undefined ? 'first' : 'late'),
    );
    await watch.look();
    expect(story).toEqual(['first']);
    expect(watch.refusal?.code).toBe('DISK_LOW');
  });

  test('tells what nothing may begin for when that changes, and when a journal found no room at once', async () => {
    let freeMib = 1000;
    const watch = new DiskWatch(
      500,
      async () => freeMib,
      () => {},
    );
    const told: (string | undefined)[] = [];
    watch.onRefusal = (refusal) => told.push(refusal?.code);
    await watch.look();
    watch.journalFailed(failure('EIO'));
    watch.journalFailed(failure('ENOSPC'));
    expect(told).toEqual(['DISK_LOW']);
    await watch.look();
    freeMib = 10;
    await watch.look();
    await watch.look();
    expect(told).toEqual(['DISK_LOW', undefined, 'DISK_LOW']);
  });

  test('asks a disk that does not answer once', async () => {
    let asked = 0;
    let answer = (_mib: number): void => {};
    const watch = new DiskWatch(
      500,
      () => {
        asked++;
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
      () => {},
    );
    const looks = [watch.look(), watch.look(), watch.look()];
    answer(10_000);
    await Promise.all(looks);
    expect(asked).toBe(1);
  });
});
