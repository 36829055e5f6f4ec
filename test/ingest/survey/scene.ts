/** Writes what a capture saw, in a few words, and reads a plan back as a few lines. Times in milliseconds from the scene's start. */
import type { Datagram } from '../../../src/ingest/datagram.ts';
import type { CapturePlan, PlannedCall } from '../../../src/ingest/plan.ts';
import { Survey } from '../../../src/ingest/survey/survey.ts';
import { formatWireCodec } from '../../../src/media/wire-codec.ts';
import { RtpStream, type StreamOptions, type TimedRtp } from '../../support/rtp-stream.ts';
import { seeded } from '../../support/tones.ts';

export const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;

/** `192.0.2.1:4000`. */
export type Endpoint = string;

export const datagram = (atMs: number, from: Endpoint, to: Endpoint, payload: Uint8Array, cut = false): Datagram => {
  const [source, sourcePort] = endpointOf(from);
  const [target, targetPort] = endpointOf(to);
  const path = { source, sourcePort, target, targetPort };
  const tcp = { tcpSequence: 0, tcpSyn: false };
  return { protocol: 'udp', atUs: START_US + atMs * 1000, ...path, payload: Buffer.from(payload), cut, ...tcp };
};

const endpointOf = (text: Endpoint): [string, number] => {
  const colon = text.lastIndexOf(':');
  return [text.slice(0, colon), Number(text.slice(colon + 1))];
};

/** Packets on a path, as captured. */
export const sent = (packets: readonly TimedRtp[], from: Endpoint, to: Endpoint, laterMs = 0): Datagram[] =>
  packets.map(({ atUs, data }) => datagram((atUs - START_US) / 1000 + laterMs, from, to, data));

export type Talk = Omit<StreamOptions, 'startUs'> & {
  readonly startMs?: number;
  readonly ms?: number;
  /** Size of each payload; default one byte per tick. */
  readonly bytes?: number;
  /** Of the bytes said: the same seed says the same. Default: the SSRC. */
  readonly says?: number;
  /** Every byte of every payload. */
  readonly constant?: number;
};

/** A stream of payloads that are noise, told apart by what they say. */
export const talk = (options: Talk): RtpStream => {
  const { startMs = 0, ms = 2000, says = options.ssrc, constant, ...rest } = options;
  const { ptimeMs = 20, clockRate = 8000 } = rest;
  const bytes = options.bytes ?? (ptimeMs * clockRate) / 1000;
  const random = seeded(says);
  const stream = new RtpStream({ ...rest, startUs: START_US + startMs * 1000 });
  for (let at = 0; at < ms; at += ptimeMs) {
    stream.audio(Uint8Array.from({ length: bytes }, () => constant ?? Math.floor(random() * 256)));
  }
  return stream;
};

/** `talk`, sent from one end to the other. */
export const speech = (from: Endpoint, to: Endpoint, options: Talk): Datagram[] =>
  sent(talk(options).packets(), from, to);

export const plan = (...parts: readonly (readonly Datagram[])[]): CapturePlan => {
  const survey = new Survey();
  for (const one of parts.flat().sort((left, right) => left.atUs - right.atUs)) survey.push(one);
  return survey.finish();
};

/** Each call as its streams: `a 192.0.2.1:4000>192.0.2.2:5000 0:PCMU/8000`; an SSRC change adds a line. */
export const calls = (found: CapturePlan): string[][] => found.calls.map(streams);

export const streams = (call: PlannedCall): string[] =>
  call.streams.map((stream) => {
    const codecs: string[] = [];
    for (let payloadType = 0; payloadType < 128; payloadType++) {
      const codec = stream.codecAt(payloadType, stream.firstUs);
      if (codec !== undefined) codecs.push(`${payloadType}:${formatWireCodec(codec)}`);
    }
    return [stream.leg, stream.path, ...codecs].join(' ');
  });

/** What was left out, as `what: packets`. */
export const leftOut = (found: CapturePlan): string[] =>
  found.leftOut.map(({ what, packets }) => `${what}: ${packets}`);

type Side = {
  readonly at: Endpoint;
  /** m= lines and what belongs to them; default: PCMU and telephone-event at `at`. */
  readonly media?: readonly string[];
};

export type Dialog = {
  readonly callId: string;
  readonly caller: Side;
  readonly callee: Side;
  readonly inviteMs?: number;
  /** Default: 100 ms after the INVITE; `null`: never. */
  readonly answerMs?: number | null;
  readonly byeMs?: number;
  /** Further offers of the caller, each answered at once. */
  readonly again?: readonly { readonly atMs: number; readonly caller: Side; readonly callee: Side }[];
};

const sdp = ({ at, media }: Side): string => {
  const [host, port] = endpointOf(at);
  const family = host.includes(':') ? 'IP6' : 'IP4';
  const lines = media ?? [`m=audio ${port} RTP/AVP 0 101`, 'a=rtpmap:101 telephone-event/8000'];
  return [`v=0`, `o=- 1 1 IN ${family} ${host}`, 's=-', `c=IN ${family} ${host}`, 't=0 0', ...lines, ''].join('\r\n');
};

/** The signalling of a call, between the hosts of its media. */
export const dialog = (call: Dialog): Datagram[] => {
  const { callId, caller, callee, inviteMs = 0, answerMs = inviteMs + 100, byeMs, again = [] } = call;
  const [callerHost, calleeHost] = [endpointOf(caller.at)[0], endpointOf(callee.at)[0]];
  const message = (atMs: number, by: 'caller' | 'callee', first: string, cseq: string, body: string): Datagram => {
    const fields = [
      first,
      `Via: SIP/2.0/UDP ${callerHost}:5060;branch=z9hG4bK${cseq.replace(' ', '')}`,
      'From: "Ann" <sip:ann@example.com>;tag=ann1',
      `To: "Bob" <sip:bob@example.com>${first.startsWith('INVITE') && cseq === '1 INVITE' ? '' : ';tag=bob1'}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq}`,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const [from, to] = by === 'caller' ? [callerHost, calleeHost] : [calleeHost, callerHost];
    return datagram(atMs, `${from}:5060`, `${to}:5060`, Buffer.from(`${fields.join('\r\n')}\r\n\r\n${body}`));
  };
  const messages = [message(inviteMs, 'caller', 'INVITE sip:bob@example.com SIP/2.0', '1 INVITE', sdp(caller))];
  if (answerMs !== null) messages.push(message(answerMs, 'callee', 'SIP/2.0 200 OK', '1 INVITE', sdp(callee)));
  for (const [index, offer] of again.entries()) {
    const cseq = `${index + 2} INVITE`;
    messages.push(message(offer.atMs, 'caller', 'INVITE sip:bob@example.com SIP/2.0', cseq, sdp(offer.caller)));
    messages.push(message(offer.atMs + 5, 'callee', 'SIP/2.0 200 OK', cseq, sdp(offer.callee)));
  }
  if (byeMs !== undefined) messages.push(message(byeMs, 'caller', 'BYE sip:bob@example.com SIP/2.0', '9 BYE', ''));
  return messages;
};
