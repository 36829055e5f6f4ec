/** Recordings that were asked for and wait for their beginning: the first frame, the answer, the bridge. */
import type { RecordCallFields } from '../core/record-call.ts';

export type PendingStart = {
  readonly fields: RecordCallFields;
  readonly startedBy: string;
  readonly until: 'first-frame' | 'answer' | 'bridge' | 'either';
  /** When it was asked for, µs. */
  readonly askedUs: number;
};

export class PendingStarts {
  /** Asked for each packet. */
  isEmpty = true;
  #waiting: PendingStart[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** The longest `mask_lookback_ms` that one of them will want, in µs: frames before it begins count. */
  get lookbackUs(): number {
    return Math.max(0, ...this.#waiting.map(({ fields }) => (fields.mask_lookback_ms ?? 0) * 1000));
  }

  /** @returns false when the same start waits already. */
  add(pending: PendingStart): boolean {
    if (this.#waiting.some(({ startedBy }) => startedBy === pending.startedBy)) return false;
    this.#waiting.push(pending);
    this.isEmpty = false;
    return true;
  }

  /** Takes out those whose time has come. */
  take(isReady: (pending: PendingStart) => boolean): PendingStart[] {
    const ready = this.#waiting.filter(isReady);
    if (ready.length > 0) this.#waiting = this.#waiting.filter((pending) => !ready.includes(pending));
    this.isEmpty = this.#waiting.length === 0;
    return ready;
  }

  clear(): void {
    this.#waiting = [];
    this.isEmpty = true;
  }
}
