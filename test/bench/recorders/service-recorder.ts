/** Ours: the service as it ships, one for all calls. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallDocument, RecordingDocument } from '../../../src/http/service.ts';
import { LEG_PACKETS_PER_SECOND } from '../ingest/load.ts';
import { LiveService } from '../live/live-service.ts';
import { usedBetween } from '../live/thread-use.ts';
import { recordingFaults } from '../pipeline/recording-faults.ts';
import type { CallPorts, CallRecorder, Finished } from './recorder.ts';
import { SERVICE_NAME } from './recorders-result.ts';

const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 60_000;

/** A service has been up for longer than a call: before what is measured it has recorded as many others. */
const WARM_SECONDS = 2;

export const serviceRecorder = (makes: 'wav' | 'mp3'): CallRecorder => ({
  name: SERVICE_NAME,
  makes,
  start: async ({ calls, seconds, folder, speak, signal }) => {
    const service = await LiveService.start(join(folder, 'data'), signal, { calls });
    const announce = async (names: readonly string[]): Promise<CallPorts[]> => {
      const ports: CallPorts[] = [];
      for (const name of names) {
        const record_call = { format: makes, media_name: `${name}.${makes}` };
        const call = { call_id: name, media: { kind: 'rtp' }, record_call };
        const { legs } = await service.ask<CallDocument>('PUT', 'calls', call);
        ports.push({ a: legs.a.rtp!.port, b: legs.b.rtp!.port });
      }
      return ports;
    };
    const hangUp = async (names: readonly string[], recordings: number): Promise<readonly RecordingDocument[]> => {
      for (const name of names) await service.ask('DELETE', `calls/${name}`);
      return await allStored(service, recordings, signal);
    };
    const namesOf = (what: string): string[] => Array.from({ length: calls }, (_, call) => `${what}-${call}`);
    try {
      const warming = namesOf('warm');
      await speak(await announce(warming), WARM_SECONDS);
      await hangUp(warming, calls);
      const names = namesOf('call');
      const ports = await announce(names);
      const before = service.use;
      const finish = async (): Promise<Finished> => {
        const recordings = await hangUp(names, 2 * calls);
        return {
          cpuSeconds: usedBetween(before, service.use)?.cpuSeconds ?? null,
          faults: await recordingFaults(service, recordings, {
            ...{ recordings: 2 * calls, wholeCalls: new Set(names), packets: seconds * LEG_PACKETS_PER_SECOND },
          }),
        };
      };
      return { ports, finish, stop: () => service.stop() };
    } catch (error) {
      await service.stop();
      throw error;
    }
  },
});

const allStored = async (
  service: LiveService,
  calls: number,
  signal: AbortSignal,
): Promise<readonly RecordingDocument[]> => {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const recordings = await service.ask<RecordingDocument[]>('GET', 'recordings?paginate=false');
    const stored = recordings.filter(({ state }) => state === 'stored').length;
    if (stored >= calls || performance.now() > untilMs) return recordings;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
};
