import dgram from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { PayloadCodecs } from '../../../src/ingest/rtp/payload-codecs.ts';
import { RtpEndpoint } from '../../../src/ingest/rtp/rtp-endpoint.ts';
import { seeded } from '../../support/tones.ts';
import { CountingClock, NotingSink, openEndpoint, Sender, somePort, total, voice, voices } from './loopback.ts';

const RECEIVER_REPORT = Buffer.from('81c90007000000010000000200000000000000000000000000000000000000ff', 'hex');
const STUN = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
const DTLS = Buffer.concat([Buffer.from('16feff0000000000000000', 'hex'), Buffer.alloc(40)]);

const sequencesOf = (sink: NotingSink): number[] => sink.got.map(({ sequence }) => sequence);

describe('an RTP endpoint', () => {
  test('hands on the packets of its source with codec, bytes and time; the first waits for the second', async () => {
    const [sink, clock] = [new NotingSink(), new CountingClock()];
    const endpoint = await openEndpoint({ sink, clock });
    const alice = await Sender.open();
    expect(endpoint.lastPacketUs).toBeUndefined();
    await alice.send(endpoint.port, voice(1));
    await expect.poll(() => clock.nowUs).toBe(1e15 + 1);
    expect(sink.got).toEqual([]);
    expect(endpoint.lastPacketUs).toBeUndefined();
    await alice.send(endpoint.port, voice(2), voice(3, { payloadType: 8 }));
    await expect.poll(() => sink.got.length).toBe(3);
    expect(sink.got).toMatchObject([
      { sequence: 1, codec: { name: 'PCMU' }, atUs: 1e15, payload: '01'.repeat(160) },
      { sequence: 2, codec: { name: 'PCMU' }, atUs: 1e15 + 1, payload: '02'.repeat(160) },
      { sequence: 3, codec: { name: 'PCMA' }, atUs: 1e15 + 2, payload: '03'.repeat(160) },
    ]);
    expect(endpoint.lastPacketUs).toBe(1e15 + 2);
    expect(endpoint.counts).toEqual({ received: 3, refusedSource: 0, notRtp: 0, unknownPayload: 0, rtcp: 0 });
  });

  test('counts RTCP on either port, and everything that is no RTP', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink });
    const alice = await Sender.open();
    await alice.send(
      endpoint.port,
      RECEIVER_REPORT,
      STUN,
      DTLS,
      Buffer.alloc(0),
      Buffer.from([0x80]),
      voice(1),
      voice(2),
    );
    await alice.send(endpoint.port + 1, RECEIVER_REPORT, RECEIVER_REPORT, STUN, voice(3));
    await expect.poll(() => total(endpoint)).toBe(11);
    expect(endpoint.counts).toEqual({ received: 2, refusedSource: 0, notRtp: 6, unknownPayload: 0, rtcp: 3 });
    expect(sequencesOf(sink)).toEqual([1, 2]);
  });

  test('refuses a second source and takes SSRC changes of the first', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink });
    const [alice, mallory] = [await Sender.open(), await Sender.open()];
    await alice.send(endpoint.port, ...voices(10, 3));
    await expect.poll(() => total(endpoint)).toBe(3);
    await mallory.send(endpoint.port, ...voices(13, 5));
    await alice.send(endpoint.port, ...voices(500, 3, { ssrc: 0x9999 }));
    await expect.poll(() => total(endpoint)).toBe(11);
    expect(endpoint.counts).toMatchObject({ received: 6, refusedSource: 5 });
    expect(sink.got.map(({ ssrc, sequence }) => `${ssrc.toString(16)}/${sequence}`)).toEqual([
      '1234/10',
      '1234/11',
      '1234/12',
      '9999/500',
      '9999/501',
      '9999/502',
    ]);
  });

  test('takes one new source after a relatch, and the old one until then', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink });
    const [alice, transferred, mallory] = [await Sender.open(), await Sender.open(), await Sender.open()];
    await alice.send(endpoint.port, ...voices(1, 2));
    await expect.poll(() => total(endpoint)).toBe(2);
    endpoint.relatch();
    await alice.send(endpoint.port, voice(3));
    await expect.poll(() => total(endpoint)).toBe(3);
    await transferred.send(endpoint.port, ...voices(100, 3, { ssrc: 7 }));
    await expect.poll(() => total(endpoint)).toBe(6);
    await alice.send(endpoint.port, voice(4));
    await mallory.send(endpoint.port, ...voices(200, 2));
    await expect.poll(() => total(endpoint)).toBe(9);
    expect(sequencesOf(sink)).toEqual([1, 2, 3, 100, 101, 102]);
    expect(endpoint.counts.refusedSource).toBe(3);
  });

  test('believes nobody by a payload type that is unknown, and hands it on without a codec from who is believed', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink });
    const [alice, mallory] = [await Sender.open(), await Sender.open()];
    await mallory.send(endpoint.port, ...voices(1, 4, { payloadType: 96 }));
    await expect.poll(() => total(endpoint)).toBe(4);
    await alice.send(endpoint.port, ...voices(1, 2), voice(3, { payloadType: 96 }));
    await expect.poll(() => total(endpoint)).toBe(7);
    await mallory.send(endpoint.port, voice(5, { payloadType: 96 }));
    await expect.poll(() => total(endpoint)).toBe(8);
    expect(sink.got.map(({ payloadType, codec }) => [payloadType, codec?.name])).toEqual([
      [0, 'PCMU'],
      [0, 'PCMU'],
      [96, undefined],
    ]);
    expect(endpoint.counts).toMatchObject({ received: 2, unknownPayload: 5, refusedSource: 1 });
  });

  test('takes new meanings of payload types, and keeps the object of one that stays', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink, payloads: PayloadCodecs.of({ 96: 'opus/48000/2', 97: 'L16/8000' }) });
    const alice = await Sender.open();
    await alice.send(endpoint.port, ...voices(1, 2, { payloadType: 96 }), voice(3, { payloadType: 97 }));
    await expect.poll(() => sink.got.length).toBe(3);
    endpoint.setPayloads(PayloadCodecs.of({ 96: 'opus/48000/2', 97: 'L16/16000' }));
    await alice.send(endpoint.port, voice(4, { payloadType: 96 }), voice(5, { payloadType: 97 }));
    await expect.poll(() => sink.got.length).toBe(5);
    expect(sink.got[3]!.codec).toBe(sink.got[0]!.codec);
    expect([sink.got[2]!.codec?.clockRate, sink.got[4]!.codec?.clockRate]).toEqual([8000, 16_000]);
  });

  const hasIPv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));
  test.skipIf(!hasIPv6)('receives on IPv6', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink, host: '::1' });
    await (await Sender.open('::1')).send(endpoint.port, ...voices(1, 3));
    await expect.poll(() => sequencesOf(sink)).toEqual([1, 2, 3]);
  });

  test('counts what waited in vain when it is closed, and is silent and free from then on', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink, clock: new CountingClock() });
    const alice = await Sender.open();
    await alice.send(endpoint.port, voice(1), STUN);
    await expect.poll(() => endpoint.counts.notRtp).toBe(1);
    const closing = [endpoint.close(), endpoint.close()];
    await alice.send(endpoint.port, ...voices(2, 5));
    await Promise.all(closing);
    await endpoint.close();
    expect(sink.got).toEqual([]);
    expect(endpoint.counts.refusedSource).toBe(1);
    const options = {
      receiver: new DgramReceiver(systemClock),
      host: '127.0.0.1',
      clock: systemClock,
      receiveBufferBytes: 65_536,
      sink,
    };
    const again = await RtpEndpoint.bind({ ...options, port: endpoint.port, payloads: PayloadCodecs.of() });
    await again.close();
  });
});

test('a sink that closes the endpoint gets no more of it', async () => {
  const sink = new NotingSink();
  const closing: Promise<void>[] = [];
  const packet: typeof sink.packet = (...given) => {
    sink.packet(...given);
    closing.push(endpoint.close());
  };
  const endpoint = await openEndpoint({ sink: { packet } });
  await (await Sender.open()).send(endpoint.port, ...voices(1, 3));
  await expect.poll(() => closing.length).toBe(1);
  await Promise.all(closing);
  expect(sequencesOf(sink)).toEqual([1]);
});

describe('binding', () => {
  const options = {
    receiver: new DgramReceiver(systemClock),
    host: '127.0.0.1',
    payloads: PayloadCodecs.of(),
    clock: systemClock,
    receiveBufferBytes: 65_536,
    sink: new NotingSink(),
  };

  test('a port in use is told with its address, be it for RTP or RTCP, and nothing stays bound', async () => {
    const endpoint = await openEndpoint();
    for (const port of [endpoint.port, endpoint.port + 1, endpoint.port - 1]) {
      const taken = port < endpoint.port ? endpoint.port : port;
      await expect(RtpEndpoint.bind({ ...options, port })).rejects.toMatchObject({
        code: 'PORT_TAKEN',
        message: `127.0.0.1:${taken} is in use by another program`,
      });
    }
    await endpoint.close();
    for (const port of [endpoint.port - 1, endpoint.port]) await (await RtpEndpoint.bind({ ...options, port })).close();
  });

  test('a host that this machine does not have is a matter of configuration', async () => {
    await expect(RtpEndpoint.bind({ ...options, host: '192.0.2.1', port: somePort() })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^can't receive RTP on 192\.0\.2\.1:\d+ \(EADDRNOTAVAIL\)$/),
    });
  });

  test('a machine without another socket is told apart from a port in use', async () => {
    withSockets((socket) => {
      socket.bind = () => {
        setImmediate(() => socket.emit('error', Object.assign(new Error('bind EMFILE'), { code: 'EMFILE' })));
        return socket;
      };
    });
    await expect(RtpEndpoint.bind({ ...options, port: somePort() })).rejects.toMatchObject({
      code: 'PORTS_USED_UP',
      message: expect.stringContaining('open files'),
    });
  });
});

test('neither a socket error nor a sink that throws gets out, and the endpoint goes on', async () => {
  const sockets: dgram.Socket[] = [];
  withSockets((socket) => void sockets.push(socket));
  const sink = new NotingSink();
  let calls = 0;
  const failing = {
    packet: (...given: Parameters<typeof sink.packet>) => {
      if (++calls === 2) throw new Error('a defect');
      sink.packet(...given);
    },
    fault: sink.fault,
  };
  const endpoint = await openEndpoint({ sink: failing });
  const alice = await Sender.open();
  const refused = Object.assign(new Error('recvmsg ECONNREFUSED'), { code: 'ECONNREFUSED' });
  for (const socket of sockets.slice(-3, -1)) socket.emit('error', refused);
  await alice.send(endpoint.port, ...voices(1, 3));
  await expect.poll(() => total(endpoint)).toBe(3);
  expect(sink.faults).toEqual([refused, refused, new Error('a defect')]);
  expect(sequencesOf(sink)).toEqual([1, 3]);
});

test('random datagrams are counted once each and never handed on, while the source is heard in full', async () => {
  const sink = new NotingSink();
  const endpoint = await openEndpoint({ sink, receiveBufferBytes: 1 << 20 });
  const [alice, noise] = [await Sender.open(), await Sender.open()];
  const random = seeded(7);
  const rubbish = (index: number): Buffer => {
    const data = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
    // Every other one looks like RTP at first sight.
    if (index % 2 === 0 && data.length > 0) data[0] = 0x80 | (data[0]! & 0x3f);
    return data;
  };
  const [before, during] = [600, 600];
  let sent = 0;
  // But for the first packets of sources that are not believed yet.
  const rest = async (): Promise<void> => void (await expect.poll(() => sent - total(endpoint)).toBeLessThanOrEqual(4));
  for (let index = 0; index < before; index++) {
    await noise.send(endpoint.port + (index % 5 === 0 ? 1 : 0), rubbish(index));
    sent++;
    if (index % 100 === 99) await rest();
  }
  expect(sink.got).toEqual([]);
  for (let index = 0; index < during; index++) {
    await noise.send(endpoint.port, rubbish(index));
    await alice.send(endpoint.port, voice(index));
    sent += 2;
    if (index % 50 === 49) await rest();
  }
  await expect.poll(() => sink.got.length).toBe(during);
  expect(sequencesOf(sink)).toEqual(Array.from({ length: during }, (_, index) => index));
  await endpoint.close();
  expect(total(endpoint)).toBe(sent);
  expect(endpoint.counts.notRtp).toBeGreaterThan(100);
  expect(endpoint.counts.refusedSource).toBeGreaterThan(10);
  expect(sink.faults).toEqual([]);
});

/** Shows every socket made during the test to `change` before it is used. */
const withSockets = (change: (socket: dgram.Socket) => void): void => {
  const { createSocket } = dgram;
  dgram.createSocket = ((type: dgram.SocketType) => {
    const socket = createSocket(type);
    change(socket);
    return socket;
  }) as typeof createSocket;
  syncBuiltinESMExports();
  onTestFinished(() => {
    dgram.createSocket = createSocket;
    syncBuiltinESMExports();
  });
};
