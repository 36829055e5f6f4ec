/** What the live calls are given by whoever wires the service. Types only. */
import type { Clock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { PortPool } from '../../ingest/rtp/port-pool.ts';
import type { UdpReceiver } from '../../ingest/rtp/udp-receiver.ts';
import type { EventSink } from '../event-sink.ts';
import type { LegLimits } from './announced-leg.ts';
import type { AuditSink } from './call-audit.ts';
import type { LookUp } from './call-lookup.ts';
import type { RecordingSink } from './call-recordings.ts';
import type { CallLimits } from './call-registry.ts';
import type { AccountJournals } from './call-surroundings.ts';
import type { Every } from './call-ticker.ts';
import type { LagBounds } from './journal-lag.ts';
import type { BindEndpoint } from './leg-sockets.ts';
import type { LoopWatch } from './loop-watch.ts';

export type LiveCallsOptions = RecordingSink & {
  /** What the directory knows of who is announced. */
  readonly lookUp: LookUp;
  readonly ports: PortPool;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** The address that media servers are told, and the one that is bound. */
  readonly rtpHost: string;
  readonly bindHost: string;
  /** Of each socket (SO_RCVBUF). */
  readonly receiveBufferBytes: number;
  /** The folder of all accounts' journals. */
  readonly journals: string;
  /** Default: plain files. */
  readonly openJournal?: AccountJournals;
  readonly redactTones?: boolean;
  readonly limits: CallLimits & LegLimits;
  readonly events: EventSink;
  readonly audit: AuditSink;
  /** Why nothing new may begin: the disk is nearly full, the service is shutting down. Undefined: it may. */
  readonly admit: () => AppError | undefined;
  /** Told of what an event, a recording's row or a tick threw: defects, for the log. */
  readonly onDefect: (error: AppError) => void;
  readonly lagBounds?: LagBounds;
  readonly every?: Every;
  /** Of the loop in another thread that reads streams for these calls; unless given, none does. */
  readonly elsewhere?: LoopWatch;
  /** Takes in the packets; whoever gives it closes it. */
  readonly receiver: UdpReceiver;
  readonly bind?: BindEndpoint;
};
