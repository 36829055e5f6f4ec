/**
 * What a process and everything it started take, from /proc (proc(5), Linux). Peak memory is the largest sum, over the processes alive
 * at one look, of each one's own peak (VmHWM): pages that two share count twice, and never too little but for the last interval.
 */
import { readdirSync, readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 50;

export class ProcessTree {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#look();
  }

  /** Ends the watch. @returns null where there is no /proc. */
  close(): number | null {
    clearInterval(this.#timer);
    return this.#peakBytes === 0 ? null : this.#peakBytes;
  }

  #look(): void {
    let bytes = 0;
    for (const pid of withDescendants(this.#pid)) bytes += peakOf(pid);
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
  }
}

/** A process that has gone in the meantime has no files any more, and counts nothing. */
const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const withDescendants = (pid: number): number[] => {
  const all = [pid];
  for (let next = 0; next < all.length; next++) {
    // Each thread lists the processes that it started itself.
    for (const thread of threadsOf(all[next])) {
      const children = textOf(`/proc/${all[next]}/task/${thread}/children`).trim();
      if (children !== '') all.push(...children.split(' ').map(Number));
    }
  }
  return all;
};

const threadsOf = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

const peakOf = (pid: number): number => {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return kibibytes === undefined ? 0 : Number(kibibytes) * 1024;
};

/** Linux counts in hundredths of a second whatever the kernel's own tick is (USER_HZ). */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds, user and system, of all processes that this one has started and waited for, and those they waited for. The difference
 * around a child's life is the child's whole tree. Null where there is no /proc.
 */
export const childrenCpuSeconds = (): number | null => {
  const stat = textOf('/proc/self/stat');
  // Fields are counted from behind the program's name, which may hold anything; cutime and cstime are the 16th and 17th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[13]) + Number(fields[14]);
  return stat === '' || Number.isNaN(ticks) ? null : ticks / TICKS_PER_SECOND;
};
