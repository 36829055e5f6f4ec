/**
 * Cloud voice servers' streams over real WebSockets: a card payment by each of them, masked by keys that came as messages or, with AudioHook,
 * by the server's own pause; and who is let in.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AudiohookPlayed, PROBE, playAudiohook } from '../../samples/clients/audiohook.ts';
import type { Closed } from '../../samples/clients/client-socket.ts';
import { playExotel } from '../../samples/clients/exotel.ts';
import type { Track, TrackPlayed } from '../../samples/clients/media-streams.ts';
import type { Played } from '../../samples/clients/played.ts';
import { playPlivo } from '../../samples/clients/plivo.ts';
import { playSignalwire } from '../../samples/clients/signalwire.ts';
import { playTelnyx } from '../../samples/clients/telnyx.ts';
import { playTwilio } from '../../samples/clients/twilio.ts';
import { playVonage } from '../../samples/clients/vonage.ts';
import type { Leg } from '../../src/core/leg.ts';
import type { AuditDocument } from '../../src/http/audit.ts';
import { encodeAlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { MASKED_MS, SCENE_MS, SceneClock, sceneOf } from '../support/stream-scene.ts';
import { type Streamed, StreamWorld } from '../support/stream-world.ts';

const law = (encode: (pcm: Int16Array, out: Uint8Array) => void) => (pcm: Int16Array) => {
  const out = new Uint8Array(pcm.length);
  encode(pcm, out);
  return out;
};
const asUlaw = law(encodeUlaw);
const asAlaw = law(encodeAlaw);
const asLinear = (pcm: Int16Array): Uint8Array =>
  Buffer.from(Uint8Array.from(Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)));

/** Interleaved linear frames as one of each track. */
async function* inTracks(
  played: AsyncIterable<Played>,
  encode: (pcm: Int16Array) => Uint8Array,
): AsyncGenerator<TrackPlayed> {
  for await (const each of played) {
    if (!(each instanceof Uint8Array)) {
      yield each;
      continue;
    }
    const both = new Int16Array(Uint8Array.from(each).buffer);
    for (const [channel, track] of (['inbound', 'outbound'] as Track[]).entries())
      yield { track, bytes: encode(both.filter((_, at) => at % 2 === channel)) };
  }
}

/** Of each track the third of three comes before the first. */
async function* shuffled(played: AsyncIterable<TrackPlayed>): AsyncGenerator<TrackPlayed> {
  const held: TrackPlayed[] = [];
  const chunks = { inbound: 0, outbound: 0 };
  for await (const each of played) {
    if (!('track' in each)) {
      yield each;
      continue;
    }
    held.push({ ...each, chunk: ++chunks[each.track] });
    if (held.length === 6) yield* held.splice(0).reverse();
  }
  yield* held;
}

/** Pauses where a key would have masked, and goes on where one would have unmasked. */
async function* paused(played: AsyncIterable<Played>): AsyncGenerator<AudiohookPlayed> {
  for await (const each of played) {
    if (each instanceof Uint8Array) yield each;
    else if (each.key === '2') yield 'paused';
    else if (each.key === '3') yield 'resumed';
  }
}

type Call = {
  readonly name: string;
  readonly sampleRate: number;
  readonly play: (world: StreamWorld, clock: SceneClock, callId: string) => Promise<readonly Closed[]>;
};

const tokenOf = (world: StreamWorld): string => new URL(world.url('x')).searchParams.get('token') ?? '';
const bare = (world: StreamWorld, kind: string): string => world.url(kind).replace(/\?.*/, '');
const ofLegs = (play: (leg: Leg) => Promise<Closed>): Promise<Closed[]> => Promise.all([play('a'), play('b')]);

const CALLS: readonly Call[] = [
  {
    name: 'twilio',
    sampleRate: 8000,
    play: async (world, clock, callId) => [
      await playTwilio(
        bare(world, 'twilio'),
        { callSid: callId, parameters: { token: tokenOf(world), record_call: world.recordCall() } },
        inTracks(sceneOf(clock, { sampleRate: 8000, types: true }), asUlaw),
      ),
    ],
  },
  {
    name: 'signalwire',
    sampleRate: 16_000,
    play: async (world, clock, callId) => [
      await playSignalwire(
        bare(world, 'signalwire'),
        { callSid: callId, token: tokenOf(world), parameters: { record_call: world.recordCall() } },
        inTracks(sceneOf(clock, { sampleRate: 16_000, types: true }), asLinear),
      ),
    ],
  },
  {
    name: 'telnyx',
    sampleRate: 8000,
    play: async (world, clock, callId) => [
      await playTelnyx(
        world.url('telnyx', { record_call: world.recordCall(), call_id: callId }),
        { callControlId: 'v2:T02llQxIyaRkhfRK' },
        shuffled(inTracks(sceneOf(clock, { sampleRate: 8000, types: true }), asAlaw)),
      ),
    ],
  },
  {
    name: 'plivo',
    sampleRate: 16_000,
    play: async (world, clock, callId) => [
      await playPlivo(
        world.url('plivo', { record_call: world.recordCall() }),
        { callId },
        inTracks(sceneOf(clock, { sampleRate: 16_000, types: true }), asLinear),
      ),
    ],
  },
  {
    name: 'exotel',
    sampleRate: 8000,
    play: (world, clock, callId) =>
      ofLegs((leg) =>
        playExotel(
          world.url('exotel', { record_call: world.recordCall(), leg }),
          { callSid: callId },
          sceneOf(clock, { legs: [leg], sampleRate: 8000, types: leg === 'b' }),
        ),
      ),
  },
  {
    name: 'vonage',
    sampleRate: 16_000,
    play: (world, clock, callId) =>
      ofLegs((leg) =>
        playVonage(
          world.url('vonage'),
          { headers: { call_id: callId, leg, record_call: JSON.parse(world.recordCall()) } },
          sceneOf(clock, { legs: [leg], sampleRate: 16_000, types: leg === 'a' }),
        ),
      ),
  },
  {
    name: 'audiohook-keys',
    sampleRate: 8000,
    play: async (world, clock, callId) => [
      await playAudiohook(
        world.url('audiohook', { call_id: callId }),
        {
          conversationId: randomUUID(),
          customConfig: { record_call: JSON.parse(world.recordCall()) },
          channels: ['internal', 'external'],
        },
        sceneOf(clock, { legs: ['b', 'a'], sampleRate: 8000, types: true, encode: asUlaw }),
      ),
    ],
  },
  {
    name: 'audiohook-pause',
    sampleRate: 8000,
    play: async (world, clock, callId) => [
      await playAudiohook(
        world.url('audiohook', { call_id: callId, record_call: world.recordCall() }),
        { conversationId: randomUUID() },
        paused(sceneOf(clock, { sampleRate: 8000, types: true, encode: asUlaw })),
      ),
    ],
  },
];

/**
 * What a machine that is busy with other things plays is no card payment as a server would have sent it, and a disk that is busy keeps the
 * mask on for longer: the scenes are played again. The secret may be heard in none of them.
 */
const STEADY_MS = 60;
const MOST_ATTEMPTS = 8;

async function* someFrames(): AsyncGenerator<Uint8Array> {
  for (let frame = 0; frame < 10; frame++) yield new Uint8Array(160).fill(0xff);
}

describe('cloud voice servers', () => {
  const found = new Map<string, Streamed>();
  const closes = new Map<string, readonly Closed[]>();
  const secretsHeard: string[] = [];
  let clock: SceneClock;
  let world: StreamWorld;

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    for (let attempt = 1, isSteady = false; !isSteady && attempt <= MOST_ATTEMPTS; attempt++) {
      clock = new SceneClock();
      clock.start();
      await Promise.all(
        CALLS.map(async ({ name, play }) => {
          const callId = `${name}-${attempt}`;
          closes.set(name, await play(world, clock, callId));
          found.set(name, await world.recorded(callId));
        }),
      );
      const faults = [...found.values()].flatMap((streamed) => world.sceneFaults(streamed, clock));
      secretsHeard.push(...faults.filter((fault) => /Hz on \d at|its samples/.test(fault)));
      isSteady = clock.worstLateMs <= STEADY_MS && !faults.some((fault) => fault.startsWith('masked until'));
    }
  }, 120_000);

  afterAll(() => world?.close());

  for (const { name, sampleRate } of CALLS) {
    test(`${name}: both legs as they spoke, the masked span silent`, () => {
      const streamed = found.get(name)!;
      expect(world.sceneFaults(streamed, clock), `${clock.worstLateMs} ms late`).toEqual([]);
      expect(streamed.audio.sampleRate).toBe(sampleRate);
      expect(Math.abs(streamed.manifest.artefact.duration_ms - SCENE_MS)).toBeLessThanOrEqual(40 + clock.worstLateMs);
      for (const closed of closes.get(name)!) expect(closed).toMatchObject({ code: 1000 });
    });
  }

  test("AudioHook's own pause is a mask by its positions, and is in the audit", async () => {
    const { masks } = found.get('audiohook-pause')!.manifest;
    expect(masks).toHaveLength(1);
    expect(Math.abs(masks[0].start_ms - MASKED_MS.from)).toBeLessThanOrEqual(20);
    // It ends when that is heard: what comes late is masked for longer, not for less.
    expect(masks[0].end_ms).toBeGreaterThanOrEqual(MASKED_MS.to - 1);
    expect(masks[0].end_ms).toBeLessThanOrEqual(MASKED_MS.to + 40 + clock.worstLateMs);
    const { data } = await world.api.ask('GET', '/audit?page_size=200');
    const own = (data as AuditDocument[]).filter(({ by }) => by.kind === 'stream' && by.by === 'audiohook');
    expect(own.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['recording.mask', 'recording.unmask', 'stream.close']),
    );
  });

  test('the secret is heard in no recording; it and the keys are in no file and no line of the log', () => {
    expect(secretsHeard).toEqual([]);
    expect(world.leaks()).toEqual([]);
  });

  test('a connection probe is answered and leaves nothing', async () => {
    const before = (await world.api.ask('GET', '/calls')).data.length;
    const { code, heard } = await playAudiohook(world.url('audiohook'), { conversationId: PROBE }, someFrames());
    expect({ code, heard }).toEqual({ code: 1000, heard: ['opened', 'pong', 'closed'] });
    expect((await world.api.ask('GET', '/calls')).data).toHaveLength(before);
  });

  test('a wrong or missing token ends the stream before any audio is taken', async () => {
    for (const token of ['', 'f'.repeat(64)]) {
      const closed = await playTwilio(
        bare(world, 'twilio'),
        { callSid: 'nobody', parameters: { token } },
        someFrames(),
      );
      expect(closed.code).toBe(1008);
      await expect(playVonage(world.url('vonage', { token }), {}, someFrames())).rejects.toThrow('401');
    }
    expect(
      (await world.api.ask('GET', '/calls')).data.map(({ call_id }: { call_id: string }) => call_id),
    ).not.toContain('nobody');
  });

  describe('where the account has a key for a kind', () => {
    const API_KEY = 'c29tZSBrZXkgb2Ygb3Vycw==';
    const SECRET = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=';

    beforeAll(async () => {
      const stream_keys = {
        twilio: { auth_token: 'twilio-auth-token' },
        plivo: { auth_token: 'plivo-auth-token' },
        telnyx: { auth_token: 'telnyx-streaming-token' },
        audiohook: { api_key: API_KEY, client_secret: SECRET },
      };
      const { data } = await world.api.ask('PATCH', '', { data: { stream_keys } });
      expect(data).not.toHaveProperty('stream_keys');
    });

    afterAll(() => world.api.ask('PATCH', '', { data: { stream_keys: null } }));

    test('an upgrade without a valid signature is refused, whatever token it has', async () => {
      const refused = [
        playTwilio(world.url('twilio'), { callSid: 'x', parameters: { token: tokenOf(world) } }, someFrames()),
        playTwilio(world.url('twilio'), { callSid: 'x', authToken: 'another-auth-token' }, someFrames()),
        playPlivo(world.url('plivo'), { callId: 'x' }, someFrames()),
        playTelnyx(world.url('telnyx'), { callControlId: 'x', streamingToken: 'another' }, someFrames()),
        playAudiohook(world.url('audiohook'), { conversationId: randomUUID() }, someFrames()),
        playAudiohook(world.url('audiohook'), { conversationId: randomUUID(), apiKey: API_KEY }, someFrames()),
        playAudiohook(
          world.url('audiohook'),
          { conversationId: randomUUID(), apiKey: API_KEY, clientSecret: 'AAAAAAAAAAAA' },
          someFrames(),
        ),
      ];
      for (const each of await Promise.allSettled(refused))
        expect(each).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('401') } });
    });

    test('a signed one needs no token', async () => {
      const streams = [
        playTwilio(bare(world, 'twilio'), { callSid: 'signed-twilio', authToken: 'twilio-auth-token' }, someFrames()),
        playPlivo(bare(world, 'plivo'), { callId: 'signed-plivo', authToken: 'plivo-auth-token' }, someFrames()),
        playTelnyx(
          bare(world, 'telnyx'),
          { callControlId: 'signed-telnyx', streamingToken: 'telnyx-streaming-token' },
          someFrames(),
        ),
        playAudiohook(
          bare(world, 'audiohook'),
          { conversationId: randomUUID(), apiKey: API_KEY, clientSecret: SECRET },
          someFrames(),
        ),
      ];
      for (const closed of await Promise.all(streams)) expect(closed).toMatchObject({ code: 1000 });
    });
  });
});
