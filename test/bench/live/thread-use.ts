/**
 * What a running service has used so far, thread by thread (proc(5), Linux). Threads of JavaScript are known by the file they run, which
 * `thread-names.mjs` notes; the receiver's is the one besides that lets no signal in; what is left are libuv's and V8's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { childrenCpuSecondsOf, cpuSecondsOf } from './process-use.ts';

/** `main` has what no other has: before media had a thread of its own, that too. */
export type ThreadRole =
  | 'main'
  | 'media'
  | 'receiver'
  | 'finalizing'
  | 'store'
  | 'other workers'
  | 'libuv and V8'
  | 'programs';

export type Use = { readonly cpuSeconds: number; readonly byRole: ReadonlyMap<ThreadRole, number> };

export type RoleUse = { readonly role: ThreadRole; readonly cpuSeconds: number };

/** Folders of the build, the first that fits. */
const ROLES: readonly (readonly [RegExp, ThreadRole])[] = [
  [/^main$/, 'main'],
  [/\/dist\/app\/media\//, 'media'],
  [/\/dist\/finalize\//, 'finalizing'],
  [/\/dist\/store\//, 'store'],
];

export const roleOf = (name: string): ThreadRole => ROLES.find(([path]) => path.test(name))?.[1] ?? 'other workers';

/** @param text of the file that `thread-names.mjs` writes: a thread a line, the last of a number that was used again */
export const rolesIn = (text: string): Map<string, ThreadRole> => {
  const roles = new Map<string, ThreadRole>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at > 0) roles.set(line.slice(0, at), roleOf(line.slice(at + 1)));
  }
  return roles;
};

/** @param namesFile may not be there. @returns null where there is no /proc */
export const useOf = (pid: number, namesFile: string): Use | null => {
  const own = cpuSecondsOf(`/proc/${pid}`);
  if (own === null) return null;
  const roles = rolesIn(textOf(namesFile));
  const byRole = new Map<ThreadRole, number>();
  const add = (role: ThreadRole, seconds: number): void => void byRole.set(role, (byRole.get(role) ?? 0) + seconds);
  for (const thread of threadsOf(pid)) {
    const folder = `/proc/${pid}/task/${thread}`;
    const isMain = thread === String(pid);
    add(isMain ? 'main' : (roles.get(thread) ?? otherRole(textOf(`${folder}/status`))), cpuSecondsOf(folder) ?? 0);
  }
  const programs = childrenCpuSecondsOf(`/proc/${pid}`) ?? 0;
  if (programs > 0) add('programs', programs);
  return { cpuSeconds: own + programs, byRole };
};

/** As it may be sent to another process. */
export const rolesOf = (use: Use | null): RoleUse[] | null =>
  use === null ? null : [...use.byRole].map(([role, cpuSeconds]) => ({ role, cpuSeconds }));

/** Between two looks, most first; null where nobody can tell. */
export const usedBetween = (
  before: Use | null,
  after: Use | null,
): { readonly cpuSeconds: number; readonly byRole: readonly RoleUse[] } | null => {
  if (before === null || after === null) return null;
  const byRole = rolesBetween(rolesOf(before)!, rolesOf(after)!);
  return { cpuSeconds: after.cpuSeconds - before.cpuSeconds, byRole };
};

/** Most first; those that have done nothing are left out. */
export const rolesBetween = (before: readonly RoleUse[], after: readonly RoleUse[]): RoleUse[] =>
  after
    .map(({ role, cpuSeconds }) => ({
      role,
      cpuSeconds: cpuSeconds - (before.find((each) => each.role === role)?.cpuSeconds ?? 0),
    }))
    .filter(({ cpuSeconds }) => cpuSeconds > 0)
    .sort((one, other) => other.cpuSeconds - one.cpuSeconds);

/** Several together, most first. */
export const rolesOfAll = (uses: readonly (readonly RoleUse[])[]): RoleUse[] => {
  const sums = new Map<ThreadRole, number>();
  for (const { role, cpuSeconds } of uses.flat()) sums.set(role, (sums.get(role) ?? 0) + cpuSeconds);
  return rolesBetween(
    [],
    [...sums].map(([role, cpuSeconds]) => ({ role, cpuSeconds })),
  );
};

/** Of the thread that takes in media. */
export const mediaSeconds = (byRole: readonly RoleUse[]): number =>
  (byRole.find(({ role }) => role === 'media') ?? byRole.find(({ role }) => role === 'main'))?.cpuSeconds ?? 0;

const SIGTERM_BIT = 1n << 14n;

const otherRole = (status: string): ThreadRole => {
  const blocked = /^SigBlk:\s+([0-9a-f]+)$/m.exec(status)?.[1];
  return blocked !== undefined && (BigInt(`0x${blocked}`) & SIGTERM_BIT) !== 0n ? 'receiver' : 'libuv and V8';
};

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

const threadsOf = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};
