/** The process that receives: takes its job as an argument, says which ports it has, answers every line with what it has counted. */
import { createInterface } from 'node:readline';
import type { AnnouncedLeg } from '../../../src/app/live/announced-leg.ts';
import type { AppError } from '../../../src/core/errors.ts';
import { LEGS } from '../../../src/core/leg.ts';
import type { UdpReceiver } from '../../../src/ingest/rtp/udp-receiver.ts';
import { rolesOf, useOf } from '../live/thread-use.ts';
import { built } from '../loops/built.ts';
import { ACCOUNT, announceCall, benchCalls, callName, journalBytesIn } from './bench-calls.ts';
import type { Counted, Listening, ReceiverJob } from './receiver-job.ts';
import { Toggling } from './toggling.ts';

/** What is measured: its ports, and what it has taken. */
type Subject = { readonly ports: readonly number[]; packets(): number; readonly more?: () => Partial<Counted> };

const FIRST_PORT = 16_000;

const job = JSON.parse(process.argv[2]) as ReceiverJob;

const openReceiver = async (): Promise<UdpReceiver> => {
  const { systemClock } = await built('core/clock');
  if (job.receiver === 'node:dgram') return new (await built('ingest/rtp/dgram-receiver')).DgramReceiver(systemClock);
  const { nativeModule } = await built('kernel/native-module');
  if (nativeModule === undefined) throw new Error('there is no native kernel');
  return new (await built('ingest/rtp/native-receiver')).NativeReceiver(nativeModule, systemClock);
};

/** The same, but that nothing is bound to a leg's second port. */
const withoutRtcp = (receiver: UdpReceiver): UdpReceiver => ({
  name: receiver.name,
  stamps: receiver.stamps,
  get counts() {
    return receiver.counts;
  },
  bind: async (address, listener) =>
    address.port % 2 === 0
      ? receiver.bind(address, listener)
      : { port: address.port, receiveBufferBytes: 0, close: async () => {} },
  caughtUp: () => receiver.caughtUp(),
  close: () => receiver.close(),
});

const sockets = async (receiver: UdpReceiver): Promise<Subject> => {
  const { RtpEndpoint } = await built('ingest/rtp/rtp-endpoint');
  const { PayloadCodecs } = await built('ingest/rtp/payload-codecs');
  const { AnnouncedLeg } = await built('app/live/announced-leg');
  const { systemClock: clock } = await built('core/clock');
  const ports: number[] = [];
  const legs: AnnouncedLeg[] = [];
  for (let port = FIRST_PORT; ports.length < job.ports; port += 2) {
    const leg = new AnnouncedLeg({
      ...{ leg: 'a', channelId: '', limits: { legSilentSec: 60, callIdleSec: 120 } },
      party: { userId: null, deviceId: null, name: '', number: '' },
      take: () => {},
      onDefect: (error) => {
        throw error;
      },
    });
    const { receiveBufferBytes } = job;
    const payloads = PayloadCodecs.of();
    try {
      await RtpEndpoint.bind({
        ...{ receiver, host: '127.0.0.1', port, payloads, clock, receiveBufferBytes },
        sink: leg,
      });
    } catch (error) {
      if ((error as AppError).code === 'PORT_TAKEN') continue;
      throw error;
    }
    ports.push(port);
    legs.push(leg);
  }
  return { ports, packets: () => legs.reduce((sum, { packets }) => sum + packets, 0) };
};

const calls = async (receiver: UdpReceiver): Promise<Subject> => {
  const { systemClock: clock } = await built('core/clock');
  const live = await benchCalls(job.folder, { receiver, clock, receiveBufferBytes: job.receiveBufferBytes });
  const count = job.ports / 2;
  for (let call = 0; call < count; call++) await announceCall(live, call);
  const announced = Array.from({ length: count }, (_, call) => live.find(ACCOUNT, callName(call))!);
  const legs = announced.flatMap((call) => LEGS.map((leg) => call.legs[leg]));
  const toggling = new Toggling(
    announced.map(({ channels }) => channels.a),
    job.toggledShare,
    (uuid, action) => live.channels.act(ACCOUNT, uuid, { action }, 'bench'),
  );
  return {
    ports: legs.map(({ socket }) => socket!.port),
    // What a disk that is slow has cost is lost.
    packets: () => legs.reduce((sum, { packets, lost }) => sum + packets - lost, 0),
    more: () => ({
      maskAnswersMs: toggling.answersMs,
      masksRefused: toggling.refused,
      journalBytes: journalBytesIn(job.folder),
    }),
  };
};

const opened = await openReceiver();
const memoryBeforeBytes = process.memoryUsage.rss();
const receiver = job.hasRtcp ? opened : withoutRtcp(opened);
const subject = await (job.takes === 'calls' ? calls(receiver) : sockets(receiver));

const say = (what: Listening | Counted): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
say({ ports: subject.ports });
createInterface({ input: process.stdin })
  .on('line', () => {
    const { user, system } = process.cpuUsage();
    const counted = { packets: subject.packets(), cpuSeconds: (user + system) / 1e6 };
    const memoryBytes = process.memoryUsage.rss();
    // Its threads of JavaScript are one: no file names others.
    const threads = rolesOf(useOf(process.pid, ''));
    say({ ...counted, memoryBytes, memoryBeforeBytes, threads, ...subject.more?.() });
  })
  // What it holds is its folder's, which goes as a whole.
  .on('close', () => process.exit(0));
