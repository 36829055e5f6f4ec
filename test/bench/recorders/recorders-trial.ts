/** The same calls, one after the other, into each recorder that the machine has: what a recorded minute of a call costs it. */
import { mkdir, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEG_PACKETS_PER_SECOND } from '../ingest/load.ts';
import { coresFor, type Tools } from '../ingest/tools.ts';
import type { Peers } from '../peers.ts';
import { CallSender, writeVoices } from '../pipeline/call-sender.ts';
import { ffmpegRecorder } from './ffmpeg-recorder.ts';
import { gstreamerRecorder } from './gstreamer-recorder.ts';
import type { CallPorts, CallRecorder } from './recorder.ts';
import {
  PEERS_NAME,
  type RecorderLine,
  type RecordersResult,
  type RecordersSize,
  recordersSize,
} from './recorders-result.ts';
import { rtpengineRecorder } from './rtpengine-recorder.ts';
import { serviceRecorder } from './service-recorder.ts';

export const RECORDERS: readonly CallRecorder[] = [
  ...(['wav', 'mp3'] as const).flatMap((makes) => [
    serviceRecorder(makes),
    ffmpegRecorder(makes),
    gstreamerRecorder(makes),
  ]),
  rtpengineRecorder,
];

const SETTLE_MS = 300;

export type RecordersWanted = {
  readonly quick: boolean;
  readonly peers: Peers;
  /** A path that isn't made yet, another each time. */
  readonly newFolder: () => string;
};

export const runRecorders = async (
  { quick, peers, newFolder }: RecordersWanted,
  tools: Tools,
  signal: AbortSignal,
  progress: (what: string) => void,
): Promise<RecordersResult> => {
  const size = recordersSize(quick);
  const lines: RecorderLine[] = [];
  const skipped: { what: string; why: string }[] = [];
  const failed: { what: string; why: string }[] = [];
  const program = tools.callSender;
  if (program === undefined) {
    skipped.push({ what: PEERS_NAME, why: tools.why ?? 'the sender was not built' });
    return { ...size, lines, skipped, failed };
  }
  const voiceFile = `${newFolder()}.voice`;
  await writeVoices(voiceFile);
  if (quick) skipped.push({ what: `${PEERS_NAME} to mp3`, why: '--quick' });
  for (const recorder of RECORDERS.filter(({ makes }) => !quick || makes !== 'mp3')) {
    const { name, makes, needs } = recorder;
    if (needs !== undefined && !peers.has.has(needs)) {
      skipped.push({ what: `${name}, ${makes}`, why: `this machine has no ${needs}` });
      continue;
    }
    progress(`${PEERS_NAME}: ${name}, ${makes}`);
    const folder = newFolder();
    const sender = new CallSender({ program, voiceFile, burst: 1, core: coresFor(tools).sender }, signal);
    try {
      lines.push(await record(recorder, size, { sender, folder, signal }));
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ what: `${name}, ${makes}`, why: error instanceof Error ? error.message : String(error) });
    } finally {
      await sender.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return { ...size, lines, skipped, failed };
};

const record = async (
  recorder: CallRecorder,
  { calls, seconds }: RecordersSize,
  { sender, folder, signal }: { readonly sender: CallSender; readonly folder: string; readonly signal: AbortSignal },
): Promise<RecorderLine> => {
  await mkdir(folder, { mode: 0o700 });
  const speak = async (ports: readonly CallPorts[], length: number): Promise<void> => {
    for (const port of ports.flatMap(({ a, b }) => [a, b])) sender.begin(port, length * LEG_PACKETS_PER_SECOND);
    await sleep(1000 * length + SETTLE_MS, undefined, { signal });
    const { legs } = await sender.count();
    if (legs > 0) throw new Error(`the sender is late: ${legs} legs are not at their end`);
  };
  const recording = await recorder.start({ calls, seconds, folder, speak, signal });
  try {
    await speak(recording.ports, seconds);
    const { cpuSeconds, faults } = await recording.finish();
    const { lateMs } = await sender.count();
    return {
      ...{ name: recorder.name, makes: recorder.makes, cpuSeconds, callMinutes: (calls * seconds) / 60 },
      ...{ lateMs, faults },
    };
  } finally {
    await recording.stop();
  }
};
