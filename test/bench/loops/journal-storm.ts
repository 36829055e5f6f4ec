/** Many journals, each with what gathers in half a second of a call, made durable at once, as when a second's flushes fall together. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SAMPLE_HEAD } from '../../support/sample-journal.ts';
import { quantiles } from '../ingest/ingest-result.ts';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

/** Two legs, 25 frames each. */
const FRAMES = 50;
const FRAME_BYTES = 172;

export const loop: Loop = async ({ options: { count = 100 }, folder, leastSeconds }) => {
  const { JournalWriter } = await built('spool/journal-writer');
  const { newSealKey } = await built('spool/seal/seal-key');
  const datagram = Buffer.alloc(FRAME_BYTES, 0x5a);
  const journals = Array.from(
    { length: count },
    (_, at) => new JournalWriter(join(folder, `journal-${at}`), SAMPLE_HEAD, { key: newSealKey(randomBytes) }),
  );
  let written = 0;
  const latencies: number[] = [];
  const storm = async (watch: Stopwatch): Promise<void> => {
    for (let frame = 0; frame < FRAMES; frame++, written++)
      for (const journal of journals)
        journal.frame(frame & 1, written * 10_000, written * 80, datagram, 12, FRAME_BYTES);
    watch.start();
    const askedAt = performance.now();
    await Promise.all(
      journals.map(async (journal) => {
        await journal.sync();
        latencies.push(performance.now() - askedAt);
      }),
    );
    watch.stop();
  };
  await storm(new Stopwatch());
  latencies.length = 0;
  const watch = new Stopwatch();
  let storms = 0;
  for (; watch.seconds < leastSeconds; storms++) await storm(watch);
  await Promise.all(journals.map((journal) => journal.close()));
  const { p50 = Number.NaN, p99 = Number.NaN } = quantiles(latencies) ?? {};
  // What one wait is: once in so many seconds.
  const waited = (ms: number) => ({ work: 1, seconds: ms / 1000, cpuSeconds: 0 });
  return { actions: watch.sample(storms * count), p50: waited(p50), p99: waited(p99) };
};
