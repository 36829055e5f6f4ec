/**
 * The API's thread, which reads WebSockets, stands still for two seconds while a stream's code waits there: what is said behind the code is in
 * no file, neither by the stream nor by the leg that the media thread goes on taking in.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { eventually } from '../support/live-api.ts';
import { metaflowsOf, SECRET } from '../support/live-call.ts';
import { filesWith } from '../support/live-judge.ts';
import { rtpPacket } from '../support/rtp-stream.ts';
import { scratchDir } from '../support/scratch.ts';
import { SECRET_NEEDLES } from '../support/stream-scene.ts';
import { StreamWorld } from '../support/stream-world.ts';

const CALL_MS = 4400;
const BLOCKED_MS = { from: 1150, to: 3150 };
const SECRET_MS = { from: 1260, to: 3000 };
const KEYS_MS = { '*': [1000, 3400], '7': [1080, 3500], '2': [1200], '3': [3600] };
/** What the machine was busy with. */
/** Journals are gone at the end; what is in them is looked at so often. */
const LOOK_MS = 300;
const LATE_MS = 150;

type Due = { readonly atMs: number; readonly text?: string; readonly bytes?: Uint8Array };

const words = (atMs: number, message: object): Due => ({ atMs, text: JSON.stringify(message) });
const soundAt = (atMs: number): Buffer => {
  // A frame that is sent now was said in the 20 ms before.
  const isSecret = atMs - 20 >= SECRET_MS.from && atMs < SECRET_MS.to;
  return isSecret ? SECRET : Buffer.alloc(SECRET.length, 0x55);
};
const frames = Array.from({ length: CALL_MS / 20 }, (_, n) => ({ n, atMs: (n + 1) * 20 }));
const keys = Object.entries(KEYS_MS).flatMap(([digit, times]) => times.map((atMs) => ({ digit, atMs })));

const START = {
  ...{ accountSid: 'AC1', streamSid: 'MZ1', callSid: 'CA1', customParameters: {}, tracks: ['inbound'] },
  mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
};

/** Whether or not their servers count. */
const SERVERS: Readonly<Record<string, readonly Due[]>> = {
  twilio: [
    words(0, { event: 'start', sequenceNumber: '1', streamSid: 'MZ1', start: START }),
    ...frames.map(({ n, atMs }) => {
      const payload = Buffer.alloc(160, soundAt(atMs)).toString('base64');
      return words(atMs, { event: 'media', media: { chunk: `${n + 1}`, timestamp: `${n * 20}`, payload } });
    }),
    ...keys.map(({ digit, atMs }) => words(atMs, { event: 'dtmf', dtmf: { digit } })),
  ],
  vonage: [
    words(0, { event: 'websocket:connected', 'content-type': 'audio/l16;rate=16000' }),
    ...frames.map(({ atMs }) => ({ atMs, bytes: Buffer.alloc(640, soundAt(atMs)) })),
    ...keys.map(({ digit, atMs }) => words(atMs, { event: 'websocket:dtmf', digit })),
  ],
};

const play = async (
  program: string,
  workerData: object,
): Promise<{ worker: Worker; startedUs: number; done: Promise<number> }> => {
  const worker = new Worker(new URL(`../support/${program}`, import.meta.url), { workerData });
  onTestFinished(async () => void (await worker.terminate()));
  const [{ startedUs }] = (await once(worker, 'message')) as [{ startedUs: number }];
  const sent = once(worker, 'message') as Promise<[{ worstLateMs: number }]>;
  return { worker, startedUs, done: sent.then(([{ worstLateMs }]) => worstLateMs) };
};

test.each(Object.keys(SERVERS))(
  'a code of %s that waited for two seconds masks what was said behind it, on both legs',
  async (kind) => {
    const root = scratchDir();
    const world = await StreamWorld.open(root);
    onTestFinished(() => world.close());
    const { api } = world;
    await api.ask('POST', '/metaflows', { data: metaflowsOf({}) });
    const call = await api.announce({ call_id: 'c1', record_call: { format: 'wav' } });
    const due = [...SERVERS[kind]!].sort((left, right) => left.atMs - right.atMs);
    const stream = await play('thread-stream.mjs', { url: world.url(kind, { call_id: 'c1', leg: 'a' }), due });
    const rtp = frames.map(({ n, atMs }) => ({
      ...{ atMs, leg: 'b', port: call.legs.b.rtp!.port },
      data: rtpPacket({
        payloadType: 0,
        ssrc: 5,
        sequence: n,
        timestamp: n * 160,
        payload: Buffer.alloc(160, soundAt(atMs)),
      }),
    }));
    const { done } = await play('thread-sender.mjs', { due: rtp });
    const nowMs = (): number => performance.timeOrigin + performance.now() - stream.startedUs / 1000;
    await new Promise((resolve) => setTimeout(resolve, BLOCKED_MS.from - nowMs()));
    const found = new Set<string>();
    while (nowMs() < BLOCKED_MS.to) for (const path of filesWith(root, ...SECRET_NEEDLES)) found.add(path);
    expect([...found], 'while it stood still').toEqual([]);
    const looks = setInterval(() => {
      for (const path of filesWith(root, ...SECRET_NEEDLES)) found.add(path);
    }, LOOK_MS);
    onTestFinished(() => clearInterval(looks));
    const lateMs = Math.max(await done, await stream.done);
    const legs = await eventually(async () => {
      const { data } = await api.ask('GET', '/calls/c1');
      return data.legs.b.packets === frames.length && data.legs.a.packets >= frames.length ? data.legs : undefined;
    }, 'every frame to be taken');
    expect([legs.a.dropped, legs.b.dropped]).toEqual([0, 0]);
    stream.worker.postMessage('go');
    await api.ask('DELETE', '/calls/c1');
    const document = await eventually(
      async () => (await api.recordings()).find(({ state }) => state === 'stored'),
      'the recording to be stored',
    );
    expect([...found], 'when it went on').toEqual([]);
    expect(filesWith(root, ...SECRET_NEEDLES)).toEqual([]);
    const manifest = (await api.ask('GET', `/recordings/${document.id}/manifest`)).data as Manifest;
    const [mask, ...more] = manifest.masks;
    expect(more).toEqual([]);
    expect(mask!.start_ms).toBeLessThan(SECRET_MS.from);
    expect(mask!.start_ms).toBeGreaterThan(BLOCKED_MS.from - LATE_MS - lateMs);
    expect(Math.abs(mask!.end_ms - 3600)).toBeLessThan(LATE_MS + lateMs);
    // Both were kept before and behind it.
    for (const leg of ['a', 'b'] as const) {
      const withheldMs = (mask!.frames_withheld?.[leg] ?? 0) * 20;
      expect(withheldMs).toBeGreaterThan(SECRET_MS.to - SECRET_MS.from);
      expect(withheldMs).toBeLessThan(CALL_MS - 1000);
    }
  },
);
