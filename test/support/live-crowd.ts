/**
 * Many calls at once from one socket, cheap: every call of one kind is sent the same bytes, made once. Each kind has tones of its own, so that a
 * packet in the wrong recording is heard; a call whose `isSecret` is set is sent the secret instead.
 */
import { LEGS, type Leg } from '../../src/core/leg.ts';
import type { CallDocument } from '../../src/http/service.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import { FRAME_MS, RATE, SECRET, SECRET_HZ } from './live-call.ts';
import { type Due, LiveSchedule, openSender, sendTo } from './live-sender.ts';
import { rtpPacket } from './rtp-stream.ts';
import { tone } from './tones.ts';

const KINDS = 5;
const FRAME = (RATE * FRAME_MS) / 1000;
/** The tones' period: every frequency here is a multiple of 10 Hz. */
const PERIOD_MS = 100;

export type CrowdCall = {
  readonly index: number;
  readonly call: CallDocument;
  isSecret: boolean;
};

/** The tone of a call's leg. */
export const toneOf = (index: number, leg: Leg): number => (leg === 'a' ? 310 : 710) + 80 * (index % KINDS);

const coded = (hz: number): Uint8Array => {
  const bytes = new Uint8Array((RATE * PERIOD_MS) / 1000);
  encodeUlaw(tone(hz, PERIOD_MS, RATE), bytes);
  return bytes;
};

/** Packets by the number of their frame, the secret ones with bytes that no tone makes. */
class Voice {
  readonly #coded: Uint8Array;
  readonly #ssrc: number;
  readonly #mark: Buffer | undefined;
  #frame = -1;
  #packet: Buffer = Buffer.alloc(0);

  constructor(hz: number, ssrc: number, mark?: Buffer) {
    this.#coded = coded(hz);
    this.#ssrc = ssrc;
    this.#mark = mark;
  }

  at(frame: number): Buffer {
    if (frame === this.#frame) return this.#packet;
    const from = (frame * FRAME) % this.#coded.length;
    const payload = Buffer.from(this.#coded.subarray(from, from + FRAME));
    this.#mark?.copy(payload, 64);
    this.#frame = frame;
    // The socket may still hold the one before: a new buffer each time.
    this.#packet = rtpPacket({ payloadType: 0, sequence: frame, timestamp: frame * FRAME, ssrc: this.#ssrc, payload });
    return this.#packet;
  }
}

export class Crowd {
  readonly schedule: LiveSchedule;
  readonly #close: () => void;

  private constructor(schedule: LiveSchedule, close: () => void) {
    this.schedule = schedule;
    this.#close = close;
  }

  /** All calls begin to speak now, both legs. @param lengthMs at most; `close` ends it before. */
  static async speak(calls: readonly CrowdCall[], lengthMs: number): Promise<Crowd> {
    const socket = await openSender();
    // Where nobody listens any more, nothing is to be told.
    socket.on('error', () => {});
    const voices = LEGS.map((leg, index) => ({
      leg,
      plain: Array.from({ length: KINDS }, (_, kind) => new Voice(toneOf(kind, leg), 100 + index)),
      secret: new Voice(SECRET_HZ[leg], 100 + index, SECRET),
    }));
    const send = (frame: number): void => {
      for (const { index, call, isSecret } of calls) {
        for (const { leg, plain, secret } of voices) {
          const voice = isSecret ? secret : plain[index % KINDS];
          sendTo(socket, call.legs[leg].rtp!.port, voice.at(frame));
        }
      }
    };
    const due: Due[] = Array.from({ length: lengthMs / FRAME_MS }, (_, frame) => ({
      atMs: frame * FRAME_MS,
      act: () => send(frame),
    }));
    return new Crowd(new LiveSchedule(due), () => socket.close());
  }

  async close(): Promise<void> {
    await this.schedule.stop();
    this.#close();
  }
}
