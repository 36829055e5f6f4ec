/**
 * Replays captures through the pipeline that live media takes. This file is the wiring; read it as the diagram of design §3:
 *
 *     capture ─▶ planCapture (pass 1) ─▶ CaptureFeed (pass 2) ─▶ Call ─▶ Recorder ─▶ journal ─▶ FinalizePool ─▶ deliver
 *                                            └─ digits ─▶ CallControl ─▶ commands ─┘
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, extname, join } from 'node:path';
import type { MetaflowsDocument } from '../control/metaflow-document.ts';
import type { Clock } from '../core/clock.ts';
import { AppError, systemCode } from '../core/errors.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import type { TryReport } from '../deliver/delivery.ts';
import type { EncoderChoice } from '../finalize/encoder-choice.ts';
import { FinalizePool } from '../finalize/pool.ts';
import type { CapturePlan, PlannedCall } from '../ingest/plan.ts';
import { planCapture } from '../ingest/survey/plan-capture.ts';
import type { Recorder } from '../record/recorder.ts';
import { makeFolder } from '../spool/make-folder.ts';
import { CaptureFeed } from './capture-feed.ts';
import { LiveCall } from './live-call.ts';
import type { RecordingDocument } from './recording-document.ts';
import { RecordingLine, type RecordingTarget } from './recording-line.ts';
import { Rehearsal } from './rehearsal.ts';

export type ReplayOptions = {
  readonly captures: readonly string[];
  readonly metaflows: MetaflowsDocument | undefined;
  /** Whose the metaflows are; both parties', as an account's are, when undefined. */
  readonly holder: Leg | undefined;
  readonly fields: RecordCallFields;
  readonly masks: readonly { readonly startMs: number; readonly endMs: number }[];
  /** Withhold audible key tones outside masks too (rule 10). */
  readonly redactTones: boolean;
  readonly directory: string;
  /** The operator's own target; goes before any `url` field. */
  readonly url: string | undefined;
  readonly allow: AllowList;
  /** Times real time; infinite: as fast as it goes. */
  readonly speed: number;
  readonly encoder: EncoderChoice;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal?: AbortSignal;
  readonly listener?: ReplayListener;
};

export type ReplayListener = {
  /** Reading `capture`, pass 1 or 2. */
  onReading?(capture: string, pass: 1 | 2, bytes: number, total: number): void;
  onPlan?(capture: string, plan: CapturePlan): void;
  onWarning?(message: string): void;
  onFinalizing?(id: string, share: number): void;
  onTry?(id: string, report: TryReport): void;
  onRecording?(document: RecordingDocument): void;
};

export type ReplayResult = {
  /** In the order the recordings began. */
  readonly recordings: readonly RecordingDocument[];
  /** Why there are none, when there are none. */
  readonly nothing: string | undefined;
};

/** @throws AppError what a capture can't be read for, OUTPUT_UNWRITABLE; a recording that fails is in the result instead. */
export const replay = async (options: ReplayOptions): Promise<ReplayResult> => {
  const { directory, listener, signal } = options;
  const journals = await makeFolders(directory);
  const pool = new FinalizePool(availableParallelism());
  const line = new RecordingLine(pool, {
    ...options,
    ...(listener === undefined ? {} : { listener }),
  });
  const names = new Set<string>();
  const results: Promise<RecordingDocument>[] = [];
  const reasons: string[] = [];

  let givenUp = false;

  const finish = (recorder: Recorder, failure: AppError | undefined): void => {
    // Half a call that was cut short by an interrupt or a failing disk is no result.
    if (givenUp) return;
    if (failure !== undefined) listener?.onWarning?.(failure.message);
    const name = freeName(recorder.head.mediaName, names);
    const result = line.run(recorder.path, recorder.head, name, targetOf(recorder, options)).then((document) => {
      listener?.onRecording?.(document);
      return document;
    });
    results.push(result);
  };
  const driven = {
    journals,
    metaflows: heldBy(options.metaflows, options.holder),
    fields: options.fields,
    redactTones: options.redactTones,
  };
  const rehearse = async (capture: string, plan: CapturePlan): Promise<Rehearsal<PlannedCall>> => {
    const rehearsal = new Rehearsal<PlannedCall>();
    const begin = (planned: PlannedCall, startUs: number): LiveCall =>
      new LiveCall(planned, startUs, {
        ...driven,
        masks: [],
        openJournal: (path, head) => rehearsal.open(planned, path, head),
      });
    const speed = Number.POSITIVE_INFINITY;
    const feed = new CaptureFeed({ path: capture, plan, begin, clock: options.clock, speed, signal });
    try {
      await feed.run((bytes, total) => listener?.onReading?.(capture, 2, bytes, 2 * total));
    } catch (error) {
      await feed.abort();
      throw error;
    }
    return rehearsal;
  };
  const begin = (planned: PlannedCall, startUs: number, rehearsal: Rehearsal<PlannedCall> | undefined): LiveCall =>
    new LiveCall(planned, startUs, {
      ...driven,
      masks: options.masks,
      ...(rehearsal === undefined ? {} : { foreseen: rehearsal.foreseen(planned) }),
      onUnwatched: (codec) =>
        listener?.onWarning?.(`audible keys can't be found in ${codec}: they are recorded where no mask is`),
      onClosed: finish,
      onFailure: (error) => listener?.onWarning?.(error.message),
      onNotRun: (module) =>
        listener?.onWarning?.(`a code asked for the metaflow module ${module}, which a recorder does not run`),
    });

  try {
    for (const capture of options.captures) {
      const plan = await planCapture(capture, {
        onProgress: (bytes, total) => listener?.onReading?.(capture, 1, bytes, total),
      });
      signal?.throwIfAborted();
      listener?.onPlan?.(capture, plan);
      for (const warning of plan.warnings) listener?.onWarning?.(`${basename(capture)}: ${warning}`);
      if (plan.calls.length === 0) {
        reasons.push(`${basename(capture)}: ${whyNothing(plan)}`);
        continue;
      }
      const before = results.length;
      // A position is a place in the finished file, which only the whole call tells: design §5.
      const rehearsal = options.masks.length === 0 ? undefined : await rehearse(capture, plan);
      const feed = new CaptureFeed({
        path: capture,
        plan,
        begin: (planned, startUs) => begin(planned, startUs, rehearsal),
        clock: options.clock,
        speed: options.speed,
        signal,
      });
      try {
        await feed.run((bytes, total) => {
          const isSecondHalf = rehearsal !== undefined;
          listener?.onReading?.(capture, 2, isSecondHalf ? total + bytes : bytes, isSecondHalf ? 2 * total : total);
        });
      } catch (error) {
        givenUp = true;
        await feed.abort();
        throw error;
      }
      if (feed.clockSteps > 0)
        listener?.onWarning?.(`${basename(capture)}: the capturing clock was set back; its times were joined`);
      if (results.length === before)
        reasons.push(
          `${basename(capture)}: ${options.metaflows === undefined ? 'no call in it was answered or bridged' : 'no code in it started a recording'}`,
        );
    }
    const recordings = (await untilAborted(Promise.all(results), signal)).sort((one, other) =>
      one.started_at.localeCompare(other.started_at),
    );
    return { recordings, nothing: recordings.length > 0 ? undefined : reasons.join('; ') };
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

/** The output folder and, in it, one of our own for journals; nobody else may read either. */
const makeFolders = async (directory: string): Promise<string> => {
  try {
    await makeFolder(directory);
    return await mkdtemp(join(directory, '.journals-'));
  } catch (cause) {
    throw new AppError(
      'OUTPUT_UNWRITABLE',
      `can't write to the folder ${directory} (${systemCode(cause) ?? 'unknown'}); choose another with --out`,
      {
        cause,
      },
    );
  }
};

const heldBy = (
  metaflows: MetaflowsDocument | undefined,
  holder: Leg | undefined,
): Partial<Record<Leg, MetaflowsDocument>> | undefined => {
  if (metaflows === undefined) return undefined;
  if (holder !== undefined) return { [holder]: metaflows };
  // Both parties hold it, so both legs are heard, and each by one machine.
  return { a: { ...metaflows, listenOn: 'self' }, b: { ...metaflows, listenOn: 'self' } };
};

const targetOf = ({ head }: Recorder, { url, allow }: ReplayOptions): RecordingTarget | undefined => {
  if (url !== undefined) return { url, method: head.method, policy: 'operator' };
  return head.url === '' ? undefined : { url: head.url, method: head.method, policy: allow };
};

/** The name itself, or with a number when this replay has used it: `call.mp3`, `call-2.mp3`. */
const freeName = (name: string, taken: Set<string>): string => {
  const extension = extname(name);
  const stem = name.slice(0, name.length - extension.length);
  let free = name;
  for (let n = 2; taken.has(free) || taken.has(`${free}.json`); n++) free = `${stem}-${n}${extension}`;
  taken.add(free);
  taken.add(`${free}.json`);
  return free;
};

const whyNothing = (plan: CapturePlan): string => {
  if (plan.leftOut.length === 0) return plan.packets === 0 ? 'no whole packet in it' : 'no RTP in it';
  const kinds = [...new Set(plan.leftOut.map(({ what, why }) => `${what} (${why})`))];
  return `left out ${kinds.slice(0, 5).join(', ')}${kinds.length > 5 ? ` and ${kinds.length - 5} more` : ''}`;
};
