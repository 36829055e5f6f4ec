/**
 * Unpacks gzip (RFC 1952) as its bytes come in: several members in a row are one stream, and a missing end or damage keeps what
 * came before it. Memory stays constant even for a gzip bomb: 32 KiB in can become 32 MiB out, which are handed on before the next.
 */
import { createGunzip } from 'node:zlib';
import { systemCode } from '../../core/errors.ts';

const STEP_BYTES = 1 << 15;
/** zlib drops the output it was filling when it meets damage: as much as this before the damage is lost. A mere end loses nothing. */
const OUTPUT_BYTES = 1 << 15;

/** Whether the first bytes of a file are gzip's. */
export const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b;

/** `cut`: the packed bytes end early. `damaged`: they can't be unpacked any further. */
export type GzipEnding = 'whole' | 'cut' | 'damaged';

export class GzipUnpacker {
  #ending: GzipEnding = 'whole';
  #packedBytes = 0;

  /** Final once `unpack` has ended. */
  get ending(): GzipEnding {
    return this.#ending;
  }

  /** How many packed bytes were used. */
  get packedBytes(): number {
    return this.#packedBytes;
  }

  /** @param packed chunks that may be overwritten once the next one is asked for; what comes out is never overwritten. */
  async *unpack(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
    let ready: Buffer[] = [];
    let over = false;
    let settle = (): void => {};
    const take = (): Buffer[] => {
      const taken = ready;
      ready = [];
      this.#packedBytes = gunzip.bytesWritten;
      return taken;
    };
    // Listening, instead of reading from the stream, gets every byte that was unpacked before an error.
    gunzip.on('data', (chunk: Buffer) => ready.push(chunk));
    gunzip.on('end', () => {
      over = true;
      settle();
    });
    gunzip.on('error', (error) => {
      this.#ending = systemCode(error) === 'Z_BUF_ERROR' ? 'cut' : 'damaged';
      over = true;
      settle();
    });
    /** Waits for the write, or for the stream's end: padding behind the last member ends it without an answer to the write. */
    const offer = (step: Buffer): Promise<void> =>
      new Promise((resolve) => {
        settle = resolve;
        gunzip.write(step, () => resolve());
      });
    const finish = (): Promise<void> =>
      new Promise((resolve) => {
        settle = resolve;
        gunzip.end();
      });
    try {
      for await (const chunk of packed) {
        for (let at = 0; at < chunk.length && !over; at += STEP_BYTES) {
          await offer(chunk.subarray(at, at + STEP_BYTES));
          yield* take();
        }
        if (over) return;
      }
      await finish();
      yield* take();
    } finally {
      gunzip.destroy();
    }
  }
}
