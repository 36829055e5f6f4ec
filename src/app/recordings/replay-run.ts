/** One replay job, from its upload to its finalized recordings. Interrupted anywhere, it can be done again. */
import type { Vault } from '../../spool/seal/vault.ts';
import type { RunInBackground } from './background.ts';
import type { JobFolder, JobOrder } from './job-folder.ts';
import type { FoundJournal, Journals } from './journals.ts';
import type { Teller } from './teller.ts';

export type ReplayRunOptions = {
  readonly journals: Journals;
  readonly background: RunInBackground;
  readonly teller: Teller;
  readonly redactTones: boolean;
  /** Where its recordings' keys are kept; without one they are not sealed. */
  readonly vault?: Vault;
  /** An account's metaflows as they are stored; null when there are none. */
  readonly metaflowsOf: (accountId: string) => Promise<unknown>;
  /** Takes over journals that are complete. @returns resolves when they are finalized, or could not be */
  readonly take: (journals: readonly FoundJournal[]) => Promise<void>;
};

export type ReplayRunListener = {
  /** How much of the upload has been read, 0 to 1. */
  onRead(share: number): void;
  /** These will be finalized now. */
  onRecordings(ids: readonly string[]): void;
};

/** @returns its recordings' ids. @throws what the upload can't be read for; the signal's reason */
export const runReplay = async (
  folder: JobFolder,
  order: JobOrder,
  options: ReplayRunOptions & { readonly signal: AbortSignal },
  listener: ReplayRunListener,
): Promise<readonly string[]> => {
  const { journals, take, signal } = options;
  let ids = await folder.done();
  if (ids === undefined) {
    ids = await read(folder, order, options, listener);
    await folder.finish(ids);
  }
  const found = await folder.handOver(ids, journals);
  listener.onRecordings(ids);
  const finalized = take(found);
  await folder.remove(journals);
  await unlessAborted(finalized, signal);
  return ids;
};

const read = async (
  folder: JobFolder,
  { name, fields }: JobOrder,
  options: ReplayRunOptions & { readonly signal: AbortSignal },
  listener: ReplayRunListener,
): Promise<readonly string[]> => {
  const { background, journals, metaflowsOf, redactTones, vault, teller, signal } = options;
  const uploadKey = await journals.keyOf(folder);
  const outcome = await background(
    {
      kind: 'replay',
      path: folder.upload,
      name,
      callId: `upload-${folder.id}`,
      journals: folder.journals,
      fields: { origin: `replay of ${name}`, ...fields },
      metaflows: await metaflowsOf(folder.accountId),
      redactTones,
      ...(uploadKey === undefined ? {} : { uploadKey }),
      ...(vault === undefined ? {} : { sealing: { vault: vault.share, accountId: folder.accountId } }),
    },
    { onProgress: (share) => listener.onRead(share), signal },
  );
  for (const warning of outcome.warnings) teller.warn(warning, { jobId: folder.id });
  return outcome.recordings;
};

/** Waits for `work`, or rejects with the signal's reason as soon as there is one. */
const unlessAborted = async (work: Promise<void>, signal: AbortSignal): Promise<void> => {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
  });
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};
