/** What the audit is told of a live call: every action on it, whoever asked, with what came of it; never a digit. */
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { ACCOUNT, CODES, KEY, LiveScene } from './live-scene.ts';

const CALL = { accountId: ACCOUNT, subject: 'call/c1' };
const API = { kind: 'api', by: KEY };

const settled = (scene: LiveScene, entries: number) => vi.waitFor(() => expect(scene.noted).toHaveLength(entries));

describe('the audit of a live call', () => {
  test('has what the API asked for with what came of it, repeats and what hit nothing too', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    await scene.act('a', 'mask');
    await scene.act('a', 'start', { format: 'wav', url: 'https://user:secret@uploads.example:8443/in?token=t' });
    await scene.act('a', 'mask');
    await scene.act('a', 'unmask');
    await scene.act('b', 'toggle');
    await scene.act('b', 'stop');
    const [id] = scene.calls.get(ACCOUNT, 'c1').recordings;
    const entry = (action: string, data: object) => ({ ...CALL, by: API, action: `recording.${action}`, data });
    expect(scene.noted).toMatchObject([
      entry('mask', { changed: true, masked: true, recordings: [] }),
      entry('start', { changed: true, masked: true, recordings: [id], host: 'uploads.example:8443' }),
      entry('mask', { changed: false, masked: true, recordings: [id] }),
      entry('unmask', { changed: true, masked: false, recordings: [id] }),
      entry('stop', { changed: true, masked: false, recordings: [id] }),
      entry('stop', { changed: false, masked: false, recordings: [] }),
    ]);
  });

  test('names the leg whose code it was, and no digit of it', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: CODES };
    await scene.announce();
    scene.speak(200);
    const asked: number[] = [];
    for (const code of ['*71', '*72', '*73', '*74']) {
      scene.press('b', code);
      asked.push(scene.clock.us);
      // What is on disk later is noted later, by when it was asked.
      scene.speak(200);
      await settled(scene, asked.length);
    }
    for (const [index, { atUs }] of scene.noted.entries()) {
      expect(atUs).toBeLessThanOrEqual(asked[index]!);
      expect(atUs).toBeGreaterThan(asked[index]! - 200_000);
    }
    expect(scene.noted.map(({ by, action, data }) => [by, action, data?.changed])).toEqual(
      ['start', 'mask', 'unmask', 'stop'].map((action) => [{ kind: 'dtmf', leg: 'b' }, `recording.${action}`, true]),
    );
    const said = scene.noted.map(({ data, ...note }) => ({ ...note, ...data, recordings: [] }));
    expect(JSON.stringify(said)).not.toMatch(/7[1-4]|\*/);
  });

  test('has recordings that begin by themselves: those announced, and those of settings', async () => {
    const scene = new LiveScene();
    const fields = { format: 'wav', media_name: 'by-itself.wav', url: 'https://uploads.example/in' } as const;
    scene.directory.automatic = [{ fields, origin: 'x', ownerId: 'bob', whose: 'callee' }];
    await scene.announce({ record_call: { format: 'wav' } });
    expect(scene.noted).toEqual([]);
    scene.speak(200);
    const [one, other] = scene.calls.get(ACCOUNT, 'c1').recordings;
    const start = { ...CALL, action: 'recording.start' };
    const data = { changed: true, masked: false };
    expect(scene.noted).toEqual([
      { ...start, by: { kind: 'policy', by: 'announcement' }, data: { ...data, recordings: [one] } },
      {
        ...start,
        by: { kind: 'policy', by: 'call_recording' },
        data: { ...data, recordings: [other], host: 'uploads.example' },
      },
    ]);
  });

  test('has what policies do: a time limit, a mask that was forgotten, a call that ends by itself', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    await scene.act('a', 'start', { format: 'wav', mask_max_sec: 1, mask_expiry: 'unmask', time_limit: 3 });
    await scene.act('a', 'mask');
    scene.speak(1500);
    await settled(scene, 3);
    scene.speak(2500);
    await settled(scene, 4);
    const [id] = scene.calls.get(ACCOUNT, 'c1').recordings;
    scene.passTime(30_500);
    expect(scene.noted.slice(2)).toMatchObject([
      {
        ...CALL,
        by: { kind: 'policy', by: 'mask_max_sec' },
        action: 'recording.unmask',
        data: { changed: true, masked: false, recordings: [id] },
      },
      {
        ...CALL,
        by: { kind: 'policy', by: 'time_limit' },
        action: 'recording.stop',
        data: { changed: true, masked: false, recordings: [id] },
      },
      { ...CALL, by: { kind: 'policy', by: 'idle' }, action: 'call.end', data: {} },
    ]);
  });

  test('has what could not be done, and why', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.refusal = new AppError('DISK_LOW', 'the disk is nearly full');
    await expect(scene.act('a', 'start', { format: 'wav' })).rejects.toMatchObject({ code: 'DISK_LOW' });
    expect(scene.noted).toMatchObject([
      { ...CALL, by: API, action: 'recording.start', data: { failed: 'DISK_LOW', masked: false } },
    ]);
  });

  test('is told of a shutdown, and leaves a hang-up to whoever asked for it', async () => {
    const scene = new LiveScene();
    await scene.announce();
    await scene.announce({ call_id: 'c2' });
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.noted).toEqual([]);
    await scene.calls.end('shutdown');
    expect(scene.noted).toMatchObject([
      { action: 'call.end', subject: 'call/c2', by: { kind: 'policy', by: 'shutdown' } },
    ]);
  });
});
