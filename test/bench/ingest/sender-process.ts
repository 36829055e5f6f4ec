/**
 * `native/rtp-sender.c` where there is no compiler: the same words, the same answer, fewer packets a second. A burst is sent one by one.
 *
 *     sender-process.ts PORTS_FILE PER_SECOND BURST SECONDS
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { rtpPacket } from '../../support/rtp-stream.ts';
import type { Sent } from './load.ts';

const [file = '', ...numbers] = process.argv.slice(2);
const [perSecond = 50, burst = 1, seconds = 1] = numbers.map(Number);
const ports = readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
const WAKE_MS = 1;
const LATE_MS = 1000;

const payload = Buffer.alloc(160, 0xd5);
const packets = ports.map((_, port) =>
  rtpPacket({ payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0x1000 + port, payload }),
);
const socket = createSocket('udp4');
const turnMs = (1000 * burst) / (perSecond * ports.length);
const turns = Math.max(ports.length, Math.floor((1000 * seconds) / turnMs + 1e-6));
const late = new Float64Array(LATE_MS);
let sent = 0;
let unsent = 0;

const send = (port: number, number: number): Promise<void> => {
  const packet = packets[port];
  packet.writeUInt16BE(number & 0xffff, 2);
  packet.writeUInt32BE(Math.floor((number * 8000) / perSecond) % 2 ** 32, 4);
  // A copy: the socket reads it later.
  return new Promise((resolve) =>
    socket.send(Buffer.from(packet), ports[port], '127.0.0.1', (error) => {
      if (error === null) sent++;
      else unsent++;
      resolve();
    }),
  );
};

const began = performance.now();
for (let next = 0; next < turns; ) {
  const passedMs = performance.now() - began;
  const sending: Promise<void>[] = [];
  for (; next < turns && next * turnMs <= passedMs && sending.length < 256; next++) {
    late[Math.min(LATE_MS - 1, Math.floor(passedMs - next * turnMs))]++;
    const first = Math.floor(next / ports.length) * burst;
    for (let i = 0; i < burst; i++) sending.push(send(next % ports.length, first + i));
  }
  await Promise.all(sending);
  if (sending.length === 0) await new Promise((resolve) => setTimeout(resolve, WAKE_MS));
}
let lateMs = 0;
for (let seen = late[0]; seen < turns - Math.floor(turns / 100) && lateMs < LATE_MS - 1; seen += late[lateMs]) lateMs++;
const { user, system } = process.cpuUsage();
const result: Sent = {
  ...{ sent, unsent, lateMs },
  seconds: (performance.now() - began) / 1000,
  cpuSeconds: (user + system) / 1e6,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
socket.close();
