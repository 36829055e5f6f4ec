/**
 * What an assessor does with a service's recording: takes its audio, its manifest, the account's audit and the key, and holds them against each
 * other. Then somebody with the database at hand takes entries out of the audit, and somebody removes the key.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { callCommand } from '../support/command.ts';
import { eventually } from '../support/live-api.ts';
import { type LiveService, startLiveService } from '../support/live-service.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';

const root = sharedScratchDir();
const data = join(root, 'data');
const at = (name: string): string => join(root, name);
let service: LiveService | undefined;
let id: string;
let manifest: Manifest;

/** Writes an answer's body as `curl -o` does. */
const save = async (name: string, path: string, accept = '*/*'): Promise<string> => {
  const response = await service!.api.fetch('GET', path, { headers: { accept } });
  expect(response.status).toBe(200);
  writeFileSync(at(name), Buffer.from(await response.arrayBuffer()));
  return at(name);
};

const verify = (...args: string[]) => callCommand(['verify', ...args]);

beforeAll(async () => {
  service = await startLiveService(data);
  const { api } = service;
  const form = new FormData();
  form.set('data', JSON.stringify({ format: 'wav' }));
  form.set('file', new Blob([readFileSync(writeSmallCall(root))]), 'call.pcap');
  await api.fetch('PUT', '/recordings', { body: form });
  id = await eventually(async () => {
    const [document] = await api.recordings();
    return document?.state === 'stored' ? document.id : undefined;
  }, 'the recording to be stored');
  await save('call.wav', `/recordings/${id}`, 'audio/wav');
  await save('call.wav.json', `/recordings/${id}/manifest`);
  await save('key.json', '/signing_key');
  await save('audit.jsonl', '/audit?format=jsonl');
  manifest = JSON.parse(readFileSync(at('call.wav.json'), 'utf8')).data;
});

afterAll(() => service?.stop());

test('its manifest is signed, and names an entry of the audit that is there', async () => {
  const key = JSON.parse(readFileSync(at('key.json'), 'utf8')).data;
  expect(manifest.signature).toMatchObject({ algorithm: 'Ed25519', key_id: key.key_id, public_key: key.public_key });
  const lines = readFileSync(at('audit.jsonl'), 'utf8').trimEnd().split('\n');
  const entries = lines.slice(1).map((line) => JSON.parse(line));
  expect(manifest.audit).toMatchObject({ account_id: service!.api.accountId });
  expect(entries.find(({ entry }) => entry === manifest.audit?.entry)?.hash).toBe(manifest.audit?.hash);
  // What was asked for is in what it names.
  expect(entries.findIndex(({ action }) => action === 'replay.begin')).toBeLessThan(manifest.audit!.entry);
  const { stdout, stderr, status } = await verify(
    at('call.wav'),
    ...['--key', at('key.json'), '--audit', at('audit.jsonl')],
  );
  expect([status, stderr, stdout]).toEqual([0, '', expect.not.stringMatching(/^(?!ok ).+/m)]);
  for (const name of ['signature', 'audit head', 'audit chain', 'audit entry'])
    expect(stdout).toMatch(new RegExp(`^ok +${name} `, 'm'));
});

test('entries that are taken out of its database are missed at the next start, and by whoever has the manifest', async () => {
  await service!.stop();
  const database = (await findSqlite()).open(join(data, 'record-call.sqlite'));
  database.exec(`delete from audit where entry >= ${manifest.audit!.entry}`);
  database.close();
  service = await startLiveService(data);
  const { entry } = manifest.audit!;
  const { data: broken } = await eventually(async () => {
    const page = await service!.api.ask('GET', '/audit');
    return page.data.some(({ action }: { action: string }) => action === 'audit.broken') ? page : undefined;
  }, 'the broken chain to be told');
  expect(broken).toContainEqual(
    expect.objectContaining({ action: 'audit.broken', data: expect.objectContaining({ entry }) }),
  );
  expect(service.logged.some((line) => /"level":50.*the chain of an audit does not hold/.test(line))).toBe(true);
  const { api_key } = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8'));
  const metrics = await fetch(`${service.api.url}/metrics`, { headers: { authorization: `Bearer ${api_key}` } });
  expect(await metrics.text()).toMatch(/^record_call_audit_faults [1-9]/m);
  const after = await save('after.jsonl', '/audit?format=jsonl');
  const { status, stdout } = await verify(at('call.wav'), '--key', at('key.json'), '--audit', after);
  expect(status).toBe(1);
  expect(stdout).toMatch(new RegExp(`^FAIL +audit chain +entry ${entry} is missing`, 'm'));
  expect(stdout).toMatch(new RegExp(`^FAIL +audit entry +entry ${entry}, which the manifest names, is missing`, 'm'));
});

test('without its key it does not start, makes no other, and starts when the key is back', async () => {
  await service!.stop();
  service = undefined;
  const key = join(data, 'signing.key');
  renameSync(key, at('kept'));
  await expect(startLiveService(data)).rejects.toMatchObject({
    code: 'KEY_UNUSABLE',
    message: expect.stringContaining(manifest.signature!.key_id),
  });
  renameSync(at('kept'), key);
  service = await startLiveService(data);
  expect((await service.api.ask('GET', '/signing_key')).data.key_id).toBe(manifest.signature!.key_id);
});
