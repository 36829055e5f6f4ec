/**
 * A session description (RFC 8866) as the media lines a recorder needs. The grammar is sdp-transform's; this file feeds it
 * lines it can read, bounds them, and applies the rules between lines: session level under media level, static payload
 * types, security. Pure; malformed text gives `undefined`, never a throw.
 */
import ipaddr from 'ipaddr.js';
import { parse, type SessionDescription } from 'sdp-transform';
import { STATIC_PAYLOAD_TYPES, STATIC_VIDEO, type WireCodec } from '../../media/wire-codec.ts';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export type SdpMedia = {
  /** `audio`, `video`, `image` (T.38), `application`, `text`, … in lower case; empty when the line can't be read. */
  readonly kind: string;
  /** The transport as written: `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `udptl` … */
  readonly protocol: string;
  /** Where this party receives: an address in canonical text, or a host name; empty when the description has no c= line. */
  readonly address: string;
  /** 0–65535; 0: refused, or the line can't be read. */
  readonly port: number;
  readonly direction: Direction;
  /** The address is 0.0.0.0 or ::, RFC 2543's way to put on hold (RFC 3264 §8.4): nothing can be sent to it. */
  readonly held: boolean;
  /** SRTP, DTLS or ZRTP by profile or by a key in the description: not to be read as plain RTP. */
  readonly secure: boolean;
  /** The format list as written, in the order of preference. */
  readonly formats: readonly string[];
  /** Payload type → codec, in the order of preference; formats that nothing describes are left out. */
  readonly codecs: ReadonlyMap<number, WireCodec>;
  /** a=label (RFC 4574): what SIPREC metadata calls this stream. */
  readonly label?: string;
  readonly ptimeMs?: number;
  /** RTCP may share the RTP port (RFC 5761). */
  readonly rtcpMux: boolean;
};

const LONGEST_TEXT = 64 * 1024;
const LONGEST_LINE = 4096;
const MOST_LINES = 2000;
const MOST_MEDIA = 64;

type Media = SessionDescription['media'][number];

/** One entry per m= line, in order; an empty list for a description without media; `undefined` when the text is no SDP. */
export const parseSdp = (text: string): readonly SdpMedia[] | undefined => {
  if (text.length > LONGEST_TEXT) return undefined;
  const lines = text.split(/\r\n|\r|\n/, MOST_LINES).filter((line) => line.length <= LONGEST_LINE);
  const session = parse(lines.map((line) => readable(line.replace(/\p{Cc}+/gu, ' '))).join('\r\n'));
  if (session.version === undefined && session.media.length === 0) return undefined;
  return session.media.slice(0, MOST_MEDIA).map((media) => readMedia(session, media));
};

/**
 * The line as sdp-transform's grammar wants it: one space between words, attribute names in lower case, and no port count
 * (`49170/2` would lose the whole m= line).
 */
const readable = (line: string): string => {
  const type = line.slice(0, 2);
  const words = line.slice(2).trim();
  if (type === 'm=') return `m=${words.replace(/\s+/g, ' ').replace(/^(\S+ \d+)\/\d+/, '$1')}`;
  if (type === 'c=') return `c=${words.replace(/\s+/g, ' ')}`;
  if (type !== 'a=') return line;
  const colon = words.indexOf(':');
  if (colon === -1) return `a=${words.toLowerCase()}`;
  const value = words.slice(colon + 1).trim();
  return `a=${words.slice(0, colon).trim().toLowerCase()}:${value.replace(/^(\S+)\s+/, '$1 ')}`;
};

const readMedia = (session: SessionDescription, media: Media): SdpMedia => {
  const kind = String(media.type ?? '').toLowerCase();
  const protocol = String(media.protocol ?? '');
  const address = addressOf(String((media.connection ?? session.connection)?.ip ?? ''));
  const ptimeMs = Number(media.ptime ?? 0);
  return {
    kind,
    protocol,
    address,
    port: portOf(media.port),
    direction: directionOf(media.direction ?? session.direction),
    // A WebRTC offer that has yet to gather candidates says 0.0.0.0 as well.
    held: (address === '0.0.0.0' || address === '::') && media.candidates === undefined,
    secure: isSecure(protocol, session, media),
    formats: formatsOf(media),
    codecs: /\bRTP\//i.test(protocol) ? codecsOf(kind, media) : new Map(),
    ...(media.label === undefined ? {} : { label: String(media.label) }),
    ...(ptimeMs > 0 ? { ptimeMs } : {}),
    rtcpMux: media.rtcpMux !== undefined,
  };
};

/** Without a multicast scope (`/127`), and as the capture reader writes addresses: RFC 5952, dots in an IPv4-mapped one. */
const addressOf = (written: string): string => {
  const text = (written.split('/', 1)[0] ?? '').toLowerCase();
  if (!ipaddr.IPv6.isValid(text)) return text;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? `::ffff:${address.toIPv4Address()}` : address.toRFC5952String();
};

const portOf = (value: unknown): number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535 ? value : 0;

const directionOf = (written: string | undefined): Direction => {
  switch (written) {
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      return written;
    default:
      return 'sendrecv'; // RFC 8866 §6.7: the default.
  }
};

/** Keys mean encryption even under a plain profile: RFC 8643 offers SRTP that way, and a key needs no other announcement. */
const isSecure = (protocol: string, session: SessionDescription, media: Media): boolean =>
  /SAVP|TLS/i.test(protocol) ||
  [session, media].some(
    (level) =>
      level.crypto !== undefined ||
      level.fingerprint !== undefined ||
      (level.invalid ?? []).some((line) => /^(crypto|fingerprint|key-mgmt|zrtp-hash):/.test(String(line.value))),
  );

const formatsOf = (media: Media): readonly string[] =>
  String(media.payloads ?? '')
    .split(' ')
    .filter((format) => format !== '');

const codecsOf = (kind: string, media: Media): ReadonlyMap<number, WireCodec> => {
  const codecs = new Map<number, WireCodec>();
  for (const format of formatsOf(media)) {
    const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128;
    if (payloadType > 127) continue;
    const codec = mappedCodec(media, payloadType) ?? staticCodec(kind, payloadType);
    if (codec === undefined) continue;
    const fmtp = media.fmtp.find((line) => line.payload === payloadType)?.config;
    codecs.set(payloadType, fmtp === undefined ? codec : { ...codec, fmtp: String(fmtp) });
  }
  return codecs;
};

/** From a=rtpmap (RFC 8866 §6.6). */
const mappedCodec = (media: Media, payloadType: number): WireCodec | undefined => {
  const map = media.rtp.find((line) => line.payload === payloadType);
  return wireCodecOf(String(map?.codec ?? ''), Number(map?.rate ?? 0), Number(map?.encoding ?? 1));
};

/** The codec an rtpmap describes; undefined without a usable clock rate. */
export const wireCodecOf = (encodingName: string, rate: number, channels: number): WireCodec | undefined => {
  const name = encodingName.toUpperCase();
  if (name === '' || !Number.isInteger(rate) || rate < 1 || rate > 1_000_000) return undefined;
  return {
    name,
    // Written `G722/16000` by senders whose timestamps still tick at 8000, as RFC 3551 §4.5.2 demands.
    clockRate: name === 'G722' ? 8000 : rate,
    channels: Number.isInteger(channels) && channels >= 1 && channels <= 255 ? channels : 1,
  };
};

const staticCodec = (kind: string, payloadType: number): WireCodec | undefined => {
  if (kind === 'audio') return STATIC_PAYLOAD_TYPES.get(payloadType);
  const name = kind === 'video' ? STATIC_VIDEO.get(payloadType) : undefined;
  return name === undefined ? undefined : { name: name.toUpperCase(), clockRate: 90_000, channels: 1 };
};
