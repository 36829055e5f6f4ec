/**
 * Everything that takes in media, wired (design §3, §7): on a thread where nothing else runs, so that no request, commit or delivery keeps it
 * from the next packet. What it needs to know it asks the API's thread once for a call; what happens it tells, in order.
 *
 *     RTP ─▶ LiveCalls (RtpEndpoint ─▶ Call ─▶ Recorder ─▶ journal) ──┐
 *     TCP ─▶ StreamPorts ─▶ LiveStreams ─▶ their legs                 ├─▶ link ─▶ events, audit, shelf
 *     link ─▶ commands of the API, streams that came by its port      ┘
 */
import { randomBytes } from 'node:crypto';
import type { AppError } from '../../core/errors.ts';
import { parseAllowList } from '../../deliver/allow-list.ts';
import type { AuditNote } from '../../http/audit.ts';
import { openReceiver } from '../../ingest/rtp/best-receiver.ts';
import { PortPool } from '../../ingest/rtp/port-pool.ts';
import { LEG_BUFFER_BYTES } from '../../ingest/rtp/receive-buffer.ts';
import type { Recorder } from '../../record/recorder.ts';
import { openShared } from '../../spool/seal/vault.ts';
import { LiveCalls } from '../live/live-calls.ts';
import { LoopWatch, TCP_SETTLE } from '../live/loop-watch.ts';
import type { ToldRecorder } from '../recordings/recorder-desk.ts';
import { journalsOf } from '../sealed-journals.ts';
import { LiveStreams } from '../streams/live-streams.ts';
import { StreamPorts } from '../streams/stream-ports.ts';
import { carried, restored } from './carried-error.ts';
import { heardCalls } from './heard-calls.ts';
import { LoopDelay } from './loop-delay.ts';
import type { MediaOptions } from './media-options.ts';
import type { MediaCommands, ReportLink } from './messages.ts';
import { clockAt } from './shared-clock.ts';
import { StreamLanding } from './stream-landing.ts';
import { openStreamPorts } from './stream-port-settings.ts';

/** A port pair rests so long before another call gets it. */
const QUIET_MS = 10_000;

/** @throws CONFIG_INVALID for ports that hold no pair, KEY_UNUSABLE */
export const openMedia = async (options: MediaOptions, link: ReportLink): Promise<MediaCommands> => {
  const { settings } = options;
  const clock = clockAt(options.anchorUs);
  const vault = options.vault === undefined ? undefined : await openShared(options.vault);
  const rtpPorts = new PortPool(settings.rtp_ports, { quietMs: QUIET_MS });
  let refusal = options.refusal;
  const told = {
    events: {
      publish: (accountId: string, type: string, data: Readonly<Record<string, unknown>>) =>
        link.tell('event', accountId, type, data, clock.now() / 1000),
    },
    audit: {
      note: ({ atUs = clock.now(), ...note }: AuditNote) => {
        const dated = { ...note, atUs };
        link.tell('note', dated);
      },
      refused: (accountId: string | undefined) => link.tell('refused', accountId),
    },
    onDefect: (error: AppError) => link.tell('defect', carried(error)),
  };
  const warn = (fields: object, message: string): void => link.tell('warn', fields, message);
  const receiver = openReceiver(clock);
  // Of the API's thread, which reads streams; it rests until there is one.
  const elsewhere = new LoopWatch(Number.POSITIVE_INFINITY, TCP_SETTLE);
  const calls = new LiveCalls({
    ...told,
    lookUp: (accountId, announcement) => link.ask('lookUp', accountId, announcement),
    ports: rtpPorts,
    clock,
    random: randomBytes,
    rtpHost: settings.rtp_host,
    bindHost: settings.rtp_bind === '' ? settings.rtp_host : settings.rtp_bind,
    receiveBufferBytes: LEG_BUFFER_BYTES,
    receiver,
    elsewhere,
    journals: options.journals,
    openJournal: (accountId) => journalsOf(vault, accountId),
    redactTones: settings.redact_tones === 'true',
    limits: {
      calls: settings.max_calls,
      callsPerAccount: settings.max_calls_per_account,
      legSilentSec: settings.leg_silent_sec,
      callIdleSec: settings.call_idle_sec,
    },
    admit: () => (refusal === undefined ? undefined : restored(refusal)),
    onStarted: (recorder, about) => link.tell('started', toldOf(recorder), about),
    onFailed: (recorder, failure, about) => link.tell('failed', toldOf(recorder), carried(failure), about),
    onClosed: (recorder, failure, about) =>
      link.tell('closed', toldOf(recorder), failure === undefined ? undefined : carried(failure), about),
  });
  const streams = new LiveStreams({
    ...told,
    ...{ calls, clock, random: randomBytes, allow: parseAllowList(options.allowTargets) },
    principalOf: (tokenOrKey) => link.ask('principalOf', tokenOrKey),
    addressOf: (kind) => ports.addressOf(kind),
    warn,
  });
  const landing = new StreamLanding({
    streams,
    watch: elsewhere,
    say: (id, said) => link.tell('stream', id, said),
    taken: (room) => link.hand('streamsTaken', [room], room),
    onDefect: told.onDefect,
  });
  const ports = new StreamPorts(settings.stream_host, streams);
  const delay = new LoopDelay();
  return {
    ...heardCalls(calls),
    announceStream: (principal, kind, ticket) => streams.announce(principal, kind, ticket),
    streams: (accountId) => streams.list(accountId),
    principalOfTicket: (kind, uuid) => streams.principalOfTicket(kind, uuid),
    openStream: (id, opening) => landing.openStream(id, opening),
    batch: (room, used) => landing.batch(room, used),
    streamLook: (atUs) => landing.streamLook(atUs),
    streamsRest: () => landing.streamsRest(),
    opened: async () => {},
    openPorts: () => openStreamPorts(ports, settings, (message) => warn({}, message)),
    admit: (refused) => {
      refusal = refused;
    },
    numbers: async () => ({
      live: calls.numbers(),
      receiver: receiver.counts,
      streams: streams.counts,
      loopDelaySec: delay.take(),
    }),
    end: async () => {
      streams.close();
      await calls.end('shutdown');
    },
    close: async () => {
      await ports.close();
      await receiver.close();
      delay.close();
    },
  };
};

/** What others need of it. */
const toldOf = ({ head, path }: Recorder): ToldRecorder => ({ head, path });
