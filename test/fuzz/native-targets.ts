/** The native kernel with bytes for arguments; empty where it is not built. A wrong read would end the process. */
import { nativeModule } from '../../src/kernel/native-module.ts';
import type { FuzzTarget } from './targets.ts';

const native = nativeModule;

const pcmOf = (bytes: Uint8Array): Int16Array => {
  const copy = Uint8Array.from(bytes.subarray(0, bytes.length & ~1));
  return new Int16Array(copy.buffer);
};

const doublesOf = (bytes: Uint8Array): Float64Array => {
  const copy = Uint8Array.from(bytes.subarray(0, bytes.length & ~7));
  return new Float64Array(copy.buffer);
};

const refusable = (work: () => unknown): void => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
};

export const nativeTargets: readonly FuzzTarget[] =
  native === undefined
    ? []
    : [
        {
          name: 'native: loops over samples',
          seeds: [Buffer.alloc(320, 0x5a), Buffer.alloc(33, 1)],
          run: (bytes) => {
            const pcm = new Int16Array(bytes.length);
            native.ulawDecode(bytes, pcm);
            native.alawDecode(bytes, pcm.subarray(0, bytes.length >> 1));
            native.mixInto(pcm, pcmOf(bytes));
            native.interleave(pcm, pcmOf(bytes), new Int16Array(bytes.length));
            native.peak(pcm);
            native.energy(pcm);
            native.g722Decode(native.g722Open(), bytes, new Int16Array(2 * bytes.length + 1));
          },
        },
        {
          name: 'native: resampler and tones, whatever their numbers',
          seeds: [new Uint8Array(Float64Array.of(0.5, 2, 1, 4, 0, 0, 0, 0, 8).buffer), Buffer.alloc(160, 0x40)],
          run: (bytes) => {
            const numbers = doublesOf(bytes);
            const [shape, state] = [numbers.slice(0, 4), numbers.slice(4, 9)];
            const out = new Int16Array(64);
            refusable(() => native.resample(new Float64Array(64), shape, state, new Float64Array(32), out, 0));
            const [from = 0, count = 0] = numbers;
            refusable(() => native.goertzel(numbers, from, count, numbers, new Float64Array(8)));
          },
        },
        {
          name: 'native: mp3',
          seeds: [Buffer.alloc(2304, 0x33)],
          run: (bytes) => {
            const mp3 = native.mp3Open(8000, 1, 24, 7);
            if (mp3 === undefined) return;
            const samples = Float32Array.from(pcmOf(bytes));
            const out = new Uint8Array(native.mp3Bound(samples.length));
            native.mp3Encode(mp3, samples, samples, samples.length, out);
            native.mp3Flush(mp3, out);
            native.mp3Close(mp3);
            refusable(() => native.mp3Flush(mp3, out));
          },
        },
      ];
