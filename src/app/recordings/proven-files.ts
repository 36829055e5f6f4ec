/**
 * Plain files that are given out only when their content is what was noted of it: nothing else tells one that was changed on disk, or
 * put in a sealed one's place. Each is read through once, before its first byte, and again when the disk says that it has changed.
 */
import type { BigIntStats } from 'node:fs';
import type { ByteSource, OpenBytes } from '../../core/byte-source.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { measure } from '../../deliver/content-digest.ts';
import { openPlain, type PlainFile } from '../../spool/plain-file.ts';

export type Noted = {
  /** In hex. */
  readonly sha256: string;
  readonly bytes: number;
};

const MOST_KNOWN = 10_000;
/** A disk's times have steps: a file that was changed within one may change again and look the same. */
const SETTLED_MS = 2000;

export class ProvenFiles {
  readonly #clock: Pick<Clock, 'now'>;
  /** By what the disk says of a file, the oldest first. */
  readonly #digests = new Map<string, Promise<string>>();
  #measured = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** How often a file was read through. */
  get measured(): number {
    return this.#measured;
  }

  /** Its `open` throws ARTEFACT_MISMATCH; INPUT_MISSING. */
  source(path: string, noted: Noted): ByteSource {
    return { open: () => this.#open(path, noted) };
  }

  async #open(path: string, noted: Noted): Promise<OpenBytes> {
    const file = await openPlain(path);
    try {
      if (file.size !== noted.bytes)
        throw new AppError('ARTEFACT_MISMATCH', `the file has ${file.size} bytes where ${noted.bytes} were written`);
      if ((await this.#digestOf(file)) !== noted.sha256)
        throw new AppError('ARTEFACT_MISMATCH', 'the file does not hold what was written: its digest is another');
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #digestOf(file: PlainFile): Promise<string> {
    const look = lookOf(await file.stat());
    const known = this.#digests.get(look);
    if (known !== undefined) return known;
    const measuring = this.#measure(file);
    this.#digests.set(look, measuring);
    let keeps = false;
    try {
      const digest = await measuring;
      keeps = this.#isSettled(await file.stat(), look);
      return digest;
    } finally {
      if (!keeps) this.#digests.delete(look);
      for (const oldest of this.#digests.keys()) {
        if (this.#digests.size <= MOST_KNOWN) break;
        this.#digests.delete(oldest);
      }
    }
  }

  async #measure(file: PlainFile): Promise<string> {
    this.#measured++;
    // Through the handle that is given out: what the path names may be another by then.
    const { sha256 } = await measure({
      open: async () => ({ size: file.size, read: (into, at) => file.read(into, at), close: async () => {} }),
    });
    return sha256.toString('hex');
  }

  #isSettled(stat: BigIntStats, look: string): boolean {
    return lookOf(stat) === look && Number(stat.ctimeNs / 1_000_000n) < this.#clock.now() / 1000 - SETTLED_MS;
  }
}

/** The time of its last change can't be set by those who set its others. */
const lookOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(' ');
