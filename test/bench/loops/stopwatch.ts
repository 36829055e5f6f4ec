/** Time and CPU time, of this process's threads and the programs it started and that have ended, over the stretches between `start` and `stop`. */
import { childrenCpuSeconds } from '../process-tree.ts';
import type { Sample } from './loop.ts';

export class Stopwatch {
  #seconds = 0;
  #cpuSeconds = 0;
  #startedAt = 0;
  #cpuAtStart = 0;

  start(): void {
    this.#cpuAtStart = cpuSeconds();
    this.#startedAt = performance.now();
  }

  stop(): void {
    this.#seconds += (performance.now() - this.#startedAt) / 1000;
    this.#cpuSeconds += cpuSeconds() - this.#cpuAtStart;
  }

  get seconds(): number {
    return this.#seconds;
  }

  sample(work: number): Sample {
    return { work, seconds: this.#seconds, cpuSeconds: this.#cpuSeconds };
  }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + (childrenCpuSeconds() ?? 0);
};

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
