/** The `record_call` fields of design §6.2 that `--data` can give a replay, each by what comes out. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { filesIn, listenTo, readManifest, runReplay } from '../support/command.ts';
import { assertPlan } from '../support/listen.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';
import { levelOf } from '../support/tones.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

const replayed = async (data: object, args: readonly string[] = [], from = capture) => {
  const out = scratchDir();
  const run = await runReplay([from, '--out', out, '--data', JSON.stringify(data), ...args]);
  expect(run.stderr).toBe('');
  expect(run.documents).toHaveLength(1);
  return { out, document: run.documents[0] };
};

describe('format', () => {
  for (const { format, magic } of [
    { format: 'wav', magic: /^RIFF/ },
    { format: 'mp3', magic: /^(ID3|\xff)/ },
    { format: undefined, magic: /^(ID3|\xff)/ },
  ]) {
    test(`${format ?? 'not given: mp3'}`, async () => {
      const { document } = await replayed(format === undefined ? {} : { format });
      expect(document.format).toBe(format ?? 'mp3');
      expect(document.media_name).toMatch(new RegExp(`^[0-9a-f]{32}\\.${format ?? 'mp3'}$`));
      expect(readFileSync(document.path!).toString('latin1', 0, 4)).toMatch(magic);
    });
  }
});

describe('media_name is the file’s name, as given', () => {
  for (const name of ['call.wav', 'no-extension', 'UPPER_lower-0.9.WAV', 'a.json', '-dash.wav', 'x'.repeat(200)]) {
    test(name.length > 40 ? `${name.length} characters` : name, async () => {
      const { out, document } = await replayed({ format: 'wav', media_name: name });
      expect(document.media_name).toBe(name);
      expect(filesIn(out)).toEqual([name, `${name}.json`].sort());
      expect((await listenTo(document.path!)).format).toBe('wav');
    });
  }
});

describe('record_sample_rate', () => {
  for (const { data, rate } of [
    { data: { format: 'wav' }, rate: 8000 },
    { data: { format: 'wav', record_sample_rate: 12_345 }, rate: 12_345 },
    { data: { record_sample_rate: 22_050 }, rate: 22_050 },
  ]) {
    test(JSON.stringify(data), async () => {
      const { document } = await replayed(data, ['--mask', '1-2']);
      expect(document).toMatchObject({ sample_rate: rate, duration_ms: SMALL_CALL_MS });
      const audio = await listenTo(document.path!);
      expect(audio.sampleRate).toBe(rate);
      expect(levelOf(audio.channels[0], rate, CALLER_HZ, 100, 900)).toBeCloseTo(-12, 0);
      expect(levelOf(audio.channels[1], rate, CALLEE_HZ, 2200, 3900)).toBeCloseTo(-12, 0);
    });
  }
});

describe('channels', () => {
  test('mono: one channel with both legs in it', async () => {
    const { document } = await replayed({ format: 'wav', channels: 'mono' });
    expect(document.channels).toBe(1);
    const audio = await listenTo(document.path!);
    expect(audio.channels).toHaveLength(1);
    const tones = [CALLER_HZ, CALLEE_HZ].map((hz) => ({ channel: 0, hz, startMs: 0, endMs: SMALL_CALL_MS }));
    assertPlan(audio, { durationMs: SMALL_CALL_MS, tones });
  });

  for (const channels of ['stereo', undefined]) {
    test(`${channels ?? 'not given'}: the caller left, the callee right`, async () => {
      const { document } = await replayed({ format: 'wav', ...(channels === undefined ? {} : { channels }) });
      expect(document.channels).toBe(2);
      const tones = [CALLER_HZ, CALLEE_HZ].map((hz, channel) => ({
        channel,
        hz,
        startMs: 0,
        endMs: SMALL_CALL_MS,
        dbfs: -12,
      }));
      assertPlan(await listenTo(document.path!), { durationMs: SMALL_CALL_MS, tones });
    });
  }

  test('without SIP the leg that sends first is the left one', async () => {
    const late = writeSmallCall(folder, 'late-a.pcap', {
      sip: false,
      legs: { a: { startMs: 500, tones: [{ hz: CALLER_HZ, startMs: 0, endMs: 3500 }] } },
    });
    const { document } = await replayed({ format: 'wav' }, [], late);
    const { channels } = await listenTo(document.path!);
    expect(levelOf(channels[0], 8000, CALLEE_HZ, 100, 3900)).toBeCloseTo(-12, 0);
    expect(levelOf(channels[1], 8000, CALLER_HZ, 600, 3900)).toBeCloseTo(-12, 0);
  });
});

describe('record_min_sec is held against the artefact’s length', () => {
  for (const { name, data, masks, state } of [
    { name: 'shorter', data: { record_min_sec: 5 }, masks: [], state: 'discarded' },
    { name: 'just as long', data: { record_min_sec: 4 }, masks: [], state: 'stored' },
    { name: 'none asked for', data: { record_min_sec: 0 }, masks: [], state: 'stored' },
    {
      name: 'masked time counts where it is kept',
      data: { record_min_sec: 4 },
      masks: ['--mask', '0-3'],
      state: 'stored',
    },
    {
      name: 'and not where it is dropped',
      data: { record_min_sec: 2, mask_mode: 'drop' },
      masks: ['--mask', '0-3'],
      state: 'discarded',
    },
  ]) {
    test(`${name}: ${state}`, async () => {
      const { out, document } = await replayed({ format: 'wav', ...data }, masks);
      expect(document.state).toBe(state);
      if (state === 'stored') return;
      expect(document).toMatchObject({ path: null, manifest: null, sha256: null, error: null });
      expect(filesIn(out)).toEqual([]);
    });
  }
});

describe('time_limit runs on the call’s clock', () => {
  for (const { name, data, masks, durationMs } of [
    { name: 'ends the recording', data: { time_limit: 2 }, masks: [], durationMs: 2000 },
    {
      name: 'masked time counts',
      data: { time_limit: 2, mask_mode: 'drop' },
      masks: ['--mask', '0.5-1.5'],
      durationMs: 1000,
    },
    {
      name: 'longer than the call: nothing changes',
      data: { time_limit: 10_800 },
      masks: [],
      durationMs: SMALL_CALL_MS,
    },
  ]) {
    test(name, async () => {
      const { document } = await replayed({ format: 'wav', ...data }, masks);
      expect(document.duration_ms).toBe(durationMs);
      expect((await listenTo(document.path!)).channels[0]).toHaveLength(durationMs * 8);
      expect(readManifest(document).recording.end_reason).toBe(data.time_limit === 2 ? 'time-limit' : 'hangup');
    });
  }
});

test('label and origin are in the manifest, whatever is in them', async () => {
  const label = 'Ünïcode “label” \\ "quoted" \u0007';
  const { document } = await replayed({ format: 'wav', label, origin: 'tests' });
  expect(readManifest(document).recording).toMatchObject({ label, origin: 'tests' });
});

test('fields that mean nothing to a replay are taken: dtmf_leg, action start, method', async () => {
  const { document } = await replayed({
    format: 'wav',
    dtmf_leg: 'b',
    action: 'start',
    method: 'post',
    mask_lookback_ms: 10_000,
  });
  expect(document).toMatchObject({ state: 'stored', duration_ms: SMALL_CALL_MS });
});
