/** Ports for programs that are told which to take: pairs above those that the kernel gives to whoever asks for none; and which are taken. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const RANGE = { first: 61_000, last: 64_998 } as const;
const HOST = '127.0.0.1';
const LOOK_EVERY_MS = 50;
const PATIENCE_MS = 20_000;

/** @returns even ports that are free, like the odd ones above them. @throws Error when there are fewer */
export const freePorts = async (count: number): Promise<number[]> => {
  const free: number[] = [];
  for (let port = RANGE.first; port <= RANGE.last && free.length < count; port += 2)
    if ((await isFree(port)) && (await isFree(port + 1))) free.push(port);
  if (free.length < count) throw new Error(`${free.length} free ports, not ${count}`);
  return free;
};

const isFree = async (port: number): Promise<boolean> => {
  const socket = createSocket('udp4');
  try {
    const listening = once(socket, 'listening');
    socket.bind(port, HOST);
    await listening;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
};

/** @param table `/proc/net/udp`: below a heading the second field of each line ends with a port in hex */
export const portsIn = (table: string): Set<number> => {
  const ports = table
    .split('\n')
    .slice(1)
    .map((line) => Number.parseInt(line.trim().split(/\s+/)[1]?.split(':')[1] ?? '', 16));
  return new Set(ports.filter((port) => port > 0));
};

/** Resolves when somebody listens on all of them. @param isAlive whether that can still come about */
export const untilBound = async (
  ports: readonly number[],
  isAlive: () => boolean,
  signal: AbortSignal,
): Promise<void> => {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const bound = portsIn(readFileSync('/proc/net/udp', 'latin1') + readFileSync('/proc/net/udp6', 'latin1'));
    if (ports.every((port) => bound.has(port))) return;
    if (!isAlive()) throw new Error('it ended before it listened');
    if (performance.now() > untilMs) throw new Error(`it does not listen after ${PATIENCE_MS / 1000} s`);
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
};
