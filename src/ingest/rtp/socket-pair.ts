/** A leg's two UDP sockets: RTP on a port, RTCP on the next (RFC 3550 §11). Reads nothing of what arrives and never sends. */
import type { UdpAddress, UdpListener, UdpReceiver, UdpSocket } from './udp-receiver.ts';

/** Room for a few reports. */
const RTCP_BUFFER_BYTES = 16_384;

export class SocketPair {
  /** What the kernel granted for RTP. */
  readonly receiveBufferBytes: number;
  readonly #sockets: readonly UdpSocket[];

  private constructor(rtp: UdpSocket, rtcp: UdpSocket) {
    this.receiveBufferBytes = rtp.receiveBufferBytes;
    this.#sockets = [rtp, rtcp];
  }

  /** @throws PORT_TAKEN, PORTS_USED_UP when the machine has no socket left, CONFIG_INVALID for a host that can't be had */
  static async bind(
    receiver: UdpReceiver,
    address: UdpAddress,
    { rtp: onRtp, rtcp: onRtcp }: { readonly rtp: UdpListener; readonly rtcp: UdpListener },
  ): Promise<SocketPair> {
    const rtp = await receiver.bind(address, onRtp);
    try {
      const { host, port } = address;
      const reports = { host, port: port + 1, receiveBufferBytes: RTCP_BUFFER_BYTES };
      return new SocketPair(rtp, await receiver.bind(reports, onRtcp));
    } catch (error) {
      await rtp.close();
      throw error;
    }
  }

  /** Nothing is heard from the call on. */
  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()));
  }
}
