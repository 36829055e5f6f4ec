/** What is sent to a receiver, and to how many ports. Pure. */

export type Load = {
  readonly ports: number;
  /** Packets to each port a second: 50 are a G.711 leg; fewer keep the whole the same for more ports. */
  readonly perSecond: number;
};

/** What the sender tells when it has ended. */
export type Sent = {
  readonly sent: number;
  /** The operating system took no more. */
  readonly unsent: number;
  readonly seconds: number;
  /** ms after their time that the latest hundredth was sent, at least. */
  readonly lateMs: number;
  readonly cpuSeconds: number;
};

export const LEG_PACKETS_PER_SECOND = 50;
export const CALL_PACKETS_PER_SECOND = 2 * LEG_PACKETS_PER_SECOND;

/** One packet a system call reaches about this many a second; beyond, packets of a port leave together. */
export const PER_SECOND_ONE_BY_ONE = 150_000;
const MOST_BURST = 40;

export const packetsPerSecond = ({ ports, perSecond }: Load): number => ports * perSecond;

/** Packets of a port that leave in one call: few, since a leg's packets come one by one; a single port has no other way. */
export const burstOf = (load: Load): number => {
  if (load.ports === 1) return MOST_BURST;
  const calls = packetsPerSecond(load) / PER_SECOND_ONE_BY_ONE;
  return calls <= 1 ? 1 : Math.min(MOST_BURST, 2 ** Math.ceil(Math.log2(calls)));
};

export const callsLoad = (calls: number): Load => ({ ports: 2 * calls, perSecond: LEG_PACKETS_PER_SECOND });

/** Sockets, a journal for each call, and what a process has open anyway. */
const OPEN_FILES_BESIDES = 200;

export const openFilesOf = (what: 'sockets' | 'calls', ports: number, hasRtcp: boolean): number =>
  ports * (hasRtcp ? 2 : 1) + (what === 'calls' ? ports / 2 : 0) + OPEN_FILES_BESIDES;

/** Whether the sender kept its pace: else what was measured is the sender. */
export const keptPace = ({ seconds, unsent }: Sent, plannedSeconds: number): boolean =>
  unsent === 0 && seconds <= 1.05 * plannedSeconds + 0.05;
