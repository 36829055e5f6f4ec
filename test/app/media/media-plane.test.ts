/** The API's side and the media's, each in its place but in one thread: what is asked crosses, what happens is told before it is answered. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MediaPlane } from '../../../src/app/media/media-plane.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { AppError, systemCode } from '../../../src/core/errors.ts';
import { type MediaInProcess, mediaInProcess } from '../../support/media-in-process.ts';
import { scratchDir } from '../../support/scratch.ts';
import { TestDirectory } from '../live/live-scene.ts';

const ACCOUNT = 'acc1';
const SETTINGS = {
  ...{ rtp_host: '127.0.0.1', rtp_bind: '', stream_host: '127.0.0.1' },
  ...{ audiosocket_port: 0, pcm_port: 0, rtpengine_port: 0 },
  ...{ max_calls: 100, max_calls_per_account: 100, leg_silent_sec: 60, call_idle_sec: 120 },
  redact_tones: 'false',
} as const;
const RTP_PORTS = { first: 29_700, last: 29_799 };

const opened = async ({ rtpPorts = RTP_PORTS, refusal }: { rtpPorts?: typeof RTP_PORTS; refusal?: AppError } = {}) => {
  const folder = scratchDir();
  const journals = join(folder, 'journals');
  mkdirSync(join(journals, ACCOUNT), { recursive: true });
  const directory = Object.assign(new TestDirectory(), { principalOf: async () => undefined });
  /** In the order in which it was told. */
  const story: string[] = [];
  const failures: AppError[] = [];
  const eventTimes: number[] = [];
  let thread!: MediaInProcess;
  const plane = await MediaPlane.open(
    { settings: { ...SETTINGS, rtp_ports: rtpPorts }, allowTargets: '', journals, vault: undefined },
    {
      ...{ directory, clock: systemClock, refusal },
      events: {
        publish: (account, type, data, atMs) => {
          story.push(`${account} ${type} ${String(data.call_id)}`);
          eventTimes.push(atMs);
        },
      },
      audit: { note: ({ action }) => void story.push(`noted ${action}`), refused: () => {} },
      recordings: {
        started: ({ head }, about) => void story.push(`started ${head.callId} of ${String(about.ownerId)}`),
        failed: ({ head }, failure) => {
          story.push(`failed ${head.callId}`);
          failures.push(failure);
        },
        closed: ({ path }, failure) =>
          void story.push(`closed ${path.startsWith(journals)} ${failure?.code ?? 'whole'}`),
      },
      warn: (_, message) => void story.push(`warned: ${message}`),
      onDefect: ({ message }) => void story.push(`defect: ${message}`),
    },
    (options) => {
      thread = mediaInProcess(options);
      return thread;
    },
  );
  onTestFinished(async () => {
    await plane.end();
    await plane.close();
  });
  return { plane, directory, thread, story, failures, eventTimes, journals };
};

const announcement = { call_id: 'c1', caller: { user_id: 'alice' }, media: { kind: 'rtp' } } as const;

const codeOf = (answer: Promise<unknown>): Promise<unknown> =>
  answer.then(
    () => 'none',
    ({ code, message, details }: AppError) => ({ code, message, details }),
  );

test('a call lives over there as it would here, and each step is told before it is answered', async () => {
  const { plane, story, eventTimes } = await opened();
  const fromMs = systemClock.now() / 1000;
  const call = await plane.calls.announce(ACCOUNT, announcement);
  expect(call).toMatchObject({ call_id: 'c1', state: 'announced', legs: { a: { user_id: 'alice', packets: 0 } } });
  expect(story.splice(0)).toEqual(['acc1 call.announced c1']);
  expect(eventTimes[0]).toBeGreaterThan(fromMs - 1);
  expect(eventTimes[0]).toBeLessThan(systemClock.now() / 1000 + 1);
  expect(await plane.calls.list(ACCOUNT)).toEqual([call]);
  expect(await plane.channels.list(ACCOUNT, { userId: 'alice' })).toMatchObject([{ uuid: call.legs.a.channel_id }]);
  expect(await plane.channels.list('acc2')).toEqual([]);
  const { channel_id: uuid } = call.legs.a;
  expect(await plane.channels.get(ACCOUNT, uuid)).toMatchObject({ leg: 'a', masked: false });
  expect(await plane.channels.act(ACCOUNT, uuid, { action: 'start' }, 'key1')).toMatchObject({ changed: true });
  expect(story.splice(0)).toEqual(['started c1 of alice', 'acc1 recording.started c1', 'noted recording.start']);
  expect(await plane.channels.act(ACCOUNT, uuid, { action: 'mask' }, 'key1')).toMatchObject({ masked: true });
  expect((await plane.numbers()).live).toMatchObject({ calls: 1, recordings: 1, callsMasked: 1 });
  story.splice(0);
  expect(await plane.calls.hangUp(ACCOUNT, 'c1')).toMatchObject({ state: 'ended' });
  expect(story).toContain('closed true whole');
});

test('what is refused over there is refused here by the same words', async () => {
  const { plane } = await opened();
  await plane.calls.announce(ACCOUNT, announcement);
  expect(await codeOf(plane.calls.announce(ACCOUNT, announcement))).toMatchObject({ code: 'CALL_EXISTS' });
  expect(await codeOf(plane.calls.get('acc2', 'c1'))).toMatchObject({ code: 'NOT_FOUND' });
  const unknown = { ...announcement, call_id: 'c2', caller: { user_id: 'nobody' } };
  expect(await codeOf(plane.calls.announce(ACCOUNT, unknown))).toMatchObject({ code: 'NOT_FOUND' });
});

test('metaflows that can not be run refuse the call', async () => {
  const { plane, directory } = await opened();
  directory.metaflows = { alice: { numbers: { 71: { module: 'no such module' } } } };
  const refused = await codeOf(plane.calls.announce(ACCOUNT, announcement));
  expect(refused).toMatchObject({ code: 'METAFLOWS_INVALID', details: expect.any(Object) });
});

test('nothing begins while the disk is low, from before it began and as that changes', async () => {
  const low = new AppError('DISK_LOW', '3 MiB of disk left');
  const { plane } = await opened({ refusal: low });
  expect(await codeOf(plane.calls.announce(ACCOUNT, announcement))).toMatchObject({
    code: 'DISK_LOW',
    message: '3 MiB of disk left',
  });
  plane.admit(undefined);
  await plane.calls.announce(ACCOUNT, announcement);
  plane.admit(low);
  expect(await codeOf(plane.calls.announce(ACCOUNT, { ...announcement, call_id: 'c2' }))).toMatchObject({
    code: 'DISK_LOW',
  });
});

test('a journal that can not be written is told with what the system said', async () => {
  const { plane, journals, failures, story } = await opened();
  writeFileSync(join(journals, 'acc9'), '');
  const call = await plane.calls.announce('acc9', { ...announcement, caller: {} });
  await codeOf(plane.channels.act('acc9', call.legs.a.channel_id, { action: 'start' }, 'key1'));
  await plane.calls.hangUp('acc9', 'c1');
  expect(failures.map(({ code, cause }) => [code, systemCode(cause)])).toEqual([['JOURNAL_UNWRITABLE', 'ENOTDIR']]);
  expect(story).toContain('closed true JOURNAL_UNWRITABLE');
});

test('it does not begin where it can not, and says why', async () => {
  expect(await codeOf(opened({ rtpPorts: { first: 30_001, last: 30_002 } }))).toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('30001-30002'),
  });
});

test('a thread that dies fails who waits for it and who asks then, and is ended all the same', async () => {
  const { plane, thread } = await opened();
  await plane.calls.announce(ACCOUNT, announcement);
  const why = new AppError('INTERNAL', 'the thread that takes in media has ended: no memory');
  thread.die(why);
  const waiting = codeOf(plane.calls.get(ACCOUNT, 'c1'));
  expect(await plane.lost).toBe(why);
  for (const answer of [waiting, codeOf(plane.calls.get(ACCOUNT, 'c1')), codeOf(plane.numbers())])
    expect(await answer).toMatchObject({ code: 'INTERNAL', message: why.message });
  await plane.end();
  await plane.close();
});
