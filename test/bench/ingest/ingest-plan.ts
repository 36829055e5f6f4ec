/** Which receivers are put under which loads. Pure. */
import type { Receiving } from './ingest-run.ts';
import { callsLoad, type Load, openFilesOf } from './load.ts';

export type IngestDriver = { readonly name: string; readonly receiving: Receiving };

export const BARE = 'bare recvmmsg sink';
/** A tenth of the calls, masked and unmasked in turn, each second. */
const TOGGLED_SHARE = 0.1;

const nameOf = (receiver: 'native' | 'node:dgram', takes: 'sockets' | 'calls', toggledShare: number): string =>
  `${receiver}, ${takes === 'sockets' ? 'to its leg' : toggledShare > 0 ? 'calls, masks' : 'calls'}`;

const ours = (receiver: 'native' | 'node:dgram', takes: 'sockets' | 'calls', toggledShare = 0): IngestDriver => ({
  name: nameOf(receiver, takes, toggledShare),
  receiving: { receiver, takes, toggledShare },
});

/** What goals are asked of. */
export const MASKED_CALLS = nameOf('native', 'calls', TOGGLED_SHARE);
export const TO_ITS_LEG = nameOf('native', 'sockets', 0);
export const ONE_THOUSAND_PORTS = '1,000 ports';

const bare: IngestDriver = { name: BARE, receiving: 'bare' };
const native = ours('native', 'sockets');
const dgram = ours('node:dgram', 'sockets');
const nativeMasks = ours('native', 'calls', TOGGLED_SHARE);
const dgramMasks = ours('node:dgram', 'calls', TOGGLED_SHARE);

export type IngestTrial = {
  readonly name: string;
  readonly load: Load;
  readonly receiveBufferBytes: number;
  readonly mostRounds: number;
  readonly drivers: readonly IngestDriver[];
  /** With `--quick` only these. */
  readonly quick: readonly IngestDriver[];
};

/** A leg's, as the service asks for it (`receive-buffer.ts`); a port that has them all needs that of them all. */
const LEG_BUFFER_BYTES = 128 * 1024;
const ONE_PORT_BUFFER_BYTES = 4 << 20;

/** The same packets a second, whatever the ports. */
export const INGEST_TRIALS: readonly IngestTrial[] = [
  {
    name: '1 port',
    load: { ports: 1, perSecond: 50_000 },
    receiveBufferBytes: ONE_PORT_BUFFER_BYTES,
    mostRounds: 2,
    drivers: [bare, native, dgram],
    quick: [],
  },
  {
    name: ONE_THOUSAND_PORTS,
    load: callsLoad(500),
    receiveBufferBytes: LEG_BUFFER_BYTES,
    mostRounds: 2,
    drivers: [bare, native, dgram, nativeMasks, dgramMasks],
    quick: [bare, native, dgram, nativeMasks],
  },
  {
    name: '10,000 ports',
    load: { ports: 10_000, perSecond: 5 },
    receiveBufferBytes: LEG_BUFFER_BYTES,
    mostRounds: 1,
    drivers: [bare, native, dgram, nativeMasks],
    quick: [],
  },
];

/** How many calls at once each of these keeps. What node:dgram costs is in the loads. */
export const CEILING_DRIVERS: readonly IngestDriver[] = [nativeMasks];

const LADDER = [250, 500, 750, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 5000, 6000, 8000, 10_000];

/** As far as open files go. */
export const ladderFor = (mostOpenFiles: number): readonly number[] =>
  LADDER.filter((calls) => openFilesOf('calls', 2 * calls, false) <= mostOpenFiles);

/** Whether a leg's second port is bound too; undefined: there are not enough open files for even the first ones. */
export const rtcpFor = (receiving: Receiving, ports: number, mostOpenFiles: number): boolean | undefined => {
  if (receiving === 'bare') return openFilesOf('sockets', ports, false) <= mostOpenFiles ? false : undefined;
  if (openFilesOf(receiving.takes, ports, true) <= mostOpenFiles) return true;
  return openFilesOf(receiving.takes, ports, false) <= mostOpenFiles ? false : undefined;
};

/** Calls that are fed from memory, no sockets: what a call costs as there are more of them. */
export const FED_CALLS = [100, 1000, 10_000] as const;
