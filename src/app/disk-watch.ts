/** Looks at the disk's room now and then: recordings don't start where there is too little, running ones go on. */
import { AppError, systemCode } from '../core/errors.ts';

/** This many times the least room is when a warning is due. */
const WARN_AT = 4;
/** What a write that found no room fails with: on the disk, or in its owner's share of it. */
const NO_ROOM: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

export class DiskWatch {
  readonly #leastMib: number;
  readonly #free: () => Promise<number>;
  readonly #onWarning: (message: string) => void;
  readonly #tryToFill: () => Promise<void>;
  /** There is room again: what could not be finished for want of it can be now. */
  onRoom: () => void = () => {};
  /** Told what `refusal` is, when it is another than before. */
  onRefusal: (refusal: AppError | undefined) => void = () => {};
  freeMib = Number.POSITIVE_INFINITY;
  #warned = false;
  #told: string | undefined;
  /** What a journal's write has failed with, until one is seen to succeed: room that a quota denies is no room. */
  #fullWith: string | undefined;
  #looking: Promise<void> | undefined;

  /** @param free MiB that may still be written. @param tryToFill writes a little, as a journal would; throws where that can't be. */
  constructor(
    leastMib: number,
    free: () => Promise<number>,
    onWarning: (message: string) => void,
    tryToFill: () => Promise<void> = async () => {},
  ) {
    this.#leastMib = leastMib;
    this.#free = free;
    this.#onWarning = onWarning;
    this.#tryToFill = tryToFill;
  }

  /** What a new recording is refused with; undefined while there is room. */
  get refusal(): AppError | undefined {
    if (this.freeMib < this.#leastMib)
      return new AppError(
        'DISK_LOW',
        `${this.freeMib} MiB of disk left, fewer than ${this.#leastMib}: no new recordings`,
      );
    if (this.#fullWith === undefined) return undefined;
    return new AppError('DISK_LOW', `the disk takes no more (${this.#fullWith}): no new recordings`);
  }

  /** Looks again, one look at a time; a disk that can't be asked counts as full. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** A journal could not be written: where it was for want of room, nothing new begins from now on, and the disk is looked at. */
  journalFailed({ cause }: AppError): void {
    const code = systemCode(cause);
    if (code === undefined || !NO_ROOM.includes(code)) return;
    if (this.#fullWith === undefined)
      this.#onWarning(`the disk takes no more (${code}); until it does no recording is started`);
    this.#fullWith = code;
    this.#tell();
    void this.look();
  }

  async #look(): Promise<void> {
    const wasRefusing = this.refusal !== undefined;
    await this.#measure();
    this.#tell();
    if (wasRefusing && this.refusal === undefined) this.onRoom();
  }

  #tell(): void {
    const { refusal } = this;
    if (refusal?.message === this.#told) return;
    this.#told = refusal?.message;
    this.onRefusal(refusal);
  }

  async #measure(): Promise<void> {
    const freeMib = await this.#free().catch(() => 0);
    const isLow = freeMib < WARN_AT * this.#leastMib;
    // Said before anything is refused, also when room goes all at once.
    if (isLow && !this.#warned)
      this.#onWarning(`${freeMib} MiB of disk left; below ${this.#leastMib} no recording is started`);
    this.#warned = isLow;
    this.freeMib = freeMib;
    if (this.#fullWith === undefined) return;
    const isWritable = await this.#tryToFill().then(
      () => true,
      () => false,
    );
    if (isWritable) this.#fullWith = undefined;
  }
}
