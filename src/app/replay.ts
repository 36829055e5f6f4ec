/**
 * Replays captures through the pipeline that live media takes. This file is the wiring; read it as the diagram of design §3:
 *
 *     capture ─▶ planCapture (pass 1) ─▶ CaptureFeed (pass 2) ─▶ Call ─▶ Recorder ─▶ journal ─▶ FinalizePool ─▶ deliver
 *                                            └─ digits ─▶ CallControl ─▶ commands ─┘
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { type AppError, asAppError } from '../core/errors.ts';
import { FinalizePool } from '../finalize/pool.ts';
import type { PlannedCall } from '../ingest/plan.ts';
import type { Recorder } from '../record/recorder.ts';
import { newSealKey } from '../spool/seal/seal-key.ts';
import { MaskReach } from './mask-reach.ts';
import { MediaNames } from './media-names.ts';
import type { RecordingDocument } from './recording-document.ts';
import { RecordingLine, type RecordingTarget } from './recording-line.ts';
import type { ReplayOptions } from './replay-options.ts';
import { ReplayedCapture } from './replayed-capture.ts';
import { makeRunFolder, sweepRunFolders } from './run-folder.ts';

export type { ReplayListener, ReplayOptions } from './replay-options.ts';

export type ReplayResult = {
  /** In the order the recordings began. */
  readonly recordings: readonly RecordingDocument[];
  /** Captures that could not be read to their end, and why. What was under way then is not recorded. */
  readonly failures: readonly { readonly capture: string; readonly error: AppError }[];
  /** Why there is none of either, when there is none. */
  readonly nothing: string | undefined;
};

/**
 * One capture after another; one that fails keeps no other from being recorded. A recording that fails is in the result.
 * @throws AppError OUTPUT_UNWRITABLE; the signal's reason: what had become of recordings then, `onRecording` has told
 */
export const replay = async (options: ReplayOptions): Promise<ReplayResult> => {
  const { directory, listener, signal } = options;
  const warn = (line: string): void => listener?.onWarning?.(line);
  const journals = await makeRunFolder(directory);
  const swept = await sweepRunFolders(directory);
  if (swept !== undefined) warn(swept);
  // In memory alone: what a killed replay leaves of its journals nobody can read.
  const journalKey = newSealKey(randomBytes);
  const pool = new FinalizePool(availableParallelism());
  const line = new RecordingLine(pool, {
    ...options,
    journalKey,
    ...(listener === undefined ? {} : { listener }),
  });
  const names = new MediaNames();
  const reach = new MaskReach<PlannedCall>(options.masks);
  const results: Promise<RecordingDocument>[] = [];
  const failures: { capture: string; error: AppError }[] = [];
  const reasons: string[] = [];

  const finish = async (planned: PlannedCall, recorder: Recorder): Promise<RecordingDocument> => {
    const { path, head } = recorder;
    const document = await line.run(path, head, names.of(head), targetOf(recorder, options));
    reach.add(planned, document);
    listener?.onRecording?.(document);
    return document;
  };
  const sink = {
    journals,
    journalKey,
    onStarted: names.started.bind(names),
    onClosed: (planned: PlannedCall, recorder: Recorder, failure: AppError | undefined): void => {
      if (failure !== undefined) warn(failure.message);
      results.push(finish(planned, recorder));
    },
  };

  try {
    for (const capture of options.captures) {
      try {
        const nothing = await new ReplayedCapture(capture, options, sink).run();
        if (nothing !== undefined) reasons.push(`${basename(capture)}: ${nothing}`);
      } catch (error) {
        signal?.throwIfAborted();
        failures.push({ capture, error: asAppError(error) });
      }
    }
    const recordings = (await untilAborted(Promise.all(results), signal)).sort((one, other) =>
      one.started_at.localeCompare(other.started_at),
    );
    for (const warning of reach.warnings) warn(warning);
    if (recordings.length + failures.length === 0) return { recordings, failures, nothing: reasons.join('; ') };
    for (const reason of reasons) warn(`nothing to record: ${reason}`);
    return { recordings, failures, nothing: undefined };
  } finally {
    await pool.close();
    await Promise.allSettled(results);
    // The capture is still there: nothing is lost with a journal that could not be finalized.
    await rm(journals, { recursive: true, force: true });
  }
};

/** The promise, or the signal's reason as soon as there is one. */
const untilAborted = <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> =>
  signal === undefined
    ? promise
    : new Promise((resolve, reject) => {
        const abort = (): void => reject(signal.reason);
        if (signal.aborted) abort();
        signal.addEventListener('abort', abort, { once: true });
        promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
      });

const targetOf = ({ head }: Recorder, { url, allow }: ReplayOptions): RecordingTarget | undefined => {
  if (url !== undefined) return { url, method: head.method, policy: 'operator' };
  return head.url === '' ? undefined : { url: head.url, method: head.method, policy: allow };
};
