/**
 * What the program prints, written whole or known to be lost. Never ends the program: whether anybody reads says nothing about the
 * work. A reader that has gone (EPIPE, as with `| head`) wanted no more, so that is no failure; a full disk is one.
 */
import { fstatSync, writeSync } from 'node:fs';
import { AppError, systemCode } from '../core/errors.ts';
import type { Output } from './io.ts';

export class StandardOutput implements Output {
  readonly #stream: NodeJS.WriteStream & { fd: number };
  readonly #isFile: boolean;
  #failure: Error | undefined;

  constructor(stream: NodeJS.WriteStream & { fd: number }) {
    this.#stream = stream;
    this.#isFile = fstatSync(stream.fd).isFile();
    // Told to the callback of the write that failed, and here once more.
    stream.on('error', () => {});
  }

  get isTTY(): boolean {
    return this.#stream.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream.columns;
  }

  /** Nothing more is tried after a failure: a text with holes would be worse than one that is cut. */
  write(text: string): void {
    if (this.#failure !== undefined) return;
    if (this.#isFile) this.#writeFile(Buffer.from(text));
    else this.#stream.write(text, (error) => this.#fail(error));
  }

  /** Waits until all of it has been taken. @returns OUTPUT_UNWRITABLE when it could not be. */
  async flushed(): Promise<AppError | undefined> {
    if (!this.#isFile) await new Promise<void>((resolve) => this.#stream.write('', () => resolve()));
    const code = systemCode(this.#failure);
    if (this.#failure === undefined || code === 'EPIPE') return undefined;
    return new AppError('OUTPUT_UNWRITABLE', `standard output can't be written (${code ?? this.#failure.message})`, {
      cause: this.#failure,
    });
  }

  /** Node's stream takes a write that was cut short, as on a disk that is nearly full, for a whole one. */
  #writeFile(bytes: Buffer): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#stream.fd, bytes, at);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #fail(error: Error | null | undefined): void {
    this.#failure ??= error ?? undefined;
  }
}
