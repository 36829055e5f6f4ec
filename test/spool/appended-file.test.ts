import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { AppendedFile } from '../../src/spool/appended-file.ts';
import { scratchDir } from '../support/scratch.ts';

/** The most that the system takes at a time. */
let most = Number.POSITIVE_INFINITY;

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writev = (
    file: number,
    parts: Uint8Array[],
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void => {
    const whole = Buffer.concat(parts);
    fs.write(file, whole, 0, Math.min(most, whole.length), null, done);
  };
  return { ...fs, writev };
});

test.each([1, 3, 4, 5, 9, 100])(
  'what the system takes %i bytes at a time is written whole and in order',
  async (each) => {
    most = each;
    const path = join(scratchDir(), 'file');
    const file = await AppendedFile.make(path);
    await file.append([Buffer.from('one '), Buffer.alloc(0), Buffer.from('two '), Buffer.from('three')]);
    await file.append([Buffer.from('!')]);
    await file.sync();
    await file.close();
    expect(readFileSync(path, 'utf8')).toBe('one two three!');
  },
);

test('a file that is there already is not written to', async () => {
  const path = join(scratchDir(), 'file');
  await (await AppendedFile.make(path)).close();
  await expect(AppendedFile.make(path)).rejects.toMatchObject({ code: 'EEXIST' });
});
