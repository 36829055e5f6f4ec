/** The RTP payloads of one payload type in a small classic pcap of Ethernet, IPv4 and UDP: just enough to read a fixture. */
import { RtpPacket } from '../../../src/media/rtp-packet.ts';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET_HEADER = 14;
const UDP_HEADER = 8;

export const rtpPayloads = (pcap: Buffer, payloadType: number): Uint8Array[] => {
  if (pcap.readUInt32LE(0) !== 0xa1b2c3d4 || pcap.readUInt32LE(20) !== 1) throw new Error('not the pcap this reads');
  const payloads: Uint8Array[] = [];
  const rtp = new RtpPacket();
  for (let at = FILE_HEADER; at < pcap.length; ) {
    const length = pcap.readUInt32LE(at + 8);
    const frame = pcap.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    at += RECORD_HEADER + length;
    const ipHeader = 4 * (frame[ETHERNET_HEADER] & 0x0f);
    const datagram = frame.subarray(ETHERNET_HEADER + ipHeader + UDP_HEADER);
    if (rtp.parse(datagram) && rtp.payloadType === payloadType) {
      payloads.push(datagram.subarray(rtp.payloadStart, rtp.payloadEnd));
    }
  }
  return payloads;
};
