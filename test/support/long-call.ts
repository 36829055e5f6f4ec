/** A long call of two legs as networks and clocks make it, recorded into a journal: the same for the same description. */
import { join } from 'node:path';
import type { Leg } from '../../src/core/leg.ts';
import type { RecordCallFields } from '../../src/core/record-call.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { readJournal } from '../../src/spool/journal-reader.ts';
import type { OpenRecord } from '../../src/spool/journal-record.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import type { SealKey } from '../../src/spool/seal/seal-key.ts';
import { Pipeline } from './pipeline.ts';
import { seeded } from './tones.ts';

const PCMU: WireCodec = { name: 'PCMU', clockRate: 8000, channels: 1 };
export const LONG_CALL_START_US = Date.UTC(2026, 0, 15) * 1000;
const FRAME_SAMPLES = 160;

export type LongLeg = {
  /** Parts per million by which the sender's clock is slow, by true seconds of the call. */
  readonly ppm?: (seconds: number) => number;
  /** Delay of the path in ms beyond the jitter, by seconds. */
  readonly delayMs?: (seconds: number) => number;
  readonly jitterMs?: number;
  readonly loss?: number;
  /** Whether it sends anything then. */
  readonly speaks?: (seconds: number) => boolean;
  /** Sample of its audio, by true seconds since the call began. */
  readonly says?: (seconds: number, random: () => number) => number;
  /** From when on, in seconds, its packets are of another SSRC, or codec. */
  readonly changes?: readonly { readonly atSeconds: number; readonly codec?: WireCodec }[];
};

export type LongCall = {
  readonly seed: number;
  readonly seconds: number;
  readonly legs: Readonly<Record<Leg, LongLeg>>;
  readonly fields?: RecordCallFields;
  /** In seconds; one without an end is open to the call's. */
  readonly masks?: readonly { readonly from: number; readonly to?: number }[];
};

const noise = (_: number, random: () => number): number => Math.round((random() - 0.5) * 8000);

/** @returns the path of the journal, which is closed */
export const recordLongCall = async (folder: string, call: LongCall): Promise<string> => {
  const pipeline = new Pipeline(folder);
  pipeline.call.recordFromFirstFrame({ format: 'wav', ...call.fields }, 'test');
  const random = seeded(call.seed);
  const commands = (call.masks ?? [])
    .flatMap(({ from, to }) => [
      { seconds: from, action: 'mask' as const },
      ...(to === undefined ? [] : [{ seconds: to, action: 'unmask' as const }]),
    ])
    .sort((one, other) => one.seconds - other.seconds);
  const until = async (seconds: number): Promise<void> => {
    for (let next = commands[0]; next !== undefined && next.seconds <= seconds; next = commands[0]) {
      commands.shift();
      pipeline.call.advance(LONG_CALL_START_US + next.seconds * 1e6);
      await pipeline.command(next.action);
    }
  };
  const senders = (['a', 'b'] as const).map((leg) => ({ leg, frames: framesOf(call, leg, random) }));
  const next = senders.map(({ frames }) => frames.next());
  for (let count = 0; ; count++) {
    const [a, b] = next.map(({ done, value }) => (done === true ? Number.POSITIVE_INFINITY : value.atSeconds));
    const which = a! <= b! ? 0 : 1;
    const { done, value: frame } = next[which]!;
    if (done === true) break;
    await until(frame.atSeconds);
    const { leg } = senders[which]!;
    const arrivalUs = Math.max(pipeline.call.nowUs, LONG_CALL_START_US + Math.round(frame.atSeconds * 1e6));
    pipeline.packet({ leg, ...frame.packet, arrivalUs });
    if (count % 500 === 0) await pipeline.call.drained();
    next[which] = senders[which]!.frames.next();
  }
  await until(call.seconds);
  await pipeline.call.end();
  return pipeline.closed[0]!.path;
};

type Sent = {
  readonly atSeconds: number;
  readonly packet: Omit<Parameters<Pipeline['packet']>[0], 'leg' | 'arrivalUs'>;
};

/** A leg's frames in the order in which they arrive. */
function* framesOf({ seconds, legs }: LongCall, leg: Leg, random: () => number): Generator<Sent, undefined> {
  const { ppm = () => 0, delayMs = () => 10, jitterMs = 0, loss = 0, speaks = () => true, says = noise } = legs[leg];
  const changes = legs[leg].changes ?? [];
  const waiting: Sent[] = [];
  let trueSeconds = 0;
  let sinceChange = 0;
  let changed = 0;
  for (let n = 0; trueSeconds < seconds; n++) {
    const change = changes[changed];
    if (change !== undefined && trueSeconds >= change.atSeconds) {
      changed++;
      sinceChange = n;
    }
    const codec = (changed > 0 ? changes[changed - 1]!.codec : undefined) ?? PCMU;
    const slow = 1 + ppm(trueSeconds) / 1e6;
    const pcm = Int16Array.from({ length: FRAME_SAMPLES }, (_, i) => says(trueSeconds + (i / 8000) * slow, random));
    trueSeconds += 0.02 * slow;
    const late = (delayMs(trueSeconds) + random() * jitterMs) / 1000;
    const isSent = speaks(trueSeconds) && !(n > 0 && random() < loss);
    if (!isSent) continue;
    const bytes = codec.name === 'L16' ? l16(pcm, codec.clockRate) : ulaw(pcm);
    const since = n - sinceChange;
    waiting.push({
      atSeconds: trueSeconds + late,
      packet: {
        ssrc: (leg === 'a' ? 100 : 200) + changed,
        sequence: since & 0xffff,
        timestamp: 1000 + since * ((FRAME_SAMPLES * codec.clockRate) / 8000),
        codec,
        bytes,
      },
    });
    waiting.sort((one, other) => one.atSeconds - other.atSeconds);
    // What is sent later arrives later than this.
    while (waiting.length > 0 && waiting[0]!.atSeconds <= trueSeconds) yield waiting.shift()!;
  }
  yield* waiting;
  return undefined;
}

const ulaw = (pcm: Int16Array): Buffer => {
  const bytes = Buffer.alloc(pcm.length);
  encodeUlaw(pcm, bytes);
  return bytes;
};

const l16 = (pcm: Int16Array, rate: number): Buffer =>
  Buffer.from(
    Int16Array.from({ length: (pcm.length * rate) / 8000 }, (_, i) => pcm[((i * 8000) / rate) | 0]!).buffer,
  ).swap16();

/** The same journal, sealed in segments of so many records. */
export const sealedCopy = async (from: string, to: string, key: SealKey, every: () => number): Promise<void> => {
  let journal: JournalWriter | undefined;
  let left = every();
  for (const record of readJournal(from)) {
    if (record.kind === 'open') journal = new JournalWriter(to, record.open as OpenRecord, { key });
    else if (record.kind === 'frame') {
      const { track, arrivalUs, ticks, payload } = record.frame;
      journal!.frame(track, arrivalUs, ticks, payload, 0, payload.length);
    } else journal!.note(record.kind, (record as never)[record.kind]);
    if (--left > 0) continue;
    left = every();
    journal!.flush();
    await journal!.drained();
  }
  await journal!.close();
};

/** A new folder's name in another. */
export const folderIn = (folder: string, name: string | number): string => join(folder, String(name));
