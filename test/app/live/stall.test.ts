/** The event loop stands still: what waited in sockets is read out of order, and a mask holds for what was said behind its code. */
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { LoopWatch, TCP_SETTLE } from '../../../src/app/live/loop-watch.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, CODES, FRAME_MS, LiveScene, SECRET } from './live-scene.ts';

const MS = 1000;

describe('the watch of the loop', () => {
  test('says that nothing waited while it goes round', () => {
    const watch = new LoopWatch(0);
    for (let us = 0; us < 500 * MS; us += 5 * MS) {
      watch.tick(us);
      expect(watch.sinceUs(us + 4 * MS)).toBe(us + 4 * MS);
    }
  });

  test('notices that it stood still, whoever comes first, and forgets it when all has been read', () => {
    const watch = new LoopWatch(100 * MS);
    // Sockets may be read before the timer runs, or behind it.
    expect(watch.sinceUs(400 * MS)).toBe(100 * MS);
    watch.tick(401 * MS);
    expect(watch.sinceUs(402 * MS)).toBe(100 * MS);
    const told: (number | undefined)[] = [];
    watch.hold({ letGo: (readUs) => told.push(readUs) });
    for (let us = 405 * MS; us < 480 * MS; us += 5 * MS) watch.tick(us);
    const never = Number.NEGATIVE_INFINITY;
    expect(told).toEqual([never, never, undefined]);
    expect(watch.sinceUs(481 * MS)).toBe(481 * MS);
  });

  test('takes a stall behind another for one, while something of the first may wait', () => {
    const watch = new LoopWatch(100 * MS);
    watch.tick(400 * MS);
    watch.tick(430 * MS);
    expect(watch.sinceUs(431 * MS)).toBe(100 * MS);
  });

  test('keeps what was read meanwhile a while longer where a peer keeps what it can’t send', () => {
    const watch = new LoopWatch(100 * MS, TCP_SETTLE);
    const told: (number | undefined)[] = [];
    watch.hold({ letGo: (readUs) => told.push(readUs) });
    for (let us = 2100 * MS; us < 2345 * MS; us += 5 * MS) watch.tick(us);
    expect(watch.sinceUs(2346 * MS)).toBe(100 * MS);
    expect(new Set(told)).toEqual(new Set([Number.NEGATIVE_INFINITY]));
    watch.tick(2350 * MS);
    expect(told.at(-1)).toBeUndefined();
    expect(watch.sinceUs(2351 * MS)).toBe(2351 * MS);
  });

  test('a loop that stands still again and again keeps what is read for a few turns, no longer', () => {
    const watch = new LoopWatch(0);
    const told: (number | undefined)[] = [];
    watch.tick(50 * MS);
    watch.hold({ letGo: (readUs) => told.push(readUs) });
    for (let us = 100 * MS; us <= 10_000 * MS; us += 50 * MS) {
      watch.tick(us);
      expect(us - watch.sinceUs(us)).toBeLessThanOrEqual(200 * MS);
    }
    expect(told.length).toBeGreaterThan(150);
    expect(told.at(-1)).toBeGreaterThan(9800 * MS);
  });
});

describe('a code that waited in its socket', () => {
  for (const stallMs of [40, 100, 300, 600, 2000]) {
    for (const typist of ['a', 'b'] as const) {
      test(`${stallMs} ms, typed on leg ${typist}, masks what was said behind it on both legs`, async () => {
        const scene = new LiveScene();
        scene.directory.metaflows = { alice: CODES, bob: CODES };
        await scene.announce({ record_call: { format: 'wav' } });
        scene.speak(1000);
        scene.press(typist, '*7');
        const toldMs = scene.nowMs;
        scene.stall(stallMs, { typist, key: '2', keyMs: 10, secretMs: 20 });
        expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
        // On the grid again: what is said now is still the secret.
        scene.clock.set(Math.ceil(scene.clock.us / (FRAME_MS * MS)) * FRAME_MS * MS);
        scene.speak(500, { secret: true });
        await vi.waitFor(() => expect(scene.types).toContain('mask.on'));
        await scene.act(typist, 'unmask');
        scene.speak(1000);
        await scene.calls.hangUp(ACCOUNT, 'c1');
        expect(findInFiles(scene.folder, SECRET)).toEqual([]);
        const [{ recorder }] = scene.closed;
        const finished = await finalizeRecording({
          ...{ journalPath: recorder.path, directory: scene.folder, mediaName: 'x.wav', encoder: 'lamejs' },
        });
        if (finished.state !== 'stored') throw new Error(finished.state);
        const [mask] = finished.manifest.masks;
        // From when the loop stood still, not from long before.
        const startedMs = recorder.head.startUs / 1000;
        expect(mask!.start_ms + startedMs - scene.startMs).toBeGreaterThan(toldMs - 60);
        expect(mask!.start_ms + startedMs - scene.startMs).toBeLessThan(toldMs + 30);
        expect(readFileSync(finished.path).length).toBeGreaterThan(0);
        expect(scene.defects).toEqual([]);
      });
    }
  }
});
