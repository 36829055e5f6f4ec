/** How audio is coded, in the words of cloud voice servers: `audio/x-mulaw`, `PCMU`, `audio/l16;rate=16000`, `L16@24000h`. Pure. */
import { AppError } from '../../core/errors.ts';
import type { StreamEncoding, StreamFormat } from './stream-dialect.ts';

/** Without `audio/` and `x-`. Linear audio is little-endian with all of them, whatever RFC 2586 says of the name. */
const ENCODINGS: ReadonlyMap<string, StreamEncoding> = new Map([
  ['mulaw', 'pcmu'],
  ['ulaw', 'pcmu'],
  ['pcmu', 'pcmu'],
  ['alaw', 'pcma'],
  ['pcma', 'pcma'],
  ['l16', 'l16le'],
  ['pcm', 'l16le'],
  ['pcm16', 'l16le'],
  ['linear16', 'l16le'],
  ['slin', 'l16le'],
  ['raw/slin', 'l16le'],
  ['g722', 'g722'],
  ['opus', 'opus'],
  ['amr-wb', 'amr-wb'],
]);

const LINEAR_RATES = [8000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/** Said rate → the audio's. The first is taken where none is said. */
const RATES: Readonly<Record<StreamEncoding, readonly (readonly [said: number, rate: number])[]>> = {
  pcmu: [[8000, 8000]],
  pcma: [[8000, 8000]],
  l16le: LINEAR_RATES.map((rate) => [rate, rate]),
  l16be: LINEAR_RATES.map((rate) => [rate, rate]),
  // Its clock in RTP is 8000 (RFC 3551 §4.5.2), and some servers say so.
  g722: [
    [16_000, 16_000],
    [8000, 16_000],
  ],
  opus: [48_000, 8000, 12_000, 16_000, 24_000].map((rate) => [rate, rate]),
  'amr-wb': [[16_000, 16_000]],
};

/**
 * @param words the encoding's, with or without a rate behind it
 * @param said rate and channels where they are said apart; they go first
 * @throws AppError STREAM_INVALID for an encoding, a rate or a number of channels that is not taken
 */
export const mediaFormat = (
  kind: string,
  words: string,
  said: { readonly rate?: unknown; readonly channels?: unknown } = {},
): StreamFormat => {
  const [, name = '', behind] =
    /^(?:audio\/)?(?:x-)?([a-z0-9/-]{1,16})\s*(?:(?:;\s*rate=|@)(\d{1,6})h?)?$/i.exec(words) ?? [];
  const encoding = ENCODINGS.get(name.toLowerCase());
  if (encoding === undefined) throw new AppError('STREAM_INVALID', `${kind}: an encoding that is not taken`);
  const { channels = 1 } = said;
  if (Number(channels) !== 1) throw new AppError('STREAM_INVALID', `${kind}: one channel a track`);
  const rate = said.rate ?? behind;
  const row = rate === undefined ? RATES[encoding][0] : RATES[encoding].find(([each]) => each === Number(rate));
  if (row === undefined)
    throw new AppError('STREAM_INVALID', `${kind}: a sample rate that ${name.toLowerCase()} is not taken at`);
  return { encoding, sampleRate: row[1], channels: 1 };
};

/** Infinity where only the codec knows how long a message is. */
export const bytesPerMs = ({ encoding, sampleRate }: StreamFormat): number => {
  switch (encoding) {
    case 'pcmu':
    case 'pcma':
      return sampleRate / 1000;
    case 'l16le':
    case 'l16be':
      return (2 * sampleRate) / 1000;
    case 'g722':
      return sampleRate / 2000;
    case 'opus':
    case 'amr-wb':
      return Number.POSITIVE_INFINITY;
    default:
      return encoding satisfies never;
  }
};
