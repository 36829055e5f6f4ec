import { expect, test } from 'vitest';
import { BlockSize, giveBlock, takeBlock } from '../../src/spool/journal-block.ts';

const KIB = 1024;

test('a block that was given back is the next that is taken of its size', () => {
  const block = takeBlock(16 * KIB, 100);
  giveBlock(block);
  const larger = takeBlock(32 * KIB, 100);
  expect(larger).not.toBe(block);
  expect(takeBlock(16 * KIB, 100)).toBe(block);
  giveBlock(larger);
  giveBlock(block);
});

test.each([20_000, 32 * KIB, 200_000])('a record of %i bytes has a block of its own, which nobody shares', (bytes) => {
  const block = takeBlock(16 * KIB, bytes);
  expect(block.size).toBe(bytes);
  giveBlock(block);
  expect(takeBlock(16 * KIB, bytes)).not.toBe(block);
});

test('as much is kept for later as is in use, and a little', () => {
  const blocks = Array.from({ length: 1000 }, () => takeBlock(64 * KIB, 1));
  for (const block of blocks) giveBlock(block);
  const kept = new Set(blocks);
  const again = Array.from({ length: 1000 }, () => takeBlock(64 * KIB, 1)).filter((block) => kept.has(block));
  // Two MiB of 64 KiB each.
  expect(again).toHaveLength(32);
});

test('blocks grow where they fill before they are flushed, and shrink where little gathers', () => {
  const size = new BlockSize();
  const sizes = [size.bytes];
  for (let times = 0; times < 3; times++) {
    size.filled();
    sizes.push(size.bytes);
  }
  size.flushed(20 * KIB);
  sizes.push(size.bytes);
  for (let times = 0; times < 3; times++) {
    size.flushed(1000);
    sizes.push(size.bytes);
  }
  expect(sizes.map((bytes) => bytes / KIB)).toEqual([16, 32, 64, 64, 64, 32, 16, 16]);
});
