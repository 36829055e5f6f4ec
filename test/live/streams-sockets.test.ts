/** Streams over TCP and HTTP bodies, over real sockets: a card payment by each of them, and what a real Asterisk sent. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { audioSocketFrame, playAudioSocket } from '../../samples/clients/audiosocket.ts';
import { playPcm } from '../../samples/clients/pcm.ts';
import { playPcmTcp } from '../../samples/clients/pcm-tcp.ts';
import type { Played } from '../../samples/clients/played.ts';
import { playRtpengine } from '../../samples/clients/rtpengine.ts';
import { playTcp } from '../../samples/clients/tcp-stream.ts';
import { LEGS } from '../../src/core/leg.ts';
import { eventually } from '../support/live-api.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { MASKED_MS, SCENE_MS, SceneClock, sceneOf } from '../support/stream-scene.ts';
import { type Streamed, StreamWorld } from '../support/stream-world.ts';

const CAPTURES = join(import.meta.dirname, '../../../shared/captures/asterisk-run');
const HOST = '127.0.0.1';

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/** By the API, where a stream has no keys: at the instants of the scene. */
const maskByApi = async (world: StreamWorld, callId: string, clock: SceneClock): Promise<void> => {
  await clock.reach(MASKED_MS.from - 600);
  const { legs } = await eventually(
    async () =>
      (await world.api.ask('GET', '/calls')).data.find(({ call_id }: { call_id: string }) => call_id === callId),
    `the call ${callId}`,
  );
  await clock.reach(MASKED_MS.from);
  await world.api.act(legs.a.channel_id, 'mask');
  await clock.reach(MASKED_MS.to);
  await world.api.act(legs.a.channel_id, 'unmask');
};

describe('streams with sockets of their own', () => {
  const found = new Map<string, Streamed>();
  const clock = new SceneClock();
  let world: StreamWorld;
  const port = { audiosocket: 0, pcm: 0, rtpengine: 0 };

  const announce = async (kind: string, data: object) => {
    const { data: ticket } = await world.api.ask('PUT', `/streams/${kind}`, { data });
    return ticket as { uuid: string; host: string; port: number };
  };
  const token = (): string => new URL(world.url('x')).searchParams.get('token') ?? '';
  const recordCall = (): Record<string, unknown> => JSON.parse(world.recordCall());

  const PLAYS: Readonly<Record<string, () => Promise<unknown>>> = {
    audiosocket: async () => {
      const call = { call_id: 'audiosocket', record_call: recordCall() };
      const tickets = await Promise.all(LEGS.map((leg) => announce('audiosocket', { ...call, leg })));
      expect(tickets.map(({ host, port: at }) => ({ host, port: at }))).toEqual(
        LEGS.map(() => ({ host: HOST, port: port.audiosocket })),
      );
      await Promise.all(
        LEGS.map((leg, index) =>
          playAudioSocket(
            tickets[index],
            { uuid: tickets[index].uuid, sampleRate: 16_000 },
            sceneOf(clock, { legs: [leg], sampleRate: 16_000, types: leg === 'b' }),
          ),
        ),
      );
    },
    pcm: async () => {
      const { url, accountId } = world.api;
      const query = new URLSearchParams({
        call_id: 'pcm',
        rate: '16000',
        channels: '2',
        record_call: world.recordCall(),
      });
      const [answer] = await Promise.all([
        playPcm(
          `${url}/v2/accounts/${accountId}/streams/pcm?${query}`,
          token(),
          odd(sceneOf(clock, { sampleRate: 16_000 })),
        ),
        maskByApi(world, 'pcm', clock),
      ]);
      expect(answer).toMatchObject({
        status: 201,
        body: { data: { call_id: 'pcm', kind: 'pcm', legs: ['a', 'b'], bytes: SCENE_MS * 64, reason: 'closed' } },
      });
    },
    'pcm-tcp': async () => {
      const words = (leg: string): string =>
        `${new URLSearchParams({ token: token(), call_id: 'pcm-tcp', leg, rate: '8000', record_call: world.recordCall() })}`;
      await Promise.all([
        ...LEGS.map((leg) =>
          playPcmTcp(
            { host: HOST, port: port.pcm },
            words(leg),
            odd(sceneOf(clock, { legs: [leg], sampleRate: 8000 })),
          ),
        ),
        maskByApi(world, 'pcm-tcp', clock),
      ]);
    },
    rtpengine: async () => {
      const metadata = `token:${token()}|call_id:rtpengine|record_call:${world.recordCall()}`;
      const play = (leg: 'a' | 'b') =>
        playRtpengine(
          { host: HOST, port: port.rtpengine },
          metadata,
          sceneOf(clock, { legs: [leg], sampleRate: 8000 }),
        );
      const first = play('a');
      // The first to come is leg a.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await Promise.all([first, play('b'), maskByApi(world, 'rtpengine', clock)]);
    },
  };

  beforeAll(async () => {
    port.audiosocket = await freePort();
    port.pcm = await freePort();
    port.rtpengine = await freePort();
    world = await StreamWorld.open(sharedScratchDir(), {
      RECORD_CALL_AUDIOSOCKET_PORT: `${port.audiosocket}`,
      RECORD_CALL_PCM_PORT: `${port.pcm}`,
      RECORD_CALL_RTPENGINE_PORT: `${port.rtpengine}`,
    });
    clock.start();
    await Promise.all(
      Object.entries(PLAYS).map(async ([name, play]) => {
        await play();
        found.set(name, await world.recorded(name));
      }),
    );
  }, 60_000);

  afterAll(() => world?.close());

  for (const name of Object.keys(PLAYS)) {
    test(`${name}: both legs as they spoke, the masked span silent`, () => {
      const streamed = found.get(name)!;
      expect(world.sceneFaults(streamed, clock)).toEqual([]);
      expect(Math.abs(streamed.manifest.artefact.duration_ms - SCENE_MS)).toBeLessThanOrEqual(40 + clock.worstLateMs);
    });
  }

  test('the secret and the keys are in no file and no line of the log', () => expect(world.leaks()).toEqual([]));

  for (const c of [
    { name: 'audiosocket-app-slin8', rate: 8000 },
    { name: 'audiosocket-chan-slin16', rate: 16_000 },
  ]) {
    const path = join(CAPTURES, `${c.name}.bin`);
    test.skipIf(!existsSync(path))(
      `what Asterisk sent, ${c.name}: a call of five seconds with 2.3 s of audio in it, and *72`,
      async () => {
        const bytes = readFileSync(path);
        const { uuid } = await announce('audiosocket', {
          ...{ uuid: bytes.subarray(3, 19).toString('hex'), call_id: c.name, leg: 'a' },
          record_call: recordCall(),
        });
        const began = performance.now();
        const sent = { maskMs: 0 };
        await playTcp(
          { host: HOST, port: port.audiosocket },
          bytes.subarray(0, 19),
          asteriskPace(bytes, sent),
          (each) => each as Uint8Array,
        );
        const endMs = performance.now() - began;
        expect(uuid).toBe(dashed(bytes.subarray(3, 19).toString('hex')));
        const { manifest, audio } = await world.recorded(c.name);
        expect(audio.sampleRate).toBe(c.rate);
        expect(Math.abs(manifest.artefact.duration_ms - endMs)).toBeLessThan(40);
        expect(manifest.masks).toMatchObject([{ trigger: { kind: 'dtmf', leg: 'a' } }]);
        expect(Math.abs(manifest.masks[0].start_ms - sent.maskMs)).toBeLessThan(60);
      },
    );
  }

  test.each([
    { name: 'a UUID that nobody announced', bytes: audioSocketFrame(1, Buffer.alloc(16, 7)) },
    { name: 'audio before a UUID', bytes: audioSocketFrame(0x10, Buffer.alloc(320, 7)) },
    { name: 'half a sample', bytes: audioSocketFrame(0x10, Buffer.alloc(3)) },
    { name: 'what is no AudioSocket at all', bytes: Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n') },
  ])('AudioSocket: $name is hung up', async ({ bytes }) => {
    const before = (await world.api.ask('GET', '/calls')).data.length;
    const heard = await playTcp({ host: HOST, port: port.audiosocket }, bytes, nothing(), () => new Uint8Array(0));
    expect(heard).toEqual(Buffer.of(0, 0, 0));
    expect((await world.api.ask('GET', '/calls')).data).toHaveLength(before);
  });

  test('samples without a valid key are refused before any is taken', async () => {
    const { url, accountId } = world.api;
    const answer = await playPcm(
      `${url}/v2/accounts/${accountId}/streams/pcm?call_id=nobody`,
      'f'.repeat(64),
      nothing(),
    );
    expect(answer.status).toBe(401);
    await playPcmTcp({ host: HOST, port: port.pcm }, 'token=nothing&call_id=nobody&rate=8000', nothing());
    await playRtpengine({ host: HOST, port: port.rtpengine }, '', nothing());
    const calls = (await world.api.ask('GET', '/calls')).data as { call_id: string }[];
    expect(calls.map(({ call_id }) => call_id)).not.toContain('nobody');
  });

  test('two streams for one leg: the second is refused, the first goes on; a finished call takes none', async () => {
    const words = `${new URLSearchParams({ token: token(), call_id: 'two', leg: 'a', rate: '8000' })}`;
    const at = { host: HOST, port: port.pcm };
    const first = playPcmTcp(at, words, frames(60));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const began = performance.now();
    await playPcmTcp(at, words, frames(200));
    expect(performance.now() - began).toBeGreaterThan(0);
    const running = (await world.api.ask('GET', '/streams')).data as { call_id: string }[];
    expect(running.filter(({ call_id }) => call_id === 'two')).toHaveLength(1);
    await first;
    await playPcmTcp(at, words, nothing());
    const { data } = await world.api.ask('GET', '/calls/two');
    expect(data.state).toBe('ended');
  });

  test('rates and channels that there are not are 400 at once', async () => {
    const { url, accountId } = world.api;
    for (const query of ['rate=4000', 'channels=7', 'encoding=f32', 'leg=c', 'record_call=%5B%5D']) {
      const answer = await playPcm(
        `${url}/v2/accounts/${accountId}/streams/pcm?call_id=bad&${query}`,
        token(),
        frames(3),
      );
      expect({ query, status: answer.status }).toEqual({ query, status: 400 });
    }
  });
});

async function* nothing(): AsyncGenerator<Played> {}

async function* frames(count: number): AsyncGenerator<Played> {
  for (let n = 0; n < count; n++) {
    yield new Uint8Array(320);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Cut where no sample ends. */
async function* odd(played: AsyncIterable<Played>): AsyncGenerator<Played> {
  for await (const each of played) {
    if (!(each instanceof Uint8Array)) continue;
    yield each.subarray(0, 101);
    yield each.subarray(101);
  }
}

const dashed = (hex: string): string =>
  [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');

/** At the instants at which Asterisk sent it, as the listing beside the capture has them. */
async function* asteriskPace(bytes: Buffer, sent: { maskMs: number }): AsyncGenerator<Played> {
  const began = performance.now();
  const until = async (ms: number): Promise<void> => {
    const waitMs = began + ms - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  };
  const KEYS = [2643, 2913, 3184];
  let audioMs = 1002;
  for (let at = 19; at < bytes.length; ) {
    const length = 3 + bytes.readUInt16BE(at + 1);
    const frame = bytes.subarray(at, at + length);
    at += length;
    if (frame[0] === 3) {
      const keyMs = KEYS.shift() ?? 0;
      await until(keyMs);
      // The second half of the voice comes after a pause of 1.4 s.
      audioMs = 1002 + 71 * 20 + 1415;
      sent.maskMs = performance.now() - began;
    } else {
      await until(audioMs);
      audioMs += 20;
    }
    yield Uint8Array.from(frame);
  }
  await until(5017);
}
