/**
 * The live service, wired (design §3):
 *
 *     RTP, streams ─▶ media thread (`media/media.ts`: Call ─▶ Recorder ─▶ journal)
 *                          ▲ └─▶ MediaPlane ─▶ RecordingShelf (FinalizePool ─▶ artefact ─▶ deliver) ─▶ target
 *                          │                         └─▶ rows in Store
 *     HTTP ─▶ buildApi ─▶ MediaPlane: calls, channels, streams · Directory · RecordingShelf · EventLog ─▶ Webhooks · AuditTrail
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
import { publicKeyDocument } from '../finalize/signature.ts';
import { buildApi } from '../http/api.ts';
import { metaflowsFrom } from '../http/metaflow-input.ts';
import { checkReceiveBuffer, LEG_BUFFER_BYTES } from '../ingest/rtp/receive-buffer.ts';
import { Store } from '../store/store.ts';
import { AuditTrail } from './audit/audit-trail.ts';
import { updateCredentialsUrl, writeCredentials } from './credentials.ts';
import { type DataFolder, freeMebibytes, openDataFolder, tryToFill } from './data-folder.ts';
import { DiskWatch } from './disk-watch.ts';
import { EventLog } from './event-log.ts';
import { openVault, rewrapKeys } from './master-key.ts';
import { type MediaOptions, mediaSettings } from './media/media-options.ts';
import { MediaPlane } from './media/media-plane.ts';
import { type MediaThread, startMediaThread } from './media/media-worker.ts';
import { Metrics } from './metrics.ts';
import { Opened } from './opened.ts';
import { RecordingShelf } from './recordings/recording-shelf.ts';
import type { Settings } from './settings.ts';
import { installedSigningKey, type SigningKeyInUse } from './signing-key.ts';
import { checkRtpHosts, ffmpegWarning } from './start-checks.ts';
import { Webhooks } from './webhooks/webhooks.ts';

const LOOK_AT_DISK_MS = 1000;
const SWEEP_MS = 600_000;

export type Service = {
  readonly url: string;
  readonly folder: DataFolder;
  /** Whether this start has made the first account and written `credentials.json`. */
  readonly isFirst: boolean;
  /** Resolves when it takes in media no more, with why, before anybody has stopped it: what is left is to stop it and begin anew. */
  readonly lost: Promise<AppError>;
  /** Takes no more calls, ends those there are, finishes or parks their recordings, drains deliveries. Idempotent. */
  stop(): Promise<void>;
};

export type ServeOptions = {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly version: string;
  /** Age from which a recording is finalized while it runs; default: a minute. */
  readonly followAfterMs?: number;
  /** What media is taken in on; default: a thread of its own. */
  readonly startMedia?: (options: MediaOptions) => MediaThread;
};

/** @throws OUTPUT_UNWRITABLE, KEY_MISSING, KEY_UNUSABLE, DISK_LOW, STORE_MISSING, STORE_FAILED, PORT_TAKEN, CONFIG_INVALID: why it can't start */
export const serve = async (options: ServeOptions): Promise<Service> => {
  const opened = new Opened();
  try {
    return await start(options, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
};

const start = async (
  { settings, clock, logger, version, followAfterMs, startMedia = startMediaThread }: ServeOptions,
  opened: Opened,
): Promise<Service> => {
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
  opened.add(() => store.close());
  // Nobody else has the data folder now: two first starts at once would make two master keys.
  const vault = await openVault(settings, logger);
  const sealing = settings.encryption === 'on' ? vault : undefined;
  const signing = await installedSigningKey(folder.root, store, clock.now());
  const { allow_targets: allow } = settings;
  const directory = new Directory(store, {
    clock,
    random: randomBytes,
    judgeUrl: (url) => void checkUrl(url, allow),
    readMetaflows: (value) => metaflowsFrom(value, allow),
    streamKeySeal: {
      seal: (accountId, plain) => vault.sealText(plain, `stream_keys/${accountId}`),
      open: (accountId, sealed) => vault.openText(sealed, `stream_keys/${accountId}`),
    },
    sealSecret: (accountId, secret) => vault.sealText(secret, webhookPurpose(accountId)),
    onWebhook: (accountId, stored) => webhooks.changed(accountId, stored),
  });
  const events = new EventLog(randomBytes(6).toString('hex'), () => clock.now() / 1000);
  const webhooks = new Webhooks({
    ...{ store, clock, random: randomBytes, allow, events, log: logger },
    openSecret: (accountId, sealed) => vault.openText(sealed, webhookPurpose(accountId)),
  });
  opened.add(() => webhooks.close());
  events.follow((accountId, event) => webhooks.take(accountId, event));
  const audit = new AuditTrail({ store, clock, log: logger, events, signingKey: signing.key });
  opened.add(() => audit.close());
  if (signing.use === 'another') {
    await tellSigningKey(signing, store, audit, logger);
    await audit.caughtUp();
    await signing.remember();
  }
  const threads = availableParallelism();
  const pool = new FinalizePool(threads);
  opened.add(() => pool.close());
  const shelf = await RecordingShelf.open({
    store,
    pool,
    finalizers: threads,
    data: folder.root,
    clock,
    random: randomBytes,
    allow,
    vault,
    encryption: settings.encryption,
    encoder: settings.mp3_encoder,
    followRecordings: settings.follow_recordings,
    ...(followAfterMs === undefined ? {} : { followAfterMs }),
    signingKey: signing.key,
    auditMark: (accountId) => audit.mark(accountId),
    retentionDays: settings.retention_days,
    metaflowsOf: async (accountId) => directory.metaflows({ accountId }),
    redactTones: settings.redact_tones === 'true',
    admit: () => disk.refusal,
    events,
    log: logger,
  });
  opened.add(() => shelf.close());
  const media = await MediaPlane.open(
    { ...mediaSettings(settings), journals: folder.journals, vault: sealing?.share },
    {
      ...{ directory, clock, events, audit, refusal: disk.refusal },
      recordings: {
        started: (recorder, about) => shelf.started(recorder, about),
        failed: (recorder, failure, about) => {
          disk.journalFailed(failure);
          shelf.failed(recorder, failure, about);
        },
        closed: (recorder, failure, about) => shelf.closed(recorder, failure, about),
      },
      warn: (fields, message) => logger.warn(fields, message),
      onDefect: ({ code, message }) => logger.error({ code }, message),
    },
    startMedia,
  );
  opened.add(() => media.close());
  disk.onRefusal = (refusal) => media.admit(refusal);
  let lost: AppError | undefined;
  void media.lost.then((why) => {
    lost = why;
    logger.fatal({ error: why.message }, 'no media is taken in any more: the service ends');
  });
  const metrics = new Metrics({
    media: () => media.numbers(),
    mediaQueue: () => media.waiting,
    streamQueueBytes: () => media.streams.awayBytes,
    finalizeQueue: () => shelf.counts.finalizeWaiting + shelf.counts.finalizeRunning,
    following: () => pool.following,
    deliveryQueue: async () => (await store.deliveries.waiting()).count,
    storeQueue: () => shelf.counts.rowsToWrite,
    webhookQueue: () => webhooks.queued(),
    webhooks: () => webhooks.counts,
    targetsDown: () => shelf.counts.targetsDown,
    auditQueue: () => audit.waiting,
    auditFaults: () => audit.faults,
    refusedRequests: () => audit.refusals,
    freeDiskMib: () => disk.freeMib,
  });
  opened.add(() => metrics.close());
  events.follow((_, event) => metrics.take(event));
  let stopping: Promise<void> | undefined;
  const api = await buildApi({
    directory,
    calls: media.calls,
    channels: media.channels,
    recordings: shelf,
    streams: media.streams,
    events,
    webhooks,
    audit,
    health: {
      readiness: () => [
        ...(stopping === undefined ? [] : ['shutting down']),
        ...(lost === undefined ? [] : [lost.message]),
        ...(disk.refusal === undefined ? [] : [disk.refusal.message]),
      ],
      metrics: () => metrics.text(),
    },
    signingKey: publicKeyDocument(signing.key),
    allowTargets: allow,
    clock,
    random: randomBytes,
    logger,
    version,
  });

  const sweep = async (): Promise<void> => {
    for (const swept of [shelf, audit, webhooks])
      await swept.sweep().catch((error) => logger.error({ error }, 'the retention sweep failed'));
  };
  const timers = [setInterval(() => void disk.look(), LOOK_AT_DISK_MS), setInterval(() => void sweep(), SWEEP_MS)];
  for (const timer of timers) timer.unref();
  disk.onRoom = () => void sweep();

  const closing = new AbortController();
  let rewrapping: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    closing.abort();
    for (const timer of timers) clearInterval(timer);
    await media.end();
    await media.close();
    await shelf.drain(settings.shutdown_sec * 1000);
    await api.close();
    await shelf.close();
    await webhooks.close();
    metrics.close();
    await rewrapping;
    await audit.close();
    await store.close();
  };
  const stop = (): Promise<void> => {
    stopping ??= close();
    return stopping;
  };

  opened.allBy(stop);
  await webhooks.start();
  await shelf.recover();
  rewrapping = rewrapKeys(vault, logger, closing.signal);
  const isFirst = await tellFirstOwner(directory, folder, settings);
  if (signing.use === 'first') await tellSigningKey(signing, store, audit, logger);
  void audit.check().catch((error) => logger.error({ error }, 'the chains of the audit can not be checked'));
  await media.openPorts();
  const url = await listen(api, settings);
  await updateCredentialsUrl(folder.credentials, url);
  return { url, folder, isFirst, lost: media.lost, stop };
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

/** Of the secret of an account's webhook: sealed, it opens for nothing else. */
const webhookPurpose = (accountId: string): string => `webhook/${accountId}`;

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

/** A key that was not in use before is on record with those who run the service. */
const tellSigningKey = async (
  { key, use }: SigningKeyInUse,
  { keys }: Store,
  audit: AuditTrail,
  logger: Logger,
): Promise<void> => {
  const { key_id } = publicKeyDocument(key);
  if (use === 'another') logger.warn({ key_id }, 'manifests are signed with another key than before');
  const by = { kind: 'policy', by: 'start' } as const;
  for (const accountId of await keys.adminAccounts())
    audit.note({ accountId, by, action: 'signing_key.begin', subject: 'service', data: { key_id } });
};

const warnOfSmallBuffers = async (logger: Logger): Promise<void> => {
  const { granted } = await checkReceiveBuffer(LEG_BUFFER_BYTES);
  if (granted >= LEG_BUFFER_BYTES) return;
  logger.warn(
    { granted, wanted: LEG_BUFFER_BYTES },
    'the kernel grants smaller receive buffers than wanted: packets may be lost when it is busy; raise net.core.rmem_max',
  );
};
