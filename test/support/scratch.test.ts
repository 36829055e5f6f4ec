import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasProgram } from './has.ts';
import { findInFiles, scratchDir, sharedScratchDir } from './scratch.ts';

const NEEDLE = Buffer.from('4111111111111111');

test('a pattern is found in every file below a folder, hidden and nested ones too', () => {
  const folder = scratchDir();
  mkdirSync(join(folder, '.hidden/deep'), { recursive: true });
  writeFileSync(join(folder, 'clean.bin'), Buffer.alloc(5000, 0x34));
  writeFileSync(join(folder, 'whole'), NEEDLE);
  writeFileSync(join(folder, '.hidden/deep/.journal-wal'), Buffer.concat([Buffer.alloc(77), NEEDLE, Buffer.alloc(3)]));
  writeFileSync(join(folder, 'empty'), '');
  expect(findInFiles(folder, NEEDLE)).toEqual(['.hidden/deep/.journal-wal', 'whole']);
  expect(findInFiles(folder, Buffer.from('not there'))).toEqual([]);
});

test.each([1, 2, 15, 16, 17, 64])('a pattern is found wherever it lies among chunks of %i bytes', (chunkBytes) => {
  const folder = scratchDir();
  for (let before = 0; before <= 70; before++) {
    const path = join(folder, 'file');
    writeFileSync(path, Buffer.concat([Buffer.alloc(before, '4'), NEEDLE, Buffer.alloc(before % 3)]));
    expect(findInFiles(folder, NEEDLE, chunkBytes)).toEqual(['file']);
    writeFileSync(path, Buffer.concat([Buffer.alloc(before, '4'), NEEDLE.subarray(0, 15), Buffer.alloc(before % 3)]));
    expect(findInFiles(folder, NEEDLE, chunkBytes)).toEqual([]);
  }
});

test('a pattern across the default chunk border is found', () => {
  const folder = scratchDir();
  writeFileSync(join(folder, 'big'), Buffer.concat([Buffer.alloc((1 << 20) - 5), NEEDLE, Buffer.alloc(100)]));
  expect(findInFiles(folder, NEEDLE)).toEqual(['big']);
});

test('an empty pattern is refused, as it would be found everywhere', () => {
  expect(() => findInFiles(scratchDir(), Buffer.alloc(0))).toThrow(RangeError);
});

describe('a scratch folder', () => {
  const seen: string[] = [];
  test('is there and empty during its test', () => {
    seen.push(scratchDir());
    expect(findInFiles(seen[0], NEEDLE)).toEqual([]);
    writeFileSync(join(seen[0], 'left behind'), 'x');
  });
  test('is gone after it', () => {
    expect(existsSync(seen[0])).toBe(false);
  });
});

describe('a shared scratch folder', () => {
  const folder = sharedScratchDir();
  test('outlives a test', () => writeFileSync(join(folder, 'kept'), 'x'));
  test('until the last', () => expect(existsSync(join(folder, 'kept'))).toBe(true));
});

test('a program is found on the path, a folder or a plain file is not', () => {
  const folder = scratchDir();
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'plain'), '', { mode: 0o600 });
  writeFileSync(join(folder, 'tool'), '', { mode: 0o700 });
  expect(hasProgram('node')).toBe(true);
  expect(['tool', 'plain', 'dir', 'absent'].map((name) => hasProgram(name, `/nowhere::${folder}`))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
