/** The process that streams: opens every WebSocket, says when they are open, sends when it is told to, hangs up when it is told to. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { FRAME_BYTES, FRAME_MS, type StreamsJob, type StreamsLoad } from './streams-plan.ts';

const { url, calls, seconds } = JSON.parse(process.argv[2]) as StreamsJob;
/** Opened side by side. */
const ABREAST = 16;

const sockets: WebSocket[] = [];
let broken = 0;

const open = async (call: number): Promise<void> => {
  const socket = new WebSocket(`${url}&call_id=bench-${call}`, { perMessageDeflate: false });
  socket.on('error', () => {});
  socket.on('close', () => broken++);
  await once(socket, 'open');
  socket.send('{"sampleRate":8000,"mixType":"stereo"}');
  sockets.push(socket);
};

for (let first = 0; first < calls; first += ABREAST)
  await Promise.all(Array.from({ length: Math.min(ABREAST, calls - first) }, (_, at) => open(first + at)));
process.send?.('ready');
await once(process, 'message');

const frame = Buffer.alloc(FRAME_BYTES);
for (let at = 0; at < FRAME_BYTES; at += 2) frame.writeInt16LE(Math.round(8000 * Math.sin(at / 20)), at);
const began = performance.now();
const cpuBefore = process.cpuUsage();
let [sent, lateMs] = [0, 0];
for (let round = 0; round < (seconds * 1000) / FRAME_MS; round++) {
  const waitMs = began + round * FRAME_MS - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  lateMs = Math.max(lateMs, performance.now() - began - round * FRAME_MS);
  for (const socket of sockets) {
    if (socket.readyState !== WebSocket.OPEN) continue;
    socket.send(frame);
    sent++;
  }
}
const { user, system } = process.cpuUsage(cpuBefore);
process.send?.({ sent, broken, lateMs, cpuSeconds: (user + system) / 1e6 } satisfies StreamsLoad);
await once(process, 'message');
for (const socket of sockets) {
  // What mod_audio_fork says at the end.
  if (socket.readyState === WebSocket.OPEN) socket.send(Buffer.alloc(0));
}
process.disconnect();
