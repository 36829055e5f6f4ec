/**
 * So many live calls in one thread, no sockets: two PCMU legs each for some seconds of the calls' own time, as fast as they are taken, with
 * their ticks and sealed journals, whose writes are waited for. Prints what they cost.
 *
 *     fed-process.ts CALLS SECONDS FOLDER      node --expose-gc
 */
import type { RtpSink } from '../../../src/ingest/rtp/rtp-endpoint.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { built } from '../loops/built.ts';
import { ACCOUNT, announceCall, benchCalls, callName, journalBytesIn } from './bench-calls.ts';
import type { FedRun } from './ingest-result.ts';

const FRAME_US = 20_000;
const STEP_US = 10_000;
const WARM_US = 1_000_000;
/** So often the disk is waited for, a share of the calls at a time: as in a service, few writes are under way at once. */
const DRAIN_EVERY_US = 50_000;
const DRAIN_SHARES = 5;

const [words = '', length = '', folder = ''] = process.argv.slice(2);
const count = Number(words);
const { RtpPacket } = await built('media/rtp-packet');
const { PayloadCodecs } = await built('ingest/rtp/payload-codecs');
const codecs = PayloadCodecs.of();

const startUs = Date.UTC(2026, 0, 15, 9, 30) * 1000;
let nowUs = startUs;
const timers: { readonly everyUs: number; dueUs: number; readonly work: () => void }[] = [];
const sinks: { readonly sink: RtpSink; readonly codec: WireCodec | undefined }[] = [];
const counts = { received: 0, refusedSource: 0, notRtp: 0, unknownPayload: 0, rtcp: 0 };

const collect = (globalThis as { gc?: () => void }).gc;
const memory = (): { resident: number; heap: number } => {
  collect?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, heap: heapUsed };
};

const live = await benchCalls(folder, {
  clock: { now: () => nowUs, sleep: () => new Promise(() => {}) },
  receiveBufferBytes: 0,
  receiver: {
    name: 'native',
    stamps: true,
    bind: () => Promise.reject(new Error('nothing is bound here')),
    counts: { received: 0, overflowed: 0, waitingBytes: 0, mostWaitingBytes: 0 },
    caughtUp: async () => {},
    close: async () => {},
  },
  bind: async ({ sink }) => {
    sinks.push({ sink, codec: codecs.codecOf(0) });
    return { counts, setPayloads: () => {}, relatch: () => {}, close: async () => {} };
  },
  every: (ms, work) => {
    timers.push({ everyUs: ms * 1000, dueUs: nowUs + ms * 1000, work });
    return () => {};
  },
});

const before = memory();
for (let call = 0; call < count; call++) await announceCall(live, call);
const announced = Array.from({ length: count }, (_, call) => live.find(ACCOUNT, callName(call))!);

const payload = Buffer.alloc(160, 0xd5);
const datagram = rtpPacket({ payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0, payload });
const packet = new RtpPacket();
let packets = 0;

const give = (leg: number, frame: number): void => {
  datagram.writeUInt16BE(frame & 0xffff, 2);
  datagram.writeUInt32BE(frame * 160, 4);
  datagram.writeUInt32BE(leg, 8);
  packet.parse(datagram);
  sinks[leg].sink.packet(packet, sinks[leg].codec, datagram, nowUs);
  packets++;
};

/** Each leg's frames at its own time within the 20 ms. */
const run = async (untilUs: number): Promise<void> => {
  const slots = FRAME_US / STEP_US;
  while (nowUs < untilUs) {
    nowUs += STEP_US;
    const step = (nowUs - startUs) / STEP_US;
    for (let leg = step % slots; leg < sinks.length; leg += slots) give(leg, Math.floor(step / slots));
    for (const timer of timers) {
      for (; timer.dueUs <= nowUs; timer.dueUs += timer.everyUs) timer.work();
    }
    await new Promise((resolve) => setImmediate(resolve));
    if ((nowUs - startUs) % DRAIN_EVERY_US === 0) await drained((nowUs - startUs) / DRAIN_EVERY_US);
  }
};

const drained = async (turn: number): Promise<void> => {
  for (let at = turn % DRAIN_SHARES; at < count; at += DRAIN_SHARES) await announced[at].call.drained();
};

await run(startUs + WARM_US);
const [cpuBefore, packetsBefore] = [process.cpuUsage(), packets];
await run(startUs + WARM_US + Number(length) * 1e6);
const { user, system } = process.cpuUsage(cpuBefore);
const after = memory();
const result: FedRun = {
  calls: count,
  packets: packets - packetsBefore,
  cpuSeconds: (user + system) / 1e6,
  grownBytes: after.resident - before.resident,
  heapBytes: after.heap - before.heap,
  journalBytes: journalBytesIn(folder),
};
process.stdout.write(JSON.stringify(result));
process.exit(0);
