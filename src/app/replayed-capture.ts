/**
 * One capture's way through a replay: surveyed, rehearsed where masks by position ask for it, and fed to its calls. What becomes of
 * their recordings is the sink's business.
 */
import { basename } from 'node:path';
import type { AppError } from '../core/errors.ts';
import { type CapturePlan, type PlannedCall, whyNothing } from '../ingest/plan.ts';
import { planCapture } from '../ingest/survey/plan-capture.ts';
import type { Recorder } from '../record/recorder.ts';
import type { OpenRecord } from '../spool/journal-record.ts';
import { JournalWriter } from '../spool/journal-writer.ts';
import type { SealKey } from '../spool/seal/seal-key.ts';
import { CaptureFeed } from './capture-feed.ts';
import { LiveCall } from './live-call.ts';
import { heldBy } from './metaflow-holders.ts';
import { Rehearsal } from './rehearsal.ts';
import type { ReplayOptions } from './replay-options.ts';

export type CaptureSink = {
  /** Folder of the journals. */
  readonly journals: string;
  /** What they are sealed under. */
  readonly journalKey: SealKey;
  onStarted(head: OpenRecord): void;
  /** Its journal is closed, or `failure` says why it is not whole. */
  onClosed(planned: PlannedCall, recorder: Recorder, failure: AppError | undefined): void;
};

type Begin = (planned: PlannedCall, startUs: number) => LiveCall;

export class ReplayedCapture {
  readonly #capture: string;
  readonly #options: ReplayOptions;
  readonly #sink: CaptureSink;
  /** Half a call that was cut short by an interrupt or a failing disk is no result. */
  #isGivenUp = false;
  #recordings = 0;

  constructor(capture: string, options: ReplayOptions, sink: CaptureSink) {
    this.#capture = capture;
    this.#options = options;
    this.#sink = sink;
  }

  /**
   * @returns why there is nothing to record, when there is nothing.
   * @throws AppError what the capture can't be read for; the signal's reason. Calls that had ended before are recorded.
   */
  async run(): Promise<string | undefined> {
    const { signal, listener, masks, metaflows } = this.#options;
    const plan = await planCapture(this.#capture, {
      onProgress: (bytes, total) => listener?.onReading?.(this.#capture, 1, bytes, total),
      signal,
    });
    signal?.throwIfAborted();
    listener?.onPlan?.(this.#capture, plan);
    for (const warning of plan.warnings) this.#warn(warning);
    if (plan.calls.length === 0) return whyNothing(plan);

    // A position is a place in the finished file, which only the whole call tells: design §5.
    const rehearsal = masks.length === 0 ? undefined : await this.#rehearse(plan);
    const feed = this.#feed(plan, this.#options.speed, (planned, startUs) => this.#begin(planned, startUs, rehearsal));
    const share = rehearsal === undefined ? { before: 0, passes: 1 } : { before: 1, passes: 2 };
    await this.#run(feed, share);
    for (const warning of feed.warnings) this.#warn(warning);
    if (this.#recordings > 0) return undefined;
    return metaflows === undefined ? 'no call in it was answered or bridged' : 'no code in it started a recording';
  }

  async #rehearse(plan: CapturePlan): Promise<Rehearsal<PlannedCall>> {
    const rehearsal = new Rehearsal<PlannedCall>();
    const begin: Begin = (planned, startUs) =>
      new LiveCall(planned, startUs, {
        ...this.#driven,
        masks: [],
        openJournal: (path, head) => rehearsal.open(planned, path, head),
      });
    await this.#run(this.#feed(plan, Number.POSITIVE_INFINITY, begin), { before: 0, passes: 2 });
    return rehearsal;
  }

  #begin(planned: PlannedCall, startUs: number, rehearsal: Rehearsal<PlannedCall> | undefined): LiveCall {
    const { masks, listener } = this.#options;
    return new LiveCall(planned, startUs, {
      ...this.#driven,
      masks,
      ...(rehearsal === undefined ? {} : { foreseen: rehearsal.foreseen(planned) }),
      openJournal: (path, head) => {
        this.#sink.onStarted(head);
        return new JournalWriter(path, head, { key: this.#sink.journalKey });
      },
      onUnwatched: (codec) =>
        listener?.onWarning?.(`audible keys can't be found in ${codec}: they are recorded where no mask is`),
      onClosed: (recorder, failure) => {
        if (this.#isGivenUp) return;
        this.#recordings++;
        this.#sink.onClosed(planned, recorder, failure);
      },
      onFailure: (error) => listener?.onWarning?.(error.message),
      onNotRun: (module) =>
        listener?.onWarning?.(`a code asked for the metaflow module ${module}, which a recorder does not run`),
    });
  }

  #feed(plan: CapturePlan, speed: number, begin: Begin): CaptureFeed {
    const { clock, signal } = this.#options;
    return new CaptureFeed({ path: this.#capture, plan, begin, clock, speed, signal });
  }

  /** @param share which part of pass 2 this is. */
  async #run(feed: CaptureFeed, { before, passes }: { before: number; passes: number }): Promise<void> {
    const { listener } = this.#options;
    try {
      await feed.run((bytes, total) => listener?.onReading?.(this.#capture, 2, before * total + bytes, passes * total));
    } catch (error) {
      this.#isGivenUp = true;
      await feed.abort();
      throw error;
    }
  }

  /** What the rehearsal of a call must have in common with it. */
  get #driven() {
    const { metaflows, holder, fields, redactTones } = this.#options;
    return { journals: this.#sink.journals, metaflows: heldBy(metaflows, holder), fields, redactTones };
  }

  #warn(line: string): void {
    this.#options.listener?.onWarning?.(`${basename(this.#capture)}: ${line}`);
  }
}
