import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkReceiveBuffer } from '../../../src/ingest/rtp/receive-buffer.ts';
import { NotingSink, openEndpoint, total } from './loopback.ts';

const WANTED = 4 << 20;
/** 200 ms at 20,000 packets/s. */
const STALL_PACKETS = 4000;
const LONGEST_STALL_MS = 10_000;

/**
 * Sends G.711 packets to a port while the event loop of this thread stands still: as long as that takes, so that no timing decides.
 * @returns whether all were sent.
 */
const sendDuringStall = (port: number, count: number): boolean => {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { createSocket } = require('node:dgram');
     const { workerData: { port, count, done } } = require('node:worker_threads');
     const socket = createSocket('udp4');
     const data = Buffer.alloc(172, 0x55);
     const send = (sequence) => {
       if (sequence === count) {
         Atomics.store(done, 0, 1);
         Atomics.notify(done, 0);
         return socket.close();
       }
       data.writeUInt32BE(0x80000000 + sequence, 0);
       data.writeUInt32BE(sequence * 160, 4);
       data.writeUInt32BE(1, 8);
       socket.send(data, port, '127.0.0.1', (error) => { if (error) throw error; send(sequence + 1); });
     };
     send(0);`,
    { eval: true, workerData: { port, count, done } },
  );
  onTestFinished(() => void worker.terminate());
  return Atomics.wait(done, 0, 0, LONGEST_STALL_MS) !== 'timed-out';
};

const { granted } = await checkReceiveBuffer(WANTED);

describe('the receive buffer', () => {
  test('is told as it was granted, and a wish that no kernel fulfils is no error', async () => {
    expect(await checkReceiveBuffer(65_536)).toEqual({ granted: 65_536 });
    const most = await checkReceiveBuffer(2 ** 31 - 1);
    expect(most.granted).toBeGreaterThanOrEqual(65_536);
    expect(most.granted).toBeLessThan(2 ** 31);
    expect((await openEndpoint({ receiveBufferBytes: 65_536 })).receiveBufferBytes).toBe(65_536);
  });

  test.skipIf(granted < WANTED)('holds what comes in while the event loop stands still for 200 ms', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink, receiveBufferBytes: WANTED });
    expect(endpoint.receiveBufferBytes).toBe(WANTED);
    expect(sendDuringStall(endpoint.port, STALL_PACKETS)).toBe(true);
    await expect.poll(() => sink.got.length, { timeout: 10_000 }).toBe(STALL_PACKETS);
    expect(sink.got.every(({ sequence }, index) => sequence === index)).toBe(true);
    expect(total(endpoint)).toBe(STALL_PACKETS);
  });

  test('of another size does not: the test above could fail', async () => {
    const sink = new NotingSink();
    const endpoint = await openEndpoint({ sink, receiveBufferBytes: 65_536 });
    expect(sendDuringStall(endpoint.port, STALL_PACKETS)).toBe(true);
    await expect.poll(() => sink.got.length).toBeGreaterThan(10);
    await endpoint.close();
    expect(sink.got.length).toBeLessThan(STALL_PACKETS / 2);
  });
});
