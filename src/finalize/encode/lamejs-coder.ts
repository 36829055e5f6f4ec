/** mp3 frames by lamejs, which is always there: LAME 3.98 in JavaScript. */
import { createRequire } from 'node:module';
import lamejs from 'lamejs';
import type { Mp3Format } from './info-tag.ts';
import type { Mp3Coder } from './mp3-coder.ts';

const { version } = createRequire(import.meta.url)('lamejs/package.json') as { readonly version: string };

export const lamejsCoder = ({ sampleRate, channels, kbps }: Mp3Format): Mp3Coder => {
  const lame = new lamejs.Mp3Encoder(channels, sampleRate, kbps);
  return {
    name: `lamejs ${version}`,
    tag: 'LAME3.98r',
    encode: (left, right, samples) => bytesOf(lame.encodeBuffer(left.subarray(0, samples), right.subarray(0, samples))),
    flush: () => bytesOf(lame.flush()),
    close: () => {},
  };
};

const bytesOf = (mp3: Int8Array): Uint8Array => new Uint8Array(mp3.buffer, mp3.byteOffset, mp3.length);
