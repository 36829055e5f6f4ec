/**
 * Plays a media server's WebSocket from a thread of its own, in real time, whatever the others are doing; loopback only. `workerData`: `url`;
 * `due`: `{ atMs, text }` or `{ atMs, bytes }`, in order. Says `{ startedUs }` when it is let in and begins, `{ worstLateMs }` when it has sent all,
 * and goes when it is told to.
 */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import WebSocket from 'ws';

const socket = new WebSocket(workerData.url);
await once(socket, 'open');
const begunMs = performance.now();
parentPort.postMessage({ startedUs: (performance.timeOrigin + begunMs) * 1000 });
let worstLateMs = 0;
for (const { atMs, text, bytes } of workerData.due) {
  const waitMs = begunMs + atMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, Math.ceil(waitMs)));
  worstLateMs = Math.max(worstLateMs, performance.now() - begunMs - atMs);
  socket.send(text ?? bytes);
}
parentPort.postMessage({ worstLateMs });
await once(parentPort, 'message');
socket.close(1000);
