/** CPU time by thread as text for people. Pure. */
import type { RoleUse } from './thread-use.ts';

/** What is less than this share of a whole is not worth a word. */
const LEAST_SHARE = 0.005;

/** Of one core, over so many seconds. */
export const coreShare = (cpuSeconds: number, seconds: number): string =>
  `${Math.round((100 * cpuSeconds) / seconds)} % of a core`;

/** Most first: "main 40 %, finalizing 31 %"; of the whole. */
export const threadsText = (byRole: readonly RoleUse[]): string => {
  const whole = byRole.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  return byRole
    .filter(({ cpuSeconds }) => cpuSeconds >= LEAST_SHARE * whole)
    .map(({ role, cpuSeconds }) => `${role} ${Math.round((100 * cpuSeconds) / whole)} %`)
    .join(', ');
};
