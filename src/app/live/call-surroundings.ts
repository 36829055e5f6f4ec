/** What a live call is given: what all calls of the service share, and what was announced of this one. Types only. */
import type { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { OpenJournal } from '../../spool/journal.ts';
import type { EventSink } from '../event-sink.ts';
import type { LegLimits } from './announced-leg.ts';
import type { AuditSink } from './call-audit.ts';
import type { RecordingSink } from './call-recordings.ts';
import type { JointWatch } from './joint-watch.ts';
import type { LagBounds } from './journal-lag.ts';

/** Opens an account's journals. */
export type AccountJournals = (accountId: string) => OpenJournal;

export type CallSurroundings = {
  readonly random: RandomBytes;
  /** The folder of all accounts' journals. */
  readonly journals: string;
  readonly openJournal: AccountJournals;
  readonly redactTones: boolean;
  readonly limits: LegLimits;
  readonly lagBounds: LagBounds;
  readonly events: EventSink;
  readonly audit: AuditSink;
  readonly recordings: RecordingSink;
  /** Why no recording may be started now. */
  readonly admit: () => AppError | undefined;
  /** How many calls there are. */
  readonly calls: () => number;
  /** Resolves when the packets that have arrived by now have been taken. */
  readonly turn: () => Promise<void>;
  readonly watch: JointWatch;
  /** Whether packets come with the time at which they arrived, and in that order: then what the loop did meanwhile is no matter. */
  readonly stamps: boolean;
  readonly onDefect: (error: unknown) => void;
};

export type CallHead = {
  readonly accountId: string;
  readonly callId: string;
  readonly direction: 'inbound' | 'outbound';
  readonly from: string;
  readonly to: string;
  /** µs. */
  readonly announcedUs: number;
};
