import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import type { ByteSource } from '../../../src/core/byte-source.ts';
import { AppError } from '../../../src/core/errors.ts';
import { FfmpegFeed } from '../../../src/finalize/ffmpeg/ffmpeg-feed.ts';
import type { FfmpegProgram } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { FfmpegRun, pipeEnd } from '../../../src/finalize/ffmpeg/ffmpeg-run.ts';
import { scratch } from '../encode/listening.ts';
import { FAILS, pretender, QUITS } from './pretenders.ts';

const place = scratch();
const BYTES = randomBytes(700_000);
const BROKEN = new AppError('SEAL_BROKEN', 'chunk 3 does not open');

/** A source that says when it is closed, and breaks where it is told to. */
class Watched implements ByteSource {
  closed = 0;
  readonly #breaksAt: number;

  constructor(breaksAt = Number.POSITIVE_INFINITY) {
    this.#breaksAt = breaksAt;
  }

  async open() {
    if (this.#breaksAt < 0) throw BROKEN;
    return {
      size: BYTES.length,
      read: async (into: Uint8Array, position: number) => {
        if (position >= this.#breaksAt) throw BROKEN;
        return BYTES.copy(into, 0, position, position + into.length);
      },
      close: async () => void this.closed++,
    };
  }
}

const begin = (program: FfmpegProgram, source: ByteSource | undefined) => {
  const output = pipeEnd();
  output.on('error', () => {});
  const run = new FfmpegRun({ program, inputOptions: [], outputOptions: [], output });
  return { output, feed: new FfmpegFeed(run, source) };
};

test('all of it goes in, in order, and its end is told', async () => {
  const source = new Watched();
  const { output, feed } = begin(pretender(place('cat'), '#!/bin/sh\nexec cat\n'), source);
  expect((await buffer(output)).equals(BYTES)).toBe(true);
  await feed.ended;
  expect([source.closed, feed.failure]).toEqual([1, undefined]);
});

test('a program that has heard enough is no failure', async () => {
  const source = new Watched();
  const { feed } = begin(pretender(place('quits'), QUITS), source);
  await feed.ended;
  await feed.stop();
  expect([source.closed, feed.failure]).toEqual([1, undefined]);
});

test('a program that fails: what it said last is the reason', async () => {
  const source = new Watched();
  const { feed } = begin(pretender(place('fails'), FAILS), source);
  await expect(feed.ended).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  await feed.stop();
  expect([source.closed, feed.failure]).toEqual([1, undefined]);
});

describe('a source that breaks ends the program, and is the reason', () => {
  for (const { name, at, closed } of [
    { name: 'before its first byte', at: 0, closed: 1 },
    { name: 'in the middle', at: 200_000, closed: 1 },
    { name: 'when it is opened', at: -1, closed: 0 },
  ])
    test(name, async () => {
      const source = new Watched(at);
      const { output, feed } = begin(pretender(place('sink'), '#!/bin/sh\nexec cat >/dev/null\n'), source);
      await expect(feed.ended).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
      await feed.stop();
      expect(feed.failure).toBe(BROKEN);
      expect(source.closed).toBe(closed);
      expect(output.destroyed).toBe(true);
    });
});

test('stopped in the middle, the program ends and the source is closed', async () => {
  const source = new Watched();
  const { feed } = begin(pretender(place('waits'), '#!/bin/sh\nhead -c 1000 >/dev/null\nexec sleep 60\n'), source);
  await feed.stop();
  await feed.stop();
  await expect(feed.ended).rejects.toMatchObject({ code: 'FFMPEG_FAILED' });
  await vi.waitUntil(() => source.closed === 1);
});

test('a run that reads for itself gets no input', async () => {
  const { output, feed } = begin(pretender(place('own'), '#!/bin/sh\nwc -c\n'), undefined);
  expect((await buffer(output)).toString().trim()).toBe('0');
  await feed.ended;
});
