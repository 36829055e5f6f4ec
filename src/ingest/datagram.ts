/** One UDP datagram, or one TCP segment, taken out of a capture. `payload` is a view that is valid until the next packet is read. */
export type Datagram = {
  readonly protocol: 'udp' | 'tcp';
  /** Capture time in microseconds since the Unix epoch; a nanosecond capture keeps its fraction. */
  readonly atUs: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  readonly payload: Buffer;
  /** The capture kept fewer bytes than the wire had (snaplen). */
  readonly cut: boolean;
  /** TCP sequence number of the payload's first byte, and the SYN flag; 0 and false for UDP. */
  readonly tcpSequence: number;
  readonly tcpSyn: boolean;
};
