/** FreeSWITCH's mod_audio_stream over a real WebSocket, compressed as it is unless told otherwise: a card payment, masked by keys. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { playAudioStream, type StreamOptions } from '../../samples/clients/audio-stream.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { SCENE_MS, sceneOf } from '../support/stream-scene.ts';
import { LENGTH_MS, type PlayedCall, StreamWorld } from '../support/stream-world.ts';

const KIND = 'audio-stream';
const RATE = 16_000;

const CALLS: readonly { readonly name: string; readonly options: StreamOptions }[] = [
  { name: 'compressed', options: { metadata: 'test-metadata' } },
  { name: 'uncompressed', options: { isCompressed: false } },
];

describe('streams of kind audio-stream', () => {
  const calls = new Map<string, PlayedCall<Awaited<ReturnType<typeof playAudioStream>>>>();
  let world: StreamWorld;

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    await Promise.all(
      CALLS.map(async ({ name, options }) => {
        const call = await world.played(name, (call_id, clock) => {
          const words = { call_id, mixType: 'stereo', sampleRate: String(RATE), record_call: world.recordCall() };
          return playAudioStream(world.url(KIND, words), options, sceneOf(clock, { sampleRate: RATE, types: true }));
        });
        calls.set(name, call);
      }),
    );
  }, 120_000);

  afterAll(() => world?.close());

  for (const { name, options } of CALLS) {
    test(`${name}: both legs as they spoke, the masked span silent`, () => {
      const call = calls.get(name)!;
      const { manifest, clock, end } = call;
      expect(world.sceneFaults(call, clock)).toEqual([]);
      expect(Math.abs(manifest.artefact.duration_ms - SCENE_MS)).toBeLessThanOrEqual(LENGTH_MS + clock.worstLateMs);
      expect(end.extensions).toBe(options.isCompressed === false ? '' : 'permessage-deflate');
    });
  }

  test('the secret and the keys are in no file and no line of the log', () => expect(world.leaks()).toEqual([]));
});
