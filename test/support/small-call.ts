/** A short call of two tones, 400 Hz by the caller and 1000 Hz by the callee, as the captures that most command line tests replay. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CallScenario, callCapture } from './call-scenario.ts';

export const CALLER_HZ = 400;
export const CALLEE_HZ = 1000;
export const SMALL_CALL_MS = 4000;

/** @param change what is otherwise; legs are merged one by one. */
export const smallCall = (
  change: Partial<Omit<CallScenario, 'legs'>> & { readonly legs?: Partial<CallScenario['legs']> } = {},
): CallScenario => {
  const durationMs = change.durationMs ?? SMALL_CALL_MS;
  const tones = (hz: number) => ({ tones: [{ hz, startMs: 0, endMs: durationMs }] });
  return {
    sip: true,
    ...change,
    durationMs,
    legs: { a: { ...tones(CALLER_HZ), ...change.legs?.a }, b: { ...tones(CALLEE_HZ), ...change.legs?.b } },
  };
};

/** Writes the capture into a folder. @returns its path. */
export const writeSmallCall = (
  folder: string,
  name = 'call.pcap',
  change: Parameters<typeof smallCall>[0] = {},
): string => {
  const path = join(folder, name);
  writeFileSync(path, callCapture(smallCall(change)));
  return path;
};
