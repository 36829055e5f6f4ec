/** What the shelf is made with. */
import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import type { RandomBytes } from '../../core/ids.ts';
import type { AllowList } from '../../deliver/allow-list.ts';
import type { TryLimits } from '../../deliver/attempt.ts';
import type { Resolve } from '../../deliver/dialler.ts';
import type { EncoderChoice } from '../../finalize/encoder-choice.ts';
import type { AuditMark } from '../../finalize/manifest.ts';
import type { FinalizePool } from '../../finalize/pool.ts';
import type { Vault } from '../../spool/seal/vault.ts';
import type { EventSink } from '../event-sink.ts';
import type { RunInBackground } from './background.ts';
import type { ShelfStore } from './shelf-store.ts';
import type { Log } from './teller.ts';

export type ShelfOptions = {
  /** The data folder; what the shelf keeps below it is in `data-folders.ts`. */
  readonly data: string;
  readonly store: ShelfStore;
  /** Of the recordings' keys; without one nothing is sealed, and nothing that is can be read. */
  readonly vault?: Vault;
  /** Whether what is new is sealed too; default: it is, where there is a vault. */
  readonly encryption?: 'on' | 'off';
  /** The shelf's from now on: it closes it. */
  readonly pool: Pick<FinalizePool, 'run' | 'follow' | 'unfollow' | 'close'>;
  /** Jobs given to the pool at once: its size. */
  readonly finalizers: number;
  readonly encoder: EncoderChoice;
  /** Recordings that are followed at a time while they run; default: none. */
  readonly followRecordings?: number;
  /** Age from which they are; default: a minute. */
  readonly followAfterMs?: number;
  /** Ed25519, private: signs every manifest; they are not signed without. */
  readonly signingKey?: KeyObject;
  /** Where an account's audit stands, for manifests. @throws STORE_FAILED */
  readonly auditMark?: (accountId: string) => Promise<AuditMark | null>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly allow: AllowList;
  /** 0: for ever. */
  readonly retentionDays: number;
  readonly events: EventSink;
  /** An account's metaflows as they are stored, for its replays; null when there are none. */
  readonly metaflowsOf: (accountId: string) => Promise<unknown>;
  /** Withhold audible keys of replays too. */
  readonly redactTones: boolean;
  /** Why nothing new may begin, such as a disk that is nearly full; undefined: it may. */
  readonly admit?: () => AppError | undefined;
  readonly log?: Log;
  /** Replays at once. */
  readonly replays?: number;
  /** Journals that wait in memory for the finalizer; the others wait in the store. */
  readonly mostWaiting?: number;
  /** Deliveries that wait in memory; the others wait in the store. */
  readonly deliveriesWaiting?: number;
  /** Tries at once. */
  readonly deliveries?: { readonly perTarget: number; readonly total: number };
  readonly tryLimits?: Partial<TryLimits>;
  readonly resolve?: Resolve;
  /** Default: a thread for each slow job. */
  readonly background?: RunInBackground;
};

/** For `/metrics`. */
export type ShelfCounts = {
  readonly rowsToWrite: number;
  readonly finalizeWaiting: number;
  readonly finalizeRunning: number;
  readonly deliveriesWaiting: number;
  readonly deliveriesInFlight: number;
  /** Whose circuits are not closed. */
  readonly targetsDown: number;
  readonly replaysWaiting: number;
  readonly replaysRunning: number;
};
