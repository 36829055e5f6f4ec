/** How a live call ends: hung up, fallen silent, forgotten, shut down; and that nothing is lost or answered wrongly on the way. */
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { readJournal } from '../../../src/spool/journal-reader.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, codeOf, LiveScene, SECRET } from './live-scene.ts';

const WAV = { format: 'wav' } as const;

describe('hanging up', () => {
  test('closes its recordings and hands them on, gives its ports back to rest, and is shown for a minute', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(1000);
    const [a, b] = [scene.endpoint('a'), scene.endpoint('b')];
    const ended = await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(ended).toMatchObject({
      state: 'ended',
      legs: { a: { state: 'ended', packets: 50 }, b: { state: 'ended' } },
    });
    expect(ended.recordings).toHaveLength(1);
    expect(scene.closed).toMatchObject([{ failed: false, recorder: { state: 'closed' } }]);
    expect([a.closed, b.closed, scene.ports.free]).toEqual([1, 1, 20]);
    // The pool's oldest come first; these two rest.
    expect((await scene.announce({ call_id: 'c2' })).legs.a.rtp!.port).toBe(30_004);
    scene.passTime(59_000);
    expect(scene.calls.get(ACCOUNT, 'c1').state).toBe('ended');
    expect(scene.calls.list(ACCOUNT).map(({ call_id }) => call_id)).toEqual(['c1', 'c2']);
    scene.passTime(2000);
    expect(await codeOf(scene.calls.hangUp(ACCOUNT, 'c1'))).toBe('NOT_FOUND');
    expect(scene.calls.list(ACCOUNT).map(({ call_id }) => call_id)).toEqual(['c2']);
  });

  test('twice, or at once, is one', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(500);
    const [one, other] = await Promise.all([scene.calls.hangUp(ACCOUNT, 'c1'), scene.calls.hangUp(ACCOUNT, 'c1')]);
    expect(one).toEqual(other);
    expect(await scene.calls.hangUp(ACCOUNT, 'c1')).toEqual(one);
    expect(scene.closed).toHaveLength(1);
    expect(scene.toldOf('call.ended', 'recording.stopped')).toMatchObject([{ reason: 'hangup' }, { reason: 'hangup' }]);
  });

  test('takes what the sockets still hold, and nothing after', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(500);
    const [a] = [scene.endpoint('a').options.sink];
    const hungUp = scene.calls.hangUp(ACCOUNT, 'c1');
    scene.speak(100, { ticks: false });
    const { legs } = await hungUp;
    expect(legs.a.packets).toBe(30);
    expect(scene.closed[0]?.recorder.frames).toBe(60);
    a.packet(
      {
        marker: false,
        payloadType: 0,
        sequence: 99,
        timestamp: 99 * 160,
        ssrc: 0xa,
        payloadStart: 0,
        payloadEnd: 160,
        parse: () => true,
      },
      { name: 'PCMU', clockRate: 8000, channels: 1 },
      Buffer.alloc(160),
      scene.clock.us,
    );
    expect(scene.calls.get(ACCOUNT, 'c1').legs.a.packets).toBe(30);
  });

  test('its channels are gone at once, and a mask that was asked for before is answered with what it did', async () => {
    const scene = new LiveScene();
    const { legs } = await scene.announce({ record_call: WAV });
    scene.speak(500);
    const mask = scene.act('a', 'mask');
    const hungUp = scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.calls.channels.list(ACCOUNT)).toEqual([]);
    expect(await codeOf(scene.calls.channels.act(ACCOUNT, legs.a.channel_id, { action: 'unmask' }, 'k'))).toBe(
      'NOT_FOUND',
    );
    scene.speak(100, { secret: true, ticks: false });
    expect(await mask).toMatchObject({ changed: true, masked: true, recordings: [{ masked: true }] });
    await hungUp;
    expect(scene.closed).toMatchObject([{ failed: false }]);
    expect(findInFiles(scene.folder, SECRET)).toEqual([]);
  });

  test('masks and unmasks that race with it are each answered', async () => {
    for (let round = 0; round < 20; round++) {
      const scene = new LiveScene();
      await scene.announce({ record_call: WAV });
      scene.speak(200);
      const asked = ['mask', 'unmask', 'mask', 'stop', 'unmask'] as const;
      const answers = asked.slice(0, 1 + (round % 5)).map((action) => scene.act('a', action));
      for (let turn = 0; turn < round % 4; turn++) await new Promise(setImmediate);
      const hungUp = scene.calls.hangUp(ACCOUNT, 'c1');
      const results = await Promise.all(answers);
      expect(results[0]).toMatchObject({ action: 'mask', changed: true });
      expect(results[0]?.recordings).toHaveLength(1);
      await hungUp;
      expect(scene.closed).toMatchObject([{ failed: false }]);
    }
  });

  test('all calls of an account', async () => {
    const scene = new LiveScene();
    await scene.announce();
    await scene.announce({ call_id: 'c2' });
    await scene.calls.announce('other', { call_id: 'c3', media: { kind: 'rtp' } });
    await scene.calls.hangUpAll(ACCOUNT);
    expect(scene.calls.list(ACCOUNT).map(({ state }) => state)).toEqual(['ended', 'ended']);
    expect(scene.calls.get('other', 'c3').state).toBe('announced');
  });
});

describe('silence', () => {
  test('of one leg is told, lets its source move, is over with the next packet', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    const endpoint = scene.endpoint('b');
    scene.speak(10_500, { legs: ['a'] });
    expect(scene.calls.get(ACCOUNT, 'c1').legs).toMatchObject({ a: { state: 'receiving' }, b: { state: 'silent' } });
    expect(endpoint.relatched).toBe(1);
    scene.speak(500);
    expect(scene.calls.get(ACCOUNT, 'c1').legs.b.state).toBe('receiving');
    expect(
      scene.told.filter(({ type, leg }) => type.startsWith('leg.') && leg === 'b').map(({ type }) => type),
    ).toEqual(['leg.receiving', 'leg.silent', 'leg.receiving']);
  });

  test('of one leg for as long as a call may be idle ends that leg; the call goes on', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    const endpoint = scene.endpoint('b');
    scene.speak(30_500, { legs: ['a'] });
    expect(scene.calls.get(ACCOUNT, 'c1')).toMatchObject({ state: 'announced', legs: { b: { state: 'ended' } } });
    expect(endpoint.closed).toBe(1);
    await vi.waitFor(() => expect(scene.ports.free).toBe(19));
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.ports.free).toBe(20);
  });

  test('a leg that was never heard waits as long as the other is heard', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(40_000, { legs: ['a'] });
    expect(scene.calls.get(ACCOUNT, 'c1').legs.b.state).toBe('waiting');
    expect(scene.endpoint('b').closed).toBe(0);
  });

  test('of both legs ends the call without a hang-up, and its recording is closed', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(1000);
    scene.passTime(29_800);
    expect(scene.calls.get(ACCOUNT, 'c1').state).toBe('announced');
    scene.passTime(300);
    expect(scene.calls.get(ACCOUNT, 'c1').state).toBe('ended');
    await vi.waitFor(() => expect(scene.closed).toHaveLength(1));
    expect(scene.toldOf('call.ended')).toMatchObject([{ reason: 'idle' }]);
    expect(scene.toldOf('recording.stopped')).toMatchObject([{ reason: 'idle', duration_ms: 1000 }]);
    expect(scene.ports.free).toBe(20);
  });

  test('a call that never has media ends too', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.passTime(30_100);
    await vi.waitFor(() => expect(scene.types).toEqual(['call.announced', 'call.ended']));
    expect(scene.started).toEqual([]);
  });
});

describe('shutting down', () => {
  test('ends every call with that reason, when its journals are durable; nothing new begins', async () => {
    const scene = new LiveScene();
    for (let n = 0; n < 8; n++) await scene.announce({ call_id: `c${n}`, record_call: WAV });
    for (let n = 0; n < 8; n++) scene.speak(200, { callId: `c${n}` });
    await scene.act('a', 'mask', {}, 'c3');
    const ended = scene.calls.end('shutdown');
    expect(await codeOf(scene.announce({ call_id: 'late' }))).toBe('CALLS_FULL');
    await ended;
    expect(scene.closed).toHaveLength(8);
    expect(scene.closed.every(({ failed }) => !failed)).toBe(true);
    expect(scene.toldOf('call.ended').map(({ reason }) => reason)).toEqual(Array(8).fill('shutdown'));
    for (const { recorder } of scene.closed) {
      const notes = [...readJournal(recorder.path)];
      expect(notes.at(-1)).toMatchObject({ kind: 'close', close: { reason: 'shutdown' } });
      const masks = notes.filter(({ kind }) => kind === 'mask');
      expect(masks).toHaveLength(recorder.head.callId === 'c3' ? 1 : 0);
    }
    expect(scene.ports.free).toBe(20);
    expect(scene.ticking).toBe(false);
    await scene.calls.end('shutdown');
  });

  test('waits for a call that is hanging up, and drops one that is being announced', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(200);
    void scene.calls.hangUp(ACCOUNT, 'c1');
    const late = codeOf(scene.announce({ call_id: 'late' }));
    await scene.calls.end('shutdown');
    expect(scene.closed).toHaveLength(1);
    expect(await late).toBe('CALLS_FULL');
    expect(scene.ports.free).toBe(20);
  });
});

describe('the numbers', () => {
  test('count what is there now, and totals that never fall', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: WAV });
    scene.speak(1000);
    scene.endpoint('a').counts.refusedSource = 3;
    await scene.act('a', 'mask');
    scene.passTime(2000);
    const now = scene.calls.numbers();
    expect(now).toMatchObject({ calls: 1, recordings: 1, legsReceiving: 2, callsMasked: 1, callsDropping: 0 });
    expect(now.oldestMaskSec).toBeCloseTo(2, 1);
    expect(now.totals).toMatchObject({ announced: 1, packets: 100, refused: 3, lostToDisk: 0 });
    await scene.calls.hangUp(ACCOUNT, 'c1');
    await scene.announce();
    const later = scene.calls.numbers();
    expect(later).toMatchObject({ calls: 1, recordings: 0, callsMasked: 0, oldestMaskSec: 0, journalPendingBytes: 0 });
    expect(later.totals).toMatchObject({ announced: 2, packets: 100, refused: 3, refusedCalls: 0 });
    scene.refusal = new AppError('DISK_LOW', 'nearly full');
    expect(await codeOf(scene.announce({ call_id: 'refused' }))).toBe('DISK_LOW');
    expect(scene.calls.numbers().totals).toMatchObject({ announced: 2, refusedCalls: 1 });
  });
});
