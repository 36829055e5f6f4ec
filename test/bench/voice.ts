/** Speech for a long call: what the two parties of the sample call say, as the µ-law frames that were on the wire, key presses left out. */
import { CaptureReader } from '../../src/ingest/capture/capture-reader.ts';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { CARD_PAYMENT } from '../support/card-payment.ts';

/** One frame is 20 ms of 8 kHz: 160 bytes. */
export const FRAME_SAMPLES = 160;
export const FRAME_MS = 20;

const PCMU = 0;

/** Each leg's frames in the order they were sent. */
export type Voices = { readonly a: readonly Uint8Array[]; readonly b: readonly Uint8Array[] };

export const sampleVoices = async (): Promise<Voices> => {
  const voices = { a: [] as Uint8Array[], b: [] as Uint8Array[] };
  const { legs } = CARD_PAYMENT.timeline;
  const rtp = new RtpPacket();
  for await (const batch of new CaptureReader(CARD_PAYMENT.capture).batches()) {
    for (const { payload } of batch) {
      if (!rtp.parse(payload) || rtp.payloadType !== PCMU) continue;
      const leg = rtp.ssrc === legs.a.ssrc ? 'a' : rtp.ssrc === legs.b.ssrc ? 'b' : undefined;
      if (leg !== undefined) voices[leg].push(Uint8Array.from(payload.subarray(rtp.payloadStart, rtp.payloadEnd)));
    }
  }
  for (const leg of ['a', 'b'] as const) {
    if (voices[leg].length === 0 || voices[leg].some((frame) => frame.length !== FRAME_SAMPLES)) {
      throw new Error(`${CARD_PAYMENT.capture}: leg ${leg} is not what the benchmark knows`);
    }
  }
  return voices;
};
