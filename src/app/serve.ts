/**
 * The live service, wired (design §3):
 *
 *     RTP ─▶ LiveCalls (RtpEndpoint ─▶ Call ─▶ Recorder ─▶ journal) ─▶ RecordingShelf (FinalizePool ─▶ artefact ─▶ deliver) ─▶ target
 *                          ▲ └─ digits ─▶ CallControl ─┘                        └─▶ rows in Store
 *     HTTP ─▶ buildApi ─▶ Directory · LiveCalls · its channels · RecordingShelf · EventLog · AuditTrail
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import { AppError, systemCode } from '../core/errors.ts';
import { checkUrl } from '../deliver/target-address.ts';
import { Directory } from '../directory/directory.ts';
import { ensureFirstAccount } from '../directory/first-account.ts';
import { FinalizePool } from '../finalize/pool.ts';
import { buildApi } from '../http/api.ts';
import { metaflowsFrom } from '../http/metaflow-input.ts';
import { PortPool } from '../ingest/rtp/port-pool.ts';
import { checkReceiveBuffer, LEG_BUFFER_BYTES } from '../ingest/rtp/receive-buffer.ts';
import { Store } from '../store/store.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { updateCredentialsUrl, writeCredentials } from './credentials.ts';
import { type DataFolder, freeMebibytes, openDataFolder, tryToFill } from './data-folder.ts';
import { DiskWatch } from './disk-watch.ts';
import { EventLog } from './event-log.ts';
import { LiveCalls } from './live/live-calls.ts';
import { Metrics } from './metrics.ts';
import { RecordingShelf } from './recordings/recording-shelf.ts';
import type { Settings } from './settings.ts';
import { checkRtpHosts, ffmpegWarning } from './start-checks.ts';

/** A port pair rests so long before another call gets it. */
const QUIET_MS = 10_000;
const LOOK_AT_DISK_MS = 1000;
const SWEEP_MS = 600_000;

export type Service = {
  readonly url: string;
  readonly folder: DataFolder;
  /** Whether this start has made the first account and written `credentials.json`. */
  readonly isFirst: boolean;
  /** Takes no more calls, ends those there are, finishes or parks their recordings, drains deliveries. Idempotent. */
  stop(): Promise<void>;
};

export type ServeOptions = {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
};

/** @throws OUTPUT_UNWRITABLE, DISK_LOW, STORE_MISSING, STORE_FAILED, PORT_TAKEN, CONFIG_INVALID: why it can't start */
export const serve = async ({ settings, clock, logger, version }: ServeOptions): Promise<Service> => {
  await checkRtpHosts(settings);
  const ffmpegFault = await ffmpegWarning();
  if (ffmpegFault !== undefined) logger.warn(ffmpegFault);
  const folder = await openDataFolder(settings.data_dir);
  const disk = new DiskWatch(
    settings.disk_min_mib,
    () => freeMebibytes(folder.root),
    (message) => logger.warn(message),
    () => tryToFill(folder.root),
  );
  await disk.look();
  if (disk.refusal !== undefined) throw disk.refusal;
  await warnOfSmallBuffers(logger);

  const store = await Store.openThreaded(folder.database, clock);
  const { allow_targets: allow } = settings;
  const directory = new Directory(store, {
    clock,
    random: randomBytes,
    judgeUrl: (url) => void checkUrl(url, allow),
    readMetaflows: (value) => metaflowsFrom(value, allow),
  });
  const events = new EventLog(randomBytes(6).toString('hex'), () => clock.now() / 1000);
  const audit = new AuditTrail({ store, clock, log: logger });
  const threads = availableParallelism();
  const pool = new FinalizePool(threads);
  const shelf = await RecordingShelf.open({
    store,
    pool,
    finalizers: threads,
    data: folder.root,
    clock,
    random: randomBytes,
    allow,
    encoder: settings.mp3_encoder,
    retentionDays: settings.retention_days,
    metaflowsOf: async (accountId) => directory.metaflows({ accountId }),
    redactTones: settings.redact_tones === 'true',
    admit: () => disk.refusal,
    events,
    log: logger,
  });
  const calls = new LiveCalls({
    directory,
    ports: new PortPool(settings.rtp_ports, { quietMs: QUIET_MS }),
    clock,
    random: randomBytes,
    rtpHost: settings.rtp_host,
    bindHost: settings.rtp_bind === '' ? settings.rtp_host : settings.rtp_bind,
    receiveBufferBytes: LEG_BUFFER_BYTES,
    journals: folder.journals,
    redactTones: settings.redact_tones === 'true',
    limits: {
      calls: settings.max_calls,
      callsPerAccount: settings.max_calls_per_account,
      legSilentSec: settings.leg_silent_sec,
      callIdleSec: settings.call_idle_sec,
    },
    events,
    audit,
    admit: () => disk.refusal,
    onDefect: ({ code, message }) => logger.error({ code }, message),
    onStarted: (recorder, about) => shelf.started(recorder, about),
    onFailed: (recorder, failure, about) => {
      disk.journalFailed(failure);
      shelf.failed(recorder, failure, about);
    },
    onClosed: (recorder, failure, about) => shelf.closed(recorder, failure, about),
  });
  const metrics = new Metrics({
    live: () => calls.numbers(),
    finalizeQueue: () => shelf.counts.finalizeWaiting + shelf.counts.finalizeRunning,
    deliveryQueue: () => shelf.counts.deliveriesWaiting + shelf.counts.deliveriesInFlight,
    auditQueue: () => audit.waiting,
    refusedRequests: () => audit.refusals,
    freeDiskMib: () => disk.freeMib,
  });
  let stopping: Promise<void> | undefined;
  const api = await buildApi({
    directory,
    calls,
    channels: calls.channels,
    recordings: shelf,
    events,
    audit,
    health: {
      readiness: () => [
        ...(stopping === undefined ? [] : ['shutting down']),
        ...(disk.refusal === undefined ? [] : [disk.refusal.message]),
      ],
      metrics: () => metrics.text(),
    },
    allowTargets: allow,
    clock,
    random: randomBytes,
    logger,
    version,
  });

  const sweep = async (): Promise<void> => {
    for (const swept of [shelf, audit])
      await swept.sweep().catch((error) => logger.error({ error }, 'the retention sweep failed'));
  };
  const timers = [setInterval(() => void disk.look(), LOOK_AT_DISK_MS), setInterval(() => void sweep(), SWEEP_MS)];
  for (const timer of timers) timer.unref();

  const close = async (): Promise<void> => {
    for (const timer of timers) clearInterval(timer);
    await calls.end('shutdown');
    await shelf.drain(settings.shutdown_sec * 1000);
    await api.close();
    await shelf.close();
    metrics.close();
    await audit.close();
    await store.close();
  };
  const stop = (): Promise<void> => {
    stopping ??= close();
    return stopping;
  };

  try {
    await shelf.recover();
    const isFirst = await tellFirstOwner(directory, folder, settings);
    const url = await listen(api, settings);
    await updateCredentialsUrl(folder.credentials, url);
    return { url, folder, isFirst, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};

const listen = async (api: FastifyInstance, { http_host: host, http_port: port }: Settings): Promise<string> => {
  try {
    return await api.listen({ host, port });
  } catch (cause) {
    const code = systemCode(cause) ?? 'unknown';
    throw code === 'EADDRINUSE'
      ? new AppError('PORT_TAKEN', `port ${port} on ${host} is in use; choose another with RECORD_CALL_HTTP_PORT`, {
          cause,
        })
      : new AppError('CONFIG_INVALID', `can't listen on ${host} port ${port} (${code})`, { cause });
  }
};

/** The first start makes an account with a key, which is told nowhere else. @returns whether this was it. */
const tellFirstOwner = async (
  directory: Directory,
  { credentials }: DataFolder,
  settings: Settings,
): Promise<boolean> => {
  const url = `http://${settings.http_host}:${settings.http_port}`;
  const first = await ensureFirstAccount(directory, ({ accountId, apiKey }) =>
    writeCredentials(credentials, { account_id: accountId, api_key: apiKey, url }),
  );
  return first !== undefined;
};

const warnOfSmallBuffers = async (logger: Logger): Promise<void> => {
  const { granted } = await checkReceiveBuffer(LEG_BUFFER_BYTES);
  if (granted >= LEG_BUFFER_BYTES) return;
  logger.warn(
    { granted, wanted: LEG_BUFFER_BYTES },
    'the kernel grants smaller receive buffers than wanted: packets may be lost when it is busy; raise net.core.rmem_max',
  );
};
