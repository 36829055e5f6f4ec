/** What a payload type stands for on the wire: the rtpmap of RFC 8866 §6.6 as a value. */
export type WireCodec = {
  /** Encoding name in upper case: PCMU, PCMA, L16, G722, OPUS, TELEPHONE-EVENT, CN, G729 … */
  readonly name: string;
  /** RTP timestamp ticks per second. G.722 says 8000 though its audio is 16 kHz (RFC 3551 §4.5.2). */
  readonly clockRate: number;
  readonly channels: number;
  /** The format parameters as written, such as `mode=20` or `octet-align=1`. */
  readonly fmtp?: string;
};

const audio = (name: string, clockRate: number, channels = 1): WireCodec => ({ name, clockRate, channels });

/** Static payload types, RFC 3551 §6 tables 4 and 5: audio only; 101 is the field's habit for telephone-event (design §6.5). */
export const STATIC_PAYLOAD_TYPES: ReadonlyMap<number, WireCodec> = new Map([
  [0, audio('PCMU', 8000)],
  [3, audio('GSM', 8000)],
  [4, audio('G723', 8000)],
  [5, audio('DVI4', 8000)],
  [6, audio('DVI4', 16000)],
  [7, audio('LPC', 8000)],
  [8, audio('PCMA', 8000)],
  [9, audio('G722', 8000)],
  [10, audio('L16', 44100, 2)],
  [11, audio('L16', 44100)],
  [12, audio('QCELP', 8000)],
  [13, audio('CN', 8000)],
  [14, audio('MPA', 90000)],
  [15, audio('G728', 8000)],
  [16, audio('DVI4', 11025)],
  [17, audio('DVI4', 22050)],
  [18, audio('G729', 8000)],
  [19, audio('CN', 8000)],
  [101, audio('TELEPHONE-EVENT', 8000)],
]);

/** Video payload types that are static (RFC 3551 table 5): named and left out. */
export const STATIC_VIDEO: ReadonlyMap<number, string> = new Map([
  [25, 'CelB'],
  [26, 'JPEG'],
  [28, 'nv'],
  [31, 'H261'],
  [32, 'MPV'],
  [33, 'MP2T'],
  [34, 'H263'],
]);

/** The rtpmap text, `PCMU/8000` or `L16/44100/2`, as logs and manifests show it. */
export const formatWireCodec = (codec: WireCodec): string =>
  `${codec.name}/${codec.clockRate}${codec.channels > 1 ? `/${codec.channels}` : ''}`;
