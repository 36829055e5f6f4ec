/**
 * Speaks for all legs of a service's life, in real time over loopback, each frame when its last sample is captured. A machine that is late sends
 * what is due at once, as a network does after a stall, and notes how late it was.
 */
import type { Socket } from 'node:dgram';
import { systemClock } from '../../src/core/clock.ts';
import { LEGS, type Leg } from '../../src/core/leg.ts';
import { CARD_DIGITS, FRAME_MS, SECRET, SECRET_HZ } from '../support/live-call.ts';
import { sendTo } from '../support/live-sender.ts';
import { rtpPacket, telephoneEvent } from '../support/rtp-stream.ts';
import type { VoiceCodec } from './voices.ts';
import { payloadOf } from './voices.ts';

const FRAME_US = FRAME_MS * 1000;
const LOOK_MS = 5;

export type Voice = { readonly codec: VoiceCodec; readonly hz: number; readonly port: number };

export class Speaker {
  readonly startUs = systemClock.now();
  /** What is said from then on is secret; infinite: nothing is. */
  secretFromUs = Number.POSITIVE_INFINITY;
  /** How late a frame left, at most. */
  lateMs = 0;
  readonly #socket: Socket;
  readonly #voices: Readonly<Record<Leg, Voice>>;
  readonly #ssrc: number;
  #frame = 0;
  #secretFrames = 0;

  constructor(socket: Socket, voices: Readonly<Record<Leg, Voice>>, ssrc: number) {
    this.#socket = socket;
    this.#voices = voices;
    this.#ssrc = ssrc;
  }

  /** Until when all was said. */
  get saidUs(): number {
    return this.startUs + this.#frame * FRAME_US;
  }

  /** Sends what is due. */
  speak(): void {
    for (let endUs = this.saidUs + FRAME_US; endUs <= systemClock.now(); endUs += FRAME_US) {
      this.lateMs = Math.max(this.lateMs, (systemClock.now() - endUs) / 1000);
      const isSecret = endUs - FRAME_US >= this.secretFromUs;
      if (isSecret) this.#secretFrames++;
      for (const leg of LEGS) this.#say(leg, isSecret);
      this.#frame++;
    }
  }

  /** Says no more of the secret: what is due of it leaves now. */
  endSecret(): void {
    this.speak();
    this.secretFromUs = Number.POSITIVE_INFINITY;
  }

  #say(leg: Leg, isSecret: boolean): void {
    const { codec, hz, port } = this.#voices[leg];
    const frame = this.#frame;
    const at = { sequence: frame & 0xffff, timestamp: frame * codec.ticks, ssrc: this.#ssrc + LEGS.indexOf(leg) };
    // Every fourth secret frame of one leg is a key instead.
    const typed = isSecret && leg === 'b' && this.#secretFrames % 4 === 0;
    const payload = isSecret ? payloadOf(codec, SECRET_HZ[leg], frame, SECRET) : payloadOf(codec, hz, frame);
    const packet = typed
      ? { ...at, payloadType: 101, payload: keyOf(this.#secretFrames / 4), marker: true }
      : { ...at, payloadType: codec.payloadType, payload };
    sendTo(this.#socket, port, rtpPacket(packet));
  }
}

const keyOf = (index: number): Uint8Array =>
  telephoneEvent({ digit: CARD_DIGITS[index % CARD_DIGITS.length], durationMs: FRAME_MS, timestamp: 0 })[0].payload;

export class Speakers {
  readonly socket: Socket;
  readonly #all = new Set<Speaker>();
  readonly #timer: NodeJS.Timeout;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#timer = setInterval(() => {
      for (const speaker of this.#all) speaker.speak();
    }, LOOK_MS);
  }

  begin(speaker: Speaker): void {
    this.#all.add(speaker);
  }

  end(speaker: Speaker): void {
    speaker.speak();
    this.#all.delete(speaker);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#all.clear();
  }
}
