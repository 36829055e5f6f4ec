/**
 * Answers an SDP offer (RFC 3264 §6) for one leg, as a recorder: it takes the first audio line that it can read, receives only, and refuses
 * every other line by port 0. Codecs keep the offer's order. What came from outside goes into the answer only where its characters are known
 * to be harmless. Pure; never answers SRTP: keys that are offered under a plain profile stay unanswered, which means plain RTP (RFC 8643 §3).
 */
import { isIPv6 } from 'node:net';
import { write } from 'sdp-transform';
import { AppError } from '../../core/errors.ts';
import { printable } from '../../core/field-errors.ts';
import { codecFor } from '../../media/codecs/registry.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import { isRtpPayloadType, PayloadCodecs } from '../rtp/payload-codecs.ts';
import { type Direction, parseSdp, type SdpMedia } from './sdp.ts';

export type AnswerOptions = {
  /** Where the leg receives: an address, or a name for media servers that resolve one. */
  readonly host: string;
  /** Even; RTCP is on the next one, unless it is multiplexed. */
  readonly port: number;
  /** Of the o= line: decimal digits, the same for every answer to the same party. */
  readonly sessionId: string | number;
  /** Grows with every answer of the same session that differs from the last. Default 1. */
  readonly sessionVersion?: number;
};

/** More media lines than any telephone offers. */
const MOST_MEDIA = 16;
const MOST_FORMATS = 64;
const LONGEST_FMTP = 256;
const LONGEST_PTIME_MS = 200;
/** RFC 8866 §9: `token`, and the protocol's slashes. */
const TOKEN = /^[\w!#$%&'*+.^`{|}~-]{1,64}$/;
const PROTOCOL = /^[\w.+-]+(?:\/[\w.+-]+)*$/;
const PLAIN_RTP = /^RTP\/AVPF?$/i;
const SECURE_RTP = /SAVP|TLS/i;

/**
 * @param offer as it came, of any length.
 * @returns the answer, with CRLF line ends, and what payload types stand for from now on: the answer's, and the static ones that the offer
 *   does not describe.
 * @throws SDP_INVALID: no SDP, no audio line, SRTP only, no codec that is known.
 */
export const answerSdp = (offer: string, options: AnswerOptions): { answer: string; payloads: PayloadCodecs } => {
  const lines = mediaOf(offer);
  const accepted = lines.find((line) => refusalOf(line) === undefined);
  if (accepted === undefined) throw invalid(reasonAgainst(lines));
  const offered = accepted.formats.filter(isPayloadType).map(Number);
  const answer = write({
    version: 0,
    origin: { username: '-', ...sessionOf(options), netType: 'IN', ...addressOf(options.host) },
    name: '-',
    connection: { version: addressOf(options.host).ipVer, ip: options.host },
    timing: { start: 0, stop: 0 },
    media: lines.map((line) => (line === accepted ? acceptance(line, options.port) : refusal(line))),
  });
  const meanings = offered.map((payloadType) => [payloadType, accepted.codecs.get(payloadType)] as const);
  return { answer, payloads: PayloadCodecs.ofOffer(new Map(meanings)) };
};

const mediaOf = (offer: string): readonly SdpMedia[] => {
  const lines = parseSdp(offer);
  if (lines === undefined) throw invalid('the offer is no session description, or longer than one may be');
  // An answer has one line for each of the offer's (RFC 3264 §6): none may have been lost on the way here.
  const written = offer.match(/^m=/gm)?.length ?? 0;
  if (written > MOST_MEDIA) throw invalid(`the offer has ${written} media lines; ${MOST_MEDIA} are taken at most`);
  const unreadable = lines.findIndex(({ kind, protocol }) => !TOKEN.test(kind) || !PROTOCOL.test(protocol));
  if (unreadable !== -1) throw invalid(`media line ${unreadable + 1} of the offer can't be read`);
  if (lines.length !== written) throw invalid('the offer has a line that is too long, or too many lines');
  return lines;
};

const reasonAgainst = (lines: readonly SdpMedia[]): string => {
  const audio = lines.find(({ kind }) => kind === 'audio');
  if (lines.length === 0) return 'the offer has no media line';
  return audio === undefined ? 'the offer has no audio line' : (refusalOf(audio) ?? '');
};

/** Why a line can't be recorded; undefined when it can. */
const refusalOf = (line: SdpMedia): string | undefined => {
  const { kind, protocol, port } = line;
  if (kind !== 'audio') return 'it is not audio';
  if (SECURE_RTP.test(protocol)) {
    return `the audio is offered as ${printable(protocol)}: SRTP can't be recorded, offer RTP/AVP`;
  }
  if (!PLAIN_RTP.test(protocol)) return `the audio is offered as ${printable(protocol)}: only RTP/AVP can be recorded`;
  if (port === 0) return 'the audio line of the offer has port 0: it is not in use';
  const known = acceptedCodecs(line);
  if (known.some(([, codec]) => !isSoundless(codec))) return undefined;
  return `no codec of the offer is known: ${printable(line.formats.join(' '))}`;
};

const isPayloadType = (format: string): boolean => /^\d{1,3}$/.test(format) && Number(format) <= 127;

const acceptedCodecs = ({ formats, codecs }: SdpMedia): readonly (readonly [number, WireCodec])[] =>
  [...new Set(formats.filter(isPayloadType).map(Number))].slice(0, MOST_FORMATS).flatMap((payloadType) => {
    const codec = codecs.get(payloadType);
    const isTaken = codec !== undefined && isRtpPayloadType(payloadType) && codecFor(codec) !== undefined;
    return isTaken ? [[payloadType, codec] as const] : [];
  });

const isSoundless = (codec: WireCodec): boolean => codecFor(codec)?.decodedBy === 'none';

const acceptance = (line: SdpMedia, port: number): object => {
  const codecs = acceptedCodecs(line);
  const { ptimeMs } = line;
  return {
    type: line.kind,
    port,
    protocol: line.protocol,
    payloads: codecs.map(([payloadType]) => payloadType).join(' '),
    rtp: codecs.map(([payload, { name, clockRate, channels }]) => ({
      payload,
      codec: name === 'TELEPHONE-EVENT' ? 'telephone-event' : name === 'OPUS' ? 'opus' : name,
      rate: clockRate,
      ...(channels > 1 ? { encoding: channels } : {}),
    })),
    fmtp: codecs.flatMap(([payload, codec]) => (hasHarmlessFmtp(codec) ? [{ payload, config: codec.fmtp }] : [])),
    ...(ptimeMs !== undefined && ptimeMs >= 1 && ptimeMs <= LONGEST_PTIME_MS ? { ptime: ptimeMs } : {}),
    ...(line.rtcpMux ? { rtcpMux: 'rtcp-mux' } : {}),
    direction: answerTo(line.direction),
  };
};

/** A recorder only listens (RFC 3264 §6.1). */
const answerTo = (offered: Direction): Direction => {
  switch (offered) {
    case 'sendrecv':
    case 'sendonly':
      return 'recvonly';
    case 'recvonly':
    case 'inactive':
      return 'inactive';
    default:
      return offered satisfies never;
  }
};

/**
 * Parameters that both sides must agree on (RFC 4867 §8.3.1, RFC 3952 §5) are said again. Opus' are each side's own wishes (RFC 7587 §7.1),
 * and a recorder has none.
 */
const hasHarmlessFmtp = ({ name, fmtp }: WireCodec): boolean =>
  name !== 'OPUS' && fmtp !== undefined && fmtp.length <= LONGEST_FMTP && /^[\x20-\x7e]+$/.test(fmtp);

/** Port 0, and formats that mean nothing but must be there (RFC 3264 §6). */
const refusal = ({ kind, protocol, formats }: SdpMedia): object => {
  const tokens = formats.filter((format) => TOKEN.test(format)).slice(0, MOST_FORMATS);
  return { type: kind, port: 0, protocol, payloads: tokens.length === 0 ? '0' : tokens.join(' '), rtp: [], fmtp: [] };
};

const sessionOf = ({ sessionId, sessionVersion = 1 }: AnswerOptions): object => {
  if (!/^\d{1,20}$/.test(String(sessionId))) throw new RangeError('an SDP session id has decimal digits only');
  return { sessionId, sessionVersion };
};

const addressOf = (host: string): { ipVer: 4 | 6; address: string } => ({ ipVer: isIPv6(host) ? 6 : 4, address: host });

const invalid = (reason: string): AppError => new AppError('SDP_INVALID', `SDP: ${reason}`);
