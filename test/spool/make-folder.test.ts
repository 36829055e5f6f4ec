import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from '../../src/spool/make-folder.ts';
import { scratchDir } from '../support/scratch.ts';

test('makes a folder and those above it, for the owner alone', async () => {
  const path = join(scratchDir(), 'a/b/c');
  await makeFolder(path);
  await makeFolder(path);
  for (const each of [path, join(path, '..')]) expect(statSync(each).mode & 0o777).toBe(0o700);
});

test('leaves a folder that is there as it is', async () => {
  const path = join(scratchDir(), 'open');
  mkdirSync(path, { mode: 0o755 });
  await makeFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o755);
});

test('refuses a file of that name, and one above it', async () => {
  const file = join(scratchDir(), 'file');
  writeFileSync(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeFolder(join(file, 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(!existsSync('/proc/self'))('returns from where nothing can be made', async () => {
  await expect(makeFolder('/proc/record-call/x')).rejects.toMatchObject({ code: 'ENOENT' });
});
