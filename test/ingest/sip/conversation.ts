/** Short ways to write SIP messages and the datagrams that carry them. Pure text; one call `c1` of Ann (tag a) with Bob (tag b). */
import type { Datagram } from '../../../src/ingest/datagram.ts';

export const ANN = '192.0.2.10';
export const BOB = '198.51.100.20';

export type Fields = {
  /** Tag of the party that sends the request. Default `a`. */
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly cseq?: number;
  readonly callId?: string;
  readonly sdp?: string;
  /** More header lines. */
  readonly more?: readonly string[];
};

const NAMES: Readonly<Record<string, string>> = {
  a: '"Ann" <sip:+4570100200@example.net>',
  b: '<sip:bob@example.org>',
};
const nameOf = (tag: string): string => NAMES[tag[0] ?? 'b'] ?? NAMES.b!;

const message = (first: string, method: string, fields: Fields): string => {
  const { fromTag = 'a', toTag = '', cseq = 1, callId = 'c1', sdp = '', more = [] } = fields;
  const to = toTag === '' ? nameOf(fromTag.startsWith('a') ? 'b' : 'a') : `${nameOf(toTag)};tag=${toTag}`;
  return [
    first,
    'Via: SIP/2.0/UDP host.example.net;branch=z9hG4bK1',
    `From: ${nameOf(fromTag)};tag=${fromTag}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...more,
    ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(sdp)}`,
    '',
    sdp,
  ].join('\r\n');
};

export const request = (method: string, fields: Fields = {}): string =>
  message(`${method} sip:someone@example.org SIP/2.0`, method, fields);

/** @param method of the request that is answered; From and To stay as in the request. */
export const response = (status: number, method: string, fields: Fields = {}): string =>
  message(`SIP/2.0 ${status} Reason`, method, fields);

export const sdp = (address: string, media: string, ...lines: readonly string[]): string =>
  ['v=0', `o=- 1 1 IN IP4 ${address}`, 's=-', `c=IN IP4 ${address}`, 't=0 0', `m=${media}`, ...lines, ''].join('\r\n');

/** A plain PCMU description with its m= port. */
export const pcmu = (address: string, port: number, ...lines: readonly string[]): string =>
  sdp(address, `audio ${port} RTP/AVP 0`, ...lines);

export const udp = (text: string | Uint8Array, atUs: number, source = ANN, target = BOB, cut = false): Datagram => ({
  protocol: 'udp',
  atUs,
  source,
  sourcePort: 5060,
  target,
  targetPort: 5060,
  payload: Buffer.from(text as string),
  cut,
  tcpSequence: 0,
  tcpSyn: false,
});

export const tcp = (
  payload: string | Uint8Array,
  sequence: number,
  atUs: number,
  more: Partial<Datagram> = {},
): Datagram => ({
  ...udp(payload, atUs),
  protocol: 'tcp',
  sourcePort: 40_000,
  tcpSequence: sequence >>> 0,
  ...more,
});
