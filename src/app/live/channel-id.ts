import type { RandomBytes } from '../../core/ids.ts';

/** A leg's channel: a random UUID (RFC 9562 §5.4), in lower case. */
export const channelId = (random: RandomBytes): string => {
  const bytes = Buffer.from(random(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};
