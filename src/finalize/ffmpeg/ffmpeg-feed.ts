/** Feeds a run of ffmpeg from a source of bytes through its pipe, as fast as it takes them, and stops when either of them ends. */
import type { ByteSource } from '../../core/byte-source.ts';
import type { FfmpegRun } from './ffmpeg-run.ts';

const PIECE_BYTES = 64 * 1024;

export class FfmpegFeed {
  /** Why the source could not be read to its end; what ffmpeg says then is a consequence. */
  failure: unknown;
  readonly #run: FfmpegRun;
  #feeding: Promise<void> = Promise.resolve();

  /** @param source undefined for a run that reads for itself. */
  constructor(run: FfmpegRun, source: ByteSource | undefined) {
    this.#run = run;
    if (source === undefined) run.endInput();
    else
      this.#feeding = this.#feed(source).catch((error: unknown) => {
        this.failure = error;
        run.kill();
      });
  }

  /** Settles as the run's. */
  get ended(): Promise<void> {
    return this.#run.ended;
  }

  /** Ends the program at once, and resolves when the source is closed. Idempotent. */
  async stop(): Promise<void> {
    this.#run.kill();
    await this.#feeding;
  }

  async #feed(source: ByteSource): Promise<void> {
    const file = await source.open();
    try {
      for (let at = 0; at < file.size; ) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, file.size - at));
        const read = await file.read(piece, at);
        if (read === 0) break;
        at += read;
        // It may end before its input does, having heard enough; whoever waits for its end hears why.
        if (!(await this.#taken(piece.subarray(0, read)))) return;
      }
      this.#run.endInput();
    } finally {
      await file.close();
    }
  }

  async #taken(bytes: Buffer): Promise<boolean> {
    try {
      await this.#run.write(bytes);
      return true;
    } catch {
      return false;
    }
  }
}
