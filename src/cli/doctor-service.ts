/**
 * What `record-call doctor` says of the service: whether `serve` can run with these settings, what it lacks, and what to do about it. Binds
 * ports and lets them go; writes nothing.
 */
import { once } from 'node:events';
import { access, constants, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { freeMebibytes } from '../app/data-folder.ts';
import type { Settings } from '../app/settings.ts';
import { checkRtpHosts } from '../app/start-checks.ts';
import { systemClock } from '../core/clock.ts';
import { AppError, asAppError, systemCode } from '../core/errors.ts';
import { DgramReceiver } from '../ingest/rtp/dgram-receiver.ts';
import { PortPool } from '../ingest/rtp/port-pool.ts';
import { checkReceiveBuffer, LEG_BUFFER_BYTES } from '../ingest/rtp/receive-buffer.ts';
import { SocketPair } from '../ingest/rtp/socket-pair.ts';
import { findSqlite } from '../store/sqlite-binding.ts';
import { keyFinding } from './doctor-keys.ts';
import { signingFindings } from './doctor-signing.ts';
import type { Finding } from './finding.ts';

/** What is asked of the machine; an argument, so that others can be tried. */
export type TriedMachine = {
  /** @throws STORE_MISSING */
  readonly sqlite: () => Promise<{ readonly name: string }>;
  readonly receiveBuffer: (bytes: number) => Promise<{ readonly granted: number }>;
  /** @param path of a folder that is there. */
  readonly freeMib: (path: string) => Promise<number>;
};

export const OURS: TriedMachine = { sqlite: findSqlite, receiveBuffer: checkReceiveBuffer, freeMib: freeMebibytes };

/** So many port pairs are tried. */
const MOST_TRIES = 16;
const KIBIBYTE = 1024;

export const serviceFindings = async (settings: Settings, machine: TriedMachine = OURS): Promise<Finding[]> => {
  const [sqlite, buffers, http, rtp, disk, keys] = [
    await sqliteOf(machine),
    await buffersOf(machine),
    await httpOf(settings),
    await rtpOf(settings),
    await diskOf(settings, machine),
    await keyFinding(settings),
  ];
  const signing = await signingFindings(settings);
  return [sqlite, buffers, http, rtp, disk, keys, ...signing, summary([sqlite, http, rtp, disk, keys, ...signing])];
};

const ok = (topic: string, detail: string): Finding => ({ topic, state: 'ok', detail });
const lack = (topic: string, detail: string): Finding => ({ topic, state: 'lack', detail });

/** @param needed without each of which it does not start, or takes no call. */
const summary = (needed: readonly Finding[]): Finding => {
  const missing = needed.filter(({ state }) => state !== 'ok').map(({ topic }) => topic);
  return missing.length === 0 ? ok('serve', 'can run here') : lack('serve', `can not run: see ${missing.join(', ')}`);
};

const sqliteOf = async ({ sqlite }: TriedMachine): Promise<Finding> => {
  try {
    const { name } = await sqlite();
    return ok('sqlite', `${name} ${name.startsWith('node:') ? 'of Node.js itself' : 'compiled for this Node.js'}`);
  } catch (error) {
    return lack('sqlite', asAppError(error).message);
  }
};

const buffersOf = async ({ receiveBuffer }: TriedMachine): Promise<Finding> => {
  const { granted } = await receiveBuffer(LEG_BUFFER_BYTES);
  const [got, wanted] = [Math.floor(granted / KIBIBYTE), LEG_BUFFER_BYTES / KIBIBYTE];
  if (got >= wanted) return ok('buffers', `the kernel grants ${wanted} KiB to receive each leg's packets`);
  return lack(
    'buffers',
    `the kernel grants ${got} KiB of ${wanted} KiB to receive a leg's packets: some may be lost when it is busy; raise net.core.rmem_max`,
  );
};

const httpOf = async ({ http_host: host, http_port: port }: Settings): Promise<Finding> => {
  const server = createServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
    return ok('http', port === 0 ? `whichever port is free on ${host}` : `port ${port} on ${host} is free`);
  } catch (error) {
    const code = systemCode(error) ?? 'unknown';
    return code === 'EADDRINUSE'
      ? lack(
          'http',
          `port ${port} on ${host} is in use, perhaps by a service that runs already; choose another with RECORD_CALL_HTTP_PORT`,
        )
      : lack(
          'http',
          `can't listen on ${host} port ${port} (${code}); see RECORD_CALL_HTTP_HOST and RECORD_CALL_HTTP_PORT`,
        );
  } finally {
    server.close();
  }
};

const rtpOf = async (settings: Settings): Promise<Finding> => {
  const { rtp_bind: bind, rtp_host: told, rtp_ports: range } = settings;
  const host = bind === '' ? told : bind;
  const where = `${range.first}-${range.last} on ${host}`;
  const fault = await checkRtpHosts(settings).then(() => undefined, asAppError);
  if (fault !== undefined) return lack('rtp', fault.message);
  try {
    const pool = new PortPool(range, { quietMs: 0 });
    const calls = Math.floor(pool.free / 2);
    for (let tries = Math.min(MOST_TRIES, pool.free); tries > 0; tries--) {
      const port = pool.take(0);
      if (await canBind(host, port))
        return ok('rtp', `ports ${where}, two for each leg: ${calls} calls; ${port} and ${port + 1} can be bound`);
    }
    return lack(
      'rtp',
      `the first ports of ${where} are held by other programs; choose others with RECORD_CALL_RTP_PORTS`,
    );
  } catch (error) {
    return lack('rtp', `${asAppError(error).message}; see RECORD_CALL_RTP_BIND`);
  }
};

/** @throws CONFIG_INVALID for a host that can't be had, PORTS_USED_UP */
const canBind = async (host: string, port: number): Promise<boolean> => {
  const deaf = { datagram: () => {}, error: () => {} };
  const receiver = new DgramReceiver(systemClock);
  try {
    await SocketPair.bind(receiver, { host, port, receiveBufferBytes: LEG_BUFFER_BYTES }, { rtp: deaf, rtcp: deaf });
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'PORT_TAKEN') return false;
    throw error;
  } finally {
    await receiver.close();
  }
};

const diskOf = async (
  { data_dir: folder, disk_min_mib: least }: Settings,
  { freeMib }: TriedMachine,
): Promise<Finding> => {
  try {
    const there = await nearestFolder(resolve(folder));
    await access(there, constants.W_OK | constants.X_OK);
    const free = await freeMib(there);
    if (free >= least) return ok('disk', `${free} MiB free for ${folder}; recordings begin while ${least} are`);
    return lack('disk', `${free} MiB free for ${folder}, fewer than the ${least} of RECORD_CALL_DISK_MIN_MIB`);
  } catch (error) {
    const code = systemCode(error) ?? 'unknown';
    return lack(
      'disk',
      `can't write to ${folder} (${code}); set RECORD_CALL_DATA_DIR to a folder that can be written to`,
    );
  }
};

/** The folder itself, or the nearest one above it in which it could be made. @throws ENOTDIR when a file is in the way */
const nearestFolder = async (path: string): Promise<string> => {
  try {
    if ((await stat(path)).isDirectory()) return path;
    throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestFolder(dirname(path));
  }
};
