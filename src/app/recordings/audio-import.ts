/**
 * A plain audio file on a call's way through the pipeline: its samples as L16 packets of the caller's leg and, where it has two
 * channels, the callee's; from there on it is a recording like any other. Runs off the main thread.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Call } from '../../call/call.ts';
import { blankPacket, type MediaPacket } from '../../call/intake.ts';
import type { AppError } from '../../core/errors.ts';
import { LEGS } from '../../core/leg.ts';
import type { RecordCallFields } from '../../core/record-call.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { OpenJournal } from '../../spool/journal.ts';
import type { AudioSource } from './audio-source.ts';

const FRAMES_PER_SECOND = 50;
/** Bytes of journal that may wait for the disk. */
const MOST_PENDING_BYTES = 4 << 20;
const NOBODY = { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' };

export type AudioImport = {
  readonly source: AudioSource;
  readonly callId: string;
  /** When it is to have begun, µs. */
  readonly startUs: number;
  /** Folder of the journal. */
  readonly journals: string;
  /** Default: plain files. */
  readonly openJournal?: OpenJournal;
  readonly fields: RecordCallFields;
  /** Told the seconds done, now and then. */
  readonly onProgress: (seconds: number) => void;
};

/** @returns the recordings' ids: one, unless the file holds no sample. @throws what the source throws; JOURNAL_UNWRITABLE */
export const importAudio = async (job: AudioImport): Promise<string[]> => {
  const { source, startUs } = job;
  const { sampleRate, channels } = source;
  const ids: string[] = [];
  let failure: AppError | undefined;
  let hasBegun = false;
  const call = new Call({
    identity: { callId: job.callId, parties: NOBODY },
    startUs,
    journalPath: (id) => join(job.journals, `${id}.journal`),
    ...(job.openJournal === undefined ? {} : { openJournal: job.openJournal }),
    random: randomBytes,
    listener: {
      onStarted: () => {
        hasBegun = true;
      },
      onClosed: (recorder, why) => {
        ids.push(recorder.head.id);
        failure ??= why;
      },
    },
  });
  // A file is neither answered nor bridged; one channel in an artefact of two would be half a silence.
  const { record_on_answer: _, record_on_bridge: __, ...fields } = job.fields;
  call.recordFromFirstFrame({ channels: channels === 1 ? 'mono' : 'stereo', ...fields }, 'upload');
  try {
    const feed = new FrameFeed(call, sampleRate, channels, startUs);
    for await (const chunk of source.chunks) {
      feed.take(chunk);
      job.onProgress(feed.samples / sampleRate);
      if (call.pendingBytes > MOST_PENDING_BYTES) await call.drained();
      // Its time limit has ended it.
      if (hasBegun && call.recorders.length === 0) break;
    }
    feed.end();
  } finally {
    await call.end();
  }
  if (failure !== undefined) throw failure;
  return ids;
};

/** Cuts samples into frames of 20 ms and gives them to the call, each at the instant it ends. */
class FrameFeed {
  /** Of each channel, given so far. */
  samples = 0;
  readonly #call: Call;
  readonly #rate: number;
  readonly #channels: 1 | 2;
  readonly #startUs: number;
  readonly #frame: Int16Array;
  readonly #media: MediaPacket;
  readonly #bytes: Buffer;
  #held = 0;
  #sequence = 0;

  constructor(call: Call, rate: number, channels: 1 | 2, startUs: number) {
    this.#call = call;
    this.#rate = rate;
    this.#channels = channels;
    this.#startUs = startUs;
    this.#frame = new Int16Array(Math.round(rate / FRAMES_PER_SECOND) * channels);
    this.#bytes = Buffer.alloc((2 * this.#frame.length) / channels);
    const codec: WireCodec = { name: 'L16', clockRate: rate, channels: 1 };
    this.#media = blankPacket('a');
    this.#media.codec = codec;
    this.#media.bytes = this.#bytes;
  }

  take(chunk: Int16Array): void {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + this.#frame.length - this.#held);
      this.#frame.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held === this.#frame.length) this.end();
    }
  }

  /** Gives what there is of a frame. */
  end(): void {
    const count = Math.floor(this.#held / this.#channels);
    this.#held = 0;
    if (count === 0) return;
    const media = this.#media;
    media.sequence = this.#sequence++ & 0xffff;
    media.timestamp = this.samples % 2 ** 32;
    this.samples += count;
    media.arrivalUs = this.#startUs + (this.samples * 1e6) / this.#rate;
    media.end = 2 * count;
    for (let channel = 0; channel < this.#channels; channel++) {
      media.leg = LEGS[channel]!;
      media.ssrc = channel + 1;
      for (let n = 0; n < count; n++) this.#bytes.writeInt16BE(this.#frame[n * this.#channels + channel]!, 2 * n);
      this.#call.packet(media);
    }
  }
}
