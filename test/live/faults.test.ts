/**
 * The live service while something under it fails: the disk at a sync, at a write, a folder that is gone, the database (issue: fail closed, said
 * clearly). What was to be masked is masked, whoever asked is told that it could not be made sure of, and when the fault is over calls go on.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { SETTINGS } from '../../src/app/settings.ts';
import { AppError } from '../../src/core/errors.ts';
import type { CallDocument, ServiceEvent } from '../../src/http/service.ts';
import { AppendedFile } from '../../src/spool/appended-file.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { ThreadedDatabase } from '../../src/store/threaded-database.ts';
import { type Envelope, eventually, type LiveApi } from '../support/live-api.ts';
import { Crowd, type CrowdCall } from '../support/live-crowd.ts';
import { filesWithSecret } from '../support/live-judge.ts';
import { type LiveService, startLiveService, startLiveTarget } from '../support/live-service.ts';
import { mediaInProcess } from '../support/media-in-process.ts';
import { scratchDir } from '../support/scratch.ts';

const SPOKEN_MS = 30_000;
const DATABASE = 'record-call.sqlite';

type World = {
  readonly service: LiveService;
  readonly api: LiveApi;
  readonly data: string;
  readonly events: readonly ServiceEvent[];
  /** A call that is spoken on and recorded for the target. */
  begin(callId: string): Promise<CrowdCall>;
  deliveredTo(callId: string): boolean;
};

const openWorld = async (): Promise<World> => {
  const root = scratchDir();
  const data = join(root, 'data');
  const target = await startLiveTarget(join(root, 'uploads'));
  const service = await startLiveService(data, {}, { startMedia: mediaInProcess });
  const { events, end } = await service.api.listen();
  const calls: CrowdCall[] = [];
  const crowd = await Crowd.speak(calls, SPOKEN_MS);
  onTestFinished(async () => {
    await crowd.close();
    await end();
    await service.stop();
    await target.close();
  });
  const begin = async (call_id: string): Promise<CrowdCall> => {
    const call = await service.api.announce({ call_id, record_call: { format: 'wav', url: target.url } });
    const spoken = { index: calls.length, call, isSecret: false };
    calls.push(spoken);
    await eventually(async () => (await callOf(service.api, call_id)).recordings[0], 'its recording to begin');
    return spoken;
  };
  const deliveredTo = (callId: string): boolean =>
    target.received.some(({ recordingId }) =>
      events.some(
        ({ type, data: told }) =>
          type === 'delivery.done' && told.recording_id === recordingId && told.call_id === callId,
      ),
    );
  return { service, api: service.api, data, events, begin, deliveredTo };
};

const callOf = async (api: LiveApi, id: string): Promise<CallDocument & Envelope['data']> =>
  (await api.ask('GET', `/calls/${id}`)).data;

/** What is asked of a channel that can't be done. */
const refusedAct = async (
  api: LiveApi,
  uuid: string,
  action: string,
): Promise<{ status: number; code: string; message: string }> => {
  const headers = { 'content-type': 'application/json' };
  const response = await api.fetch('POST', `/channels/${uuid}`, {
    headers,
    body: JSON.stringify({ data: { action } }),
  });
  const text = await response.text();
  const { error, data, message } = JSON.parse(text) as Envelope;
  return { status: response.status, code: data?.code ?? error, message: `${message} ${text}` };
};

const metric = async (api: LiveApi, data: string, name: string): Promise<number> => {
  const { api_key } = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8')) as { api_key: string };
  const text = await (await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api_key}` } })).text();
  return Number(new RegExp(`^${name}(?:{[^}]*})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
};

const typesOf = (events: readonly ServiceEvent[], callId: string): string[] =>
  events.filter(({ data }) => data.call_id === callId).map(({ type }) => type);

const hangUp = (api: LiveApi, { call }: CrowdCall) => api.ask('DELETE', `/calls/${call.call_id}`);

const recordingOf = async (api: LiveApi, { call }: CrowdCall): Promise<Envelope['data']> =>
  (await api.recordings()).find(({ call_id }) => call_id === call.call_id);

/** A call that works as calls do: masked, unmasked, delivered. */
const expectWholeCall = async ({ api, begin, deliveredTo }: World, callId: string): Promise<void> => {
  const healthy = await begin(callId);
  const { a } = healthy.call.legs;
  expect(await api.act(a.channel_id, 'mask')).toMatchObject({ changed: true, masked: true });
  expect(await api.act(a.channel_id, 'unmask')).toMatchObject({ changed: true, masked: false });
  await hangUp(api, healthy);
  await eventually(() => deliveredTo(callId) || undefined, `${callId} to be delivered`);
};

const ioError = (code: string): Error => Object.assign(new Error(`${code}: a fault, as asked for`), { code });

const fileHandles = async (): Promise<FileHandle> => {
  const probe = await open(join(scratchDir(), 'probe'), 'w');
  await probe.close();
  return Object.getPrototypeOf(probe) as FileHandle;
};

/** @returns ends the fault. */
const breakFiles = async (method: 'datasync' | 'append' | 'write', code: string): Promise<() => void> => {
  const broken = method === 'append' ? vi.spyOn(AppendedFile.prototype, method) : vi.spyOn(await fileHandles(), method);
  broken.mockRejectedValue(ioError(code));
  onTestFinished(() => broken.mockRestore());
  return () => broken.mockRestore();
};

for (const { name, methods, others } of [
  { name: 'a disk that can not sync', methods: ['datasync'], others: ['bystander'] },
  // What gathers is written twice a second, of all calls: none is sure to be spared.
  { name: 'a disk that can not be written to', methods: ['append', 'write'], others: [] },
] as const)
  test(`${name}: the call is masked and stays so, whoever asks is told that nothing is sure, and the next call is well`, async () => {
    const world = await openWorld();
    const { api, begin, data, events, service } = world;
    const call = await begin('broken');
    const bystanders: CrowdCall[] = [];
    for (const other of others) bystanders.push(await begin(other));
    const { a, b } = call.call.legs;
    const repairs: (() => void)[] = [];
    for (const method of methods) repairs.push(await breakFiles(method, 'EIO'));
    const refused = await refusedAct(api, a.channel_id, 'mask');
    call.isSecret = true;
    expect(refused.status).toBe(503);
    expect(refused.message).toContain('could not be put on disk: the call stays masked');
    for (const repair of repairs) repair();

    expect(await callOf(api, 'broken')).toMatchObject({ masked: true });
    // What could not be made sure of once is not sure any more: the kernel may have dropped what it could not write.
    expect((await refusedAct(api, b.channel_id, 'unmask')).status).toBe(503);
    expect(await callOf(api, 'broken')).toMatchObject({ masked: true });
    for (const other of others) expect(await callOf(api, other)).toMatchObject({ masked: false });
    await eventually(
      () => typesOf(events, 'broken').includes('recording.failed') || undefined,
      'the failure to be told',
    );
    expect(events.filter(({ type }) => type === 'command.failed').map(({ data: told }) => told)).toMatchObject([
      { call_id: 'broken', action: 'mask', code: 'MASK_NOT_DURABLE', masked: true },
      { call_id: 'broken', action: 'unmask', code: 'MASK_NOT_DURABLE', masked: true },
    ]);
    expect(await metric(api, data, 'record_call_mask_errors_total')).toBe(2);
    expect(service.logged.join('')).toContain('a recording can not be written');
    for (const bystander of bystanders) {
      expect(await api.act(bystander.call.legs.a.channel_id, 'mask')).toMatchObject({ changed: true, masked: true });
      await hangUp(api, bystander);
    }
    await hangUp(api, call);
    const failed = await eventually(async () => {
      const found = await recordingOf(api, call);
      return found?.state === 'failed' ? found : undefined;
    }, 'the broken one to end as failed');
    expect(failed.error).toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
    await expectWholeCall(world, 'afterwards');
    expect(filesWithSecret(data)).toEqual([]);
  });

test('a folder of journals that is gone: a recording that can not begin is an error, a mask is in force, and both are well when it is back', async () => {
  const world = await openWorld();
  const { api, data, events } = world;
  await expectWholeCall(world, 'before');
  const call = await api.announce({ call_id: 'bare' });
  const journals = join(data, 'journals');
  renameSync(journals, `${journals}-gone`);
  writeFileSync(journals, '');
  const { a } = call.legs;
  expect(await refusedAct(api, a.channel_id, 'start_record')).toMatchObject({ status: 503 });
  expect((await refusedAct(api, a.channel_id, 'mask')).message).toContain('the call stays masked');
  expect(await callOf(api, 'bare')).toMatchObject({ masked: true });
  await eventually(() => typesOf(events, 'bare').includes('recording.failed') || undefined, 'the failure to be told');
  rmSync(journals);
  renameSync(`${journals}-gone`, journals);
  await api.ask('DELETE', '/calls/bare');
  await expectWholeCall(world, 'afterwards');
});

test.skipIf(!Object.hasOwn(SETTINGS, 'encryption'))(
  'keys that can not be written: nothing is recorded without one, a mask is in force, and both are well when they can',
  async () => {
    const world = await openWorld();
    const { api, data } = world;
    await expectWholeCall(world, 'before');
    const keys = join(data, 'keys');
    expect(existsSync(keys)).toBe(true);
    renameSync(keys, `${keys}-gone`);
    writeFileSync(keys, '');
    const { a } = (await api.announce({ call_id: 'bare' })).legs;
    expect(await refusedAct(api, a.channel_id, 'start_record')).toMatchObject({ status: 503 });
    expect((await refusedAct(api, a.channel_id, 'mask')).message).toContain('the call stays masked');
    expect(await callOf(api, 'bare')).toMatchObject({ masked: true });
    rmSync(keys);
    renameSync(`${keys}-gone`, keys);
    await api.ask('DELETE', '/calls/bare');
    await expectWholeCall(world, 'afterwards');
  },
);

test('a database that another program holds: calls are masked, ended and finished when it lets go', async () => {
  const world = await openWorld();
  const { api, begin, data, deliveredTo } = world;
  const call = await begin('held');
  const { a } = call.call.legs;
  const other = (await findSqlite()).open(join(data, DATABASE));
  onTestFinished(() => other.close());
  other.exec('begin immediate');
  expect(await api.act(a.channel_id, 'mask')).toMatchObject({ changed: true, masked: true });
  call.isSecret = true;
  await new Promise((resolve) => setTimeout(resolve, 300));
  call.isSecret = false;
  expect(await api.act(a.channel_id, 'unmask')).toMatchObject({ changed: true, masked: false });
  await hangUp(api, call);
  other.exec('rollback');
  await eventually(() => deliveredTo('held') || undefined, 'it to be delivered');
  expect(filesWithSecret(data)).toEqual([]);
});

const brokenDatabase = (): { repair(): void; readonly asked: () => number } => {
  const fault = new AppError('STORE_FAILED', 'the database could not be read or written: the disk reports an error');
  const broken = vi.spyOn(ThreadedDatabase.prototype, 'executeQuery').mockRejectedValue(fault);
  onTestFinished(() => broken.mockRestore());
  return { repair: () => broken.mockRestore(), asked: () => broken.mock.calls.length };
};

test('a database that fails while a call runs: it goes on, what can’t be answered says why, and it is delivered when that is over', async () => {
  const world = await openWorld();
  const { api, begin, data, events, deliveredTo } = world;
  const call = await begin('surviving');
  const { a } = call.call.legs;
  expect(await api.act(a.channel_id, 'mask')).toMatchObject({ masked: true });
  call.isSecret = true;
  const { repair } = brokenDatabase();
  for (const action of ['unmask', 'mask', 'stop_record']) {
    const { status, message } = await refusedAct(api, a.channel_id, action);
    expect({ action, status }).toEqual({ action, status: 503 });
    expect(message).toContain('the store did not answer; try again');
  }
  const announced = await api.fetch('PUT', '/calls', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ data: { call_id: 'new', media: { kind: 'rtp' } } }),
  });
  expect(announced.status).toBe(503);
  const ready = await fetch(`${api.url}/healthz`);
  expect(ready.status).toBe(200);
  repair();
  expect(await callOf(api, 'surviving')).toMatchObject({ masked: true });
  call.isSecret = false;
  expect(await api.act(a.channel_id, 'unmask')).toMatchObject({ changed: true, masked: false });
  await hangUp(api, call);
  await eventually(() => deliveredTo('surviving') || undefined, 'it to be delivered');
  expect(typesOf(events, 'surviving')).toContain('delivery.done');
  expect(filesWithSecret(data)).toEqual([]);
});

for (const step of ['hang up', 'finalize', 'deliver'] as const)
  test(`a database that fails from the step "${step}" on loses nothing: it is delivered when that is over`, async () => {
    const world = await openWorld();
    const { api, begin, events, deliveredTo } = world;
    const call = await begin('late');
    const at = { 'hang up': 'call.ended', finalize: 'recording.finalizing', deliver: 'recording.stored' } as const;
    const hungUp = hangUp(api, call).catch((error: unknown) => error);
    await eventually(() => typesOf(events, 'late').includes(at[step]) || undefined, step);
    const { repair, asked } = brokenDatabase();
    await eventually(() => asked() > 0 || undefined, 'the database to be asked', 10_000).catch(() => {});
    repair();
    await hungUp;
    await eventually(() => deliveredTo('late') || undefined, 'it to be delivered');
    expect(typesOf(events, 'late').filter((type) => type === 'delivery.done')).toHaveLength(1);
  });
