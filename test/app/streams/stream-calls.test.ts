import { expect, test } from 'vitest';
import { StreamCalls } from '../../../src/app/streams/stream-calls.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { LiveScene } from '../live/live-scene.ts';

const PRINCIPAL = { accountId: 'acc1', keyId: 'key1', isAdmin: false };

test('both legs of a call that come at the same instant join one', async () => {
  const { calls } = new LiveScene();
  const streamed = new StreamCalls({
    ...{ calls, clock: systemClock, newId: () => 'made-up', audit: { note: () => {} } },
    onDefect: (error) => {
      throw error;
    },
  });
  // As two streams' first words in one batch.
  const [a, b] = await Promise.all([
    streamed.of(PRINCIPAL, { call_id: 'c1' }),
    streamed.of(PRINCIPAL, { call_id: 'c1' }),
  ]);
  expect(a).toBe(b);
  expect(calls.list('acc1')).toHaveLength(1);
});
