/** Both receivers under one contract; the native one is skipped by name where it is not built. Loopback only, bounded in count. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { NativeReceiver } from '../../../src/ingest/rtp/native-receiver.ts';
import type { UdpReceiver } from '../../../src/ingest/rtp/udp-receiver.ts';
import { nativeModule } from '../../../src/kernel/native-module.ts';

type Heard = { readonly text: string; readonly address: string; readonly port: number; readonly atUs: number };

/** Notes what came, and keeps nothing of the bytes. */
class Ear {
  readonly heard: Heard[] = [];
  readonly errors: Error[] = [];
  /** The memory that was handed over last. */
  last: Uint8Array = new Uint8Array(0);

  readonly datagram = (
    bytes: Uint8Array,
    start: number,
    end: number,
    source: { address: string; port: number },
    atUs: number,
  ) => {
    this.last = bytes.subarray(start, end);
    this.heard.push({ text: Buffer.from(this.last).toString('latin1'), ...source, atUs });
  };
  readonly error = (error: Error): void => void this.errors.push(error);

  get texts(): string[] {
    return this.heard.map(({ text }) => text);
  }
}

const HOST = '127.0.0.1';
const BUFFER_BYTES = 1 << 20;

const opened = (open: () => UdpReceiver): UdpReceiver => {
  const receiver = open();
  onTestFinished(() => receiver.close());
  return receiver;
};

const sender = async (host = HOST): Promise<Socket> => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket;
};

const send = (socket: Socket, port: number, text: string, host = HOST): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(Buffer.from(text, 'latin1'), port, host, (error) => (error === null ? resolve() : reject(error))),
  );

const RECEIVERS = [
  { name: 'node:dgram', open: () => new DgramReceiver(systemClock), isThere: true },
  { name: 'native', open: () => new NativeReceiver(nativeModule!, systemClock), isThere: nativeModule !== undefined },
];

for (const { name, open, isThere } of RECEIVERS) {
  describe.skipIf(!isThere)(`the receiver ${name}`, () => {
    test('hands on each datagram with its source and its time, in order, and says its name', async () => {
      const receiver = opened(open);
      expect(receiver.name).toBe(name);
      const ear = new Ear();
      const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      expect(socket.receiveBufferBytes).toBeGreaterThan(0);
      const alice = await sender();
      const beforeUs = systemClock.now();
      for (const text of ['one', '', 'three', 'x'.repeat(8000)]) await send(alice, socket.port, text);
      await receiver.caughtUp();
      expect(ear.texts).toEqual(['one', '', 'three', 'x'.repeat(8000)]);
      for (const { address, port, atUs } of ear.heard) {
        expect({ address, port }).toEqual({ address: HOST, port: alice.address().port });
        expect(atUs).toBeGreaterThan(beforeUs - 5000);
        expect(atUs).toBeLessThan(systemClock.now() + 1);
      }
      expect(receiver.counts).toMatchObject({ received: 4, overflowed: 0, waitingBytes: 0 });
    });

    test('zeroes what it has handed on', async () => {
      const receiver = opened(open);
      const ear = new Ear();
      const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      await send(await sender(), socket.port, '4111111111111111');
      await receiver.caughtUp();
      expect(ear.texts).toEqual(['4111111111111111']);
      expect([...ear.last]).toEqual(new Array(16).fill(0));
    });

    test('what came first is handed on first, whatever the socket', async () => {
      const receiver = opened(open);
      const ear = new Ear();
      const sockets = [];
      for (let i = 0; i < 10; i++)
        sockets.push(await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear));
      const alice = await sender();
      for (let i = 0; i < 300; i++) await send(alice, sockets[(i * 7) % 10]!.port, `${i}`);
      await receiver.caughtUp();
      const times = ear.heard.map(({ atUs }) => atUs);
      if (receiver.stamps) expect(ear.texts).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`));
      expect(times).toEqual([...times].sort((one, other) => one - other));
      expect(ear.heard.length).toBe(300);
    });

    test('tells two sources of one socket apart, also IPv6', async () => {
      const receiver = opened(open);
      for (const host of [HOST, '::1']) {
        const ear = new Ear();
        const socket = await receiver.bind({ host, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
        const [alice, bob] = [await sender(host), await sender(host)];
        for (const [who, text] of [
          [alice, 'a1'],
          [bob, 'b1'],
          [bob, 'b2'],
          [alice, 'a2'],
        ] as const)
          await send(who, socket.port, text, host);
        await receiver.caughtUp();
        const [a, b] = [alice.address().port, bob.address().port];
        expect(ear.heard.map(({ text, address, port }) => [text, address, port])).toEqual([
          ['a1', host, a],
          ['b1', host, b],
          ['b2', host, b],
          ['a2', host, a],
        ]);
      }
    });

    test('takes a name of this machine', async () => {
      const receiver = opened(open);
      const ear = new Ear();
      const socket = await receiver.bind({ host: 'localhost', port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      expect(socket.port).toBeGreaterThan(0);
    });

    test('says why it can not bind', async () => {
      const receiver = opened(open);
      const ear = new Ear();
      const { port } = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      const again = receiver.bind({ host: HOST, port, receiveBufferBytes: BUFFER_BYTES }, ear);
      await expect(again).rejects.toMatchObject({ code: 'PORT_TAKEN' });
      const foreign = receiver.bind({ host: '192.0.2.1', port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      await expect(foreign).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });

    test('hears nothing of a socket once it is closed, and its port is free', async () => {
      const receiver = opened(open);
      const [ear, other] = [new Ear(), new Ear()];
      const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, ear);
      const alice = await sender();
      await send(alice, socket.port, 'late');
      await socket.close();
      await socket.close();
      const again = await receiver.bind({ host: HOST, port: socket.port, receiveBufferBytes: BUFFER_BYTES }, other);
      await send(alice, again.port, 'new');
      await receiver.caughtUp();
      expect(ear.texts).toEqual([]);
      expect(other.texts).toEqual(['new']);
    });

    test('a listener that throws is told, and the next datagram is handed on', async () => {
      const receiver = opened(open);
      const ear = new Ear();
      const listener = {
        error: ear.error,
        datagram: (...given: Parameters<Ear['datagram']>): void => {
          ear.datagram(...given);
          if (ear.heard.length === 1) throw new Error('no');
        },
      };
      const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: BUFFER_BYTES }, listener);
      const alice = await sender();
      await send(alice, socket.port, 'one');
      await send(alice, socket.port, 'two');
      await receiver.caughtUp();
      expect(ear.texts).toEqual(['one', 'two']);
      expect(ear.errors.map(({ message }) => message)).toEqual(['no']);
    });

    test('closes a thousand times', async () => {
      for (let i = 0; i < (name === 'native' ? 100 : 10); i++) {
        const receiver = open();
        const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: 4096 }, new Ear());
        if (i % 2 === 0) await socket.close();
        await receiver.close();
        await receiver.close();
      }
    });
  });
}

describe.skipIf(nativeModule === undefined)('the native receiver', () => {
  test('knows when a datagram came, whatever this thread did meanwhile', async () => {
    const receiver = opened(() => new NativeReceiver(nativeModule!, systemClock));
    const ear = new Ear();
    const socket = await receiver.bind({ host: HOST, port: 0, receiveBufferBytes: 4096 }, ear);
    const alice = await sender();
    // The kernel begins to stamp a moment after it was asked to.
    await rest(20);
    const sentUs = systemClock.now();
    await send(alice, socket.port, 'x');
    const until = performance.now() + 300;
    while (performance.now() < until);
    await receiver.caughtUp();
    expect(ear.heard[0]!.atUs - sentUs).toBeLessThan(100_000);
    expect(ear.heard[0]!.atUs - sentUs).toBeGreaterThan(-1000);
  });
});
