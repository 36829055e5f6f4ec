/** What digits, the API and policies ask of a live call: in order, at once, answered and told, never with a digit. */
import { open } from 'node:fs/promises';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, CODES, codeOf, KEY, LiveScene, SECRET } from './live-scene.ts';

const DTMF_B = { kind: 'dtmf', leg: 'b' };

describe('digits', () => {
  test('of the party that holds the codes record, mask, unmask and stop', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: CODES };
    await scene.announce();
    scene.speak(1000);
    scene.press('b', '*71');
    scene.speak(1000);
    scene.press('b', '*72');
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
    scene.speak(1000, { secret: true });
    await vi.waitFor(() => expect(scene.types).toContain('mask.on'));
    scene.press('b', '*73');
    await vi.waitFor(() => expect(scene.types).toContain('mask.off'));
    scene.speak(1000);
    scene.press('b', '*74');
    await vi.waitFor(() => expect(scene.types).toContain('recording.stopped'));
    scene.speak(1000);
    await vi.waitFor(() => expect(scene.closed).toHaveLength(1));
    const [{ recorder, about, failed }] = scene.closed;
    expect(failed).toBe(false);
    expect(about).toEqual({ accountId: ACCOUNT, ownerId: 'bob', direction: 'inbound' });
    const [id] = scene.calls.get(ACCOUNT, 'c1').recordings;
    expect(scene.told.filter(({ type }) => !type.startsWith('leg.'))).toEqual([
      { account: ACCOUNT, call_id: 'c1', type: 'call.announced', direction: 'inbound' },
      { account: ACCOUNT, call_id: 'c1', type: 'recording.started', recording_id: id, started_by: 'dtmf' },
      { account: ACCOUNT, call_id: 'c1', type: 'mask.on', recordings: [id], by: DTMF_B },
      { account: ACCOUNT, call_id: 'c1', type: 'mask.off', recordings: [id], by: DTMF_B },
      expect.objectContaining({ type: 'recording.stopped', recording_id: id, reason: 'stop' }),
    ]);
    const directory = scene.folder;
    const finished = await finalizeRecording({
      ...{ journalPath: recorder.path, directory, mediaName: 'x.wav', encoder: 'lamejs' },
    });
    expect(finished.state).toBe('stored');
    expect(findInFiles(scene.folder, SECRET)).toEqual([]);
    expect(scene.defects).toEqual([]);
  });

  test('of the other party, who holds none, do nothing', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: CODES };
    await scene.announce();
    scene.speak(200);
    scene.press('a', '*71*72');
    scene.speak(200);
    const { recordings, masked } = scene.calls.get(ACCOUNT, 'c1');
    expect([recordings, masked]).toEqual([[], false]);
  });

  test('of a party from outside do nothing, whatever the account holds; where nobody is known, either may', async () => {
    for (const { callee, masked } of [
      { callee: { user_id: 'bob' }, masked: false },
      { callee: {}, masked: true },
    ]) {
      const scene = new LiveScene();
      scene.directory.metaflows = { '': CODES, bob: CODES };
      await scene.announce({ caller: { number: '+49' }, callee });
      scene.speak(200);
      scene.press('a', '*72');
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(masked);
    }
  });

  test('a code that may become a longer one acts when its time is over, with the first packet after it or with a tick', async () => {
    for (const ticks of [true, false]) {
      const scene = new LiveScene();
      const more = { ...CODES.numbers, 725: CODES.numbers['74'] };
      scene.directory.metaflows = { bob: { ...CODES, numbers: more, digit_timeout: 500 } };
      await scene.announce();
      scene.speak(200);
      scene.press('b', '*72');
      const typedMs = scene.nowMs;
      scene.speak(200, { ticks });
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(false);
      if (ticks) scene.passTime(400);
      else scene.speak(400, { ticks });
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
      await vi.waitFor(() => expect(scene.types).toContain('mask.on'));
      expect(scene.nowMs - typedMs).toBeLessThan(700);
    }
  });

  test('that both parties listen to act once: one code stops one recording, and a toggle is not undone at once', async () => {
    const scene = new LiveScene();
    const numbers = { ...CODES.numbers, 75: { module: 'record_call', data: { action: 'toggle' } } };
    const both = { ...CODES, numbers, listen_on: 'both' };
    scene.directory.metaflows = { alice: both, bob: both };
    await scene.announce({ record_call: { format: 'wav' } });
    scene.speak(200);
    scene.press('b', '*71');
    scene.speak(200);
    expect(scene.started).toHaveLength(2);
    scene.press('a', '*74');
    scene.speak(200);
    const running = () => scene.started.filter(({ recorder }) => recorder.state === 'recording').length;
    expect(running()).toBe(1);
    scene.press('b', '*75');
    scene.speak(200);
    expect(running()).toBe(0);
  });

  test('that hit nothing are told, since nobody answers a digit', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: CODES };
    await scene.announce();
    scene.press('b', '*74');
    await vi.waitFor(() => expect(scene.types).toContain('command.unchanged'));
    expect(scene.toldOf('command.unchanged')).toEqual([
      {
        account: ACCOUNT,
        call_id: 'c1',
        type: 'command.unchanged',
        action: 'stop',
        masked: false,
        recordings: [],
        by: DTMF_B,
      },
    ]);
  });

  test('no event holds one', async () => {
    const scene = new LiveScene();
    const numbers = { ...CODES.numbers, 5678: { module: 'hangup', data: {} } };
    scene.directory.metaflows = { bob: { ...CODES, numbers } };
    await scene.announce({ call_id: 'c' });
    scene.speak(200, { callId: 'c' });
    scene.press('b', '*5678', 'c');
    expect(scene.toldOf('metaflow.not_run')).toMatchObject([{ module: 'hangup' }]);
    expect(JSON.stringify(scene.told)).not.toMatch(/5678/);
  });
});

describe('the channels API', () => {
  test('answers what was done, to which recordings, and fills in the leg', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    const started = await scene.act('b', 'start', { format: 'wav', media_name: 'one.wav' });
    expect(started).toMatchObject({
      action: 'start',
      changed: true,
      masked: false,
      recordings: [{ state: 'recording' }],
    });
    expect(scene.started).toMatchObject([{ recorder: { fields: { dtmf_leg: 'b' } }, about: { ownerId: 'bob' } }]);
    scene.speak(1000);
    const masked = await scene.act('a', 'mask');
    expect(masked).toMatchObject({ changed: true, masked: true, recordings: [{ masked: true, position_ms: 1000 }] });
    expect(await scene.act('b', 'mask')).toMatchObject({ changed: false, masked: true });
    const [channel] = scene.calls.channels.list(ACCOUNT, { userId: 'alice' });
    expect(channel).toMatchObject({ leg: 'a', masked: true, recordings: [started.recordings[0]?.id] });
    expect(await scene.act('b', 'unmask')).toMatchObject({ changed: true, masked: false });
    expect(await scene.act('b', 'toggle')).toMatchObject({ action: 'stop', changed: true });
    expect(await scene.act('b', 'stop')).toEqual({ action: 'stop', changed: false, masked: false, recordings: [] });
    expect(scene.toldOf('mask.on', 'mask.off')).toMatchObject([{ by: { kind: 'api', by: KEY } }, { by: { by: KEY } }]);
    // Who asked was answered.
    expect(scene.toldOf('command.unchanged')).toEqual([]);
  });

  test('what is asked at once is done in the order in which it was asked', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    const actions = ['start', 'mask', 'stop', 'unmask'] as const;
    const results = await Promise.all(actions.map((action) => scene.act('a', action)));
    expect(results.map(({ action, changed }) => [action, changed])).toEqual(actions.map((action) => [action, true]));
    expect(results.map(({ recordings }) => recordings.length)).toEqual([1, 1, 1, 1]);
    expect(results.at(-1)?.masked).toBe(false);
  });

  test('a mask is in force at once, though a start before it still waits for the disk', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    const start = scene.act('a', 'start');
    const mask = scene.act('a', 'mask');
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
    scene.speak(200, { secret: true });
    await Promise.all([start, mask]);
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(findInFiles(scene.folder, SECRET)).toEqual([]);
  });

  test('a channel is shown as Kazoo shows it, with its leg and the other', async () => {
    const scene = new LiveScene();
    const { legs } = await scene.announce({ from: '+491', to: '+492', callee: { device_id: 'phone', number: '202' } });
    expect(scene.calls.channels.get(ACCOUNT, legs.b.channel_id)).toEqual({
      uuid: legs.b.channel_id,
      call_id: 'c1',
      leg: 'b',
      other_leg: legs.a.channel_id,
      direction: 'outbound',
      answered: false,
      authorizing_id: 'phone',
      authorizing_type: 'device',
      owner_id: 'bob',
      username: '202',
      destination: '+492',
      presence_id: '+492',
      timestamp: 63_935_688_600,
      masked: false,
      recordings: [],
    });
    expect(scene.calls.channels.list(ACCOUNT)).toHaveLength(2);
    expect(scene.calls.channels.list(ACCOUNT, { deviceId: 'phone' })).toMatchObject([{ leg: 'b' }]);
    expect(scene.calls.channels.list(ACCOUNT, { userId: 'mallory' })).toEqual([]);
    await scene.calls.answer(ACCOUNT, 'c1');
    expect(scene.calls.channels.get(ACCOUNT, legs.b.channel_id).answered).toBe(true);
  });

  test('a start on a full disk is refused, by code and by key; a mask never is', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: CODES };
    await scene.announce();
    scene.refusal = new AppError('DISK_LOW', 'nearly full');
    expect(await codeOf(scene.act('a', 'start'))).toBe('DISK_LOW');
    expect(await codeOf(scene.act('a', 'toggle'))).toBe('DISK_LOW');
    expect(await scene.act('a', 'mask')).toMatchObject({ changed: true });
    scene.press('b', '*71');
    await vi.waitFor(() => expect(scene.toldOf('command.failed')).toHaveLength(3));
    expect(scene.toldOf('command.failed').at(-1)).toMatchObject({ action: 'start', code: 'DISK_LOW', by: DTMF_B });
    expect(scene.started).toEqual([]);
  });

  test('a call has sixteen recordings at once and no more', async () => {
    const scene = new LiveScene();
    await scene.announce();
    for (let n = 0; n < 16; n++) await scene.act('a', 'start', { media_name: `${n}.mp3` });
    expect(await codeOf(scene.act('a', 'start', { media_name: 'x.mp3' }))).toBe('CONFLICT');
    expect(scene.started).toHaveLength(16);
  });
});

describe('a mask that can’t be put on disk', () => {
  test('is MASK_NOT_DURABLE to who asked, told as a failure, and in force', async () => {
    const scene = new LiveScene({ journals: '/nonexistent-folder-of-a-test' });
    await scene.announce();
    scene.speak(200);
    expect(await codeOf(scene.act('a', 'start'))).toBe('JOURNAL_UNWRITABLE');
    expect(await codeOf(scene.act('a', 'mask'))).toBe('MASK_NOT_DURABLE');
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
    expect(scene.toldOf('command.failed')).toMatchObject([
      { action: 'start', code: 'JOURNAL_UNWRITABLE', masked: false },
      { action: 'mask', code: 'MASK_NOT_DURABLE', masked: true },
    ]);
    scene.passTime(500);
    expect(scene.toldOf('recording.failed')).toMatchObject([{ code: 'JOURNAL_UNWRITABLE' }]);
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.failed).toMatchObject([{ code: 'JOURNAL_UNWRITABLE' }]);
    expect(scene.closed).toMatchObject([{ failed: true }]);
  });

  test('after ten seconds of a disk that does not answer, who asked is told so, and the call is masked', async () => {
    const probe = await open(`${new LiveScene().folder}/probe`, 'w');
    const files = Object.getPrototypeOf(probe) as { datasync(): Promise<void> };
    await probe.close();
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stuck = vi.spyOn(files, 'datasync').mockReturnValue(released);
    try {
      const scene = new LiveScene();
      await scene.announce();
      scene.speak(200);
      const start = codeOf(scene.act('a', 'start'));
      const mask = codeOf(scene.act('a', 'mask'));
      await vi.waitFor(() => expect(stuck).toHaveBeenCalled());
      scene.clock.set(scene.clock.us + 9_900_000);
      expect(await Promise.race([mask, Promise.resolve('still waiting')])).toBe('still waiting');
      scene.clock.set(scene.clock.us + 200_000);
      expect([await start, await mask]).toEqual(['JOURNAL_UNWRITABLE', 'MASK_NOT_DURABLE']);
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(true);
      expect(scene.toldOf('mask.on')).toEqual([]);
      release();
      await vi.waitFor(() => expect(scene.types).toContain('mask.on'));
    } finally {
      release();
      stuck.mockRestore();
    }
  });
});

describe('a mask that is on for too long', () => {
  for (const [expiry, masked, stopped] of [
    ['alert', true, false],
    ['unmask', false, false],
    ['stop', true, true],
  ] as const) {
    test(`with mask_expiry ${expiry} it is told, and ${masked ? 'stays' : 'ends'}`, async () => {
      const scene = new LiveScene();
      await scene.announce({ record_call: { format: 'wav', mask_max_sec: 5, mask_expiry: expiry } });
      scene.speak(200);
      await scene.act('a', 'mask');
      scene.passTime(5200);
      expect(scene.toldOf('mask.overdue')).toEqual([
        expect.objectContaining({ expiry, recording_id: scene.calls.get(ACCOUNT, 'c1').recordings[0] }),
      ]);
      const done = { alert: [], unmask: ['mask.off'], stop: ['recording.stopped'] }[expiry];
      await vi.waitFor(() =>
        expect(scene.toldOf('mask.off', 'recording.stopped').map(({ type }) => type)).toEqual(done),
      );
      expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(masked);
      if (!masked) expect(scene.toldOf('mask.off')).toMatchObject([{ by: { kind: 'policy', by: 'mask_max_sec' } }]);
      expect(scene.started[0]?.recorder.state !== 'recording').toBe(stopped);
    });
  }
});
