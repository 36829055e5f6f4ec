/** What the API asks of a call while the thread that reads its streams stands still for longer than anybody waits. */
import { expect, test } from 'vitest';
import { ACCOUNT, KEY } from '../live/live-scene.ts';
import { StreamStage } from './stream-stage.ts';

test.each([
  { action: 'mask', isMasked: true },
  { action: 'start', isMasked: false },
] as const)(
  '$action that nobody waits for any more is answered by an error, and what that says of the mask is so',
  async ({ action, isMasked }) => {
    const stage = new StreamStage();
    const { scene } = stage;
    await scene.announce({ media: { kind: 'stream' }, record_call: { format: 'wav' } });
    const { connection } = stage.open('vonage', { call_id: 'c1', leg: 'a' });
    stage.text(connection, { event: 'websocket:connected', 'content-type': 'audio/l16;rate=16000' });
    await stage.settled();
    const { channel_id: uuid } = scene.calls.get(ACCOUNT, 'c1').legs.a;
    stage.isStalled = true;
    scene.clock.set(scene.clock.us + 100_000);
    const code = action === 'mask' ? 'MASK_NOT_DURABLE' : 'JOURNAL_UNWRITABLE';
    const refused = expect(scene.calls.channels.act(ACCOUNT, uuid, { action }, KEY)).rejects.toMatchObject({ code });
    for (let seconds = 0; seconds < 11; seconds++) scene.clock.set(scene.clock.us + 1e6);
    await refused;
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(isMasked);
    expect(scene.defects).toEqual([]);
  },
);
