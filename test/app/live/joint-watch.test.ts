/** Two loops watched as one: what is kept is let go of when both have read what waited, and no sooner. */
import { describe, expect, test } from 'vitest';
import { JointWatch } from '../../../src/app/live/joint-watch.ts';
import { LoopWatch } from '../../../src/app/live/loop-watch.ts';

const MS = 1000;

const joint = () => {
  const [own, elsewhere] = [new LoopWatch(0), new LoopWatch(0)];
  const told: (number | undefined)[] = [];
  const run = (watch: LoopWatch, fromMs: number, toMs: number): void => {
    for (let ms = fromMs; ms <= toMs; ms += 5) watch.tick(ms * MS);
  };
  run(own, 5, 100);
  run(elsewhere, 5, 100);
  return {
    own,
    elsewhere,
    run,
    told,
    watch: new JointWatch(own, elsewhere),
    holder: { letGo: (us?: number) => told.push(us) },
  };
};

describe('two watches as one', () => {
  test('what is read may have waited since the earlier of what they say, where both read it', () => {
    const { own, run, watch } = joint();
    run(own, 105, 400);
    expect([watch.sinceUs(401 * MS, true), watch.sinceUs(401 * MS, false)]).toEqual([100 * MS, 401 * MS]);
  });

  test('what is held is let go of when the one that stood still has read what waited', () => {
    const { own, elsewhere, run, watch, told, holder } = joint();
    run(own, 105, 300);
    watch.hold(holder, true);
    run(own, 305, 400);
    expect(told).toEqual([]);
    elsewhere.tick(400 * MS);
    run(own, 405, 405);
    expect(told).not.toContain(undefined);
    run(elsewhere, 405, 420);
    expect(told.at(-1)).toBe(undefined);
    expect(told.filter((us) => us === undefined)).toHaveLength(1);
  });

  test('what one of them lets go of bit by bit, the other has to have read as well', () => {
    const { own, elsewhere, watch, told, holder } = joint();
    watch.hold(holder, true);
    for (let ms = 150; ms <= 1000; ms += 50) {
      own.tick(ms * MS);
      elsewhere.tick((ms - 20) * MS);
      watch.hold(holder, true);
    }
    const last = told.at(-1) ?? Number.NaN;
    // Three turns ago, of the slower.
    expect(last).toBe((1000 - 20 - 150) * MS);
  });

  test('what only this thread reads does not wait for the other', () => {
    const { own, run, watch, told, holder } = joint();
    watch.hold(holder, false);
    run(own, 105, 105);
    expect(told).toEqual([undefined]);
  });

  test('one that is held for both while it is held for one waits for both', () => {
    const { own, elsewhere, watch, told, holder } = joint();
    watch.hold(holder, false);
    watch.hold(holder, true);
    own.tick(105 * MS);
    expect(told).toEqual([]);
    elsewhere.tick(105 * MS);
    expect(told).toEqual([undefined]);
  });

  test('where the other rests, nothing waits for it', () => {
    const { own, elsewhere, watch, told, holder } = joint();
    elsewhere.rest();
    expect(watch.sinceUs(9e6, true)).toBe(Math.min(9e6, own.sinceUs(9e6)));
    watch.hold(holder, true);
    own.tick(105 * MS);
    expect(told).toEqual([undefined]);
  });
});

describe('a watch that rests', () => {
  test('lets go of what is held, and says that nothing waited', () => {
    const watch = new LoopWatch(0);
    const told: (number | undefined)[] = [];
    watch.hold({ letGo: (us) => told.push(us) });
    watch.tick(300 * MS);
    watch.rest();
    expect(told.at(-1)).toBe(undefined);
    expect(watch.sinceUs(9000 * MS)).toBe(9000 * MS);
  });

  test('and wakes without having stood still', () => {
    const watch = new LoopWatch(Number.POSITIVE_INFINITY);
    watch.tick(5000 * MS);
    expect(watch.sinceUs(5001 * MS)).toBe(5001 * MS);
    expect(watch.sinceUs(5100 * MS)).toBe(5000 * MS);
    watch.rest();
    watch.tick(9000 * MS);
    expect(watch.sinceUs(9001 * MS)).toBe(9001 * MS);
  });
});
