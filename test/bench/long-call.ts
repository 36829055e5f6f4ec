/**
 * Writes a long two-leg PCMU call as a capture, and beside it the same speech as PCM for programs that read no captures. Streams to
 * disk: memory does not grow with the call. Without signalling; packets are delayed by up to 3 ms, none is lost.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { ALICE, BOB, DEFAULT_START_US } from '../support/call-scenario.ts';
import { LINK_TYPES, pcapFile, udpPacket } from '../support/pcap-file.ts';
import { rtpPacket } from '../support/rtp-stream.ts';
import { seeded } from '../support/tones.ts';
import { FRAME_MS, FRAME_SAMPLES, type Voices } from './voice.ts';

const RECORD_HEAD_BYTES = 16;
const UDP_HEADER_AT = 34;
const RTP_HEADER_AT = 42;
const PAYLOAD_AT = 54;
const JITTER_US = 3000;
const BUFFER_BYTES = 1 << 20;

export type LongCall = {
  readonly minutes: number;
  /** How much slower leg b's clock is than leg a's, parts per million. */
  readonly driftPpm: number;
};

/** @param pcmPath s16le, left leg a, right leg b; none when undefined. @returns packets written. */
export const writeLongCall = async (
  { minutes, driftPpm }: LongCall,
  voices: Voices,
  capturePath: string,
  pcmPath: string | undefined,
  signal: AbortSignal,
): Promise<number> => {
  const capture = await Sink.create(capturePath);
  const pcm = pcmPath === undefined ? undefined : await Sink.create(pcmPath);
  try {
    await capture.append(pcapFile([], { linkType: LINK_TYPES.ethernet }));
    const a = new Sender(voices.a, 'a', 0);
    const b = new Sender(voices.b, 'b', driftPpm);
    const frames = (minutes * 60_000) / FRAME_MS;
    for (let frame = 0; frame < frames; frame++) {
      signal.throwIfAborted();
      a.next(frame);
      b.next(frame);
      // Leg a's first packet opens the call: without signalling that makes it leg a.
      const [first, second] = a.atUs <= b.atUs || frame === 0 ? [a, b] : [b, a];
      await capture.append(first.record);
      await capture.append(second.record);
      await pcm?.append(interleaved(a.payload, b.payload));
    }
    return 2 * frames;
  } finally {
    await capture.close();
    await pcm?.close();
  }
};

/** One leg's packets, one buffer for all of them. */
class Sender {
  readonly record: Buffer;
  payload: Uint8Array;
  atUs = 0;
  readonly #frames: readonly Uint8Array[];
  readonly #stretch: number;
  readonly #random: () => number;

  constructor(frames: readonly Uint8Array[], leg: 'a' | 'b', driftPpm: number) {
    const [from, to] = leg === 'a' ? [ALICE, BOB] : [BOB, ALICE];
    const rtp = rtpPacket({
      payloadType: 0,
      sequence: 0,
      timestamp: 0,
      ssrc: leg === 'a' ? 0xa1 : 0xb2,
      payload: frames[0],
    });
    const path = { source: from.host, sourcePort: from.rtpPort, target: to.host, targetPort: to.rtpPort };
    const packet = udpPacket({ ...path, payload: rtp });
    packet.writeUInt16BE(0, UDP_HEADER_AT + 6); // No checksum (RFC 768): it would have to follow every change below.
    this.record = Buffer.concat([Buffer.alloc(RECORD_HEAD_BYTES), packet]);
    this.record.writeUInt32LE(packet.length, 8);
    this.record.writeUInt32LE(packet.length, 12);
    this.payload = frames[0];
    this.#frames = frames;
    this.#stretch = 1 + driftPpm / 1e6;
    this.#random = seeded(leg === 'a' ? 1 : 2);
  }

  next(frame: number): void {
    const { record } = this;
    const rtp = RECORD_HEAD_BYTES + RTP_HEADER_AT;
    this.payload = this.#frames[frame % this.#frames.length];
    const delayUs = frame === 0 ? 0 : this.#random() * JITTER_US;
    this.atUs = Math.round(DEFAULT_START_US + frame * FRAME_MS * 1000 * this.#stretch + delayUs);
    record.writeUInt32LE(Math.floor(this.atUs / 1e6), 0);
    record.writeUInt32LE(this.atUs % 1e6, 4);
    record.writeUInt16BE(frame & 0xffff, rtp + 2);
    record.writeUInt32BE((frame * FRAME_SAMPLES) % 2 ** 32, rtp + 4);
    record.set(this.payload, RECORD_HEAD_BYTES + PAYLOAD_AT);
  }
}

const left = new Int16Array(FRAME_SAMPLES);
const right = new Int16Array(FRAME_SAMPLES);
const both = Buffer.alloc(4 * FRAME_SAMPLES);

const interleaved = (a: Uint8Array, b: Uint8Array): Buffer => {
  decodeUlaw(a, left);
  decodeUlaw(b, right);
  for (let i = 0; i < FRAME_SAMPLES; i++) {
    both.writeInt16LE(left[i], 4 * i);
    both.writeInt16LE(right[i], 4 * i + 2);
  }
  return both;
};

/** A file that is appended to through a buffer. */
class Sink {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<Sink> {
    return new Sink(await open(path, 'wx', 0o600));
  }

  /** Copies `bytes`, which are fewer than the buffer holds; a promise only when the disk is asked. */
  append(bytes: Uint8Array): Promise<void> | undefined {
    const written = this.#used + bytes.length > BUFFER_BYTES ? this.#flush() : undefined;
    if (written !== undefined) return written.then(() => this.#put(bytes));
    this.#put(bytes);
    return undefined;
  }

  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  #put(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  async #flush(): Promise<void> {
    for (let at = 0; at < this.#used; ) at += (await this.#file.write(this.#buffer, at, this.#used - at)).bytesWritten;
    this.#used = 0;
  }
}
