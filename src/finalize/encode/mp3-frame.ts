/**
 * The four bytes that start an MPEG audio Layer III frame (ISO 11172-3 §2.4.1.3, ISO 13818-3 §2.4; MPEG-2.5 is the
 * Fraunhofer extension for 8–12 kHz). Pure; free-format streams and other layers are not frames here.
 *
 *     11111111 111VVLLP BBBBRRpx MMmmcoee    V version, L layer, P no CRC, B bitrate, R rate, p padding, M mode
 */

export type Mp3Version = '1' | '2' | '2.5';

export type Mp3Frame = {
  readonly version: Mp3Version;
  readonly kbps: number;
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** The whole frame, header included. */
  readonly bytes: number;
  /** Per channel: 1152 or 576. */
  readonly samples: number;
  /** Where the side information ends, from the frame's start: where an Info tag lies. */
  readonly sideInfoEnd: number;
};

export const MP3_HEADER_BYTES = 4;

const VERSION_BITS = { '1': 3, '2': 2, '2.5': 0 } as const satisfies Record<Mp3Version, number>;
const VERSIONS: readonly (Mp3Version | undefined)[] = ['2.5', undefined, '2', '1'];
const RATES: Record<Mp3Version, readonly number[]> = {
  '1': [44100, 48000, 32000],
  '2': [22050, 24000, 16000],
  '2.5': [11025, 12000, 8000],
};
const KBPS_1: readonly number[] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_2: readonly number[] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const MONO = 3;

/**
 * The bitrates a version can have, in kbit/s, ascending. MPEG-2.5 has MPEG-2's table, yet encoders and players stop at
 * 64.
 */
export const mp3Bitrates = (version: Mp3Version): readonly number[] => {
  switch (version) {
    case '1':
      return KBPS_1.slice(1);
    case '2':
      return KBPS_2.slice(1);
    case '2.5':
      return KBPS_2.slice(1, 9);
    default:
      return version satisfies never;
  }
};

/** The version that has `sampleRate`; each of the nine rates belongs to one. */
export const mp3VersionOf = (sampleRate: number): Mp3Version | undefined =>
  (['1', '2', '2.5'] as const).find((version) => RATES[version].includes(sampleRate));

export const mp3FrameSamples = (version: Mp3Version): number => (version === '1' ? 1152 : 576);

/** Side information after the header (ISO 11172-3 §2.4.1.7, ISO 13818-3 §2.4.1.7). */
const sideInfoBytes = (version: Mp3Version, channels: 1 | 2): number => {
  if (version === '1') return channels === 1 ? 17 : 32;
  return channels === 1 ? 9 : 17;
};

/** Bytes of a frame without the padding byte. */
const frameBytes = (version: Mp3Version, kbps: number, sampleRate: number): number =>
  Math.floor((mp3FrameSamples(version) * 125 * kbps) / sampleRate);

/** Reads the header at `at`; undefined when there is none, or it is cut. */
export const parseMp3Frame = (data: Uint8Array, at: number): Mp3Frame | undefined => {
  if (at + MP3_HEADER_BYTES > data.length) return undefined;
  const second = data[at + 1]!;
  const third = data[at + 2]!;
  if (data[at] !== 0xff || (second & 0xe6) !== 0xe2) return undefined; // Sync, Layer III.
  const version = VERSIONS[(second >> 3) & 3];
  if (version === undefined) return undefined;
  const kbps = (version === '1' ? KBPS_1 : KBPS_2)[third >> 4];
  const sampleRate = RATES[version][(third >> 2) & 3];
  if (kbps === undefined || kbps === 0 || sampleRate === undefined) return undefined;
  const channels = data[at + 3]! >> 6 === MONO ? 1 : 2;
  const crcBytes = second & 1 ? 0 : 2;
  return {
    version,
    kbps,
    sampleRate,
    channels,
    bytes: frameBytes(version, kbps, sampleRate) + ((third >> 1) & 1),
    samples: mp3FrameSamples(version),
    sideInfoEnd: MP3_HEADER_BYTES + crcBytes + sideInfoBytes(version, channels),
  };
};

/**
 * A whole frame of silence, all of its content zero: what an Info tag is written into. Its bitrate is the first, from
 * `kbps` up, whose frame has room for `roomBytes` after the side information.
 */
export const silentMp3Frame = (sampleRate: number, channels: 1 | 2, kbps: number, roomBytes: number): Uint8Array => {
  const version = mp3VersionOf(sampleRate);
  if (version === undefined) throw new RangeError(`no mp3 at ${sampleRate} Hz`);
  const needed = MP3_HEADER_BYTES + sideInfoBytes(version, channels) + roomBytes;
  const fitting = mp3Bitrates(version).find((rate) => rate >= kbps && frameBytes(version, rate, sampleRate) >= needed);
  if (fitting === undefined) throw new RangeError(`no mp3 frame at ${sampleRate} Hz holds ${needed} bytes`);
  const frame = new Uint8Array(frameBytes(version, fitting, sampleRate));
  const bitrateIndex = (version === '1' ? KBPS_1 : KBPS_2).indexOf(fitting);
  const rateIndex = RATES[version].indexOf(sampleRate);
  frame[0] = 0xff;
  frame[1] = 0xe3 | (VERSION_BITS[version] << 3); // Layer III, no CRC.
  frame[2] = (bitrateIndex << 4) | (rateIndex << 2);
  frame[3] = channels === 1 ? MONO << 6 : 0;
  return frame;
};
