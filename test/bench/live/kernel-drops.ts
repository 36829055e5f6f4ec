/** Datagrams that the kernel threw away because a socket's buffer was full: `drops` of /proc/net/udp (Linux). */
import { readFileSync } from 'node:fs';

/** @returns by local port, those with any; null where there is no such file. */
export const droppedByPort = (): ReadonlyMap<number, number> | null => {
  try {
    return dropsIn(readFileSync('/proc/net/udp', 'latin1'));
  } catch {
    return null;
  }
};

/** @param table a line for each socket below a heading: the second field ends with its port in hex, the last is the count. */
export const dropsIn = (table: string): ReadonlyMap<number, number> => {
  const drops = new Map<number, number>();
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    const dropped = Number(fields.at(-1));
    if (port > 0 && dropped > 0) drops.set(port, (drops.get(port) ?? 0) + dropped);
  }
  return drops;
};
