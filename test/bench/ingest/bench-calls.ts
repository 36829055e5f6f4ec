/** The live calls of the service, without HTTP, store and finalizer: as `app/serve.ts` wires them, each with a sealed journal. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { LiveCalls } from '../../../src/app/live/live-calls.ts';
import type { LiveCallsOptions } from '../../../src/app/live/live-options.ts';
import type { SealKey } from '../../../src/spool/seal/seal-key.ts';
import { built } from '../loops/built.ts';

export const ACCOUNT = 'bench';
/** As the service has it (`app/serve.ts`), but for its number: no port rests here. */
const PORTS = { first: 16_000, last: 65_000 };
const MOST_CALLS = 20_000;
const NOBODY = { userId: null, deviceId: null, name: '', number: '' };

/** @param folder of the journals. @param more what is given by whoever measures: receiver, clock, and what stands for sockets and timers */
export const benchCalls = async (
  folder: string,
  more: Pick<LiveCallsOptions, 'receiver' | 'clock' | 'receiveBufferBytes'> & Partial<LiveCallsOptions>,
): Promise<LiveCalls> => {
  const { LiveCalls } = await built('app/live/live-calls');
  const { PortPool } = await built('ingest/rtp/port-pool');
  const { journalsOf } = await built('app/sealed-journals');
  const { newSealKey } = await built('spool/seal/seal-key');
  const vault = { create: (): SealKey => newSealKey(randomBytes), durable: () => Promise.resolve() };
  const journals = join(folder, 'journals');
  mkdirSync(join(journals, ACCOUNT), { recursive: true });
  return new LiveCalls({
    lookUp: async (_, { record_call: fields = {} }) => ({
      parties: { a: NOBODY, b: NOBODY },
      metaflows: {},
      starts: [{ fields, startedBy: 'announcement', ownerId: null }],
    }),
    ports: new PortPool(PORTS, { quietMs: 0 }),
    random: randomBytes,
    rtpHost: '127.0.0.1',
    bindHost: '127.0.0.1',
    journals,
    openJournal: (accountId) => journalsOf(vault, accountId),
    limits: { calls: MOST_CALLS, callsPerAccount: MOST_CALLS, legSilentSec: 60, callIdleSec: 120 },
    events: { publish: () => {} },
    audit: { note: () => {} },
    admit: () => undefined,
    onDefect: (error) => {
      throw error;
    },
    onStarted: () => {},
    onFailed: (_, failure) => {
      throw failure;
    },
    onClosed: () => {},
    ...more,
  });
};

export const callName = (call: number): string => `call-${call}`;

export const announceCall = async (calls: LiveCalls, call: number): Promise<void> => {
  const record_call = { format: 'wav', media_name: `${callName(call)}.wav` } as const;
  await calls.announce(ACCOUNT, { call_id: callName(call), media: { kind: 'rtp' }, record_call });
};

/** On disk so far. */
export const journalBytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
