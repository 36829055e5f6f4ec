/** What a running process or one of its threads has used so far, from /proc (proc(5), Linux); null where that isn't there. */
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second whatever the kernel's own tick is (USER_HZ). */
const TICKS_PER_SECOND = 100;

const textOf = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
};

/** User and system. @param folder `/proc/PID`, or `/proc/PID/task/TID` for one thread */
export const cpuSecondsOf = (folder: string): number | null => secondsIn(folder, 14);

/** The same of programs that the process has started and waited for. */
export const childrenCpuSecondsOf = (folder: string): number | null => secondsIn(folder, 16);

/** @param field the first of two next to each other: utime and stime are the 14th and 15th of all, cutime and cstime follow */
const secondsIn = (folder: string, field: number): number | null => {
  const stat = textOf(`${folder}/stat`);
  if (stat === undefined) return null;
  // Counted from behind the program's name, which may hold anything: it is the second.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[field - 3]) + Number(fields[field - 2])) / TICKS_PER_SECOND;
};

/** Resident bytes now, and at most so far. */
export const memoryOf = (pid: number): { readonly now: number; readonly peak: number } | null => {
  const status = textOf(`/proc/${pid}/status`);
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status ?? '')?.[1]) * 1024;
  return status === undefined ? null : { now: bytes('VmRSS'), peak: bytes('VmHWM') };
};
