import { describe, expect, test } from 'vitest';
import { ArrivalTimeline } from '../../src/media/arrival-timeline.ts';

const RATE = 8000;
const FRAME = 160;

type Placed = {
  readonly arrivalMs: number;
  readonly startMs: number;
  readonly earliestMs: number;
  readonly line: number;
};

/** Gives frames of 20 ms at these instants to a stream that was opened at 0. @returns where each lies, once decided */
const placed = (arrivalsMs: readonly number[], sinceMs = 0): Placed[] => {
  let lines = 0;
  const timeline = new ArrivalTimeline(RATE, () => lines++);
  const out: Placed[] = [];
  const held: { ticks: number; arrivalMs: number }[] = [];
  const release = (nowMs: number): void => {
    if (held.length === 0 || !timeline.isResolvable(nowMs * 1000)) return;
    timeline.resolve();
    for (const { ticks, arrivalMs } of held.splice(0)) {
      const line = timeline.lineOfHeld(ticks);
      timeline.placeHeld(line, ticks, FRAME, arrivalMs * 1000, 'inOrder');
      out.push({ arrivalMs, startMs: timeline.startUs / 1000, earliestMs: timeline.earliestUs / 1000, line: line.id });
    }
  };
  for (const arrivalMs of arrivalsMs) {
    release(arrivalMs);
    const untimed = { sinceUs: sinceMs * 1000, behind: 0 };
    if (timeline.pushUntimed(FRAME, arrivalMs * 1000, untimed) === 'held') {
      held.push({ ticks: timeline.extended, arrivalMs });
      release(arrivalMs);
    } else {
      const { startUs, earliestUs, placedLine } = timeline;
      out.push({ arrivalMs, startMs: startUs / 1000, earliestMs: earliestUs / 1000, line: placedLine!.id });
    }
  }
  release(Number.POSITIVE_INFINITY);
  return out;
};

/** Frames that come every 20 ms, the first at `fromMs`. */
const steady = (fromMs: number, count: number): number[] => Array.from({ length: count }, (_, at) => fromMs + at * 20);
const burst = (atMs: number, count: number): number[] => Array.from({ length: count }, () => atMs);

describe('a stream without timestamps', () => {
  test('is placed by arrival, each frame where it ends', () => {
    const frames = placed(steady(1000, 100));
    for (const { arrivalMs, startMs } of frames) expect(startMs).toBeCloseTo(arrivalMs - 20, 1);
    expect(new Set(frames.map(({ line }) => line)).size).toBe(1);
  });

  test('that says nothing for two seconds goes on two seconds later, and is certain of it after 0.15 s', () => {
    const frames = placed([...steady(1000, 50), ...steady(4000, 100)]);
    const after = frames.slice(50);
    for (const { arrivalMs, startMs } of after) expect(startMs).toBeCloseTo(arrivalMs - 20, 1);
    for (const { arrivalMs, earliestMs } of after.slice(8)) expect(earliestMs).toBeGreaterThan(arrivalMs - 45);
    // A few frames may be a queue's: they may have been said at once behind what came before.
    for (const { earliestMs } of after.slice(0, 6)) expect(earliestMs).toBeLessThan(2200);
    expect(new Set(frames.map(({ line }) => line)).size).toBe(2);
  });

  for (const c of [
    { name: 'all at once', after: burst(5000, 151) },
    { name: 'at three times the pace', after: Array.from({ length: 225 }, (_, at) => 5000 + (at * 20) / 3) },
  ]) {
    test(`whose path stood still for three seconds lies where it was said, what waited coming ${c.name}`, () => {
      const frames = placed([...steady(1000, 50), ...c.after]);
      frames.forEach(({ startMs, earliestMs }, index) => {
        const saidMs = 980 + index * 20;
        expect(earliestMs).toBeLessThanOrEqual(saidMs + 1);
        if (c.name === 'all at once') expect(startMs).toBeCloseTo(saidMs, 0);
      });
    });
  }

  test('is never placed behind its arrival', () => {
    const arrivals = [
      ...steady(1000, 20),
      ...burst(2100, 10),
      ...steady(2105, 30),
      ...burst(3500, 60),
      ...steady(3600, 9),
    ];
    for (const { arrivalMs, startMs } of placed(arrivals)) expect(startMs + 20).toBeLessThanOrEqual(arrivalMs + 0.01);
  });

  test('has short pauses in the right places', () => {
    const arrivals = [...steady(1000, 50), ...steady(2200, 10), ...steady(2500, 10), ...steady(2800, 60)];
    for (const { arrivalMs, startMs } of placed(arrivals)) expect(startMs).toBeCloseTo(arrivalMs - 20, 0);
  });

  test('whose first frames came alone may have waited since it was opened', () => {
    const [first, second] = placed([5000, 5900], 1000);
    expect([first!.earliestMs, second!.earliestMs]).toEqual([1000, 1020]);
  });

  test('follows a sender whose clock is slow without a gap', () => {
    const frames = placed(Array.from({ length: 5000 }, (_, at) => 1000 + at * 20 * 1.0003));
    expect(new Set(frames.map(({ line }) => line)).size).toBe(1);
    const last = frames.at(-1)!;
    expect(last.startMs).toBeGreaterThan(last.arrivalMs - 22);
  });

  test('whose messages are cut where nobody knows what follows is certain all the same', () => {
    // A frame, and two more at the same instant, 60 ms after the three before them.
    const arrivals = Array.from({ length: 150 }, (_, at) => 5000 + Math.floor(at / 3) * 60);
    const frames = placed(arrivals, 1000);
    for (const { startMs, earliestMs } of frames.slice(60)) expect(earliestMs).toBeGreaterThan(startMs - 25);
  });

  test('takes a message cut into pieces as one', () => {
    let lines = 0;
    const timeline = new ArrivalTimeline(RATE, () => lines++);
    for (let message = 0; message < 40; message++) {
      for (let piece = 0; piece < 5; piece++) {
        timeline.pushUntimed(FRAME, 1e6 + message * 100_000, { sinceUs: 0, behind: (4 - piece) * FRAME });
        if (timeline.isResolvable(1e6 + message * 100_000)) timeline.resolve();
      }
    }
    expect(lines).toBe(1);
  });
});
