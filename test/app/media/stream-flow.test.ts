/** A body that is sent faster than speech, by way of a thread that goes on reading until it hears that it is to pause. */
import { expect, test } from 'vitest';
import { StreamStage } from './stream-stage.ts';

const MIB = 2 ** 20;

test('is read no more until what it brought beyond its due is made up for, what was on its way among it', async () => {
  const stage = new StreamStage();
  const { scene } = stage;
  await scene.announce({ media: { kind: 'stream' } });
  const { connection, peer } = stage.open('pcm', { call_id: 'c1', leg: 'a', rate: '48000' });
  const chunk = (): Buffer => Buffer.alloc(MIB / 4, 1);
  connection.bytes(chunk());
  await stage.settled();
  // 16 MiB may come at once.
  for (let sent = 0; sent < 20 * MIB; sent += MIB / 4) connection.bytes(chunk());
  stage.turn();
  stage.turn();
  expect(peer.isPaused).toBe(true);
  const pass = async (ms: number, look: () => void): Promise<void> => {
    for (const untilUs = scene.clock.us + ms * 1000; scene.clock.us < untilUs; look()) {
      scene.clock.set(scene.clock.us + 100_000);
      await stage.settled();
    }
  };
  await pass(3000, () => expect(peer.isPaused).toBe(true));
  await pass(5000, () => {});
  expect(peer.isPaused).toBe(false);
  expect(scene.defects).toEqual([]);
});
