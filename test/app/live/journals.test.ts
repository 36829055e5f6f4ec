/** Live journals and their disk: what a process that dies leaves behind, and what a disk that does not keep up costs. */
import { describe, expect, test, vi } from 'vitest';
import { DEFAULT_LAG_BOUNDS, JournalLag } from '../../../src/app/live/journal-lag.ts';
import { AppendedFile } from '../../../src/spool/appended-file.ts';
import { readJournal } from '../../../src/spool/journal-reader.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, LiveScene, SECRET } from './live-scene.ts';

const WAV = { format: 'wav' } as const;

const framesIn = (path: string): number => [...readJournal(path)].filter(({ kind }) => kind === 'frame').length;

describe('a process that dies at once', () => {
  test('has left all but the last second on disk, of every recording', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    await scene.announce({ call_id: 'c2', record_call: WAV });
    for (let second = 0; second < 5; second++) {
      for (const callId of ['c1', 'c2']) scene.speak(500, { callId });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const paths = scene.started.map(({ recorder }) => recorder.path);
    expect(paths).toHaveLength(2);
    // 250 frames were said on each call's two legs together in the five halves of a second before the last.
    for (const path of paths) await vi.waitFor(() => expect(framesIn(path)).toBeGreaterThanOrEqual(150));
  });
});

describe('a disk that does not keep up', () => {
  /** Writes wait until `release`. */
  const slowDisk = () => {
    const whole = AppendedFile.prototype.append;
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const spy = vi.spyOn(AppendedFile.prototype, 'append').mockImplementation(async function (
      this: AppendedFile,
      ...args
    ) {
      await released;
      return whole.apply(this, args);
    });
    return { release, restore: () => spy.mockRestore(), writes: () => spy.mock.calls.length };
  };

  test('costs frames, counted and told, when memory is full; masks work on; it is told when all is well again', async () => {
    const scene = new LiveScene({ lagBounds: { callBytes: 256 << 10, totalBytes: 1 << 30 } });
    await scene.announce({ record_call: WAV });
    scene.speak(200);
    const disk = slowDisk();
    try {
      scene.speak(20_000);
      const { legs } = scene.calls.get(ACCOUNT, 'c1');
      expect(legs.a.dropped).toBeGreaterThan(100);
      const { pendingBytes } = scene.started[0]!.recorder;
      expect(pendingBytes).toBeLessThan((256 << 10) + 8192);
      expect(scene.calls.numbers()).toMatchObject({ callsDropping: 1, journalPendingBytes: pendingBytes });
      expect(scene.toldOf('recording.behind', 'recording.dropping').map(({ type }) => type)).toEqual([
        'recording.behind',
        'recording.dropping',
      ]);
      const mask = scene.act('a', 'mask');
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
      disk.release();
      expect(await mask).toMatchObject({ changed: true, masked: true });
      scene.speak(400, { secret: true });
      // Whole blocks were written: not a small one for each flush that was due meanwhile.
      expect(disk.writes()).toBeLessThan(12);
      expect(scene.toldOf('recording.caught_up')).toMatchObject([{ packets_dropped: expect.any(Number) }]);
      await scene.act('a', 'unmask');
      const before = scene.calls.get(ACCOUNT, 'c1').legs.a.dropped;
      scene.speak(1000);
      expect(scene.calls.get(ACCOUNT, 'c1').legs.a.dropped).toBe(before);
      await scene.calls.hangUp(ACCOUNT, 'c1');
      expect(scene.closed).toMatchObject([{ failed: false }]);
      expect(findInFiles(scene.folder, SECRET)).toEqual([]);
    } finally {
      disk.release();
      disk.restore();
    }
  });

  test('codes are heard while audio is dropped', async () => {
    const scene = new LiveScene({ lagBounds: { callBytes: 256 << 10, totalBytes: 1 << 30 } });
    const data = { action: 'mask' };
    scene.directory.metaflows = { bob: { numbers: { 72: { module: 'record_call', data } } } };
    await scene.announce({ record_call: WAV });
    scene.speak(200);
    const disk = slowDisk();
    try {
      scene.speak(20_000);
      expect(scene.calls.numbers().callsDropping).toBe(1);
      scene.press('b', '*72');
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
    } finally {
      disk.release();
      disk.restore();
    }
    await scene.calls.hangUp(ACCOUNT, 'c1');
  });
});

describe('the lag of journals', () => {
  const KIB = 1024;
  for (const { name, looks } of [
    { name: 'little is no lag', looks: [[100, 'none', false]] },
    {
      name: 'half of the bound is behind, the bound drops, a quarter is none',
      looks: [
        [2048, 'behind', true],
        [3000, 'behind', false],
        [4096, 'dropping', true],
        [2500, 'dropping', false],
        [2000, 'behind', true],
        [1000, 'none', true],
      ],
    },
    {
      name: 'what stays between a quarter and a half is not told anew',
      looks: [
        [1500, 'none', false],
        [2048, 'behind', true],
        [1500, 'behind', false],
      ],
    },
  ] as const) {
    test(name, () => {
      const lag = new JournalLag(DEFAULT_LAG_BOUNDS);
      expect(looks.map(([kib]) => [kib, lag.look(kib * KIB, 1) ? 1 : 0, lag.state])).toEqual(
        looks.map(([kib, state, changed]) => [kib, changed ? 1 : 0, state]),
      );
    });
  }

  test('many calls share what all may have, and none has less than it needs between two flushes', () => {
    const share = (calls: number): number => {
      for (let bytes = KIB; ; bytes += KIB) {
        const lag = new JournalLag(DEFAULT_LAG_BOUNDS);
        lag.look(bytes, calls);
        if (lag.state === 'dropping') return bytes;
      }
    };
    expect([1, 64, 128, 100_000].map(share)).toEqual([4096, 4096, 2048, 256].map((kib) => kib * KIB));
  });
});
