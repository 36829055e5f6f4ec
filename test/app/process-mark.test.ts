/** When a process counts as gone: only when it is certain. The system is in the test's hands. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { isGone, ownMark, type ProcessSystem } from '../../src/app/process-mark.ts';

const stat = (pid: number, started: number, name = 'node'): string =>
  `${pid} (${name}) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 ${started} 20 21\n`;

type Change = {
  readonly hostname?: string;
  /** Undefined: no such file. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  readonly alive?: readonly number[];
};

const system = ({ hostname = 'here', files = {}, alive = [7] }: Change = {}): ProcessSystem => {
  const all: Record<string, string | undefined> = {
    '/etc/machine-id': 'machine\n',
    '/proc/sys/kernel/random/boot_id': 'boot\n',
    '/proc/self/ns/pid': 'pid:[4026531836]',
    '/proc/7/stat': stat(7, 1000),
    ...files,
  };
  return { pid: 7, hostname, read: (path) => all[path], hasProcess: (pid) => alive.includes(pid) };
};

describe('a process', () => {
  for (const { name, change, gone } of [
    { name: 'that runs', change: {}, gone: false },
    { name: 'that has ended', change: { alive: [] }, gone: true },
    { name: 'whose number another has now', change: { files: { '/proc/7/stat': stat(7, 2000) } }, gone: true },
    {
      name: 'whose number another has, with a name like a line of its own',
      change: { files: { '/proc/7/stat': stat(7, 2000, ') S 1 (') } },
      gone: true,
    },
    {
      name: 'that was renamed',
      change: { files: { '/proc/7/stat': stat(7, 1000, 'a) b (c') } },
      gone: false,
    },
    { name: 'that hides when it was started', change: { files: { '/proc/7/stat': undefined } }, gone: false },
    {
      name: 'from before the machine was started anew, its number taken',
      change: { files: { '/proc/sys/kernel/random/boot_id': 'another\n' } },
      gone: true,
    },
    { name: 'on another machine', change: { hostname: 'there', alive: [] }, gone: false },
    {
      name: 'on another machine of that name',
      change: { files: { '/etc/machine-id': 'another\n', '/proc/sys/kernel/random/boot_id': 'b\n' }, alive: [] },
      gone: false,
    },
    {
      name: 'in another container of this machine',
      change: { files: { '/proc/self/ns/pid': 'pid:[4026532000]' }, alive: [] },
      gone: false,
    },
    {
      name: 'where the system can’t say any more when it was started',
      change: { files: { '/proc/sys/kernel/random/boot_id': undefined }, alive: [] },
      gone: false,
    },
  ] satisfies { name: string; change: Change; gone: boolean }[]) {
    test(`${name} is ${gone ? 'gone' : 'not gone for certain'}`, () =>
      expect(isGone(ownMark(system()), system(change))).toBe(gone));
  }

  for (const alive of [[7], []]) {
    test(`on a system that says nothing of itself is ${alive.length > 0 ? 'there' : 'gone'} as its number is`, () => {
      const bare = { pid: 7, hostname: 'here', read: () => undefined, hasProcess: () => alive.length > 0 };
      expect(isGone(ownMark(bare), bare)).toBe(alive.length === 0);
    });
  }

  for (const mark of ['', 'x', '1-2-3', '0-0-0-7', `${ownMark(system())}-1`, '../..']) {
    test(`that "${mark}" is to name is not gone: nobody knows it`, () =>
      expect(isGone(mark, system({ alive: [] }))).toBe(false));
  }
});

test('this very process is not gone, and one that was killed is', async () => {
  expect(ownMark()).toMatch(/^[0-9a-f-]{9,60}$/);
  expect(isGone(ownMark())).toBe(false);
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const theirs = ownMark().replace(/\d+-\d+$/, `${child.pid}-0`);
  expect(isGone(theirs)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isGone(theirs)).toBe(true);
});
