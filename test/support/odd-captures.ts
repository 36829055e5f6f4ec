/** Captures that are not what a recorder hopes for: streams of one payload type without signalling, packets cut by a snaplen. */
import { callCapture, DEFAULT_START_US } from './call-scenario.ts';
import { pcapFile, udpPacket } from './pcap-file.ts';
import { RtpStream } from './rtp-stream.ts';
import { smallCall } from './small-call.ts';
import { seeded } from './tones.ts';

/** The small call, whole. */
export const whole = callCapture(smallCall());
const random = seeded(7);

/** The same bytes in the same order of calls. */
export const randomBytes = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => random() * 256));

/** Of each stream here. */
export const PACKETS = 200;
type Payload = (stream: RtpStream) => unknown;

/** Two streams that mirror each other, without SIP. */
export const mirrored = (payloadType: number, fill: Payload): Buffer => {
  const ends = [
    { source: '192.0.2.11', sourcePort: 40_000, target: '192.0.2.22', targetPort: 50_000 },
    { source: '192.0.2.22', sourcePort: 50_000, target: '192.0.2.11', targetPort: 40_000 },
  ];
  const packets = ends.flatMap((path, index) => {
    const stream = new RtpStream({ ssrc: 100 + index, payloadType, startUs: DEFAULT_START_US });
    fill(stream);
    return stream.packets().map(({ atUs, data }) => ({ atUs, data: udpPacket({ ...path, payload: data }) }));
  });
  return pcapFile(packets.sort((one, other) => one.atUs - other.atUs));
};

/** Random bits: what they sound like is nobody's business. */
export const g729 = (): Buffer =>
  mirrored(18, (stream) => stream.audio(...Array.from({ length: PACKETS }, () => randomBytes(20))));

/** Cuts what the capture kept of every `nth` packet to the heads, as `tcpdump -s 96` does. */
export const snapped = (nth: number): Buffer => {
  const records: { atUs: number; data: Buffer; originalLength: number }[] = [];
  for (let at = 24; at < whole.length; ) {
    const length = whole.readUInt32LE(at + 8);
    const data = whole.subarray(at + 16, at + 16 + length);
    const isMedia = data.readUInt16BE(34) !== 5060;
    records.push({
      atUs: whole.readUInt32LE(at) * 1e6 + whole.readUInt32LE(at + 4),
      data: isMedia && records.length % nth === 0 ? data.subarray(0, 96) : data,
      originalLength: length,
    });
    at += 16 + length;
  }
  return pcapFile(records);
};
