/**
 * Plays RTP to ports of this machine from a thread of its own, in real time, whatever the others are doing; loopback only.
 * `workerData.due`: `{ atMs, leg, port, data }`, in order. Says `{ startedUs }` when it begins, `{ worstLateMs }` when it has sent all.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';

const HOST = '127.0.0.1';
const sockets = {};
for (const leg of ['a', 'b']) {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  const listening = once(socket, 'listening');
  socket.bind(0, HOST);
  await listening;
  sockets[leg] = socket;
}
const begunMs = performance.now();
parentPort.postMessage({ startedUs: (performance.timeOrigin + begunMs) * 1000 });
let worstLateMs = 0;
for (const { atMs, leg, port, data } of workerData.due) {
  const waitMs = begunMs + atMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitMs)));
  worstLateMs = Math.max(worstLateMs, performance.now() - begunMs - atMs);
  sockets[leg].send(data, port, HOST);
}
// What was sent last leaves before its socket goes.
for (const leg of ['a', 'b']) await new Promise((resolve) => sockets[leg].close(resolve));
parentPort.postMessage({ worstLateMs });
