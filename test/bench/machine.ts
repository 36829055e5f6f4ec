/** What the figures were measured on: without it they say nothing. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Peers } from './peers.ts';

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** Programs and libraries by name. */
  readonly versions: Readonly<Record<string, string>>;
};

const versionIn = (path: string): string => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;

export const describeMachine = (peers: Peers): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  system: `${type()} ${release()} ${process.arch}`,
  versions: {
    'record-call': versionIn(new URL('../../package.json', import.meta.url).pathname),
    node: process.versions.node,
    lamejs: versionIn(createRequire(import.meta.url).resolve('lamejs/package.json')),
    ...peers.versions,
  },
});

/** How many processes wanted a core over the last minute. More than there are cores, and times by the clock are worth little. */
export const loadNow = (): number => loadavg()[0];
