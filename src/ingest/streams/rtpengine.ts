/**
 * rtpengine's recording daemon, `tcp-send-to`: a connection for each SSRC, or one for a mixed call; the call's metadata as
 * `key:value|key:value`, a NUL, then linear samples, little-endian, at `tcp-resample` Hz. It fills its gaps with silence itself.
 */
import { HeadedPcm } from './headed-pcm.ts';
import type { StreamKind } from './stream-dialect.ts';

const NUL = 0;

const wordsOf = (head: string): Record<string, string> =>
  Object.fromEntries(
    head.split('|').flatMap((field): [string, string][] => {
      const colon = field.indexOf(':');
      return colon === -1 ? [] : [[field.slice(0, colon).trim(), field.slice(colon + 1).trim()]];
    }),
  );

export const rtpengineKind: StreamKind = {
  name: 'rtpengine',
  transport: 'tcp',
  fillsLegs: true,
  open: (_, sink) => new HeadedPcm({ name: 'rtpengine', terminator: NUL, wordsOf }, sink),
  connect:
    'rtpengine-recording: `tcp-send-to = HOST:PORT`, `tcp-resample = 8000`; ng `start recording` with `metadata` `token:KEY|call_id:c1`, the port from `RECORD_CALL_RTPENGINE_PORT`',
};
