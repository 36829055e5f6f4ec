/**
 * Room in the kernel for packets that arrive while the event loop is busy. A kernel grants less than was asked for without a word
 * (Linux: `net.core.rmem_max`), so what was granted is read back.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** What a live leg is given: half a second of L16 at 48 kHz. */
export const LEG_BUFFER_BYTES = 128 * 1024;

/** @param socket bound. @returns bytes granted, comparable with what was wanted. Never throws for a size that is refused. */
export const grantReceiveBuffer = (socket: Socket, wantedBytes: number): number => {
  try {
    socket.setRecvBufferSize(wantedBytes);
  } catch {
    // Some kernels refuse instead of granting less; what there is then is read all the same.
  }
  // Linux doubles what it is asked for, for its own bookkeeping, and tells the doubled value (socket(7), SO_RCVBUF).
  return process.platform === 'linux' ? socket.getRecvBufferSize() / 2 : socket.getRecvBufferSize();
};

/** What a socket of this machine would be granted; less than `wantedBytes` deserves a warning at start. */
export const checkReceiveBuffer = async (wantedBytes: number): Promise<{ readonly granted: number }> => {
  const socket = createSocket('udp4');
  try {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return { granted: grantReceiveBuffer(socket, wantedBytes) };
  } finally {
    socket.close();
  }
};
