/**
 * The recordings of one call as others are told of them: which there are, whose each is, when it began and ended. What is in them is
 * their journals'.
 */
import type { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { RecordingAbout } from '../recordings/about.ts';
import type { CallAudit } from './call-audit.ts';
import type { CallEvents } from './call-events.ts';
import type { AutomaticStart, LegParty } from './call-lookup.ts';

/** Where recordings go. What it throws doesn't reach the call. */
export type RecordingSink = {
  onStarted(recorder: Recorder, about: RecordingAbout): void;
  /** Its journal can't be written any more, from now on; before it is closed. Told once. */
  onFailed(recorder: Recorder, failure: AppError, about: RecordingAbout): void;
  /** The journal is closed and durable, or `failure` says why not. */
  onClosed(recorder: Recorder, failure: AppError | undefined, about: RecordingAbout): void;
};

/** Why a recording ended. */
export type StopReason = 'stop' | 'time-limit' | 'hangup' | 'idle' | 'shutdown';

export class CallRecordings {
  /** Of all there were, oldest first. */
  readonly ids: string[] = [];
  readonly #about: Omit<RecordingAbout, 'ownerId'>;
  readonly #parties: Readonly<Record<Leg, LegParty>>;
  readonly #owners: ReadonlyMap<string, string | null>;
  readonly #sink: RecordingSink;
  readonly #events: CallEvents;
  readonly #audit: CallAudit;
  readonly #onDefect: (error: unknown) => void;
  /** Told as started and not as stopped. */
  readonly #running = new Set<Recorder>();
  /** Told as failed. */
  readonly #failed = new WeakSet<Recorder>();

  constructor(options: {
    about: Omit<RecordingAbout, 'ownerId'>;
    parties: Readonly<Record<Leg, LegParty>>;
    starts: readonly AutomaticStart[];
    sink: RecordingSink;
    events: CallEvents;
    audit: CallAudit;
    onDefect: (error: unknown) => void;
  }) {
    this.#about = options.about;
    this.#parties = options.parties;
    this.#owners = new Map(options.starts.map(({ startedBy, ownerId }) => [startedBy, ownerId]));
    this.#sink = options.sink;
    this.#events = options.events;
    this.#audit = options.audit;
    this.#onDefect = options.onDefect;
  }

  started(recorder: Recorder): void {
    const { id } = recorder.head;
    this.ids.push(id);
    this.#running.add(recorder);
    this.#safely(() => this.#sink.onStarted(recorder, this.#aboutOf(recorder)));
    this.#audit.started(recorder);
    this.#events.publish('recording.started', { recording_id: id, started_by: recorder.startedBy.split(':', 1)[0] });
  }

  /** The same failure may be brought again and again. */
  failed(recorder: Recorder, failure: AppError): void {
    if (this.#failed.has(recorder)) return;
    this.#failed.add(recorder);
    this.#safely(() => this.#sink.onFailed(recorder, failure, this.#aboutOf(recorder)));
    this.#events.publish('recording.failed', { recording_id: recorder.head.id, code: failure.code });
  }

  closed(recorder: Recorder, failure: AppError | undefined): void {
    this.tellStopped('stop');
    if (failure !== undefined) this.failed(recorder, failure);
    this.#safely(() => this.#sink.onClosed(recorder, failure, this.#aboutOf(recorder)));
  }

  /** Tells of those that run no more and were not told of. */
  tellStopped(reason: StopReason): void {
    for (const recorder of this.#running) {
      if (recorder.state === 'recording') continue;
      this.#running.delete(recorder);
      const { endUs, limitUs, head, failure } = recorder;
      const durationMs = Math.max(0, Math.round((endUs - head.startUs) / 1000));
      const isOverLimit = endUs === limitUs;
      if (isOverLimit) this.#audit.reachedTimeLimit(recorder);
      this.#events.publish('recording.stopped', {
        recording_id: head.id,
        reason: isOverLimit ? 'time-limit' : reason,
        // How much of it could be written, its finalizer finds out.
        ...(failure === undefined ? { duration_ms: durationMs } : { duration_ms: null, code: failure.code }),
      });
    }
  }

  #aboutOf(recorder: Recorder): RecordingAbout {
    const known = this.#owners.get(recorder.startedBy);
    return { ...this.#about, ownerId: known === undefined ? this.#ownerByLeg(recorder.fields.dtmf_leg) : known };
  }

  /** @param leg who typed the code, or whose channel was named. */
  #ownerByLeg(leg: string | undefined): string | null {
    const { a, b } = this.#parties;
    const own = leg === 'a' ? a.userId : leg === 'b' ? b.userId : null;
    return own ?? a.userId ?? b.userId;
  }

  #safely(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#onDefect(error);
    }
  }
}
