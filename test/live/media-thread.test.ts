/**
 * Media has a thread of its own: whatever the others do, nothing of it waits for them; and what becomes of a service that has lost it.
 */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { LEGS } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import type { CallDocument } from '../../src/http/service.ts';
import { listenTo } from '../support/command.ts';
import { eventually } from '../support/live-api.ts';
import { CALL_MS, CODE, HZ, isSecretAt, metaflowsOf, SECRET_MS, seedPackets, speechOf } from '../support/live-call.ts';
import { Crowd, type CrowdCall } from '../support/live-crowd.ts';
import { filesWithSecret, liveFaults } from '../support/live-judge.ts';
import { startLiveProgram, startLiveService, startLiveTarget } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

const SCENE = { typist: 'b', withCard: true } as const;
/** The code that masks is typed, acts, and the card is said while the API's thread does nothing at all. */
const BLOCKED_MS = { from: 1600, to: 3600 };
/** What the machine was busy with, beside the frame that a mask may take too much of. */
const LATE_MS = 60;

const senderOf = async (call: CallDocument) => {
  const due = LEGS.flatMap((leg) =>
    seedPackets(leg, SCENE).map(({ atUs, data, secret }) => ({
      ...{ atMs: atUs / 1000, leg, port: call.legs[leg].rtp!.port },
      data: isSecretAt(atUs / 1000, SCENE) ? secret : data,
    })),
  ).sort((left, right) => left.atMs - right.atMs);
  const sender = new Worker(new URL('../support/thread-sender.mjs', import.meta.url), { workerData: { due } });
  onTestFinished(async () => void (await sender.terminate()));
  const [{ startedUs }] = (await once(sender, 'message')) as [{ startedUs: number }];
  const sent = once(sender, 'message') as Promise<[{ worstLateMs: number }]>;
  return { startedUs, count: due.length, done: sent.then(([{ worstLateMs }]) => worstLateMs) };
};

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.journal'))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

for (const { receiver, env } of [
  { receiver: 'its native receiver', env: undefined },
  { receiver: 'node:dgram', env: 'off' },
])
  test(`the API's thread stands still for two seconds: with ${receiver} no packet is lost, and a code typed meanwhile masks in time`, async () => {
    const before = process.env.RECORD_CALL_NATIVE;
    if (env !== undefined) process.env.RECORD_CALL_NATIVE = env;
    const root = scratchDir();
    const target = await startLiveTarget(join(root, 'uploads'));
    const service = await startLiveService(join(root, 'data'), { RECORD_CALL_ENCRYPTION: 'off' });
    if (before === undefined) delete process.env.RECORD_CALL_NATIVE;
    onTestFinished(async () => {
      await service.stop();
      await target.close();
    });
    const { api } = service;
    const { events, end } = await api.listen();
    onTestFinished(end);
    await api.ask('PUT', '/users/b', { data: { name: 'Bob' } });
    await api.ask('POST', '/users/b/metaflows', { data: metaflowsOf({ format: 'wav', url: target.url }) });
    const call = await api.announce({ call_id: 'c1', callee: { user_id: 'b' } });
    const { startedUs, count, done } = await senderOf(call);
    const nowMs = (): number => performance.timeOrigin + performance.now() - startedUs / 1000;
    await new Promise((resolve) => setTimeout(resolve, BLOCKED_MS.from - nowMs()));
    const written: number[] = [];
    while (nowMs() < BLOCKED_MS.to) {
      const bytes = bytesIn(join(root, 'data', 'journals'));
      if (bytes !== written.at(-1)) written.push(bytes);
    }
    // Twice a second, less what one busy moment takes.
    expect(written.length).toBeGreaterThan(3);
    expect(filesWithSecret(root)).toEqual([]);
    const lateMs = await done;

    const heard = await eventually(async () => {
      const { legs } = (await api.ask('GET', '/calls/c1')).data as CallDocument;
      return legs.a.packets + legs.b.packets === count ? legs : undefined;
    }, 'every packet to be counted');
    expect(LEGS.map((leg) => heard[leg].dropped)).toEqual([0, 0]);
    await api.ask('DELETE', '/calls/c1');
    const document = await eventually(
      async () => (await api.recordings()).find(({ state }) => state === 'delivered'),
      'the recording to be delivered',
    );
    const manifest = (await api.ask('GET', `/recordings/${document.id}/manifest`)).data as Manifest;
    // Said when it happened, not when there was somebody to tell.
    const atMs = (type: string): number =>
      Date.parse(events.find((event) => event.type === type)!.at) - startedUs / 1000;
    expect(atMs('mask.on')).toBeGreaterThanOrEqual(CODE.mask.actsMs - LATE_MS);
    expect(atMs('mask.on')).toBeLessThan(CODE.mask.endMs + LATE_MS + lateMs);
    const startMs = atMs('recording.started');
    const [mask, ...more] = manifest.masks;
    expect(more).toEqual([]);
    expect(startMs + mask!.start_ms).toBeLessThan(SECRET_MS.from + lateMs);
    expect(startMs + mask!.end_ms).toBeGreaterThan(SECRET_MS.to - LATE_MS);
    const fromMs = CODE.start.actsMs;
    const said = (leg: 'a' | 'b') => ({
      hz: HZ[leg],
      spans: speechOf(leg, SCENE).map((span) => ({ from: span.fromMs - fromMs, to: span.toMs - fromMs })),
    });
    const audio = await listenTo(target.fileOf(document.id));
    expect(liveFaults(audio, manifest, { a: said('a'), b: said('b') }, LATE_MS + lateMs)).toEqual([]);
    expect(filesWithSecret(root)).toEqual([]);
    expect(manifest.artefact.duration_ms).toBeLessThan(CALL_MS);
  });

test('the media thread dies while the service ends: what it had not closed is no success', async () => {
  const hook = new URL('../support/lose-media.mjs', import.meta.url).href;
  const program = await startLiveProgram(join(scratchDir(), 'data'), { NODE_OPTIONS: `--import ${hook}` });
  onTestFinished(async () => void (await program.end('SIGKILL')));
  await program.api.announce({ call_id: 'c1', record_call: { format: 'wav' } });
  program.child.kill('SIGUSR2');
  const { status, stderr } = await program.end('SIGTERM');
  expect(status).toBe(1);
  expect(stderr).toContain('no media is taken in any more');
});

test('the media thread dies: the service says so and ends with an error, and its next start finishes what was recorded', async () => {
  const root = scratchDir();
  const data = join(root, 'data');
  const hook = new URL('../support/lose-media.mjs', import.meta.url).href;
  const program = await startLiveProgram(data, {
    NODE_OPTIONS: `--import ${hook}`,
    // What a mask keeps out, it keeps out of files that anybody could read.
    RECORD_CALL_ENCRYPTION: 'off',
  });
  onTestFinished(async () => void (await program.end('SIGKILL')));
  const call = await program.api.announce({ call_id: 'c1', record_call: { format: 'wav' } });
  const calls: CrowdCall[] = [{ index: 0, call, isSecret: false }];
  const crowd = await Crowd.speak(calls, 20_000);
  await crowd.schedule.reach(1500);
  expect(await program.api.act(call.legs.a.channel_id, 'mask')).toMatchObject({ masked: true });
  calls[0]!.isSecret = true;
  await crowd.schedule.reach(2500);
  const { status, stderr } = await program.end('SIGUSR2');
  await crowd.close();
  expect(status).toBe(1);
  expect(stderr).toContain('no media is taken in any more');
  expect(stderr.trimEnd().split('\n').at(-1)).toMatch(
    /^record-call: INTERNAL: the thread that takes in media has ended/,
  );

  const again = await startLiveProgram(data);
  onTestFinished(async () => void (await again.end('SIGKILL')));
  const document = await eventually(
    async () => (await again.api.recordings()).find(({ state }) => state === 'stored'),
    'the recording to be finished',
  );
  const manifest = (await again.api.ask('GET', `/recordings/${document.id}/manifest`)).data as Manifest;
  expect(manifest.masks).toHaveLength(1);
  const [{ start_ms, end_ms }] = manifest.masks as [Manifest['masks'][number]];
  expect(start_ms).toBeGreaterThan(1000);
  // Outward, to the millisecond.
  expect(end_ms).toBeGreaterThanOrEqual(manifest.artefact.duration_ms);
  expect(filesWithSecret(root)).toEqual([]);
});
