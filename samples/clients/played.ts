/** What the clients here play: linear samples in frames of 20 ms, and keys that are pressed between them. */
import { createReadStream } from 'node:fs';

export type Played = Uint8Array | { readonly key: string };

export const FRAME_MS = 20;

/**
 * Raw samples at the pace at which they are said.
 * @param path a file of 16-bit samples, little-endian; `-` is standard input. @param frameBytes of 20 ms
 */
export async function* paced(path: string, frameBytes: number): AsyncGenerator<Played> {
  const startMs = performance.now();
  let rest = Buffer.alloc(0);
  let count = 0;
  for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= frameBytes; rest = rest.subarray(frameBytes)) {
      const waitMs = startMs + count++ * FRAME_MS - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      yield rest.subarray(0, frameBytes);
    }
  }
}
