import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { watchReader } from '../../src/http/reader-watch.ts';
import { HandClock } from '../support/hand-clock.ts';

const arrange = () => {
  const clock = new HandClock();
  const socket = { bytesWritten: 0, writableLength: 0 };
  const answer = Object.assign(new EventEmitter(), {
    isCut: false,
    destroy(): void {
      answer.isCut = true;
      answer.emit('close');
    },
  });
  watchReader(answer, socket, { clock, stallMs: 60_000 });
  return { clock, socket, answer };
};

for (const { name, steps, isCut } of [
  // Bytes handed to the socket, and how many of them wait for the reader.
  {
    name: 'that takes nothing is cut off',
    steps: [
      [100, 80],
      [100, 80],
    ],
    isCut: true,
  },
  { name: 'that takes nothing from the beginning is cut off', steps: [[100, 100]], isCut: true },
  {
    name: 'for whom more is put in line takes nothing by that',
    steps: [
      [100, 80],
      [900, 880],
    ],
    isCut: true,
  },
  {
    name: 'that takes a byte in time is waited for',
    steps: [
      [100, 80],
      [100, 79],
      [100, 78],
    ],
    isCut: false,
  },
  {
    name: 'that has taken all there is waits for the disk',
    steps: [
      [100, 0],
      [100, 0],
      [100, 0],
    ],
    isCut: false,
  },
])
  test(`a reader ${name}`, async () => {
    const { clock, socket, answer } = arrange();
    for (const [bytesWritten = 0, writableLength = 0] of steps) {
      expect(answer.isCut).toBe(false);
      Object.assign(socket, { bytesWritten, writableLength });
      await clock.advance(60_000);
    }
    expect([answer.isCut, clock.sleeping]).toEqual([isCut, isCut ? 0 : 1]);
  });

for (const event of ['finish', 'close'])
  test(`on ${event} there is nothing more to watch`, async () => {
    const { clock, socket, answer } = arrange();
    Object.assign(socket, { bytesWritten: 10, writableLength: 10 });
    answer.emit(event);
    await clock.advance(120_000);
    expect([answer.isCut, clock.sleeping]).toEqual([false, 0]);
  });
