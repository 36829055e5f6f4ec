/** Time and CPU time of this process, all threads, over the stretches between `start` and `stop`. */
import type { Sample } from './loop.ts';

export class Stopwatch {
  #seconds = 0;
  #cpuSeconds = 0;
  #startedAt = 0;
  #cpuAtStart: NodeJS.CpuUsage = { user: 0, system: 0 };

  start(): void {
    this.#cpuAtStart = process.cpuUsage();
    this.#startedAt = performance.now();
  }

  stop(): void {
    this.#seconds += (performance.now() - this.#startedAt) / 1000;
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    this.#cpuSeconds += (user + system) / 1e6;
  }

  get seconds(): number {
    return this.#seconds;
  }

  sample(work: number): Sample {
    return { work, seconds: this.#seconds, cpuSeconds: this.#cpuSeconds };
  }
}

/** Times `pass` as often as it takes to fill `leastSeconds`, after one that compiles and is not counted. @param pass answers the work it did. */
export const repeated = async (leastSeconds: number, pass: () => Promise<number> | number): Promise<Sample> => {
  await pass();
  const watch = new Stopwatch();
  let work = 0;
  while (watch.seconds < leastSeconds) {
    watch.start();
    work += await pass();
    watch.stop();
  }
  return watch.sample(work);
};
