/**
 * Sends RTP-like datagrams to ports of this machine from a process of its own, a frame to each port every 20 ms; loopback only.
 *
 *     node udp-flood.mjs FIRST_PORT PORTS FRAMES     «begun» when it begins, «done» when it has sent them all
 */
import { createSocket } from 'node:dgram';

const [first, ports, frames] = process.argv.slice(2).map(Number);
const FRAME_MS = 20;
const socket = createSocket('udp4');
const payload = Buffer.alloc(172, 0x5a);

const send = (port) =>
  new Promise((resolve, reject) =>
    socket.send(payload, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
  );

process.stdout.write('begun\n');
const begun = performance.now();
for (let frame = 0; frame < frames; frame++) {
  payload.writeUInt32BE(frame, 0);
  // A window: the socket's own queue is no place for thousands.
  for (let port = 0; port < ports; port += 100)
    await Promise.all(Array.from({ length: Math.min(100, ports - port) }, (_, i) => send(first + 2 * (port + i))));
  const due = begun + (frame + 1) * FRAME_MS;
  if (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
}
process.stdout.write('done\n');
socket.close();
