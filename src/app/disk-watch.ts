/** Looks at the disk's room now and then: recordings don't start where there is too little, running ones go on. */
import { AppError } from '../core/errors.ts';

/** This many times the least room is when a warning is due. */
const WARN_AT = 4;

export class DiskWatch {
  readonly #leastMib: number;
  readonly #free: () => Promise<number>;
  readonly #onWarning: (message: string) => void;
  freeMib = Number.POSITIVE_INFINITY;
  #warned = false;

  /** @param free MiB that may still be written. */
  constructor(leastMib: number, free: () => Promise<number>, onWarning: (message: string) => void) {
    this.#leastMib = leastMib;
    this.#free = free;
    this.#onWarning = onWarning;
  }

  /** What a new recording is refused with; undefined while there is room. */
  get refusal(): AppError | undefined {
    if (this.freeMib >= this.#leastMib) return undefined;
    return new AppError(
      'DISK_LOW',
      `${this.freeMib} MiB of disk left, fewer than ${this.#leastMib}: no new recordings`,
    );
  }

  /** Looks again; a disk that can't be asked counts as full. */
  async look(): Promise<void> {
    this.freeMib = await this.#free().catch(() => 0);
    const isLow = this.freeMib < WARN_AT * this.#leastMib;
    if (isLow && !this.#warned)
      this.#onWarning(`${this.freeMib} MiB of disk left; below ${this.#leastMib} no recording is started`);
    this.#warned = isLow;
  }
}
