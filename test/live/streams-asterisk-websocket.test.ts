/**
 * Asterisk's chan_websocket over real WebSockets: a card payment whose legs come by two channels, and what a real Asterisk sent, played
 * again: `shared/captures/README.md` says whence it is; skipped where it is absent.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { playAsteriskWebsocket } from '../../samples/clients/asterisk-websocket.ts';
import { openSocket } from '../../samples/clients/client-socket.ts';
import { FRAME_MS, type Played } from '../../samples/clients/played.ts';
import { decodeUlaw, encodeUlaw } from '../../src/kernel/g711.ts';
import { eventually } from '../support/live-api.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { SCENE_MS, SceneClock, sceneOf } from '../support/stream-scene.ts';
import { LENGTH_MS, type PlayedCall, StreamWorld } from '../support/stream-world.ts';
import { lagOf, peak, span } from '../support/tones.ts';

const KIND = 'asterisk-websocket';
const CAPTURES = join(import.meta.dirname, '../../../shared/captures/asterisk-run');

const asUlaw = (pcm: Int16Array): Uint8Array => {
  const out = new Uint8Array(pcm.length);
  encodeUlaw(pcm, out);
  return out;
};

const recordings: { name: string; sampleRate: number; frameBytes: number; samples(bytes: Buffer): Int16Array }[] = [
  {
    name: 'chan_websocket-plain-ulaw',
    sampleRate: 8000,
    frameBytes: 160,
    samples: (bytes) => {
      const pcm = new Int16Array(bytes.length);
      decodeUlaw(bytes, pcm);
      return pcm;
    },
  },
  {
    name: 'chan_websocket-json-slin16',
    sampleRate: 16_000,
    frameBytes: 640,
    samples: (bytes) => new Int16Array(Uint8Array.from(bytes).buffer),
  },
];

/**
 * Of 115 frames the capture keeps the times of the first three and those of the texts. The voice is that of the RTP captures: 71 frames, a
 * pause from which nothing comes, 44 more.
 */
const VOICE = { frames: 71, pauseMs: 1415 };

/** So much of it is compared. */
const LIKE_MS = 600;

type Step = { readonly atMs: number; readonly message: string | Uint8Array };

type Course = {
  readonly steps: readonly Step[];
  /** After the stream was opened, where the recording begins: its first audio, and its end. */
  readonly voiceMs: number;
  readonly endMs: number;
  /** The last key of *72. */
  readonly typedMs: number;
};

const stepsOf = (name: string, frameBytes: number): Course => {
  const lines = readFileSync(join(CAPTURES, `${name}.txt`), 'utf8').split('\n');
  const timed = lines.flatMap((line) => {
    const match = /^(\d+) (TEXT|BINARY|CLOSE) (.*)$/.exec(line);
    return match === null ? [] : [{ atMs: Number(match[1]), what: match[2], rest: match[3] }];
  });
  const startMs = timed[0].atMs;
  const pcm = readFileSync(join(CAPTURES, `${name}.pcm`));
  const firstMs = timed.find(({ what }) => what === 'BINARY')!.atMs - startMs;
  const frames = Array.from({ length: pcm.length / frameBytes }, (_, index) => ({
    atMs: firstMs + index * FRAME_MS + (index < VOICE.frames ? 0 : VOICE.pauseMs),
    message: pcm.subarray(index * frameBytes, (index + 1) * frameBytes),
  }));
  const texts = timed
    .filter(({ what }) => what === 'TEXT')
    .map(({ atMs, rest }) => ({ atMs: atMs - startMs, message: rest }));
  return {
    steps: [...texts, ...frames].sort((left, right) => left.atMs - right.atMs),
    voiceMs: firstMs - FRAME_MS,
    typedMs: texts.at(-1)!.atMs,
    endMs: timed.find(({ what }) => what === 'CLOSE')!.atMs - startMs,
  };
};

/** As Asterisk sent it, in real time. */
const replay = async (url: string, name: string, frameBytes: number, clock: SceneClock): Promise<void> => {
  const { steps, endMs } = stepsOf(name, frameBytes);
  await clock.reach(0);
  const { socket, closed } = await openSocket(url, ['media']);
  for (const { atMs, message } of steps) {
    await clock.reach(atMs);
    socket.send(message);
  }
  await clock.reach(endMs);
  socket.close(1000);
  await closed;
};

describe('streams of kind asterisk-websocket', () => {
  const hasCaptures = existsSync(CAPTURES);
  const replays = new Map<string, PlayedCall<void>>();
  let scene: PlayedCall<readonly Awaited<ReturnType<typeof playAsteriskWebsocket>>[]>;
  let world: StreamWorld;

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    const playing = world.played('two-channels', (call_id, clock) =>
      Promise.all([
        playAsteriskWebsocket(
          world.url(KIND, { call_id, leg: 'a' }),
          { format: 'slin16', control: 'json', variables: { RECORD_CALL: world.recordCall() } },
          sceneOf(clock, { legs: ['a'], sampleRate: 16_000 }),
        ),
        playAsteriskWebsocket(
          world.url(KIND, { call_id, leg: 'b', record_call: world.recordCall() }),
          { format: 'ulaw', control: 'plain-text' },
          sceneOf(clock, { legs: ['b'], sampleRate: 8000, types: true, encode: asUlaw }),
        ),
      ]),
    );
    const replaying = recordings
      .filter(() => hasCaptures)
      .map(async ({ name, frameBytes }) => {
        const replayed = await world.played(name, (call_id, clock) =>
          replay(world.url(KIND, { call_id, record_call: world.recordCall() }), name, frameBytes, clock),
        );
        replays.set(name, replayed);
      });
    [scene] = await Promise.all([playing, ...replaying]);
  }, 120_000);

  afterAll(() => world?.close());

  test('two channels are one call: both legs as they spoke, the masked span silent', () => {
    const { manifest, clock, end } = scene;
    expect(world.sceneFaults(scene, clock)).toEqual([]);
    expect(Math.abs(manifest.artefact.duration_ms - SCENE_MS)).toBeLessThanOrEqual(LENGTH_MS + clock.worstLateMs);
    expect(end.map(({ code }) => code)).toEqual([1000, 1000]);
  });

  test('the secret and the keys are in no file and no line of the log', () => expect(world.leaks()).toEqual([]));

  for (const { name, sampleRate, frameBytes, samples } of recordings) {
    test.skipIf(!hasCaptures)(`${name}: as long as it was, the voice in its place, masked from *72 on`, () => {
      const { manifest, audio, clock } = replays.get(name)!;
      const { voiceMs, endMs, typedMs } = stepsOf(name, frameBytes);
      const slackMs = LENGTH_MS + clock.worstLateMs;
      const [pcm, other] = audio.channels;
      expect(audio.sampleRate).toBe(sampleRate);
      expect(Math.abs(manifest.artefact.duration_ms - endMs)).toBeLessThanOrEqual(slackMs);
      expect(peak(other)).toBe(0);
      expect(manifest.masks).toHaveLength(1);
      expect(Math.abs(manifest.masks[0].start_ms - typedMs)).toBeLessThanOrEqual(slackMs);
      expect(peak(span(pcm, sampleRate, manifest.masks[0].start_ms, endMs))).toBe(0);
      const said = samples(readFileSync(join(CAPTURES, `${name}.pcm`)));
      const from = span(said, sampleRate, 0, LIKE_MS);
      const to = span(pcm, sampleRate, voiceMs, voiceMs + LIKE_MS);
      const { likeness, lag } = lagOf(from, to, Math.ceil((slackMs * sampleRate) / 1000));
      expect(likeness).toBeGreaterThan(0.9);
      expect(Math.abs(lag)).toBeLessThanOrEqual((slackMs * sampleRate) / 1000);
    });
  }

  for (const { name, control, format, said } of [
    { name: 'json', control: 'json', format: 'slin96', said: '{"command":"HANGUP"}' },
    { name: 'plain text', control: 'plain-text', format: 'g729', said: 'HANGUP' },
  ] as const) {
    test(`${name}: a format that is not taken in is hung up with a reason`, async () => {
      const end = await playAsteriskWebsocket(world.url(KIND), { format, control }, quiet(20));
      expect(end).toMatchObject({ code: 1007, heard: [said] });
      expect(end.reason).toContain(`STREAM_INVALID: format ${format}`);
    });
  }

  test('a call that ends hangs its channel up', async () => {
    const playing = playAsteriskWebsocket(
      world.url(KIND, { call_id: 'ended' }),
      { format: 'slin', control: 'json' },
      quiet(500),
    );
    await eventually(async () => {
      const { data: calls } = await world.api.ask('GET', '/calls');
      return calls.find((each: { call_id: string }) => each.call_id === 'ended');
    }, 'the call');
    await world.api.ask('DELETE', '/calls/ended');
    expect(await playing).toMatchObject({ code: 1000, heard: ['{"command":"HANGUP"}'] });
  });
});

/** Silence, at the pace of speech. */
async function* quiet(frames: number): AsyncGenerator<Played> {
  const clock = new SceneClock();
  clock.start();
  for (let index = 0; index < frames; index++) {
    await clock.reach(index * FRAME_MS);
    yield new Uint8Array(320);
  }
}
