/** What the tone watch has heard does not stay in memory: it may be masked. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { ToneWatch } from '../../src/call/tone-watch.ts';
import { DtmfDetector } from '../../src/kernel/dtmf-detector.ts';
import type { Codec } from '../../src/media/codec.ts';
import { codecFor } from '../../src/media/codecs/registry.ts';

const FRAME = 160;

/** L16, with every buffer that was decoded into and every sign that the decoder was told to forget. */
const scene = () => {
  const l16 = codecFor({ name: 'L16', clockRate: 8000, channels: 1 })!;
  const buffers = new Set<ArrayBufferLike>();
  const told: string[] = [];
  const codec: Codec = {
    ...l16,
    createDecoder: () => {
      const decoder = l16.createDecoder!();
      if (decoder instanceof Promise) throw new Error('L16 decodes at once');
      return {
        decode: (payload, out) => {
          buffers.add(out.buffer);
          return decoder.decode(payload, out);
        },
        reset: () => told.push('reset'),
        close: () => told.push('close'),
      };
    },
  };
  const watch = ToneWatch.of(codec)!;
  const push = (n: number, samples = FRAME): void =>
    watch.push(n * FRAME, samples, new Uint8Array(2 * samples).fill(0x33));
  const left = (): number => {
    let bytes = 0;
    for (const buffer of buffers) bytes += new Uint8Array(buffer).filter((byte) => byte !== 0).length;
    return bytes;
  };
  return { watch, push, left, told, buffers };
};

test('after its end nothing that was heard is left, in any buffer it had', () => {
  const { watch, push, left, told, buffers } = scene();
  for (let n = 0; n < 20; n++) push(n);
  push(20, 1600);
  push(30);
  push(31);
  push(32);
  expect(left()).toBeGreaterThan(0);
  watch.end();
  expect(buffers.size).toBe(2);
  expect(left()).toBe(0);
  expect(told).toEqual(['reset', 'close']);
});

test('a frame that outgrows the buffer leaves none of the one before in the old', () => {
  const { push, buffers, left } = scene();
  for (let n = 0; n < 5; n++) push(n);
  const [old] = buffers;
  push(5, 1600);
  push(15);
  push(16);
  expect(buffers.size).toBe(2);
  expect(new Uint8Array(old!).every((byte) => byte === 0)).toBe(true);
  expect(left()).toBeGreaterThan(0);
});

test('the last frame that was heard is forgotten when it is let go', () => {
  const { watch, push, left } = scene();
  for (let n = 0; n < 10; n++) push(n);
  for (let n = 0; n < 7; n++) watch.isTone(n * FRAME, FRAME);
  expect(left()).toBeGreaterThan(0);
  watch.isTone(7 * FRAME, FRAME);
  expect(left()).toBe(0);
});

test('the detector’s window is overwritten too', () => {
  const pushed: Int16Array[] = [];
  const real = DtmfDetector.prototype.push;
  const spy = vi.spyOn(DtmfDetector.prototype, 'push').mockImplementation(function (this: DtmfDetector, pcm) {
    pushed.push(pcm.slice());
    return real.call(this, pcm);
  });
  onTestFinished(() => spy.mockRestore());
  const { watch, push } = scene();
  for (let n = 0; n < 10; n++) push(n);
  watch.end();
  const last = pushed.at(-1)!;
  expect(last.length).toBeGreaterThanOrEqual(0.04 * 8000);
  expect(last.every((sample) => sample === 0)).toBe(true);
});
