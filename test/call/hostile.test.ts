/** What hostile reviewers found, each as they found it: races of commands, beginnings, ends, floods. */
import { describe, expect, test } from 'vitest';
import type { RecordCallFields } from '../../src/core/record-call.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';
import { peak, span } from '../support/tones.ts';

const START_US = Date.UTC(2026, 0, 15) * 1000;
const L16: WireCodec = { name: 'L16', clockRate: 8000, channels: 1 };
const SECRET = Buffer.from('5ec7e75ec7e75ec7', 'hex');
const WAV: RecordCallFields = { format: 'wav' };

const scene = () => {
  const folder = scratchDir();
  const pipeline = new Pipeline(folder);
  const send = (
    n: number,
    { secret = false, atMs = (n + 1) * 20, sequence = n, timestamp = n * 160, ssrc = 1 } = {},
  ): Buffer => {
    const bytes = secret ? Buffer.alloc(320, SECRET) : Buffer.alloc(320, 0x11);
    pipeline.packet({
      leg: 'a',
      ssrc,
      sequence: sequence & 0xffff,
      timestamp: timestamp >>> 0,
      arrivalUs: START_US + atMs * 1000,
      codec: L16,
      bytes,
    });
    return bytes;
  };
  const until = (from: number, to: number, secret = false): void => {
    for (let n = from; n < to; n++) send(n, { secret });
  };
  return { folder, pipeline, send, until };
};

describe('commands that meet', () => {
  test('a mask that is asked for while an unmask is under way wins', async () => {
    const { folder, pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 50);
    await pipeline.command('mask');
    until(50, 100, true);
    const unmask = pipeline.command('unmask');
    send(100, { secret: true });
    const mask = pipeline.command('mask');
    expect(await unmask).toMatchObject({ changed: false, masked: true });
    expect(await mask).toMatchObject({ changed: false, masked: true });
    until(101, 150, true);
    const [finished] = await pipeline.finish();
    expect(findInFiles(folder, SECRET)).toEqual([]);
    expect(manifestOf(finished!).masks).toMatchObject([{ start_ms: 1000, end_ms: 3000 }]);
  });

  test('a recording that starts while an unmask is under way is masked no longer than the call', async () => {
    const { pipeline, until } = scene();
    until(0, 50);
    await pipeline.command('mask');
    until(50, 100, true);
    const unmask = pipeline.command('unmask');
    const start = pipeline.command('start', { ...WAV, media_name: 'two.wav' });
    await Promise.all([unmask, start]);
    until(100, 150);
    const [finished] = await pipeline.finish();
    const { channels } = await hear(finished!);
    expect(peak(span(channels[0]!, 8000, 100, 1000))).toBeGreaterThan(0);
  });

  test('a start after the end starts nothing', async () => {
    const { pipeline, until } = scene();
    until(0, 10);
    await pipeline.call.end();
    expect(await pipeline.command('start', WAV)).toMatchObject({ changed: false, recordings: [] });
  });

  test('a mask before the first packet is one', async () => {
    const { pipeline } = scene();
    expect(await pipeline.command('mask')).toMatchObject({ changed: true, masked: true });
  });
});

describe('packets that lie', () => {
  test('a sender that pauses with its timestamps does not slip out of a mask', async () => {
    const { folder, pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 100);
    for (let n = 100; n < 250; n++) send(n, { atMs: (n + 1) * 20 + 300 });
    pipeline.call.advance(START_US + 5_300_000);
    await pipeline.command('mask');
    for (let n = 250; n < 300; n++) send(n, { secret: true, atMs: (n + 1) * 20 + 300 });
    await pipeline.finish();
    expect(findInFiles(folder, SECRET)).toEqual([]);
  });

  for (const lateMs of [900, 5500, 30_000, 90_000]) {
    test(`one that comes ${lateMs} ms late out of a mask is withheld`, async () => {
      const { folder, pipeline, send, until } = scene();
      pipeline.call.recordFromFirstFrame(WAV, 'test');
      until(0, 50);
      await pipeline.command('mask');
      until(50, 99, true);
      pipeline.call.advance(START_US + 2_000_000);
      await pipeline.command('unmask');
      const after = 100 + Math.ceil(lateMs / 20);
      until(100, after);
      send(99, { secret: true, atMs: after * 20 });
      until(after, after + 20);
      await pipeline.finish();
      expect(findInFiles(folder, SECRET)).toEqual([]);
    });
  }

  test('one from before a restart that comes late out of a mask is withheld', async () => {
    const { folder, pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 50);
    await pipeline.command('mask');
    until(50, 75, true);
    for (let n = 76; n < 100; n++) send(n, { secret: true, sequence: n + 30_000, timestamp: n * 160 + 9_000_000 });
    pipeline.call.advance(START_US + 2_000_000);
    await pipeline.command('unmask');
    for (let n = 100; n < 150; n++) {
      send(n, { sequence: n + 30_000, timestamp: n * 160 + 9_000_000 });
      if (n === 110) send(75, { secret: true, atMs: 2221 });
    }
    await pipeline.finish();
    expect(findInFiles(folder, SECRET)).toEqual([]);
  });

  test('a sequence that begins anew within the window is no duplicate', async () => {
    const { pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 400);
    for (let n = 400; n < 600; n++) send(n, { sequence: n - 400, timestamp: (n - 400) * 160 + 77 });
    const [finished] = await pipeline.finish();
    const { channels } = await hear(finished!);
    expect(channels[0]!.filter((sample) => sample !== 0).length).toBeGreaterThan(599 * 160);
    expect(manifestOf(finished!).legs.a.packets.duplicate).toBe(0);
  });

  test('a straggler from before a jump does not pull what is around it out of place', async () => {
    const { pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 100);
    for (let n = 100; n < 200; n++) {
      if (n !== 100) send(n, { timestamp: n * 160 + 500_000_000 });
      if (n === 107) send(100, { timestamp: 100 * 160 + 500_000_000, atMs: 2161 });
    }
    const [finished] = await pipeline.finish();
    const { channels } = await hear(finished!);
    expect(channels[0]!.length).toBe(32_000);
    expect(channels[0]!.filter((sample) => sample === 0).length).toBeLessThan(8 * 40);
  });

  test('a flood of sources is counted when no more can be numbered', async () => {
    const { pipeline, send } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    const flood = 66_000;
    for (let n = 0; n < flood; n++) {
      send(n, { ssrc: n + 1, sequence: 1, timestamp: 1 });
      if (n % 5000 === 0) await pipeline.call.drained();
    }
    await pipeline.call.end();
    expect(pipeline.closed).toHaveLength(1);
    expect(pipeline.closed[0]!.failure).toBeUndefined();
  });

  test('nothing of a frame that waits stays where it came in', () => {
    const { pipeline, send } = scene();
    pipeline.call.recordFromFirstFrame({ ...WAV, mask_lookback_ms: 500 }, 'test');
    for (let n = 0; n < 20; n++) expect(send(n).every((byte) => byte === 0)).toBe(true);
  });
});

describe('beginnings and ends', () => {
  test('a recording that begins masked for a moment says so', async () => {
    const { pipeline, until } = scene();
    await pipeline.command('mask');
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 15, true);
    await pipeline.command('unmask');
    until(15, 100);
    const [finished] = await pipeline.finish();
    const manifest = manifestOf(finished!);
    expect(manifest.masks).toMatchObject([{ start_ms: 0, end_ms: 300 }]);
    expect(manifest.artefact.duration_ms).toBe(2000);
  });

  test('a stop soon after a new source has begun keeps what it sent', async () => {
    const { pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 50);
    for (let n = 50; n < 62; n++) send(n, { ssrc: 9, atMs: (n + 1) * 20 + (n % 2) * 60 });
    pipeline.call.advance(START_US + 1_300_000);
    await pipeline.command('stop');
    for (let n = 63; n < 130; n++) send(n, { ssrc: 9, atMs: (n + 1) * 20 + (n % 2) * 60 });
    const [finished] = await pipeline.finish();
    const { channels } = await hear(finished!);
    expect(span(channels[0]!, 8000, 1000, 1200).filter((sample) => sample !== 0).length).toBeGreaterThan(1000);
  });

  test('a line of which only a few seconds were seen, far apart, is finalized', async () => {
    const { pipeline, send, until } = scene();
    pipeline.call.recordFromFirstFrame(WAV, 'test');
    until(0, 100);
    for (let n = 4000; n < 4100; n++) send(n, { sequence: n - 3900, timestamp: n * 160 });
    const [finished] = await pipeline.finish();
    expect((await hear(finished!)).channels[0]!.length).toBe(82 * 8000);
  });
});

test('a sender that begins anew with every packet takes no more memory than a bound, and what is beyond it is counted', async () => {
  const pipeline = new Pipeline(scratchDir());
  pipeline.call.recordFromFirstFrame(WAV, 'test');
  const packets = 3000;
  for (let n = 0; n < packets; n++) {
    const bytes = Buffer.alloc(320, 1);
    pipeline.packet({
      leg: 'a',
      ssrc: n,
      sequence: n,
      timestamp: n * 160,
      arrivalUs: START_US + n * 20_000,
      codec: L16,
      bytes,
    });
    expect(bytes.every((byte) => byte === 0) || n < 1024).toBe(true);
  }
  const { received, unusable } = pipeline.call.tallies().a;
  expect({ received, unusable }).toEqual({ received: packets, unusable: packets - 1024 });
  await pipeline.call.end();
});
