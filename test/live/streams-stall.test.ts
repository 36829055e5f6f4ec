/**
 * A path that stood still: what a server has sent meanwhile comes at once, the key that masks among it. Nothing that was said after that key
 * is kept, whether the server counts or not, and in whatever order its messages come.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrackPlayed } from '../../samples/clients/media-streams.ts';
import type { Played } from '../../samples/clients/played.ts';
import { playTwilio } from '../../samples/clients/twilio.ts';
import { playVonage } from '../../samples/clients/vonage.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { MASKED_MS, SceneClock, sceneOf } from '../support/stream-scene.ts';
import { type Streamed, StreamWorld } from '../support/stream-world.ts';

/** The code that masks and the beginning of the secret are within. */
const STALL_MS = { from: 900, to: 2000 };

/** Frames are 20 ms: their count is the scene's time, however late this machine is. */
async function* stalled(played: AsyncIterable<Played>): AsyncGenerator<Played> {
  const held: Played[] = [];
  let atMs = 0;
  for await (const each of played) {
    if (each instanceof Uint8Array) atMs += 20;
    if (atMs > STALL_MS.from && atMs <= STALL_MS.to) held.push(each);
    else yield* [...held.splice(0), each];
  }
}

/** Three frames come in the reverse of their order. */
async function* shuffled(played: AsyncIterable<Played>): AsyncGenerator<TrackPlayed> {
  const held: TrackPlayed[] = [];
  let chunk = 0;
  for await (const each of played) {
    if (each instanceof Uint8Array) held.push({ track: 'inbound', bytes: each, chunk: ++chunk });
    else yield each;
    if (held.length === 3) yield* held.splice(0).reverse();
  }
  yield* held;
}

const asUlaw = (pcm: Int16Array): Uint8Array => {
  const out = new Uint8Array(pcm.length);
  encodeUlaw(pcm, out);
  return out;
};

describe('a path that stood still', () => {
  const names = ['in order', 'out of order', 'without timestamps'] as const;
  const found = new Map<string, Streamed>();
  const clock = new SceneClock();
  let world: StreamWorld;

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    const token = new URL(world.url('x')).searchParams.get('token') ?? '';
    const twilio = (call_id: string, played: AsyncIterable<TrackPlayed>) =>
      playTwilio(
        world.url('twilio').replace(/\?.*/, ''),
        { callSid: 'x', parameters: { token, call_id, record_call: world.recordCall() } },
        played,
      );
    const scene = () => sceneOf(clock, { legs: ['a'], sampleRate: 8000, types: true, encode: asUlaw });
    clock.start();
    await Promise.all([
      twilio('in-order', stalled(scene())),
      twilio('out-of-order', shuffled(stalled(scene()))),
      playVonage(
        world.url('vonage', { call_id: 'without-timestamps', record_call: world.recordCall() }),
        {},
        stalled(sceneOf(clock, { legs: ['a'], sampleRate: 16_000, types: true })),
      ),
    ]);
    for (const name of names) found.set(name, await world.recorded(name.replaceAll(' ', '-')));
  }, 60_000);

  afterAll(() => world?.close());

  test.each(names)('%s: the secret is not heard', (name) => {
    const streamed = found.get(name)!;
    expect(streamed.manifest.masks).toHaveLength(1);
    expect((streamed.manifest.masks[0].frames_withheld?.a ?? 0) * 20).toBeGreaterThanOrEqual(
      MASKED_MS.to - MASKED_MS.from - 20,
    );
    const heard = world.sceneFaults(streamed, clock).filter((fault) => /Hz on \d at|its samples/.test(fault));
    expect(heard).toEqual([]);
  });

  test('nothing of it, and no key, is in any file or the log', () => expect(world.leaks()).toEqual([]));
});
