/** lamejs as its own documentation has it, on the same PCM and at the same bitrate: no Info tag, no checks, one file. Once, cold. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import lamejs from 'lamejs';
import { kbpsOf } from '../commands.ts';
import type { Loop } from './loop.ts';
import { CHANNELS, RATE, readPcm } from './pcm.ts';
import { Stopwatch } from './stopwatch.ts';

const PIECE = 1152;

export const loop: Loop = async ({ call, folder }) => {
  const pcm = await readPcm(call);
  const left = new Int16Array(PIECE);
  const right = new Int16Array(PIECE);
  const watch = new Stopwatch();
  watch.start();
  const file = await open(join(folder, 'bench.mp3'), 'wx');
  const lame = new lamejs.Mp3Encoder(CHANNELS, RATE, kbpsOf({ rate: RATE, channels: CHANNELS }));
  let pieces: Uint8Array[] = [];
  for (let at = 0; at < pcm.length; at += PIECE * CHANNELS) {
    const count = Math.min(PIECE, (pcm.length - at) / CHANNELS);
    for (let i = 0; i < count; i++) {
      left[i] = pcm[at + CHANNELS * i];
      right[i] = pcm[at + CHANNELS * i + 1];
    }
    const mp3 = lame.encodeBuffer(left.subarray(0, count), right.subarray(0, count));
    if (mp3.length > 0) pieces.push(bytesOf(mp3));
    if (pieces.length === 256) {
      await file.write(Buffer.concat(pieces));
      pieces = [];
    }
  }
  await file.write(Buffer.concat([...pieces, bytesOf(lame.flush())]));
  await file.close();
  watch.stop();
  return { encode: watch.sample(pcm.length / CHANNELS / RATE) };
};

const bytesOf = ({ buffer, byteOffset, length }: Int8Array): Uint8Array => new Uint8Array(buffer, byteOffset, length);
