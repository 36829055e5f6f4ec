/**
 * The live service on a disk that fills up, a real one of a few MiB (issue: low, full, freed): it warns, then takes no new recordings while those
 * that run go on, then ends them with what they have and says so, and is well again as soon as there is room.
 */
import { closeSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { listenTo } from '../support/command.ts';
import { type Envelope, eventually, type LiveApi } from '../support/live-api.ts';
import { Crowd, type CrowdCall } from '../support/live-crowd.ts';
import { filesWithSecret } from '../support/live-judge.ts';
import { startLiveService, startLiveTarget } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';
import { canMountTmpfs, smallDisk } from '../support/small-disk.ts';

const DISK_KIB = 48 * 1024;
const LEAST_MIB = 8;
/** Four times the least. */
const WARNED_MIB = 32;
const SPOKEN_MS = 40_000;
const CHUNK = Buffer.alloc(64 * 1024);

const freeMib = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return (bavail * bsize) / 2 ** 20;
};

/** Somebody else's file, which leaves so much. */
const fillUntil = (folder: string, leftMib: number): void => {
  const file = openSync(join(folder, 'somebody-elses'), 'a');
  try {
    while (freeMib(folder) > leftMib) writeSync(file, CHUNK);
    // To the last byte.
    if (leftMib === 0) for (;;) writeSync(file, CHUNK, 0, 512);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
};

const refused = async (
  api: LiveApi,
  method: string,
  path: string,
  data: object,
): Promise<{ status: number; text: string }> => {
  const headers = { 'content-type': 'application/json' };
  const response = await api.fetch(method, path, { headers, body: JSON.stringify({ data }) });
  return { status: response.status, text: await response.text() };
};

const media = { kind: 'rtp' };

test.skipIf(!canMountTmpfs)('a disk that fills up (needs the right to mount a tmpfs)', async () => {
  const disk = smallDisk(DISK_KIB);
  const target = await startLiveTarget(join(scratchDir(), 'uploads'));
  const service = await startLiveService(join(disk, 'data'), { RECORD_CALL_DISK_MIN_MIB: String(LEAST_MIB) });
  const { api, logged } = service;
  const { events, end } = await api.listen();
  const calls: CrowdCall[] = [];
  const crowd = await Crowd.speak(calls, SPOKEN_MS);
  onTestFinished(async () => {
    await crowd.close();
    await end();
    await service.stop();
    await target.close();
  });
  const record_call = { format: 'wav', url: target.url } as const;
  const begin = async (call_id: string): Promise<CrowdCall> => {
    const call = await api.announce({ call_id, record_call });
    const spoken = { index: calls.length, call, isSecret: false };
    calls.push(spoken);
    await eventually(() => toldOf('recording.started', call_id)[0], 'its recording to begin');
    return spoken;
  };
  const toldOf = (type: string, callId: string): Envelope['data'][] =>
    events.filter((event) => event.type === type && event.data.call_id === callId).map(({ data }) => data);
  const documentOf = async (callId: string): Promise<Envelope['data']> =>
    (await api.recordings()).find(({ call_id }) => call_id === callId);
  const isWarned = (): boolean => logged.some((line) => /MiB of disk left; below 8 no recording is started/.test(line));
  const readiness = async (): Promise<number> => (await fetch(`${api.url}/readyz`)).status;

  expect(freeMib(disk)).toBeGreaterThan(WARNED_MIB);
  const running = await begin('running');
  const masked = await begin('masked');
  const bare = await api.announce({ call_id: 'bare' });
  expect(isWarned()).toBe(false);

  fillUntil(disk, WARNED_MIB - 8);
  await eventually(() => isWarned() || undefined, 'the warning');
  const another = await begin('another');
  await api.ask('DELETE', '/calls/another');
  another.isSecret = false;
  await eventually(() => toldOf('delivery.done', 'another')[0], 'what began under the warning to be delivered');

  fillUntil(disk, LEAST_MIB - 3);
  await eventually(async () => (await readiness()) === 503 || undefined, 'it to be not ready');
  for (const { status, text } of [
    await refused(api, 'PUT', '/calls', { call_id: 'new', media, record_call }),
    await refused(api, 'POST', `/channels/${bare.legs.a.channel_id}`, { action: 'start_record' }),
  ]) {
    expect(status, text).toBe(503);
    expect(text).toMatch(/MiB of disk left, fewer than 8: no new recordings/);
  }
  // Those that run go on, and are masked as ever.
  expect(await api.act(masked.call.legs.a.channel_id, 'mask')).toMatchObject({ changed: true, masked: true });
  masked.isSecret = true;
  expect(toldOf('recording.failed', 'running')).toEqual([]);

  fillUntil(disk, 0);
  await eventually(() => toldOf('recording.failed', 'running')[0], 'the full disk to be told');
  const failedMs = crowd.schedule.nowMs;
  expect((await documentOf('running')).error).toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
  const notDurable = await refused(api, 'POST', `/channels/${running.call.legs.a.channel_id}`, { action: 'mask' });
  running.isSecret = true;
  expect(notDurable).toMatchObject({ status: 503, text: expect.stringContaining('the call stays masked') });
  await crowd.schedule.reach(failedMs + 500);
  for (const { call } of [running, masked]) await api.ask('DELETE', `/calls/${call.call_id}`);

  rmSync(join(disk, 'somebody-elses'));
  await eventually(async () => (await readiness()) === 200 || undefined, 'it to be ready again');
  const afterwards = await begin('afterwards');
  await api.ask('DELETE', `/calls/${afterwards.call.call_id}`);
  await eventually(() => toldOf('delivery.done', 'afterwards')[0], 'a new call to be delivered');

  // What there was of it is delivered; that it is not all is said by the event, the document and the manifest.
  await eventually(() => toldOf('recording.incomplete', 'running')[0], 'what there was to be finished');
  await eventually(() => toldOf('delivery.done', 'running')[0], 'what there was to be delivered');
  const document = await documentOf('running');
  expect(document).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNWRITABLE' } });
  const manifest = (await api.ask('GET', `/recordings/${document.id}/manifest`)).data as Manifest;
  expect(manifest).toMatchObject({ recovered: true, recording: { end_reason: 'unwritable' } });
  expect(manifest.artefact.duration_ms).toBeGreaterThan(1000);
  const audio = await listenTo(target.fileOf(document.id));
  expect((audio.channels[0].length * 1000) / audio.sampleRate).toBeCloseTo(manifest.artefact.duration_ms, -1);
  expect(filesWithSecret(disk)).toEqual([]);
});
