/** FreeSWITCH's mod_audio_fork and jambonz' listen, over real WebSockets: a card payment, masked by keys that came as texts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ForkOptions, playAudioFork } from '../../samples/clients/audio-fork.ts';
import { type Closed, openSocket } from '../../samples/clients/client-socket.ts';
import type { Played } from '../../samples/clients/played.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { SCENE_MS, sceneOf } from '../support/stream-scene.ts';
import { LENGTH_MS, type PlayedCall, StreamWorld } from '../support/stream-world.ts';

const KIND = 'audio-fork';

/** Three frames in one message now and then, and cut where no sample ends: both are what a full buffer makes of them. */
async function* ragged(played: AsyncIterable<Played>): AsyncGenerator<Played> {
  let rest = Buffer.alloc(0);
  let count = 0;
  for await (const each of played) {
    if (!(each instanceof Uint8Array)) yield each;
    else {
      rest = Buffer.concat([rest, each]);
      if (++count % 3 === 0) {
        yield rest.subarray(0, rest.length - 3);
        rest = rest.subarray(rest.length - 3);
      }
    }
  }
  yield rest;
}

const CALLS: readonly {
  readonly name: string;
  readonly optionsOf: (callId: string) => ForkOptions;
  readonly query: Readonly<Record<string, string>>;
  readonly sampleRate: number;
  readonly shaped?: typeof ragged;
}[] = [
  {
    name: 'jambonz',
    optionsOf: (callSid) => ({
      subprotocol: 'audio.jambonz.org',
      metadata: { sampleRate: 16_000, mixType: 'stereo', callSid, direction: 'inbound', from: '+491', to: '+492' },
    }),
    query: {},
    sampleRate: 16_000,
  },
  {
    name: 'drachtio',
    // Its metadata is the caller's own, and says nothing of the audio.
    optionsOf: (uuid) => ({ subprotocol: 'audio.drachtio.org', metadata: { uuid } }),
    query: { mixType: 'stereo' },
    sampleRate: 8000,
  },
  {
    name: 'ragged',
    optionsOf: (call_id) => ({ metadata: { mixType: 'stereo', sampleRate: '8k', call_id } }),
    query: {},
    sampleRate: 8000,
    shaped: ragged,
  },
];

describe('streams of kind audio-fork', () => {
  const calls = new Map<string, PlayedCall<Closed>>();
  let world: StreamWorld;

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    await Promise.all(
      CALLS.map(async ({ name, optionsOf, query, sampleRate, shaped = (played) => played }) => {
        const call = await world.played(name, (callId, clock) =>
          playAudioFork(
            world.url(KIND, { ...query, record_call: world.recordCall() }),
            optionsOf(callId),
            shaped(sceneOf(clock, { sampleRate, types: true })),
          ),
        );
        calls.set(name, call);
      }),
    );
  }, 120_000);

  afterAll(() => world?.close());

  for (const { name, sampleRate } of CALLS) {
    test(`${name}: both legs as they spoke, the masked span silent`, () => {
      const call = calls.get(name)!;
      const { manifest, audio, clock } = call;
      expect(world.sceneFaults(call, clock)).toEqual([]);
      expect(audio.sampleRate).toBe(sampleRate);
      expect(Math.abs(manifest.artefact.duration_ms - SCENE_MS)).toBeLessThanOrEqual(LENGTH_MS + clock.worstLateMs);
    });

    test(`${name}: the stream is closed once it says that it ends`, () => {
      expect(calls.get(name)!.end).toMatchObject({ code: 1000 });
    });
  }

  test('the secret and the keys are in no file and no line of the log', () => expect(world.leaks()).toEqual([]));

  for (const { name, metadata, query = {}, played = [], reason } of [
    { name: 'a rate that is not taken in', metadata: { sampleRate: 64_000 }, reason: 'STREAM_INVALID: sample rate' },
    { name: 'a mix that nobody has', query: { mixType: 'quad' }, played: [frame()], reason: 'STREAM_INVALID: mixType' },
    { name: 'a text that is no JSON', played: [frame(), { text: 'hello' }], reason: 'STREAM_INVALID: a text message' },
    { name: 'a leg that is none', query: { leg: 'c' }, played: [frame()], reason: 'STREAM_INVALID: leg' },
  ] as Refusal[]) {
    test(`${name} closes the stream with a reason`, async () => {
      const closed = await refusal(world.url(KIND, query), metadata, played);
      expect(closed).toMatchObject({ code: 1007 });
      expect(closed.reason).toContain(reason);
    });
  }

  test('a key in the metadata opens it as well as one in the URL', async () => {
    const { manifest, clock, end } = await world.played('key-in-metadata', (call_id, own) => {
      const metadata = { call_id, token: world.key, record_call: { format: 'wav', url: world.target.url } };
      const part = take(sceneOf(own, { legs: ['a'], sampleRate: 8000 }), 50);
      return playAudioFork(world.bareUrl(KIND), { metadata }, part);
    });
    expect(end).toMatchObject({ code: 1000 });
    expect(Math.abs(manifest.artefact.duration_ms - 1000)).toBeLessThanOrEqual(LENGTH_MS + clock.worstLateMs);
  });

  test('without a key, or with a wrong one, nothing is taken', async () => {
    const before = (await world.api.ask('GET', '/calls')).data.length;
    const closed = await refusal(world.bareUrl(KIND), { call_id: 'stranger' }, [frame(), frame()]);
    expect(closed).toMatchObject({ code: 1008 });
    expect(closed.reason).toContain('UNAUTHENTICATED');
    const wrong = await refusal(world.bareUrl(KIND), { call_id: 'stranger', token: 'f'.repeat(64) }, [frame()]);
    expect(wrong).toMatchObject({ code: 1008 });
    await expect(playAudioFork(world.bareUrl(KIND, { token: 'wrong' }), {}, take(never(), 0))).rejects.toThrow('401');
    expect((await world.api.ask('GET', '/calls')).data).toHaveLength(before);
  });
});

type Refusal = {
  readonly name: string;
  readonly metadata?: object;
  readonly query?: Record<string, string>;
  readonly played?: readonly (Uint8Array | { readonly text: string })[];
  readonly reason: string;
};

const frame = (): Uint8Array => new Uint8Array(320);

/** Sends it all, and waits until the service has closed. */
const refusal = async (url: string, metadata: object | undefined, played: Refusal['played'] = []): Promise<Closed> => {
  const { socket, closed } = await openSocket(url, []);
  if (metadata !== undefined) socket.send(JSON.stringify(metadata));
  for (const each of played) socket.send(each instanceof Uint8Array ? each : each.text);
  return closed;
};

async function* take(played: AsyncIterable<Played>, count: number): AsyncGenerator<Played> {
  if (count === 0) return;
  let left = count;
  for await (const each of played) {
    yield each;
    if (--left === 0) return;
  }
}

async function* never(): AsyncGenerator<Played> {}
