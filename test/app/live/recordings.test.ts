/** Which recordings a live call has: announced, automatic, on answer, on bridge; several at once; whose each is. */
import { describe, expect, test, vi } from 'vitest';
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { ACCOUNT, codeOf, LiveScene } from './live-scene.ts';

const automatic = (fields: RecordCallFields, origin: string, ownerId: string | null, whose: string) => ({
  fields,
  origin,
  ownerId,
  whose,
  leg: 'a' as const,
});

describe('recordings that begin by themselves', () => {
  test('with the announcement: with the first frame of either leg, owned by the caller', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: { format: 'wav', origin: 'till 4' } });
    scene.passTime(500);
    expect(scene.started).toEqual([]);
    scene.speak(1000, { legs: ['b'] });
    expect(scene.started).toMatchObject([
      {
        recorder: { head: { startsWith: 'first-frame', origin: 'till 4', format: 'wav' } },
        about: { ownerId: 'alice' },
      },
    ]);
    expect(scene.toldOf('recording.started')).toMatchObject([{ started_by: 'announcement' }]);
  });

  test('by settings: all of them at once, each with its origin and owner', async () => {
    const scene = new LiveScene();
    scene.directory.automatic = [
      automatic({ format: 'mp3' }, 'inbound from onnet to account', null, 'account'),
      automatic({ format: 'mp3' }, 'outbound to onnet from endpoint', 'alice', 'caller'),
      automatic({ format: 'mp3' }, 'outbound to onnet from endpoint', 'bob', 'callee'),
    ];
    await scene.announce({ record_call: { format: 'wav' } });
    scene.speak(500);
    expect(scene.started.map(({ recorder, about }) => [recorder.head.origin, about.ownerId])).toEqual([
      ['', 'alice'],
      ['inbound from onnet to account', null],
      ['outbound to onnet from endpoint', 'alice'],
      ['outbound to onnet from endpoint', 'bob'],
    ]);
    const mask = await scene.act('b', 'mask');
    expect(mask.recordings).toHaveLength(4);
    expect(scene.calls.get(ACCOUNT, 'c1').recordings).toEqual(scene.started.map(({ recorder }) => recorder.head.id));
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.closed).toHaveLength(4);
    expect(new Set(scene.closed.map(({ about }) => about.ownerId))).toEqual(new Set([null, 'alice', 'bob']));
  });

  const cases: readonly { fields: RecordCallFields; on: string; starts: boolean }[] = [
    { fields: { record_on_answer: true }, on: 'nothing', starts: false },
    { fields: { record_on_answer: true }, on: 'answer', starts: true },
    { fields: { record_on_answer: true }, on: 'both legs', starts: false },
    { fields: { record_on_bridge: true }, on: 'answer', starts: false },
    { fields: { record_on_bridge: true }, on: 'bridge', starts: true },
    { fields: { record_on_bridge: true }, on: 'both legs', starts: false },
    { fields: { record_on_answer: true, record_on_bridge: true }, on: 'answer', starts: true },
    { fields: { record_on_answer: true, record_on_bridge: true }, on: 'both legs', starts: false },
  ];
  for (const { fields, on, starts } of cases) {
    test(`${Object.keys(fields).join(' and ')}: ${on} ${starts ? 'starts it' : 'is not enough'}`, async () => {
      const scene = new LiveScene();
      await scene.announce({ record_call: fields });
      scene.speak(300, { legs: on === 'both legs' ? ['a', 'b'] : ['a'] });
      if (on === 'answer') await scene.calls.answer(ACCOUNT, 'c1');
      if (on === 'bridge') await scene.calls.bridge(ACCOUNT, 'c1');
      scene.speak(300, { legs: ['a'] });
      expect(scene.started).toHaveLength(starts ? 1 : 0);
    });
  }

  test('answer and bridge are told once, and show', async () => {
    const scene = new LiveScene();
    await scene.announce();
    expect((await scene.calls.answer(ACCOUNT, 'c1')).state).toBe('answered');
    expect((await scene.calls.bridge(ACCOUNT, 'c1')).state).toBe('bridged');
    await scene.calls.bridge(ACCOUNT, 'c1');
    await scene.calls.answer(ACCOUNT, 'c1');
    scene.speak(300);
    expect(scene.toldOf('call.answered', 'call.bridged').map(({ type }) => type)).toEqual([
      'call.answered',
      'call.bridged',
    ]);
    expect(await codeOf(scene.calls.answer(ACCOUNT, 'c2'))).toBe('NOT_FOUND');
  });
});

describe('recordings that end by themselves', () => {
  test('at their time limit, which is told as the reason', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: { format: 'wav', time_limit: 2 } });
    scene.speak(3000);
    await vi.waitFor(() => expect(scene.closed).toHaveLength(1));
    expect(scene.toldOf('recording.stopped')).toMatchObject([{ reason: 'time-limit', duration_ms: 2000 }]);
  });

  test('a row that can’t be written does not disturb the call', async () => {
    const scene = new LiveScene({
      onStarted: () => {
        throw new Error('no store');
      },
      onClosed: () => {
        throw new Error('no store');
      },
    });
    await scene.announce({ record_call: { format: 'wav' } });
    scene.speak(300);
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.toldOf('recording.started', 'recording.stopped')).toHaveLength(2);
    expect(scene.defects.map(({ message }) => message)).toEqual(['no store', 'no store']);
  });
});
