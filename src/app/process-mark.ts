/**
 * A mark that tells which process a file belongs to, so that what a killed one has left can be told from what a running one needs. In
 * doubt a process counts as running: its number alone proves nothing on another machine, in another container, after a restart.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../core/errors.ts';

/** What is asked of the system; tests have their own. */
export type ProcessSystem = {
  readonly pid: number;
  readonly hostname: string;
  /** The text of a file, or what a link names; undefined when there is none. */
  read(path: string): string | undefined;
  hasProcess(pid: number): boolean;
};

/** Each unknown where the system does not say it. */
type Mark = {
  readonly machine: string;
  /** Of the machine's running since it was started last. */
  readonly boot: string;
  /** Of the process numbers: a container has its own. */
  readonly space: string;
  readonly pid: number;
  /** When the process was started; its number may be another's later. */
  readonly started: string;
};

const UNKNOWN = '0';
const MARK = /^([0-9a-f]+)-([0-9a-f]+)-(\d+)-(\d+)-(\d+)$/;

/** Fit for a file's name: `[0-9a-f-]`, 60 characters at most. */
export const ownMark = (system: ProcessSystem = thisSystem): string => {
  const { machine, boot, space, pid, started } = markOf(system.pid, system);
  return [machine, boot, space, pid, started].join('-');
};

/** Whether the process that made the mark has ended for certain. */
export const isGone = (mark: string, system: ProcessSystem = thisSystem): boolean => {
  const parts = MARK.exec(mark);
  if (parts === null) return false;
  const [, machine, boot, space, pid, started] = parts;
  const here = markOf(Number(pid), system);
  if (machine !== here.machine) return false;
  if (boot !== here.boot) return boot !== UNKNOWN && here.boot !== UNKNOWN;
  if (space !== here.space) return false;
  if (!system.hasProcess(here.pid)) return true;
  return started !== UNKNOWN && here.started !== UNKNOWN && started !== here.started;
};

const markOf = (pid: number, system: ProcessSystem): Mark => ({
  machine: digest(`${system.hostname} ${system.read('/etc/machine-id') ?? ''}`),
  boot: digest(system.read('/proc/sys/kernel/random/boot_id')),
  space: /\d+/.exec(system.read('/proc/self/ns/pid') ?? '')?.[0] ?? UNKNOWN,
  pid,
  started: startOf(system.read(`/proc/${pid}/stat`)),
});

const digest = (text: string | undefined): string =>
  text === undefined ? UNKNOWN : createHash('sha256').update(text).digest('hex').slice(0, 8);

/** Clock ticks since the boot: the twentieth word after the program's name, which may hold anything (proc_pid_stat(5)). */
const startOf = (stat: string | undefined): string =>
  stat
    ?.slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ')[19] ?? UNKNOWN;

const thisSystem: ProcessSystem = {
  pid: process.pid,
  hostname: hostname(),
  read: (path) => {
    try {
      return path.startsWith('/proc/self/ns/') ? readlinkSync(path) : readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
  hasProcess: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // Anything else means that it is there and somebody else's.
      return systemCode(error) !== 'ESRCH';
    }
  },
};
