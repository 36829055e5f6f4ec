/** The mask rules of design §4, one by one, through the whole pipeline: what is in the journal, what is in the artefact. */
import { describe, expect, test } from 'vitest';
import type { Leg } from '../../src/core/leg.ts';
import type { RecordCallFields } from '../../src/core/record-call.ts';
import { encodeUlaw } from '../../src/kernel/g711.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { type Finished, hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';
import { levelOf, peak, span, tone } from '../support/tones.ts';

const PCMU: WireCodec = { name: 'PCMU', clockRate: 8000, channels: 1 };
const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
const FRAME_MS = 20;
const WAV: RecordCallFields = { format: 'wav' };
/** Half a frame: the fields of a property, and room to be in the middle of one. */
const SECRET = Buffer.from('5345435245545345', 'hex');

/** A call whose legs send one frame each 20 ms: a tone per leg, and in `secret` spans a pattern that must never be written. */
class Scene {
  readonly pipeline: Pipeline;
  readonly folder: string;
  #n = 0;
  readonly #tones: Record<Leg, Uint8Array>;
  readonly ssrcs: Record<Leg, number> = { a: 0xa, b: 0xb };

  constructor() {
    this.folder = scratchDir();
    this.pipeline = new Pipeline(this.folder);
    this.#tones = { a: this.#coded(400), b: this.#coded(1000) };
  }

  get nowMs(): number {
    return this.#n * FRAME_MS;
  }

  frame(leg: Leg, n: number, atMs: number, secret: boolean): void {
    const from = (n * 160) % this.#tones[leg].length;
    const bytes = secret ? Buffer.alloc(160, SECRET) : Buffer.from(this.#tones[leg].subarray(from, from + 160));
    this.pipeline.packet({
      leg,
      ssrc: this.ssrcs[leg],
      sequence: n & 0xffff,
      timestamp: n * 160,
      arrivalUs: START_US + atMs * 1000,
      codec: PCMU,
      bytes,
    });
  }

  /** Both legs speak until `ms` of the call; in `secret` they say the pattern. */
  until(ms: number, { secret = false, legs = ['a', 'b'] as readonly Leg[] } = {}): void {
    for (; this.#n * FRAME_MS < ms; this.#n++) {
      for (const leg of legs) this.frame(leg, this.#n, (this.#n + 1) * FRAME_MS, secret);
    }
    this.pipeline.call.advance(START_US + ms * 1000);
  }

  record(fields: RecordCallFields = WAV): void {
    this.pipeline.call.recordFromFirstFrame(fields, 'test');
  }

  async finish(): Promise<Finished[]> {
    const finished = await this.pipeline.finish();
    expect(findInFiles(this.folder, SECRET)).toEqual([]);
    return finished;
  }

  #coded(hz: number): Uint8Array {
    const coded = new Uint8Array(8000);
    encodeUlaw(tone(hz, 1000, 8000), coded);
    return coded;
  }
}

const expectSilent = (pcm: Int16Array, rate: number, fromMs: number, toMs: number): void =>
  expect(peak(span(pcm, rate, fromMs, toMs))).toBe(0);

const expectTone = (pcm: Int16Array, rate: number, hz: number, fromMs: number, toMs: number): void =>
  expect(levelOf(pcm, rate, hz, fromMs, toMs)).toBeGreaterThan(-14);

describe('rule 1: the call is masked', () => {
  test('both legs, every running recording, and one that starts meanwhile', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000);
    await scene.pipeline.command('start', { format: 'wav', media_name: 'second.wav' });
    scene.until(2000);
    const masked = await scene.pipeline.command('mask');
    expect(masked).toMatchObject({ action: 'mask', changed: true, masked: true });
    expect(masked.recordings).toHaveLength(2);
    scene.until(3000, { secret: true });
    const third = await scene.pipeline.command('start', { format: 'wav', media_name: 'third.wav' });
    expect(third.recordings[0]).toMatchObject({ state: 'recording', masked: true });
    scene.until(4000, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(5000);
    const finished = await scene.finish();
    expect(finished).toHaveLength(3);
    for (const [index, startMs] of [0, 1000, 3000].entries()) {
      const { sampleRate, channels } = await hear(finished[index]!);
      expect(channels[0]!.length).toBe(((5000 - startMs) * sampleRate) / 1000);
      for (const [channel, hz] of [400, 1000].entries()) {
        expectSilent(channels[channel]!, sampleRate, Math.max(0, 2000 - startMs), 4000 - startMs);
        expectTone(channels[channel]!, sampleRate, hz, 4040 - startMs, 5000 - startMs);
        if (startMs < 2000) expectTone(channels[channel]!, sampleRate, hz, 0, 1980 - startMs);
      }
      expect(manifestOf(finished[index]!).masks.map((mask) => [mask.start_ms, mask.end_ms])).toEqual([
        [Math.max(0, 2000 - startMs), 4000 - startMs],
      ]);
    }
  });

  test('a source that comes later, under another SSRC, is masked too', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(1500, { secret: true });
    scene.ssrcs.a = 0xcafe;
    scene.until(2500, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(3500);
    const [finished] = await scene.finish();
    const { channels } = await hear(finished!);
    expectSilent(channels[0]!, 8000, 1000, 2500);
    expectTone(channels[0]!, 8000, 400, 2540, 3500);
  });

  test('a mask that nothing was recording for is remembered', async () => {
    const scene = new Scene();
    scene.until(500, { secret: true });
    expect(await scene.pipeline.command('mask')).toEqual({
      action: 'mask',
      changed: true,
      masked: true,
      recordings: [],
    });
    scene.until(600, { secret: true });
    scene.record();
    scene.until(1600, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(2600);
    const [finished] = await scene.finish();
    const manifest = manifestOf(finished!);
    expect(manifest.masks[0]).toMatchObject({ start_ms: 0, end_ms: 1000 });
    expect(manifest.legs.a.packets.withheld).toBe(50);
    const { channels } = await hear(finished!);
    expect(channels[0]!.length).toBe(16_000);
    expectSilent(channels[0]!, 8000, 0, 1000);
    expectTone(channels[0]!, 8000, 400, 1020, 2000);
  });
});

describe('rule 2: withheld by when it was captured', () => {
  test('a late packet from a masked span stays withheld after unmask, and one from before the mask is kept', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(980, { legs: ['a'] });
    // Frame 49 (980–1000 ms) is delayed into the mask; frame 99 (1980–2000 ms) out of it.
    scene.pipeline.call.advance(START_US + 1_000_000);
    await scene.pipeline.command('mask');
    for (let n = 50; n < 99; n++) {
      scene.frame('a', n, (n + 1) * FRAME_MS, true);
      if (n === 52) scene.frame('a', 49, 1070, false);
    }
    scene.pipeline.call.advance(START_US + 2_000_000);
    await scene.pipeline.command('unmask');
    for (let n = 100; n < 150; n++) {
      scene.frame('a', n, (n + 1) * FRAME_MS, false);
      if (n === 102) scene.frame('a', 99, 2071, true);
    }
    const [finished] = await scene.finish();
    const { channels } = await hear(finished!);
    expectTone(channels[0]!, 8000, 400, 900, 1000);
    expectSilent(channels[0]!, 8000, 1000, 2000);
    expectTone(channels[0]!, 8000, 400, 2000, 2900);
    expect(manifestOf(finished!).legs.a.packets).toMatchObject({ late: 2, withheld: 50 });
  });

  test('withheld payloads are zeroed where they lie', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000);
    await scene.pipeline.command('mask');
    const bytes = Buffer.alloc(160, SECRET);
    scene.pipeline.packet({
      leg: 'a',
      ssrc: 0xa,
      sequence: 50,
      timestamp: 8000,
      arrivalUs: START_US + 1_020_000,
      codec: PCMU,
      bytes,
    });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    await scene.finish();
  });
});

describe('rule 3: edges round outward', () => {
  for (const edge of [1000, 1001, 1007, 1019]) {
    test(`a mask from ${edge} ms to ${edge + 1003} ms withholds every frame it touches and no other`, async () => {
      const scene = new Scene();
      scene.record();
      scene.until(edge - (edge % 20));
      scene.pipeline.call.advance(START_US + edge * 1000);
      await scene.pipeline.command('mask');
      const end = edge + 1003;
      const lastTouched = Math.ceil(end / FRAME_MS) * FRAME_MS;
      scene.until(end - (end % 20), { secret: true });
      scene.pipeline.call.advance(START_US + end * 1000);
      await scene.pipeline.command('unmask');
      if (end % FRAME_MS !== 0) scene.until(lastTouched, { secret: true });
      scene.until(3000);
      const [finished] = await scene.finish();
      const { channels } = await hear(finished!);
      expectTone(channels[0]!, 8000, 400, 500, edge - (edge % 20));
      expectSilent(channels[0]!, 8000, edge, lastTouched);
      expectTone(channels[0]!, 8000, 400, lastTouched, 3000);
      expect(peak(span(channels[0]!, 8000, lastTouched, lastTouched + 5))).toBeGreaterThan(0);
      expect(manifestOf(finished!).masks[0]).toMatchObject({ start_ms: edge, end_ms: end });
    });
  }
});

describe('rule 6: observable', () => {
  test('repeats succeed and change nothing', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000);
    expect((await scene.pipeline.command('unmask')).changed).toBe(false);
    expect((await scene.pipeline.command('mask')).changed).toBe(true);
    const again = await scene.pipeline.command('mask');
    expect(again).toMatchObject({ changed: false, masked: true });
    expect(again.recordings[0]).toMatchObject({ state: 'recording', masked: true, position_ms: 1000 });
    expect((await scene.pipeline.command('unmask')).changed).toBe(true);
    expect(await scene.pipeline.command('stop')).toMatchObject({ changed: true });
    expect(await scene.pipeline.command('stop')).toEqual({
      action: 'stop',
      changed: false,
      masked: false,
      recordings: [],
    });
    await scene.finish();
  });

  test('the same start twice is one recording, another media name is another', async () => {
    const scene = new Scene();
    scene.until(500);
    expect((await scene.pipeline.command('start', WAV)).changed).toBe(true);
    expect((await scene.pipeline.command('start', WAV)).changed).toBe(false);
    expect((await scene.pipeline.command('start', { ...WAV, media_name: 'x.wav' })).changed).toBe(true);
    expect((await scene.pipeline.command('start', { ...WAV, media_name: 'x.wav' })).changed).toBe(false);
    scene.until(1000);
    expect(await scene.finish()).toHaveLength(2);
  });

  test('toggle toggles', async () => {
    const scene = new Scene();
    scene.until(500);
    expect(await scene.pipeline.command('toggle', WAV)).toMatchObject({ action: 'start', changed: true });
    scene.until(1500);
    expect(await scene.pipeline.command('toggle', WAV)).toMatchObject({ action: 'stop', changed: true });
    scene.until(2500);
    const finished = await scene.finish();
    expect(finished).toHaveLength(1);
    expect((await hear(finished[0]!)).channels[0]!.length).toBe(8000);
  });

  test('stop ends the newest, or the one that is named', async () => {
    const scene = new Scene();
    for (const [ms, name] of [
      [500, 'one.wav'],
      [1000, 'two.wav'],
      [1500, 'three.wav'],
    ] as const) {
      scene.until(ms);
      await scene.pipeline.command('start', { ...WAV, media_name: name });
    }
    scene.until(2000);
    await scene.pipeline.command('stop');
    await scene.pipeline.command('stop', { media_name: 'one.wav' });
    scene.until(3000);
    const lengths = Object.fromEntries(
      await Promise.all(
        (await scene.finish()).map(async (each) => [
          each.recorder.head.mediaName,
          (await hear(each)).channels[0]!.length / 8,
        ]),
      ),
    );
    expect(lengths).toEqual({ 'one.wav': 1500, 'two.wav': 2000, 'three.wav': 500 });
  });
});

describe('rule 7: modes', () => {
  const masked = async (fields: RecordCallFields) => {
    const scene = new Scene();
    scene.record({ ...WAV, ...fields });
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(5000, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(6000);
    const [finished] = await scene.finish();
    return { heard: await hear(finished!), manifest: manifestOf(finished!) };
  };

  test('drop removes the span from both legs at one point, without a click', async () => {
    const { heard, manifest } = await masked({ mask_mode: 'drop' });
    for (const [channel, hz] of [400, 1000].entries()) {
      const pcm = heard.channels[channel]!;
      expect(pcm.length).toBe(16_000);
      expectTone(pcm, 8000, hz, 0, 990);
      expectTone(pcm, 8000, hz, 1010, 2000);
      let step = 0;
      for (let n = 7950; n < 8050; n++) step = Math.max(step, Math.abs(pcm[n + 1]! - pcm[n]!));
      let usual = 0;
      for (let n = 1000; n < 2000; n++) usual = Math.max(usual, Math.abs(pcm[n + 1]! - pcm[n]!));
      expect(step).toBeLessThanOrEqual(usual);
    }
    expect(manifest.masks[0]).toMatchObject({
      start_ms: 1000,
      end_ms: 5000,
      mode: 'drop',
      artefact: { start_ms: 1000, end_ms: 1000 },
    });
    expect(manifest.artefact.duration_ms).toBe(2000);
    expect(manifest.recording.call_duration_ms).toBe(6000);
  });

  test('tone is silence with a quiet, regular beep', async () => {
    const { heard } = await masked({ mask_mode: 'tone' });
    const pcm = heard.channels[1]!;
    expect(levelOf(pcm, 8000, 425, 1010, 1140)).toBeGreaterThan(-40);
    expectSilent(pcm, 8000, 1160, 3990);
    expect(levelOf(pcm, 8000, 425, 4010, 4140)).toBeGreaterThan(-40);
    expect(peak(span(pcm, 8000, 1000, 5000))).toBeLessThan(600);
  });

  test('mono mixes both legs and is masked as well', async () => {
    const { heard } = await masked({ channels: 'mono' });
    expect(heard.channels).toHaveLength(1);
    for (const hz of [400, 1000]) expectTone(heard.channels[0]!, 8000, hz, 0, 990);
    expectSilent(heard.channels[0]!, 8000, 1000, 5000);
  });
});

describe('rule 8: reach back', () => {
  test('a mask covers what was said while the code was dialled', async () => {
    const scene = new Scene();
    scene.record({ ...WAV, mask_lookback_ms: 1500 });
    scene.until(3000);
    scene.until(4500, { secret: true });
    const answer = await scene.pipeline.command('mask');
    expect(answer.masked).toBe(true);
    scene.until(5000, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(7000);
    const [finished] = await scene.finish();
    expect(manifestOf(finished!).masks[0]).toMatchObject({ start_ms: 3000, end_ms: 5000, lookback_ms: 1500 });
    const { channels } = await hear(finished!);
    expectTone(channels[0]!, 8000, 400, 0, 3000);
    expectSilent(channels[0]!, 8000, 3000, 5000);
    expectTone(channels[0]!, 8000, 400, 5000, 7000);
  });

  test('a mask shortly after stop still reaches what was not committed', async () => {
    const scene = new Scene();
    scene.until(200);
    await scene.pipeline.command('start', { ...WAV, mask_lookback_ms: 1000 });
    scene.until(2000);
    scene.until(2500, { secret: true });
    await scene.pipeline.command('stop');
    scene.until(2600, { secret: true });
    await scene.pipeline.command('mask');
    scene.until(5000, { secret: true });
    const [finished] = await scene.finish();
    const { channels } = await hear(finished!);
    expect(channels[0]!.length).toBe(2300 * 8);
    expectTone(channels[0]!, 8000, 400, 0, 1400);
    expectSilent(channels[0]!, 8000, 1800, 2300);
  });
});

describe('rule 9: forgotten unmask', () => {
  test('is told once, and masks on by itself', async () => {
    const scene = new Scene();
    scene.record({ ...WAV, mask_max_sec: 2 });
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(2900, { secret: true });
    expect(scene.pipeline.overdue).toEqual([]);
    scene.until(6000, { secret: true });
    expect(scene.pipeline.overdue).toEqual(['alert']);
    await scene.finish();
  });
});

describe('rule 5: a crash keeps the mask', () => {
  test('a journal that ends inside a mask is masked to its end', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(3000, { secret: true });
    const [finished] = await scene.finish();
    const { channels } = await hear(finished!);
    expect(channels[0]!.length).toBe(24_000);
    expectSilent(channels[0]!, 8000, 1000, 3000);
    expect(manifestOf(finished!).masks[0]).toMatchObject({ start_ms: 1000, end_ms: 3000, unmask_trigger: null });
  });
});

describe('rule 10: digits are card data', () => {
  test('telephone-events never become audio and their bytes are in no file', async () => {
    const scene = new Scene();
    scene.record();
    scene.until(1000, { legs: ['a'] });
    const events: WireCodec = { name: 'TELEPHONE-EVENT', clockRate: 8000, channels: 1 };
    const payload = Buffer.from([7, 10, 0x12, 0x34]);
    for (let i = 0; i < 5; i++) {
      scene.pipeline.packet({
        leg: 'a',
        ssrc: 0xa,
        sequence: 50 + i,
        timestamp: 8000,
        arrivalUs: START_US + (1020 + i * 20) * 1000,
        codec: events,
        bytes: Buffer.from(payload),
      });
    }
    expect(scene.pipeline.digits).toEqual(['a7']);
    const [finished] = await scene.finish();
    expect(findInFiles(scene.folder, payload)).toEqual([]);
    expect(manifestOf(finished!).legs.a.packets.events).toBe(5);
  });
});

describe('rule 12: time_limit and record_min_sec', () => {
  test('time_limit runs on the call clock, masked time included', async () => {
    const scene = new Scene();
    scene.record({ ...WAV, time_limit: 3, mask_mode: 'drop' });
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(2000, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(5000);
    const [finished] = await scene.finish();
    const manifest = manifestOf(finished!);
    expect(manifest.recording).toMatchObject({ call_duration_ms: 3000, end_reason: 'time-limit' });
    expect(manifest.artefact.duration_ms).toBe(2000);
  });

  test('record_min_sec is held against the length of the artefact', async () => {
    const scene = new Scene();
    scene.record({ ...WAV, record_min_sec: 3, mask_mode: 'drop' });
    scene.until(1000);
    await scene.pipeline.command('mask');
    scene.until(2500, { secret: true });
    await scene.pipeline.command('unmask');
    scene.until(4000);
    const [finished] = await scene.finish();
    expect(finished!.result).toEqual({ state: 'discarded', durationMs: 2500, minSeconds: 3 });
  });
});
