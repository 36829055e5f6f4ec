/** Whether what the service has recorded is what was sent: every recording's state, and of some, packet by packet, the manifest. */
import { LEGS } from '../../../src/core/leg.ts';
import type { RecordingDocument } from '../../../src/http/service.ts';
import type { LiveService } from '../live/live-service.ts';

export type ExpectedRecordings = {
  readonly recordings: number;
  /** Names of the calls that have said everything. */
  readonly wholeCalls: ReadonlySet<string>;
  /** Of each leg of these. */
  readonly packets: number;
};

/** Manifests that are read, spread over all. */
const MOST_READ = 40;

/** @returns one sentence for each thing that is wrong */
export const recordingFaults = async (
  service: LiveService,
  recordings: readonly RecordingDocument[],
  { recordings: count, wholeCalls, packets }: ExpectedRecordings,
): Promise<string[]> => {
  const faults: string[] = [];
  if (recordings.length !== count) faults.push(`${recordings.length} recordings, not ${count}`);
  // A call that was cut before its first packet has nothing to keep.
  for (const { call_id, state } of recordings)
    if (state !== 'stored' && wholeCalls.has(call_id)) faults.push(`${call_id} is ${state}`);
  const whole = recordings.filter(({ call_id, state }) => state === 'stored' && wholeCalls.has(call_id));
  if (whole.length === 0) faults.push('no whole call is stored');
  const step = Math.max(1, Math.floor(whole.length / MOST_READ));
  for (let at = 0; at < whole.length; at += step) {
    const { id, call_id } = whole[at];
    const { legs, recovered } = await service.manifest(id);
    if (recovered) faults.push(`${call_id}: its journal was cut`);
    for (const leg of LEGS) {
      const { received, lost, unusable } = legs[leg].packets;
      if (received !== packets || lost + unusable > 0)
        faults.push(`${call_id}: leg ${leg} has ${received} packets of ${packets}, ${lost} lost, ${unusable} unusable`);
    }
  }
  return faults;
};
