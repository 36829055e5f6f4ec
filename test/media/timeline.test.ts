import { describe, expect, test } from 'vitest';
import { StreamTimeline } from '../../src/media/timeline.ts';

const FRAME_MS = 20;
const TICKS = 160;

/** Feeds packets {n: nth frame of the sender, at: arrival ms, ts?: timestamp} and says where each was placed, in ms. */
const place = (packets: { n: number; at: number; ts?: number; late?: boolean }[]) => {
  let lines = 0;
  const timeline = new StreamTimeline(8000, () => lines++);
  const held: { ticks: number; at: number; index: number }[] = [];
  const placed: { line: number; startMs: number; trusted: boolean; earliestMs: number; latestMs: number }[] = [];
  const spanNow = () => ({ earliestMs: timeline.earliestUs / 1000, latestMs: timeline.latestUs / 1000 });
  const settle = (nowMs: number): void => {
    if (held.length === 0 || !timeline.isResolvable(nowMs * 1000)) return;
    timeline.resolve();
    for (const { ticks, at, index } of held.splice(0)) {
      const line = timeline.lineOfHeld(ticks, TICKS, at * 1000);
      timeline.placeHeld(line, ticks, TICKS, at * 1000, 'inOrder');
      placed[index] = { line: line.id, startMs: timeline.startUs / 1000, trusted: line.trusted, ...spanNow() };
    }
  };
  packets.forEach(({ n, at, ts, late = false }, index) => {
    const verdict = timeline.push(ts ?? n * TICKS, TICKS, at * 1000, n, late ? 'overtaken' : 'inOrder');
    if (verdict === 'held') held.push({ ticks: timeline.extended, at, index });
    else
      placed[index] = {
        line: timeline.placedLine!.id,
        startMs: timeline.startUs / 1000,
        trusted: timeline.placedLine!.trusted,
        ...spanNow(),
      };
    settle(at);
  });
  settle((packets.at(-1)?.at ?? 0) + 10_000);
  return { placed, timeline };
};

const steady = (count: number, from = 0, delay = 20) =>
  Array.from({ length: count }, (_, i) => ({ n: from + i, at: (from + i) * FRAME_MS + delay }));

describe('a stream timeline', () => {
  test('places a frame so that its end is its arrival', () => {
    const { placed } = place(steady(10));
    expect(placed.map((p) => p.startMs)).toEqual(steady(10).map((p) => p.at - FRAME_MS));
    expect(new Set(placed.map((p) => p.line)).size).toBe(1);
    expect(placed.every((p) => p.trusted)).toBe(true);
  });

  test('anchors to the earliest arrival, not to the first packet', () => {
    const packets = steady(20).map((p, i) => ({ ...p, at: i === 0 ? 55 : Math.max(55, p.at) }));
    const { placed } = place(packets);
    expect(placed[19]!.startMs).toBe(packets[19]!.at - FRAME_MS);
    expect(placed[0]!.startMs).toBeCloseTo(0, 3);
  });

  test('keeps a late packet at the time it was captured', () => {
    const packets = [...steady(10), { n: 11, at: 240 }, { n: 10, at: 241, late: true }, ...steady(3, 12)];
    const { placed } = place(packets);
    expect(placed[11]!.startMs).toBeCloseTo(200, 1);
  });

  test('keeps packets that a network freeze delayed at the time they were captured', () => {
    // Frames 10 to 59 all come at once, 1 s late.
    const burst = Array.from({ length: 50 }, (_, i) => ({ n: 10 + i, at: 1200 + i * 0.1 }));
    const { placed } = place([...steady(10), ...burst, ...steady(10, 60)]);
    for (let n = 0; n < 70; n++) expect(Math.abs(placed[n]!.startMs - n * FRAME_MS)).toBeLessThan(1);
  });

  test('follows a pause that the timestamps did not count', () => {
    const after = steady(20, 10, 2020);
    const { placed } = place([...steady(10), ...after]);
    for (let i = 0; i < 20; i++) expect(Math.abs(placed[10 + i]!.startMs - (after[i]!.at - FRAME_MS))).toBeLessThan(3);
    expect(placed[10]!.line).not.toBe(placed[9]!.line);
  });

  for (const jump of [10 * 3600 * 8000, -10 * 3600 * 8000, 3_000_000_000, 16_000, -16_000]) {
    test(`begins a new line when timestamps jump by ${jump} ticks`, () => {
      const after = steady(20, 10).map((p) => ({ ...p, ts: (p.n * TICKS + jump) >>> 0 }));
      const { placed } = place([...steady(10), ...after]);
      for (let i = 0; i < 20; i++)
        expect(Math.abs(placed[10 + i]!.startMs - (after[i]!.at - FRAME_MS))).toBeLessThan(1);
    });
  }

  test('a packet from before a jump that comes after it stays on the old line', () => {
    const after = steady(10, 10).map((p) => ({ ...p, ts: p.n * TICKS + 80_000 }));
    const straggler = { n: 9, at: 421, late: true };
    const { placed } = place([...steady(9), ...after, straggler]);
    expect(placed.at(-1)!.startMs).toBeCloseTo(180, 0);
  });

  test('one corrupt timestamp does not move the line, and its packet is placed by its arrival, without trust', () => {
    const packets = [...steady(20)].map((p, i) => (i === 12 ? { ...p, ts: 0xdeadbeef } : p));
    const { placed } = place(packets);
    expect(placed[13]!.startMs).toBeCloseTo(260, 1);
    expect(placed[13]!.line).toBe(placed[11]!.line);
    expect(placed[12]!.startMs).toBeCloseTo(240, 1);
    expect(placed[12]!.trusted).toBe(false);
  });

  test('timestamps wrap', () => {
    const base = 0xffffffff - 5 * TICKS;
    const { placed } = place(steady(20).map((p) => ({ ...p, ts: (base + p.n * TICKS) >>> 0 })));
    for (let n = 1; n < 20; n++) expect(placed[n]!.startMs - placed[n - 1]!.startMs).toBeCloseTo(FRAME_MS, 2);
    expect(new Set(placed.map((p) => p.line)).size).toBe(1);
  });

  test('two packets are not enough to trust a line', () => {
    expect(place(steady(2)).placed.every((p) => !p.trusted)).toBe(true);
  });

  test('follows a clock that is 200 ppm slow for an hour, within 5 ms', () => {
    const packets = Array.from({ length: 180_000 }, (_, n) => ({ n, at: (n * FRAME_MS + 20) * 1.0002 }));
    const { placed } = place(packets);
    const error = placed.reduce((most, p, n) => Math.max(most, Math.abs(p.startMs - (packets[n]!.at - FRAME_MS))), 0);
    expect(error).toBeLessThan(5);
    expect(new Set(placed.map((p) => p.line)).size).toBe(1);
  });

  test('a queue of 300 ms for 5 s hardly moves the line', () => {
    const queued = Array.from({ length: 250 }, (_, i) => ({
      n: 100 + i,
      at: (100 + i) * FRAME_MS + 20 + Math.min(300, i * 10),
    }));
    const { placed } = place([...steady(100), ...queued]);
    expect(Math.abs(placed[349]!.startMs - 349 * FRAME_MS)).toBeLessThan(5);
  });

  /** What each frame says is covered by its span, whichever of the two the lag was: waiting, or a pause that no timestamp counted. */
  const expectCovered = (
    packets: { n: number; at: number; late?: boolean }[],
    saidMs: (n: number) => number,
    from: number,
  ): void => {
    const { placed } = place(packets);
    for (let i = from; i < packets.length; i++) {
      const said = saidMs(packets[i]!.n);
      expect(placed[i]!.earliestMs).toBeLessThanOrEqual(said + 1);
      expect(placed[i]!.latestMs).toBeGreaterThanOrEqual(said + FRAME_MS - 1);
    }
  };

  for (const pause of [30, 150, 300, 390, 450, 2000]) {
    test(`covers what is said after a pause of ${pause} ms that no timestamp counted`, () => {
      const packets = [...steady(100), ...steady(1500, 100, 20 + pause)];
      expectCovered(packets, (n) => n * FRAME_MS + (n < 100 ? 0 : pause), 0);
    });
  }

  for (const ppm of [300, 600, 1000, 3000]) {
    test(`covers what a clock that is ${ppm} ppm slow sends for ten minutes`, () => {
      const packets = Array.from({ length: 30_000 }, (_, n) => ({ n, at: (n * FRAME_MS + 20) * (1 + ppm / 1e6) }));
      expectCovered(packets, (n) => n * FRAME_MS * (1 + ppm / 1e6), 100);
    });
  }

  for (const perPacketMs of [0.1, 3, 10]) {
    for (const stallMs of [300, 1000, 3000]) {
      test(`covers what waited through a stall of ${stallMs} ms that drains at ${perPacketMs} ms a packet`, () => {
        let at = 2020 + stallMs;
        const waited = Array.from({ length: 600 }, (_, i) => {
          at = Math.max(at + perPacketMs, (100 + i) * FRAME_MS + 20);
          return { n: 100 + i, at };
        });
        expectCovered([...steady(100), ...waited], (n) => n * FRAME_MS, 0);
      });
    }
  }

  test('a packet that fits nowhere may have been captured at any time before it came, and moves no line', () => {
    let lines = 0;
    const timeline = new StreamTimeline(8000, () => lines++);
    for (const { n, at } of steady(20)) {
      timeline.push(n * TICKS, TICKS, at * 1000, n, 'inOrder');
      if (timeline.isResolvable(at * 1000)) timeline.resolve();
    }
    timeline.push(77_777_777, TICKS, 500_000, 40_000, 'stray');
    expect(timeline.earliestUs).toBe(Number.NEGATIVE_INFINITY);
    expect(timeline.latestUs).toBe(500_000);
    timeline.push(24 * TICKS, TICKS, 500_000, 24, 'inOrder');
    expect(timeline.startUs).toBeCloseTo(480_000, -1);
  });

  test('a frame whose length is not known is taken to be as long as the step between timestamps', () => {
    let lines = 0;
    const timeline = new StreamTimeline(8000, () => lines++);
    for (const { n, at } of steady(20)) {
      timeline.push(n * TICKS, 0, at * 1000, n, 'inOrder');
      if (timeline.isResolvable(at * 1000)) timeline.resolve();
    }
    timeline.push(20 * TICKS, 0, 420_000, 20, 'inOrder');
    expect([timeline.earliestUs, timeline.latestUs]).toEqual([400_000, 420_000]);
  });
});
