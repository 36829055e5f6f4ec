/**
 * The wiring of the shelf; read it as a recording's life:
 *
 *     started ─▶ row ─▶ Following ─▶ closed ─▶ Finalizing ─▶ artefact ─▶ Deliveries ─▶ target ─▶ sweep
 *                 ▲                                 ▲                        ▲
 *                 └──────────────────── recover, after a crash ──────────────┘         ReplayJobs: uploads that become journals
 */
import { runInThread } from './background.ts';
import type { DataFolders } from './data-folders.ts';
import { Deliveries } from './deliveries.ts';
import { Finalizing } from './finalizing.ts';
import { Following } from './following.ts';
import { JournalRows } from './journal-rows.ts';
import { type FoundJournal, Journals } from './journals.ts';
import { ProvenFiles } from './proven-files.ts';
import { RecorderDesk } from './recorder-desk.ts';
import { type RecoveryOptions, takeUp } from './recovery.ts';
import { ReplayJobs } from './replay-jobs.ts';
import type { ShelfCounts, ShelfOptions } from './shelf-options.ts';
import { locatedStore, type ShelfStore } from './shelf-store.ts';
import type { KeyOf } from './stored-file.ts';
import { NO_LOG, Teller } from './teller.ts';
import { Uploads } from './uploads.ts';
import { Waveforms } from './waveforms.ts';
import { WriteTurns } from './write-turns.ts';

/** Journals that wait in memory for the finalizer, unless said. */
const MOST_WAITING = 10_000;

export type ShelfParts = {
  readonly store: ShelfStore;
  readonly turns: WriteTurns;
  readonly teller: Teller;
  readonly journals: Journals;
  readonly keyOf: KeyOf;
  readonly proven: ProvenFiles;
  readonly finalizing: Finalizing;
  readonly following: Following;
  readonly deliveries: Deliveries;
  readonly desk: RecorderDesk;
  readonly uploads: Uploads;
  readonly jobs: ReplayJobs;
  readonly waveforms: Waveforms;
  readonly recovery: RecoveryOptions;
};

/** @param signal aborts when the shelf closes. */
export const makeParts = (options: ShelfOptions, folders: DataFolders, signal: AbortSignal): ShelfParts => {
  const { clock, random, allow, pool, encoder, background = runInThread() } = options;
  const store = locatedStore(options.store, folders.root);
  const teller = new Teller(options.events, options.log ?? NO_LOG, folders.root);
  const turns = new WriteTurns(clock, signal, (error, id) => {
    // A store that was closed before us is no defect: the journal tells the next start.
    if (!signal.aborted) teller.defect(`what became of recording ${id} could not be noted`, error);
  });
  const journals = new Journals(folders, options.vault);
  const keyOf: KeyOf = (recording) => journals.keyOf(recording);
  const rows = new JournalRows(store, journals, clock);
  const deliveries = new Deliveries({
    ...{ store, clock, random, allow, turns, teller, keyOf },
    ...(options.deliveries === undefined ? {} : { atOnce: options.deliveries }),
    ...(options.deliveriesWaiting === undefined ? {} : { mostWaiting: options.deliveriesWaiting }),
    ...(options.tryLimits === undefined ? {} : { limits: options.tryLimits }),
    ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
  });
  const following = new Following({
    ...{ pool, journals, folders, encoder, clock, teller, signal },
    most: options.followRecordings ?? 0,
    ...(options.followAfterMs === undefined ? {} : { afterMs: options.followAfterMs }),
    hasRoom: () => options.admit?.() === undefined,
  });
  const finalizing = new Finalizing({
    ...{ store, rows, journals, folders, pool, encoder, turns, teller },
    atOnce: Math.max(1, options.finalizers),
    mostWaiting: options.mostWaiting ?? MOST_WAITING,
    ...(options.signingKey === undefined ? {} : { signingKey: options.signingKey }),
    ...(options.auditMark === undefined ? {} : { auditMark: options.auditMark }),
    isFollowed: (id) => following.has(id),
    onDeliverable: (row) => deliveries.begin(row),
  });
  const desk = new RecorderDesk({ store, rows, journals, turns, finalizing, following, teller, clock });
  const isLive = (id: string): boolean => desk.isLive(id) || following.has(id);
  const vault = options.vault === undefined ? {} : { vault: options.vault };
  const beganMs = clock.now() / 1000;
  const recovery = { store, folders, journals, rows, finalizing, deliveries, teller, isLive, beganMs, ...vault };

  const take = async (journal: FoundJournal): Promise<void> => {
    const { ended, forget } = finalizing.nextEnd(journal.id);
    let isComing = false;
    await turns.add(journal.id, async () => {
      isComing = await takeUp(journal, recovery);
    });
    if (isComing) await ended;
    else forget();
  };
  const encryption = options.encryption === undefined ? {} : { encryption: options.encryption };
  const uploads = new Uploads({ folder: folders.uploads, random, ...vault, ...encryption });
  const jobs = new ReplayJobs({
    ...{ folders, journals, background, teller },
    redactTones: options.redactTones,
    ...(options.encryption === 'off' ? {} : vault),
    atOnce: options.replays ?? 1,
    metaflowsOf: options.metaflowsOf,
    progressOf: (id) => finalizing.progressOf(id),
    take: async (found) => void (await Promise.all(found.map(take))),
  });
  const waveforms = new Waveforms(background, keyOf, signal);
  const proven = new ProvenFiles(clock);
  return {
    ...{ store, turns, teller, journals, keyOf, proven, finalizing, following, deliveries },
    ...{ desk, uploads, jobs, waveforms, recovery },
  };
};

export const countsOf = ({ turns, finalizing, deliveries, jobs }: ShelfParts): ShelfCounts => ({
  rowsToWrite: turns.waiting,
  finalizeWaiting: finalizing.waiting,
  finalizeRunning: finalizing.running,
  deliveriesWaiting: deliveries.counts.waiting,
  deliveriesInFlight: deliveries.counts.inFlight,
  targetsDown: deliveries.counts.targetsDown,
  replaysWaiting: jobs.waiting,
  replaysRunning: jobs.running,
});
