/** One receiver under one load, once: warmed up, then measured while the sender goes on, then asked what came. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runChild } from '../child.ts';
import { droppedByPort } from '../live/kernel-drops.ts';
import { type RoleUse, rolesBetween } from '../live/thread-use.ts';
import type { Measure } from '../trial.ts';
import { burstOf, keptPace, type Load, packetsPerSecond, type Sent } from './load.ts';
import type { Counted, ReceiverJob } from './receiver-job.ts';
import { onCore, ReceiverProgram } from './receiver-program.ts';
import { coresFor, type Tools } from './tools.ts';

const RECEIVER = fileURLToPath(new URL('./receiver-process.ts', import.meta.url));
const SENDER = fileURLToPath(new URL('./sender-process.ts', import.meta.url));

/** What our receiver does too (`native-receiver.ts`). */
const GATHER_US = 5000;
/** What is on its way when the sender has ended has been read by then by a receiver that keeps up. */
const SETTLE_MS = 250;
/** What has not come when the count has stood still for a while, or at last, is lost. */
const STILL_MS = 300;
const MOST_WAIT_MS = 5000;
/** An answer takes no longer from one that keeps up: one stall is no sign. */
const MOST_UNHEARD_MS = 400;

/** What receives: a bare sink, or one of ours. */
export type Receiving = Pick<ReceiverJob, 'receiver' | 'takes' | 'toggledShare'> | 'bare';

/** `work` is packets, over `seconds`; `peakBytes` the memory at the end. */
export type IngestRun = Measure & {
  readonly sent: number;
  readonly lost: number;
  /** Not read yet when the sender had ended a moment ago, lost or not. */
  readonly behind: number;
  /** Of the lost, what the kernel threw away. */
  readonly kernelDropped: number | null;
  readonly lateMs: number;
  readonly hasKeptPace: boolean;
  readonly hasRtcp: boolean;
  /** What all calls or sockets together have added. */
  readonly grownBytes: number | null;
  readonly maskAnswersMs: readonly number[];
  /** Masks and their ends that were answered by an error, those of the warming up too. */
  readonly masksRefused: number;
  /** What each kind of its threads took, most first; empty where nobody can tell. */
  readonly threads: readonly RoleUse[];
  readonly journalBytesPerSecond: number | null;
};

export type IngestPlan = {
  readonly receiving: Receiving;
  readonly load: Load;
  readonly hasRtcp: boolean;
  readonly receiveBufferBytes: number;
  readonly warmSeconds: number;
  readonly seconds: number;
};

export type IngestPlace = { readonly tools: Tools; readonly folder: string; readonly signal: AbortSignal };

/** @throws Error when a process fails */
export const runIngest = async (plan: IngestPlan, { tools, folder, signal }: IngestPlace): Promise<IngestRun> => {
  await mkdir(folder, { mode: 0o700, recursive: true });
  const cores = coresFor(tools);
  const receiver = await ReceiverProgram.start(onCore(cores.receiver, receiverCommand(plan, tools, folder)), signal);
  try {
    const portsFile = join(folder, 'ports');
    await writeFile(portsFile, receiver.ports.join('\n'));
    const { load, warmSeconds, seconds } = plan;
    const total = warmSeconds + seconds;
    const sender = tools.sender === undefined ? [process.execPath, '--import', 'tsx', SENDER] : [tools.sender];
    const words = [portsFile, load.perSecond, burstOf(load), total].map(String);
    const [program = '', ...args] = onCore(cores.sender, [...sender, ...words]);
    const sending = runChild(program, args, {}, signal);
    sending.catch(() => {});
    await sleep(1000 * warmSeconds, undefined, { signal });
    const askedAt = performance.now();
    const [before, beganAt] = [await receiver.count(), performance.now()];
    const sent = JSON.parse((await sending).stdout) as Sent;
    await sleep(SETTLE_MS, undefined, { signal });
    const endedAt = performance.now();
    const atEnd = await receiver.count();
    const tookMs = performance.now() - beganAt;
    // One that has no turn for a question has datagrams waiting, and answers when it has read them.
    const unheardMs = Math.max(beganAt - askedAt, beganAt + tookMs - endedAt);
    const after = await settled(receiver, atEnd, sent.sent, signal);
    const drops = droppedByPort();
    const unread = unheardMs > MOST_UNHEARD_MS ? Math.round((unheardMs / 1000) * packetsPerSecond(load)) : 0;
    const behind = Math.max(sent.sent - atEnd.packets, unread);
    return result(plan, { before, after, behind, sent, drops, ports: receiver.ports, tookMs });
  } finally {
    await receiver.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

const settled = async (
  receiver: ReceiverProgram,
  counted: Counted,
  sent: number,
  signal: AbortSignal,
): Promise<Counted> => {
  const untilMs = performance.now() + MOST_WAIT_MS;
  for (let last = counted; last.packets < sent; ) {
    await sleep(STILL_MS, undefined, { signal });
    const next = await receiver.count();
    if (next.packets === last.packets || performance.now() > untilMs) return next;
    last = next;
    counted = next;
  }
  return counted;
};

const receiverCommand = (
  { receiving, load: { ports }, hasRtcp, receiveBufferBytes }: IngestPlan,
  { sink }: Tools,
  folder: string,
): readonly string[] => {
  if (receiving === 'bare') {
    if (sink === undefined) throw new Error('there is no bare sink');
    return [sink, '127.0.0.1', String(ports), String(GATHER_US), String(receiveBufferBytes)];
  }
  const job: ReceiverJob = { ...receiving, ports, hasRtcp, receiveBufferBytes, folder };
  return [process.execPath, '--import', 'tsx', RECEIVER, JSON.stringify(job)];
};

const result = (
  { load, hasRtcp, warmSeconds, seconds }: IngestPlan,
  told: {
    readonly before: Counted;
    readonly after: Counted;
    readonly behind: number;
    readonly sent: Sent;
    readonly drops: ReadonlyMap<number, number> | null;
    readonly ports: readonly number[];
    readonly tookMs: number;
  },
): IngestRun => {
  const { before, after, behind, sent, drops, ports, tookMs } = told;
  const { memoryBytes, memoryBeforeBytes, journalBytes, maskAnswersMs = [], masksRefused = 0 } = after;
  const tookSeconds = tookMs / 1000;
  if (behind === 0 && !(after.packets > before.packets))
    throw new Error(`nothing was taken in while it was measured, of ${sent.sent} packets in all`);
  return {
    work: after.packets - before.packets,
    seconds: tookSeconds,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakBytes: memoryBytes ?? null,
    sent: sent.sent,
    lost: sent.sent - after.packets,
    behind,
    kernelDropped: drops === null ? null : ports.reduce((sum, port) => sum + (drops.get(port) ?? 0), 0),
    lateMs: sent.lateMs,
    hasKeptPace: keptPace(sent, Math.max(warmSeconds + seconds, 1 / load.perSecond)),
    hasRtcp,
    grownBytes: memoryBytes === undefined || memoryBeforeBytes === undefined ? null : memoryBytes - memoryBeforeBytes,
    // Those of the warming up are first.
    maskAnswersMs: maskAnswersMs.slice(before.maskAnswersMs?.length ?? 0),
    masksRefused,
    threads: rolesBetween(before.threads ?? [], after.threads ?? []),
    journalBytesPerSecond:
      journalBytes === undefined ? null : (journalBytes - (before.journalBytes ?? 0)) / tookSeconds,
  };
};
