/**
 * A start that fails says why in one line and ends, whatever had been opened by then: a thread or a socket that is left would keep the process,
 * and the data folder's lock, for ever.
 */
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCommand } from '../support/command.ts';
import { liveEnv, startLiveProgram } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

/** What hangs is killed then; a start takes a second or two. */
const LATE_MS = 40_000;

const takenPort = async (): Promise<string> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return String((server.address() as { port: number }).port);
};

type Failing = {
  readonly name: string;
  /** @returns what the service's environment has besides. */
  readonly prepare: (data: string) => Promise<Record<string, string>> | Record<string, string>;
  readonly code: string;
};

const FAILING: readonly Failing[] = [
  {
    name: 'its RTP ports hold no pair',
    prepare: () => ({ RECORD_CALL_RTP_PORTS: '30001-30002' }),
    code: 'CONFIG_INVALID',
  },
  {
    name: 'its HTTP port is taken',
    prepare: async () => ({ RECORD_CALL_HTTP_PORT: await takenPort() }),
    code: 'PORT_TAKEN',
  },
  {
    name: 'its HTTP address is none of this machine',
    prepare: () => ({ RECORD_CALL_HTTP_HOST: '192.0.2.1' }),
    code: 'CONFIG_INVALID',
  },
  {
    name: 'its database is none',
    prepare: (data) => {
      writeFileSync(
        join(data, 'record-call.sqlite'),
        'no database at all, and long enough to be looked at '.repeat(40),
      );
      return {};
    },
    code: 'STORE_FAILED',
  },
  {
    name: 'others may read its master key',
    prepare: (data) => {
      writeFileSync(join(data, 'master.key'), `${'a'.repeat(64)}\n`, { mode: 0o644 });
      return {};
    },
    code: 'KEY_UNUSABLE',
  },
  {
    name: 'its master key is gone, and keys need it',
    prepare: (data) => {
      mkdirSync(join(data, 'keys'));
      writeFileSync(join(data, 'keys', 'store.key'), Buffer.alloc(88, 1));
      return {};
    },
    code: 'KEY_MISSING',
  },
  {
    name: 'its master key is another',
    prepare: (data) => {
      mkdirSync(join(data, 'keys'));
      writeFileSync(join(data, 'keys', 'store.key'), Buffer.alloc(88, 1));
      return { RECORD_CALL_MASTER_KEY: 'a'.repeat(64) };
    },
    code: 'KEY_UNUSABLE',
  },
  {
    name: 'its signing key is none',
    prepare: (data) => {
      writeFileSync(join(data, 'signing.key'), 'no key', { mode: 0o600 });
      return {};
    },
    code: 'KEY_UNUSABLE',
  },
  {
    name: 'its master key is none',
    prepare: (data) => {
      writeFileSync(join(data, 'master.key'), 'no key\n', { mode: 0o600 });
      return {};
    },
    code: 'KEY_UNUSABLE',
  },
  {
    name: 'its disk has no room',
    prepare: () => ({ RECORD_CALL_DISK_MIN_MIB: '900000000' }),
    code: 'DISK_LOW',
  },
  {
    name: 'a journal is where its folder belongs',
    prepare: (data) => {
      writeFileSync(join(data, 'journals'), '');
      return {};
    },
    code: 'OUTPUT_UNWRITABLE',
  },
];

for (const { name, prepare, code } of FAILING)
  test(`a start ends at once when ${name}`, async () => {
    const data = join(scratchDir(), 'data');
    mkdirSync(data);
    const env = { ...(await liveEnv(data)), ...(await prepare(data)) };
    const { status, signal, stdout, stderr } = await runCommand(['serve'], { env, timeoutMs: LATE_MS });
    expect({ signal, stdout }, stderr).toEqual({ signal: null, stdout: '' });
    expect(status).toBeGreaterThan(0);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^record-call: ${code}: `));
  });

test('one that failed leaves nothing that keeps the next from starting', async () => {
  const data = join(scratchDir(), 'data');
  const env = { ...(await liveEnv(data)), RECORD_CALL_HTTP_PORT: await takenPort() };
  expect((await runCommand(['serve'], { env })).status).toBeGreaterThan(0);
  const service = await startLiveProgram(data);
  expect((await service.end('SIGTERM')).status).toBe(0);
});
