/** A call of speech up to its hang-up: packets through a `Call`, as fast as they are taken, into a journal sealed as the service's are. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Call } from '../../../src/call/call.ts';
import { blankPacket } from '../../../src/call/intake.ts';
import { LEGS } from '../../../src/core/leg.ts';
import { wireCodecOf } from '../../../src/ingest/sip/sdp.ts';
import { decodeUlaw } from '../../../src/kernel/g711.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';
import type { SealKey } from '../../../src/spool/seal/seal-key.ts';
import { G722Encoder } from '../../support/g722-encoder.ts';
import type { Sound } from '../trial.ts';
import { FRAME_SAMPLES, sampleVoices, type Voices } from '../voice.ts';
import { built } from './built.ts';

export type LiveJournal = {
  readonly call: Call;
  readonly journalPath: string;
  readonly journalKey: SealKey;
  /** Resolves when the journal is durable; rejects when it isn't. */
  readonly closed: Promise<void>;
};

const FRAME_US = 20_000;
const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1e3;
/** As a replay's turns are; and so often what was written is waited for. */
const TURN_FRAMES = 512;

export type LiveJournalPlan = {
  /** Of the call. */
  readonly seconds: number;
  /** 16 kHz is G.722, else it is PCMU. */
  readonly sound: Sound;
  readonly format: 'wav' | 'mp3';
  /** Waited for shortly before the hang-up, when all before is on disk. */
  readonly beforeLast?: (journal: Pick<LiveJournal, 'journalPath' | 'journalKey'>) => Promise<void>;
};

/** How long before the hang-up: what a follower of the journal may not have seen yet. */
const LAST_US = 2_000_000;

export const liveJournal = async (
  { seconds, sound, format, beforeLast }: LiveJournalPlan,
  folder: string,
): Promise<LiveJournal> => {
  const { Call } = await built('call/call');
  const { JournalWriter } = await built('spool/journal-writer');
  const { newSealKey } = await built('spool/seal/seal-key');
  const { codec, frames } = await spoken(sound);
  const journalKey = newSealKey(randomBytes);
  let journalPath = '';
  const closing = withResolvers();
  const parties = { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' };
  const call = new Call({
    startUs: START_US,
    identity: { callId: 'bench', parties },
    journalPath: (id) => join(folder, `${id}.journal`),
    openJournal: (path, head) => {
      journalPath = path;
      return new JournalWriter(path, head, { key: journalKey });
    },
    random: randomBytes,
    listener: {
      onClosed: (_, failure) => (failure === undefined ? closing.resolve() : closing.reject(failure)),
    },
  });
  const channels = sound.channels === 2 ? 'stereo' : 'mono';
  call.recordFromFirstFrame({ format, channels, time_limit: Math.ceil(seconds) + 60 }, 'bench');
  const packets = { a: blankPacket('a'), b: blankPacket('b') };
  const bytes = Buffer.alloc(FRAME_SAMPLES);
  const flushed = async (): Promise<void> => {
    for (const recorder of call.recorders) recorder.flush();
    await call.drained();
  };
  const frameCount = Math.round((seconds * 1e6) / FRAME_US);
  for (let frame = 0; frame < frameCount; frame++) {
    if (beforeLast !== undefined && frame === frameCount - LAST_US / FRAME_US) {
      await flushed();
      await beforeLast({ journalPath, journalKey });
    }
    for (const leg of LEGS) {
      const packet = packets[leg];
      // What is masked is zeroed where it lies.
      bytes.set(frames[leg][frame % frames[leg].length]);
      packet.ssrc = leg === 'a' ? 0xa : 0xb;
      packet.sequence = frame & 0xffff;
      // G.722 counts as if it were 8 kHz (RFC 3551 §4.5.2).
      packet.timestamp = (frame * FRAME_SAMPLES) % 2 ** 32;
      packet.arrivalUs = START_US + frame * FRAME_US;
      packet.codec = codec;
      packet.bytes = bytes;
      packet.start = 0;
      packet.end = bytes.length;
      call.packet(packet);
    }
    if (frame % TURN_FRAMES === 0) {
      await turn();
      await call.drained();
    }
  }
  await flushed();
  return { call, journalPath, journalKey, closed: closing.promise };
};

const spoken = async ({ rate }: Sound): Promise<{ codec: WireCodec; frames: Voices }> => {
  const voices = await sampleVoices();
  if (rate === 8000) return { codec: wireCodecOf('PCMU', 8000, 1)!, frames: voices };
  return { codec: wireCodecOf('G722', 8000, 1)!, frames: { a: asG722(voices.a), b: asG722(voices.b) } };
};

/** Two frames of speech become one, twice as fast. */
const asG722 = (frames: readonly Uint8Array[]): Uint8Array[] => {
  const encoder = new G722Encoder();
  const pcm = new Int16Array(2 * FRAME_SAMPLES);
  return Array.from({ length: frames.length >> 1 }, (_, pair) => {
    decodeUlaw(frames[2 * pair], pcm.subarray(0, FRAME_SAMPLES));
    decodeUlaw(frames[2 * pair + 1], pcm.subarray(FRAME_SAMPLES));
    return Uint8Array.from(encoder.encode(pcm));
  });
};

type Resolvers = { readonly promise: Promise<void>; resolve(): void; reject(error: unknown): void };

const withResolvers = (): Resolvers => {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
};
