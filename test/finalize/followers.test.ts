/** Many journals, one thread: whose turn it is, what goes before, and what is left of one that is let go. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Advance } from '../../src/finalize/finalization.ts';
import { type Followed, Followers } from '../../src/finalize/followers.ts';
import { HandClock } from '../support/hand-clock.ts';

/** One that does what the test says next; `abreast` when that is nothing. */
class FakeWork implements Followed {
  readonly path: string;
  readonly next: (Advance | Error | Promise<Advance>)[] = [];
  aborted = 0;
  readonly #slices: string[];

  constructor(path: string, slices: string[]) {
    this.path = path;
    this.#slices = slices;
  }

  async advance(): Promise<Advance> {
    this.#slices.push(this.path);
    const done = await (this.next.shift() ?? 'abreast');
    if (done instanceof Error) throw done;
    return done;
  }

  finish(): never {
    throw new Error('not here');
  }

  async abort(): Promise<void> {
    this.aborted++;
  }
}

const scene = () => {
  const clock = new HandClock();
  /** Whose turn it was, in order. */
  const slices: string[] = [];
  const left: unknown[][] = [];
  const behind: number[] = [];
  const works = new Map<string, FakeWork>();
  const followers = new Followers({
    clock,
    make: ({ journalPath }) => works.get(journalPath)!,
    onLeft: (...told) => void left.push(told),
    onAbreast: (ms) => void behind.push(ms),
  });
  const follow = (path: string, ...next: FakeWork['next']): FakeWork => {
    const work = new FakeWork(path, slices);
    work.next.push(...next);
    works.set(path, work);
    followers.follow({ journalPath: path, directory: '/', encoder: 'auto' });
    return work;
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await setImmediate();
  };
  /** @returns whose turn it was since the last time */
  const turns = async (): Promise<string> => {
    await settle();
    return slices.splice(0).join('');
  };
  return { clock, followers, follow, left, behind, turns, settle };
};

describe('turns', () => {
  test('each is looked at every two seconds', async () => {
    const { clock, follow, turns } = scene();
    follow('a');
    follow('b');
    expect(await turns()).toBe('ab');
    await clock.advance(1999);
    expect(await turns()).toBe('');
    await clock.advance(1);
    expect(await turns()).toBe('ab');
  });

  test('one that has much to do holds up no other', async () => {
    const { clock, followers, follow, turns } = scene();
    followers.hold();
    follow('a', ...Array<Advance>(5).fill('more'));
    follow('b', 'more');
    follow('c');
    followers.release();
    expect(await turns()).toBe('abcabaaaa');
    await clock.advance(2000);
    expect(await turns()).toBe('cba');
  });

  test('one that comes while the others rest begins at once', async () => {
    const { follow, turns } = scene();
    follow('a');
    await turns();
    follow('b');
    expect(await turns()).toBe('b');
  });

  test('what is followed already is not followed twice', async () => {
    const { follow, turns } = scene();
    follow('a');
    follow('a');
    expect(await turns()).toBe('a');
  });

  test('a job goes before them all, and the last one lets them go on', async () => {
    const { followers, follow, turns } = scene();
    followers.hold();
    followers.hold();
    follow('a');
    expect(await turns()).toBe('');
    followers.release();
    expect(await turns()).toBe('');
    followers.release();
    expect(await turns()).toBe('a');
  });

  test('how far behind the last of them is, is told about each second', async () => {
    const { clock, follow, behind, settle } = scene();
    follow('a');
    await settle();
    expect(behind).toEqual([0]);
    await clock.advance(500);
    let finish = (_: Advance): void => {};
    follow('b', new Promise<Advance>((resolve) => (finish = resolve)), 'more');
    await clock.advance(3000);
    finish('more');
    await settle();
    // The other one’s turn was due long ago, too.
    expect(behind).toEqual([0, 3500]);
    await clock.advance(2000);
    await settle();
    expect(behind.at(-1)).toBeLessThanOrEqual(2000);
  });
});

describe('one that is let go', () => {
  test('is taken when its slice is over, and comes to no other turn', async () => {
    const { clock, followers, follow, turns } = scene();
    let finish = (_: Advance): void => {};
    const work = follow('a', new Promise<Advance>((resolve) => (finish = resolve)));
    await turns();
    let taken: unknown;
    void followers.take('a').then((each) => (taken = each));
    await turns();
    expect(taken).toBeUndefined();
    finish('more');
    expect(await turns()).toBe('');
    expect(taken).toBe(work);
    await clock.advance(5000);
    expect(await turns()).toBe('');
    expect(work.aborted).toBe(0);
    expect(await followers.take('a')).toBeUndefined();
  });

  test('because it was asked for, is aborted before that is told', async () => {
    const { followers, follow, left, turns } = scene();
    const work = follow('a');
    await turns();
    await followers.unfollow('a');
    expect({ aborted: work.aborted, left }).toEqual({ aborted: 1, left: [['a', 'asked']] });
  });

  for (const { name, next, told } of [
    { name: 'because it has to wait for its end', next: 'given up' as const, told: ['a', 'given up', undefined] },
    {
      name: 'because it has failed',
      next: new AppError('OUTPUT_UNWRITABLE', 'no room'),
      told: ['a', 'failed', { code: 'OUTPUT_UNWRITABLE', message: 'no room' }],
    },
  ])
    test(`${name}, is aborted, told of once, and holds up nobody`, async () => {
      const { clock, followers, follow, left, turns } = scene();
      const work = follow('a', next);
      follow('b');
      expect(await turns()).toBe('ab');
      expect({ aborted: work.aborted, left }).toEqual({ aborted: 1, left: [told] });
      await followers.unfollow('a');
      expect(left).toHaveLength(1);
      expect(await followers.take('a')).toBeUndefined();
      await clock.advance(2000);
      expect(await turns()).toBe('b');
    });

  test('in the slice in which its job comes, leaves the job to begin anew', async () => {
    const { followers, follow, turns } = scene();
    let finish = (_: Advance): void => {};
    const work = follow('a', new Promise<Advance>((resolve) => (finish = resolve)));
    await turns();
    const taken = followers.take('a');
    finish('given up');
    expect(await taken).toBeUndefined();
    expect(work.aborted).toBe(1);
  });
});
