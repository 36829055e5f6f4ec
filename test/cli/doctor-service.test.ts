/** What doctor says of the service: whether `serve` can run here, and what to do where it can't. */
import { generateKeyPairSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfiguration } from '../../src/app/configuration.ts';
import { OURS, serviceFindings, type TriedMachine } from '../../src/cli/doctor-service.ts';
import { publicKeyDocument } from '../../src/finalize/signature.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { filesIn } from '../support/command.ts';
import { scratchDir } from '../support/scratch.ts';

/** Away from the ports that services and other tests use. */
const RTP_PORTS = '43000-43019';

const MACHINE: TriedMachine = {
  ...OURS,
  sqlite: async () => ({ name: 'better-sqlite3' }),
  receiveBuffer: async (bytes) => ({ granted: bytes }),
  freeMib: async () => 100_000,
};

const findings = async (env: Readonly<Record<string, string>> = {}, machine: Partial<TriedMachine> = {}) => {
  const settings = readConfiguration({
    RECORD_CALL_HTTP_PORT: '0',
    RECORD_CALL_RTP_PORTS: RTP_PORTS,
    RECORD_CALL_DATA_DIR: join(scratchDir(), 'a', 'data'),
    ...env,
  });
  const found = await serviceFindings(settings, { ...MACHINE, ...machine });
  return new Map(found.map((finding) => [finding.topic, finding]));
};

const taken = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
};

const missing = () =>
  findSqlite({ builtin: () => undefined, load: async () => Promise.reject(new Error('not there')) });

describe('of the service, doctor says', () => {
  test('that it can run, when nothing is in its way', async () => {
    const found = await findings();
    expect([...found.keys()]).toEqual(['sqlite', 'buffers', 'http', 'rtp', 'disk', 'keys', 'serve']);
    for (const { topic, state } of found.values()) expect([topic, state]).toEqual([topic, 'ok']);
    expect(found.get('serve')!.detail).toBe('can run here');
  });

  test('which key manifests are signed with, where there is a data folder', async () => {
    const folder = scratchDir();
    const of = async () => (await findings({ RECORD_CALL_DATA_DIR: folder })).get('signing key');
    expect(await of()).toMatchObject({ state: 'ok', detail: `none in ${folder}: the first start makes one` });
    const { privateKey } = generateKeyPairSync('ed25519');
    const path = join(folder, 'signing.key');
    writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const { key_id, public_key } = publicKeyDocument(privateKey);
    expect(await of()).toMatchObject({ state: 'ok', detail: `Ed25519, id ${key_id}, public key ${public_key}` });
    chmodSync(path, 0o644);
    const found = await findings({ RECORD_CALL_DATA_DIR: folder });
    expect(found.get('signing key')).toMatchObject({ state: 'lack', detail: expect.stringContaining('chmod 600') });
    expect(found.get('serve')).toMatchObject({ state: 'lack', detail: expect.stringContaining('signing key') });
  });

  test('which SQLite it would use', async () => {
    const { name } = await findSqlite();
    expect((await findings({}, { sqlite: OURS.sqlite })).get('sqlite')).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining(name),
    });
  });

  test('that there is none, what to do about it, and that it can not start', async () => {
    const found = await findings({}, { sqlite: missing });
    expect(found.get('sqlite')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(/^no SQLite: .*Node\.js 22\.13.*`npm install better-sqlite3`$/),
    });
    expect(found.get('serve')).toMatchObject({ state: 'lack', detail: 'can not run: see sqlite' });
  });

  test('what receive buffer the kernel grants, and how to raise it', async () => {
    expect((await findings()).get('buffers')!.detail).toMatch(/\b128 KiB/);
    const found = await findings({}, { receiveBuffer: async () => ({ granted: 65_536 }) });
    expect(found.get('buffers')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(/64 KiB of 128 KiB.*net\.core\.rmem_max/),
    });
    expect(found.get('serve')!.state).toBe('ok');
    expect((await findings({}, { receiveBuffer: OURS.receiveBuffer })).get('buffers')!.detail).toMatch(/KiB/);
  });

  test('that its port is free, or taken', async () => {
    const port = await freePort();
    expect((await findings({ RECORD_CALL_HTTP_PORT: String(port) })).get('http')).toMatchObject({
      state: 'ok',
      detail: `port ${port} on 127.0.0.1 is free`,
    });
    const held = await taken();
    const found = await findings({ RECORD_CALL_HTTP_PORT: String(held) });
    expect(found.get('http')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(`^port ${held} on 127.0.0.1 is in use.*RECORD_CALL_HTTP_PORT`),
    });
    expect(found.get('serve')!.detail).toBe('can not run: see http');
  });

  test('that a host is not of this machine', async () => {
    const found = await findings({ RECORD_CALL_HTTP_HOST: '192.0.2.1', RECORD_CALL_HTTP_PORT: '8000' });
    expect(found.get('http')).toMatchObject({ state: 'lack', detail: expect.stringContaining('EADDRNOTAVAIL') });
    const rtp = (await findings({ RECORD_CALL_RTP_BIND: '192.0.2.1' })).get('rtp');
    expect(rtp).toMatchObject({ state: 'lack', detail: expect.stringContaining('EADDRNOTAVAIL') });
    const unknown = await findings({ RECORD_CALL_RTP_HOST: 'nowhere.invalid', RECORD_CALL_RTP_BIND: '127.0.0.1' });
    expect(unknown.get('rtp')).toMatchObject({
      state: 'lack',
      detail: expect.stringContaining('RECORD_CALL_RTP_HOST'),
    });
  });

  test('that RTP has ports, passing over those that others hold, or that none can be had', async () => {
    expect((await findings()).get('rtp')).toMatchObject({ detail: expect.stringContaining('43000 and 43001') });
    const sockets = [43_000, 43_003].map((port) => createSocket('udp4').bind(port, '127.0.0.1'));
    onTestFinished(() => sockets.forEach((socket) => void socket.close()));
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    expect((await findings()).get('rtp')).toMatchObject({
      state: 'ok',
      detail: expect.stringContaining('43004 and 43005'),
    });
    const found = await findings({ RECORD_CALL_RTP_PORTS: '43000-43003' });
    expect(found.get('rtp')).toMatchObject({ state: 'lack', detail: expect.stringContaining('RECORD_CALL_RTP_PORTS') });
    expect(found.get('serve')).toMatchObject({ state: 'lack', detail: 'can not run: see rtp' });
  });

  test('how much disk is free for the data folder, though it is not there yet, and makes none', async () => {
    const folder = scratchDir();
    const asked: string[] = [];
    const env = { RECORD_CALL_DATA_DIR: join(folder, 'b', 'data'), RECORD_CALL_DISK_MIN_MIB: '500' };
    const withFree = (mib: number) =>
      findings(env, {
        freeMib: async (path) => {
          asked.push(path);
          return mib;
        },
      });
    expect((await withFree(500)).get('disk')).toMatchObject({
      state: 'ok',
      detail: expect.stringMatching(/\b500 MiB/),
    });
    const short = await withFree(499);
    expect(short.get('disk')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(/^499 MiB.*500.*RECORD_CALL_DISK_MIN_MIB/),
    });
    expect(short.get('serve')!.detail).toBe('can not run: see disk');
    expect(asked).toEqual([folder, folder]);
    expect(filesIn(folder)).toEqual([]);
  });

  test('that the data folder can not be one', async () => {
    const path = join(scratchDir(), 'data');
    writeFileSync(path, '');
    for (const data of [path, join(path, 'below')]) {
      const found = await findings({ RECORD_CALL_DATA_DIR: data });
      expect(found.get('disk')).toMatchObject({
        state: 'lack',
        detail: expect.stringContaining('RECORD_CALL_DATA_DIR'),
      });
    }
  });

  test('all that is in its way', async () => {
    const found = await findings({ RECORD_CALL_HTTP_PORT: String(await taken()) }, { sqlite: missing });
    expect(found.get('serve')!.detail).toBe('can not run: see sqlite, http');
  });
});
