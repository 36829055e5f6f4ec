/** What a receiver's process is asked to be, and what it tells. Types only. */
import type { RoleUse } from '../live/thread-use.ts';

export type ReceiverJob = {
  readonly receiver: 'native' | 'node:dgram';
  /** `sockets`: each packet to its RtpEndpoint and on to a leg that counts it. `calls`: two legs to a call that writes its journal, sealed. */
  readonly takes: 'sockets' | 'calls';
  readonly ports: number;
  readonly receiveBufferBytes: number;
  /** Share of the calls, each masked or unmasked every second. */
  readonly toggledShare: number;
  /** Whether a leg's second port, which hears hardly anything, is bound too. */
  readonly hasRtcp: boolean;
  /** Empty, its own. */
  readonly folder: string;
};

/** When it listens. */
export type Listening = { readonly ports: readonly number[] };

/** Since its start, whenever it is asked; a bare sink tells the first two. */
export type Counted = {
  readonly packets: number;
  readonly cpuSeconds: number;
  /** Resident, and before there was a socket or a call. */
  readonly memoryBytes?: number;
  readonly memoryBeforeBytes?: number;
  /** ms from asking for a mask or its end to its being durable, in the order of asking. */
  readonly maskAnswersMs?: readonly number[];
  /** Of these, those that were answered by an error. */
  readonly masksRefused?: number;
  readonly journalBytes?: number;
  /** CPU time of each kind of thread; null where nobody can tell. */
  readonly threads?: readonly RoleUse[] | null;
};
