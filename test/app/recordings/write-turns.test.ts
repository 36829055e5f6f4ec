import { describe, expect, test } from 'vitest';
import { WriteTurns } from '../../../src/app/recordings/write-turns.ts';
import { AppError } from '../../../src/core/errors.ts';
import { HandClock, until } from './shelf-kit.ts';

const locked = (): AppError => new AppError('STORE_FAILED', 'the database is locked');

const turnsOf = () => {
  const clock = new HandClock();
  const closing = new AbortController();
  const failures: string[] = [];
  const turns = new WriteTurns(clock, closing.signal, (error, key) => void failures.push(`${key} ${error.code}`));
  return { clock, closing, failures, turns };
};

test('writes come one after another, in the order they were asked for', async () => {
  const { turns } = turnsOf();
  const seen: string[] = [];
  for (const key of ['a', 'b', 'a'])
    void turns.add(key, async () => {
      seen.push(`${key}(`);
      await Promise.resolve();
      seen.push(`)${key}`);
    });
  expect(turns.waiting).toBe(3);
  await turns.idle();
  expect(seen.join(' ')).toBe('a( )a b( )b a( )a');
  expect(turns.waiting).toBe(0);
});

test('the rest of the thread has its turn between two writes', async () => {
  const { turns } = turnsOf();
  let others = 0;
  const other = setInterval(() => others++, 0);
  const seen: number[] = [];
  for (let n = 0; n < 200; n++)
    void turns.add('a', async () => {
      const endMs = performance.now() + 0.2;
      while (performance.now() < endMs);
      seen.push(others);
    });
  await turns.idle();
  clearInterval(other);
  expect(new Set(seen).size).toBeGreaterThan(10);
});

test('whoever asks for one waits for what was to be written of it', async () => {
  const { turns } = turnsOf();
  let written = false;
  void turns.add('a', async () => {
    written = true;
  });
  await turns.of('b');
  expect(written).toBe(false);
  await turns.of('a');
  expect(written).toBe(true);
});

describe('a store that fails', () => {
  test('for a while is asked again, later and later', async () => {
    const { turns, clock } = turnsOf();
    const waits: number[] = [];
    let left = 10;
    void turns.add('a', async () => {
      if (left-- > 0) throw locked();
    });
    while (waits.length < 10) {
      await until(() => clock.sleepers === 1);
      waits.push(clock.nextMs);
      clock.advance(clock.nextMs);
    }
    await turns.idle();
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('for good is told, and the next has its turn', async () => {
    const { turns, failures } = turnsOf();
    let next = false;
    void turns.add('a', async () => {
      throw new AppError('CONFLICT', 'it is gone');
    });
    void turns.add('b', async () => {
      next = true;
    });
    await turns.idle();
    expect(failures).toEqual(['a CONFLICT']);
    expect(next).toBe(true);
  });

  test('is asked no more when the shelf closes', async () => {
    const { turns, clock, closing, failures } = turnsOf();
    void turns.add('a', async () => {
      throw locked();
    });
    await until(() => clock.sleepers === 1);
    closing.abort();
    await turns.idle();
    expect(failures).toEqual(['a STORE_FAILED']);
    await expect(turns.patiently(async () => Promise.reject(locked()))).rejects.toThrow(/locked/);
  });
});
