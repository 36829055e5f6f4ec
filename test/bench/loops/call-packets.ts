/** A call's hot path: packets from memory through timeline, masks and recorder to the journal, while masks go on and off. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { MediaPacket } from '../../../src/call/intake.ts';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { Stopwatch } from './stopwatch.ts';

/** Media comes in turns of the event loop, between which journals are written; in a replay a turn is about so many packets. */
const TURN_PACKETS = 1024;

export const loop: Loop = async ({ call: { capture }, options, folder, leastSeconds }) => {
  const { Call } = await built('call/call');
  const packets = await mediaOf(capture);
  const toggleUs = (options.toggleEverySeconds ?? 0) * 1e6;
  const trigger = { kind: 'api', by: 'bench' } as const;
  let taking = new Stopwatch();
  let acting = new Stopwatch();
  let passes = 0;
  let toggles = 0;

  const pass = async (): Promise<void> => {
    const paths: string[] = [];
    const call = new Call({
      startUs: 1e15,
      identity: {
        callId: 'bench',
        parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
      },
      journalPath: (id) => {
        paths.push(join(folder, id));
        return paths.at(-1)!;
      },
      random: randomBytes,
      redactTones: options.redactTones ?? false,
    });
    call.recordFromFirstFrame({ format: 'wav' }, 'bench');
    let toggleAtUs = toggleUs > 0 ? packets[0].arrivalUs + toggleUs : Number.POSITIVE_INFINITY;
    let count = 0;
    taking.start();
    for (const packet of packets) {
      if (packet.arrivalUs >= toggleAtUs) {
        taking.stop();
        acting.start();
        await call.command({ action: call.masks.open === undefined ? 'mask' : 'unmask', fields: {}, trigger });
        acting.stop();
        toggles++;
        toggleAtUs += toggleUs;
        taking.start();
      }
      call.packet(packet);
      if (++count % TURN_PACKETS === 0) await turn();
    }
    taking.stop();
    await call.end();
    for (const path of paths) await rm(path);
  };

  await pass();
  [taking, acting, toggles] = [new Stopwatch(), new Stopwatch(), 0];
  while (taking.seconds < leastSeconds) {
    await pass();
    passes++;
  }
  return {
    packets: taking.sample(passes * packets.length),
    ...(toggles > 0 ? { actions: acting.sample(toggles) } : {}),
  };
};

/** The capture's packets as a call takes them, each with bytes of its own. */
const mediaOf = async (capture: string): Promise<MediaPacket[]> => {
  const { CaptureReader } = await built('ingest/capture/capture-reader');
  const { RtpPacket } = await built('media/rtp-packet');
  const { STATIC_PAYLOAD_TYPES } = await built('media/wire-codec');
  const rtp = new RtpPacket();
  const packets: MediaPacket[] = [];
  let first: number | undefined;
  for await (const batch of new CaptureReader(capture).batches()) {
    for (const { payload, atUs } of batch) {
      if (!rtp.parse(payload)) continue;
      const { ssrc, sequence, timestamp, marker, payloadType, payloadStart: start, payloadEnd: end } = rtp;
      first ??= ssrc;
      const codec = STATIC_PAYLOAD_TYPES.get(payloadType);
      const leg = ssrc === first ? 'a' : 'b';
      packets.push({
        leg,
        ssrc,
        sequence,
        timestamp,
        marker,
        arrivalUs: atUs,
        codec,
        bytes: Buffer.from(payload),
        start,
        end,
      });
    }
  }
  // Arrivals never go back on a call's clock; here they don't anyway.
  return packets.sort((one, other) => one.arrivalUs - other.arrivalUs);
};
