/** A line's path stays with its sender's clock while no more of the call is known than what came so far, and 30 s ahead. */
import { describe, expect, test } from 'vitest';
import { LineObservation } from '../../src/finalize/line-fit.ts';
import { LinePath } from '../../src/finalize/line-path.ts';
import { LineSteering, VIEW_US } from '../../src/finalize/line-steering.ts';
import { seeded } from '../support/tones.ts';

const FRAME_US = 20_000;
const AHEAD = 1500;
const LEAST_DELAY_US = 10_000;

type Sender = {
  readonly seconds: number;
  /** How far its clock has fallen behind after so many seconds of media, µs. */
  readonly slowUs?: (seconds: number) => number;
  readonly delayMs?: (seconds: number) => number;
  readonly jitterMs?: number;
};

/** Where frames were placed, less where they were captured, in ms; and the path. */
const place = ({ seconds, slowUs = () => 0, delayMs = () => 0, jitterMs = 4 }: Sender) => {
  const random = seeded(3);
  const observation = new LineObservation(VIEW_US);
  const frames = seconds * 50;
  const errors: number[] = [];
  let steering: LineSteering | undefined;
  for (let n = 0; n < frames + AHEAD; n++) {
    const mediaUs = n * FRAME_US;
    const delayUs = LEAST_DELAY_US + (delayMs(n / 50) + random() * jitterMs) * 1000;
    if (n < frames) observation.add(mediaUs, slowUs(n / 50) + delayUs);
    const placedUs = (n - AHEAD) * FRAME_US;
    if (n === AHEAD) steering = new LineSteering(observation);
    if (n < frames) steering?.look(mediaUs, placedUs);
    if (steering === undefined) continue;
    errors.push((steering.path.onCall(placedUs) - placedUs - slowUs(placedUs / 1e6) - LEAST_DELAY_US) / 1000);
  }
  return { errors, worstMs: errors.reduce((worst, each) => Math.max(worst, Math.abs(each)), 0), path: steering!.path };
};

const HOUR = 3600;

describe('a path', () => {
  for (const jitterMs of [0, 4, 60])
    test(`without drift is one piece, whose samples are copied, through ${jitterMs} ms of jitter`, () => {
      const { path, worstMs } = place({ seconds: HOUR, jitterMs });
      expect(path.pieces).toHaveLength(1);
      expect(path.last.scale).toBe(1);
      expect(worstMs).toBeLessThan(1);
    });

  for (const ppm of [-200, -100, -20, -3, 3, 20, 100, 200])
    test(`follows a clock that is ${ppm} ppm slow from the beginning on`, () => {
      const { worstMs, path } = place({ seconds: HOUR, jitterMs: 20, slowUs: (seconds) => ppm * seconds });
      expect(worstMs).toBeLessThan(8.5);
      expect((path.meanScale(600e6, HOUR * 1e6) - 1) * 1e6).toBeCloseTo(ppm, -1);
    });

  const changing: [string, (seconds: number) => number, number][] = [
    ['that begins to drift', (s) => Math.max(0, 200 * (s - 1000)), 15],
    ['that begins to drift the other way', (s) => Math.min(0, -200 * (s - 1000)), 15],
    ['that turns', (s) => 100 * Math.min(s, 2000 - s), 10],
    ['that warms up', (s) => 30 * 900 * (1 - Math.exp(-s / 900)), 5],
    ['that swings', (s) => ((50 * 2400) / (2 * Math.PI)) * Math.sin((s * 2 * Math.PI) / 2400), 10],
  ];
  for (const [name, slowUs, withinMs] of changing)
    test(`stays with a clock ${name}, within ${withinMs} ms`, () => {
      expect(place({ seconds: 2 * HOUR, slowUs }).worstMs).toBeLessThan(withinMs);
    });

  for (const ppm of [0, 100])
    test(`is not moved by a queue of 25 ms for three minutes, at ${ppm} ppm`, () => {
      const { worstMs } = place({
        seconds: HOUR,
        slowUs: (seconds) => ppm * seconds,
        delayMs: (seconds) => (seconds > 1000 && seconds < 1180 ? 25 : 0),
      });
      expect(worstMs).toBeLessThan(5);
    });

  test('whose way becomes shorter moves there, no faster than 1000 ppm, and then stays', () => {
    const { errors, path } = place({ seconds: HOUR, delayMs: (seconds) => (seconds < 1000 ? 25 : 0) });
    expect(Math.abs(errors.at(-1)!)).toBeLessThan(5);
    expect(Math.max(...path.pieces.map(({ scale }) => Math.abs(scale - 1)))).toBeLessThanOrEqual(1e-3);
    expect(path.last.scale).toBe(1);
  });

  test('goes on from piece to piece without a step', () => {
    const path = LinePath.of({ originUs: 1.7e15, scale: 1 });
    path.bend(10e6, 1 + 300e-6);
    path.bend(25e6, 1 - 100e-6);
    for (const atUs of [10e6, 25e6])
      expect(Math.abs(path.onCall(atUs) - path.onCall(atUs - 0.5))).toBeLessThanOrEqual(0.75);
    expect(path.onCall(30e6) - 1.7e15).toBeCloseTo(30e6 + 15 * 300 - 5 * 100, 0);
    // What was placed before a bend stays where it was.
    expect(path.onCall(9e6)).toBe(1.7e15 + 9e6);
    expect(new LinePath(path.pieces).onCall(27e6)).toBe(path.onCall(27e6));
  });
});
