/** Reads a capture file's datagrams in batches, in the order they were recorded. A second pass is a second reader. */
import type { ByteSource } from '../../core/byte-source.ts';
import type { Datagram } from '../datagram.ts';
import { CaptureDecoder, type CaptureReport } from './capture-decoder.ts';
import { CaptureFile, type ReadProgress } from './capture-file.ts';

export type CaptureReaderOptions = {
  readonly onProgress?: ReadProgress;
  /** Ends the reading with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What gives the file's bytes where it doesn't lie there as it is, such as one that is sealed. */
  readonly source?: ByteSource | undefined;
};

export class CaptureReader {
  readonly #path: string;
  readonly #onProgress: ReadProgress | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #source: ByteSource | undefined;
  #report: CaptureReport = { packets: 0, datagrams: 0, cut: 0, warnings: [] };

  constructor(path: string, { onProgress, signal, source }: CaptureReaderOptions = {}) {
    this.#path = path;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#source = source;
  }

  /** Counts up to the last batch that was handed out; complete, with its warnings, once the batches have ended. */
  get report(): CaptureReport {
    return this.#report;
  }

  /**
   * No batch is empty. Payloads are views into one read buffer: valid until the next batch is asked for. Capture times are as
   * recorded, and may step back.
   * @throws AppError INPUT_MISSING, CAPTURE_EMPTY, CAPTURE_UNREADABLE: never after a batch, save when the disk fails in mid-read; the
   *   signal's reason
   */
  async *batches(): AsyncGenerator<readonly Datagram[]> {
    const file = new CaptureFile(this.#path, this.#onProgress, this.#source);
    const decoder = new CaptureDecoder(this.#path);
    this.#signal?.throwIfAborted();
    for await (const chunk of file.chunks()) {
      // Also where a long file holds nothing that makes a batch.
      this.#signal?.throwIfAborted();
      const batch = decoder.push(chunk);
      this.#report = { ...decoder.counts, warnings: [] };
      if (batch.length > 0) yield batch;
      if (decoder.stopped) break;
    }
    this.#report = decoder.finish(file.warning, file.packed ? ' of the unpacked capture' : '');
  }
}
