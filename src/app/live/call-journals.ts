/**
 * A running call's journals and their disk: hands what has gathered to the operating system twice a second, so that a process that
 * dies at once loses no more than that; sees when a journal fails or lags. It never waits for the disk.
 */
import type { Call } from '../../call/call.ts';
import type { AppError } from '../../core/errors.ts';
import type { Recorder } from '../../record/recorder.ts';
import type { CallEvents, CallEventType } from './call-events.ts';
import { JournalLag, type Lag, type LagBounds } from './journal-lag.ts';

/** Less than there is between two looks. */
const LEAST_BETWEEN_FLUSHES_US = 400_000;

const TOLD_AS = {
  none: 'recording.caught_up',
  behind: 'recording.behind',
  dropping: 'recording.dropping',
} as const satisfies Readonly<Record<Lag, CallEventType>>;

export class CallJournals {
  readonly #call: Call;
  readonly #events: CallEvents;
  readonly #lag: JournalLag;
  readonly #onFailure: (recorder: Recorder, failure: AppError) => void;
  #flushDueUs = 0;
  /** A flush is under way: another would queue small blocks behind it. */
  #flushing = false;

  /** @param onFailure told at each look of a journal that can't be written any more. */
  constructor(
    call: Call,
    events: CallEvents,
    bounds: LagBounds,
    onFailure: (recorder: Recorder, failure: AppError) => void,
  ) {
    this.#onFailure = onFailure;
    this.#call = call;
    this.#events = events;
    this.#lag = new JournalLag(bounds);
  }

  get lag(): Lag {
    return this.#lag.state;
  }

  /** @param calls how many calls share the memory. @param lost audio packets of this call that were dropped so far. */
  look(nowUs: number, calls: number, lost: number): void {
    const { recorders } = this.#call;
    if (recorders.length === 0 && this.#lag.state === 'none') return;
    for (const recorder of recorders) if (recorder.failure !== undefined) this.#onFailure(recorder, recorder.failure);
    const pendingBytes = this.#call.pendingBytes;
    if (this.#lag.look(pendingBytes, calls)) this.#tell(pendingBytes, lost);
    if (nowUs >= this.#flushDueUs && !this.#flushing) {
      this.#flushDueUs = nowUs + LEAST_BETWEEN_FLUSHES_US;
      this.#flush(recorders);
    }
  }

  #flush(recorders: readonly Recorder[]): void {
    if (recorders.length === 0) return;
    this.#flushing = true;
    const { open } = this.#call.masks;
    for (const recorder of recorders) {
      if (open !== undefined) recorder.maskGoesOn(open);
      recorder.flush();
    }
    // Never rejects: a journal that fails says so itself.
    void this.#call.drained().then(() => {
      this.#flushing = false;
    });
  }

  #tell(pendingBytes: number, lost: number): void {
    this.#events.publish(TOLD_AS[this.#lag.state], { pending_bytes: pendingBytes, packets_dropped: lost });
  }
}
