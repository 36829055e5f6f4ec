/** What a turn reads is handed over as one batch, in order, before the loop is said to go round; what is away is bounded. */
import { expect, test } from 'vitest';
import { readBatch } from '../../../src/app/media/stream-batch.ts';
import { MOST_AWAY_BYTES, StreamTurns } from '../../../src/app/media/stream-turns.ts';

const turns = () => {
  const told: unknown[] = [];
  const rooms: ArrayBuffer[] = [];
  const looks: (() => void)[] = [];
  const due: (() => void)[] = [];
  let nowUs = 1000;
  const turns = new StreamTurns({
    clock: { now: () => nowUs++, sleep: async () => {} },
    every: (_, work) => {
      looks.push(work);
      return () => looks.splice(0);
    },
    atTurnsEnd: (work) => due.push(work),
    hand: (room, used) => {
      rooms.push(room);
      readBatch(room, used, (connection, kind, atUs, bytes) =>
        told.push([connection, kind, atUs, ...bytes.subarray(0, 3)]),
      );
    },
    look: (atUs) => told.push(['look', atUs]),
    rest: () => told.push('rest'),
    onFull: (isFull) => told.push(isFull ? 'full' : 'room'),
  });
  const endTurn = (): void => {
    for (const work of due.splice(0)) work();
  };
  const look = (): void => {
    for (const work of looks) work();
  };
  return { turns, told, rooms, looks, due, endTurn, look };
};

test('what a turn has read goes as one batch when it ends, each with when it was read; what was copied is zeroed', () => {
  const { turns: under, told, rooms, due, endTurn } = turns();
  const bytes = Uint8Array.of(1, 2, 3);
  under.put(1, 'binary', bytes);
  under.put(2, 'heard');
  under.put(1, 'closed');
  expect([told, due.length, [...bytes]]).toEqual([[], 1, [0, 0, 0]]);
  endTurn();
  expect(told).toEqual([
    [1, 'binary', 1000, 1, 2, 3],
    [2, 'heard', 1001],
    [1, 'closed', 1002],
  ]);
  expect(rooms).toHaveLength(1);
  endTurn();
  expect(rooms).toHaveLength(1);
});

test('the loop is said to go round behind what it has read, from the first stream to the last', () => {
  const { turns: under, told, looks, look } = turns();
  under.begin();
  under.begin();
  under.put(1, 'text', Uint8Array.of(9));
  look();
  under.put(1, 'broken');
  under.rest();
  under.rest();
  expect(told).toEqual([['look', 1000], [1, 'text', 1001, 9], ['look', 1002], [1, 'broken', 1003], 'rest']);
  expect(looks).toEqual([]);
});

test('a message that fits no room has one of its own, and rooms that come back are used again', () => {
  const { turns: under, told, rooms } = turns();
  under.put(1, 'binary', new Uint8Array(10).fill(1));
  under.put(1, 'binary', new Uint8Array(100_000).fill(2));
  under.put(1, 'binary', new Uint8Array(10).fill(3));
  under.flush();
  expect(told).toMatchObject([
    [1, 'binary', 1000, 1, 1, 1],
    [1, 'binary', 1001, 2, 2, 2],
    [1, 'binary', 1002, 3, 3, 3],
  ]);
  const [first, large, last] = rooms;
  expect(under.awayBytes).toBe(first!.byteLength + large!.byteLength + last!.byteLength);
  for (const room of [first!, large!]) under.taken(room);
  under.put(1, 'heard');
  under.flush();
  expect(rooms.at(-1)).toBe(first);
});

test('where too much is away nothing more is to be read, nor does the loop count as going round, until half of it is back', () => {
  const { turns: under, told, rooms, look } = turns();
  under.begin();
  while (!under.isFull) under.put(1, 'binary', new Uint8Array(2 ** 20 - 64));
  expect(told.at(-1)).toBe('full');
  expect(under.awayBytes).toBeGreaterThanOrEqual(MOST_AWAY_BYTES);
  expect(under.awayBytes).toBeLessThan(MOST_AWAY_BYTES + 2 ** 20);
  const before = told.length;
  look();
  expect(told.slice(before).filter((each) => Array.isArray(each) && each[0] === 'look')).toEqual([]);
  for (const room of rooms.splice(0)) under.taken(room);
  expect(told.at(-1)).toBe('room');
  look();
  expect(told.at(-1)).toMatchObject(['look', expect.any(Number)]);
});
