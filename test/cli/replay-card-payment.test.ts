/**
 * The sample call of `samples/` through the command line, its codes in charge: it is recorded from *71 to *74 and masked from *72 to
 * *73, as the finished files are heard.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { CARD_PAYMENT, codeSpan } from '../support/card-payment.ts';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import { expectOneLine, filesIn, listenTo, readManifest, runCommand, runReplay } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { type Audio, assertPlan } from '../support/listen.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { lagOf, levelOf, peak, rmsDbfs, span } from '../support/tones.ts';

const { timeline, capture, metaflows } = CARD_PAYMENT;
const folder = sharedScratchDir();
const FRAME_MS = 20;
/** Packets arrive up to this much later than they were sent. */
const JITTER_MS = 3;
/** What an mp3 makes of the sound beside a silence: two of its frames, at 8 kHz. */
const MP3_SMEAR_MS = 144;

const replayed = async (name: string, data: object, env = {}): Promise<RecordingDocument> => {
  const args = [capture, '--metaflows', metaflows, '--out', join(folder, name), '--data', JSON.stringify(data)];
  const { documents, stderr } = await runReplay(args, { env });
  expect(stderr).toBe('');
  expect(documents).toHaveLength(1);
  return documents[0];
};

/** When the recording began, in ms of the sample's timeline. */
const startOf = ({ started_at }: RecordingDocument): number => Date.parse(started_at) - DEFAULT_START_US / 1000;

/** Between the codes' last digits, by first packet: when each code acts. */
const [startMs] = codeSpan('start');
const [maskMs] = codeSpan('mask');
const [unmaskMs] = codeSpan('unmask');
const [stopMs] = codeSpan('stop');

describe.each([
  { name: 'wav', data: { format: 'wav' }, env: {}, has: true },
  { name: 'mp3 by lamejs', data: {}, env: { RECORD_CALL_MP3_ENCODER: 'lamejs' }, has: true },
  { name: 'mp3 by ffmpeg', data: {}, env: { RECORD_CALL_MP3_ENCODER: 'ffmpeg' }, has: hasProgram('ffmpeg') },
].filter(({ has }) => has))('as $name', ({ name, data, env }) => {
  let document: RecordingDocument;
  let audio: Audio;
  let wav: Audio;
  beforeAll(async () => {
    document = await replayed(name, data, env);
    audio = await listenTo(document.path!);
    wav = name === 'wav' ? audio : await listenTo((await replayed(`${name}, beside it a wav`, { format: 'wav' })).path!);
  });

  test('the encoder is the one that was chosen', () => {
    const { encoder } = readManifest(document).artefact;
    expect(encoder).toMatch(name === 'wav' ? /^wav$/ : name.endsWith('lamejs') ? /^lamejs/ : /^ffmpeg.*libmp3lame$/);
  });

  test('it begins with *71 and ends with *74, each within one frame', () => {
    expect(Math.abs(startOf(document) - startMs)).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(startOf(document) + document.duration_ms - stopMs)).toBeLessThanOrEqual(FRAME_MS);
    // No earlier than the code was complete on the wire.
    expect(startOf(document)).toBeGreaterThanOrEqual(startMs);
    expect(readManifest(document).recording).toMatchObject({ end_reason: 'stop', label: 'card payment', call_id: timeline.call_id });
  });

  test('the mask is where *72 and *73 were typed, within one frame, and says which leg asked for it', () => {
    expect(document.masks).toHaveLength(1);
    const [{ start_ms, end_ms, mode }] = document.masks;
    expect(mode).toBe('silence');
    expect(Math.abs(startOf(document) + start_ms - maskMs)).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(startOf(document) + end_ms - unmaskMs)).toBeLessThanOrEqual(FRAME_MS);
    const [mask] = readManifest(document).masks;
    expect(mask.trigger).toEqual({ kind: 'dtmf', leg: 'b' });
    expect(mask.unmask_trigger).toEqual({ kind: 'dtmf', leg: 'b' });
    // 15.2 s of 20 ms frames on Alice's leg; Bob's keys replace some of his.
    expect(mask.frames_withheld.a).toBeGreaterThanOrEqual((end_ms - start_ms) / FRAME_MS);
    expect(mask.frames_withheld.a).toBeLessThanOrEqual((end_ms - start_ms) / FRAME_MS + 2);
  });

  test('it lasts as long as its document says, and both channels are silent from *72 to *73', () => {
    const [{ start_ms, end_ms }] = document.masks;
    const room = name === 'wav' ? 0 : MP3_SMEAR_MS;
    const silent = [0, 1].map((channel) => ({ channel, startMs: start_ms + room, endMs: end_ms - room }));
    assertPlan(audio, { durationMs: document.duration_ms, tones: [], silent }, name === 'wav' ? { durationMs: 1 } : { durationMs: 1, silentDbfs: -60 });
  });

  const recorded = timeline.utterances.filter(({ start_ms, end_ms }) => start_ms > startMs && end_ms < stopMs);
  const outside = recorded.filter(({ start_ms, end_ms }) => end_ms < maskMs || start_ms > unmaskMs);

  test('what is said before and after the mask is on the speaker’s channel alone: Alice left, Bob right', () => {
    expect(outside).toHaveLength(6);
    for (const { leg, start_ms, end_ms, text } of outside) {
      const [from, to] = [start_ms - startOf(document), end_ms - startOf(document)];
      const [own, other] = leg === 'a' ? [0, 1] : [1, 0];
      expect(rmsDbfs(audio.channels[own], audio.sampleRate, from, to), text).toBeGreaterThan(-22);
      expect(rmsDbfs(audio.channels[other], audio.sampleRate, from, to), text).toBeLessThan(name === 'wav' ? -100 : -60);
    }
  });

  test('nothing of what is said under the mask is heard on either channel', () => {
    const withheld = recorded.filter((utterance) => !outside.includes(utterance));
    expect(withheld.map(({ text }) => text).join(' ')).toMatch(/Four one one one.*the code is one two three/);
    for (const { start_ms, end_ms } of withheld) {
      const [from, to] = [start_ms - startOf(document), end_ms - startOf(document)];
      for (const pcm of audio.channels) expect(peak(span(pcm, audio.sampleRate, from, to))).toBeLessThanOrEqual(name === 'wav' ? 0 : 33);
    }
  });

  test('it has as many samples as the wav and lies on it to the sample', () => {
    for (const [channel, pcm] of audio.channels.entries()) {
      const reference = wav.channels[channel];
      expect(pcm).toHaveLength(reference.length);
      const { lag, likeness } = lagOf(reference, pcm, 40);
      expect(lag).toBe(0);
      expect(likeness).toBeGreaterThan(0.98);
    }
  });

  test('no tone of any typed key is in it', () => {
    for (const { digits } of timeline.codes) {
      for (const { start_ms, end_ms } of digits) {
        const [from, to] = [start_ms - startOf(document), end_ms - startOf(document)];
        if (from < 0 || to > document.duration_ms) continue;
        for (const hz of [697, 770, 852, 941, 1209, 1336, 1477]) {
          for (const pcm of audio.channels) expect(levelOf(pcm, audio.sampleRate, hz, from, to)).toBeLessThan(-50);
        }
      }
    }
  });

  test('verify finds it as its manifest says', async () => {
    const { status, stdout } = await runCommand(['verify', document.path!]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ok {4}mask \d+–\d+ ms +silent/);
  });
});

describe('the wav holds the very samples of the capture', () => {
  test('each leg, outside of the mask, sample for sample, and both on one clock', async () => {
    const document = await replayed('exact', { format: 'wav' });
    const { channels } = await listenTo(document.path!);
    const [{ start_ms, end_ms }] = document.masks;
    const lags = (['a', 'b'] as const).map((leg, channel) => {
      const sent = sentAudio(leg).subarray(startOf(document) * 8, (startOf(document) + document.duration_ms) * 8);
      const before: [number, number] = [1000 * 8, (start_ms - 100) * 8];
      const after: [number, number] = [(end_ms + 100) * 8, (document.duration_ms - 1000) * 8];
      const found = [before, after].map(([from, to]) => lagOf(sent.subarray(from, to), channels[channel].subarray(from, to), 30 * 8));
      for (const { likeness } of found) expect(likeness).toBeCloseTo(1, 9);
      expect(found[0].lag).toBe(found[1].lag);
      // A packet arrives when its audio has been spoken: a frame's sound is earlier than its arrival by its own length.
      expect(Math.abs(found[0].lag / 8 + FRAME_MS)).toBeLessThanOrEqual(JITTER_MS);
      return found[0].lag;
    });
    expect(Math.abs(lags[0] - lags[1])).toBeLessThanOrEqual(8);
  });
});

/** What a leg sent, by its timestamps, on the timeline's clock at 8 kHz: its own small reader of this one pcap. */
const sentAudio = (leg: 'a' | 'b'): Int16Array => {
  const bytes = readFileSync(capture);
  const { ssrc, start_ms } = timeline.legs[leg];
  const pcm = new Int16Array(timeline.duration_ms * 8);
  let first: number | undefined;
  for (let at = 24; at < bytes.length; at += 16 + bytes.readUInt32LE(at + 8)) {
    const rtp = bytes.subarray(at + 16 + 42, at + 16 + bytes.readUInt32LE(at + 8));
    if (rtp[0] !== 0x80 || rtp.readUInt32BE(8) !== ssrc) continue;
    const timestamp = rtp.readUInt32BE(4);
    first ??= timestamp - start_ms * 8;
    if ((rtp[1] & 0x7f) !== 0) continue;
    for (const [n, code] of rtp.subarray(12).entries()) pcm[((timestamp - first) >>> 0) + n] = fromUlaw(code);
  }
  return pcm;
};

/** ITU-T G.711, written out: the product's own table is what is being tested. */
const fromUlaw = (code: number): number => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
};

describe('fields of --data go before those of the code', () => {
  test('mask_lookback_ms: the mask reaches back to before *72 was typed', async () => {
    const document = await replayed('lookback', { format: 'wav', mask_lookback_ms: 2000 });
    const [{ start_ms, end_ms }] = document.masks;
    expect(Math.abs(startOf(document) + start_ms - (maskMs - 2000))).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(startOf(document) + end_ms - unmaskMs)).toBeLessThanOrEqual(FRAME_MS);
    expect(readManifest(document).masks[0].lookback_ms).toBe(2000);
    const { channels } = await listenTo(document.path!);
    for (const pcm of channels) expect(peak(span(pcm, 8000, start_ms, end_ms))).toBe(0);
    // Bob's last words before the code are gone, Alice's before them are not.
    expect(rmsDbfs(channels[0], 8000, 13_560 - startOf(document), 15_460 - startOf(document))).toBeGreaterThan(-22);
  });

  for (const { expiry, masked, ends } of [
    { expiry: 'unmask', masked: 5000, ends: stopMs },
    { expiry: 'stop', masked: 5000, ends: maskMs + 5000 },
    { expiry: 'alert', masked: unmaskMs - maskMs, ends: stopMs },
    { expiry: undefined, masked: unmaskMs - maskMs, ends: stopMs },
  ] as const) {
    test(`mask_max_sec 5 and mask_expiry ${expiry ?? 'not given'}`, async () => {
      const document = await replayed(`expiry ${expiry}`, { format: 'wav', mask_max_sec: 5, ...(expiry === undefined ? {} : { mask_expiry: expiry }) });
      const [{ start_ms, end_ms }] = document.masks;
      expect(Math.abs(end_ms - start_ms - masked)).toBeLessThanOrEqual(2 * FRAME_MS);
      expect(Math.abs(startOf(document) + document.duration_ms - ends)).toBeLessThanOrEqual(2 * FRAME_MS);
    });
  }

  test('mask_mode drop: the recording is shorter by the mask, which is nowhere in it', async () => {
    const document = await replayed('drop', { format: 'wav', mask_mode: 'drop' });
    const [{ start_ms, end_ms, mode }] = document.masks;
    expect(mode).toBe('drop');
    expect(Math.abs(document.duration_ms - (stopMs - startMs - (unmaskMs - maskMs)))).toBeLessThanOrEqual(2 * FRAME_MS);
    expect(Math.abs(start_ms - (maskMs - startMs))).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(end_ms - (unmaskMs - startMs))).toBeLessThanOrEqual(FRAME_MS);
  });
});

describe('--holder', () => {
  const run = async (name: string, holder: string, document: object, status: number) => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(document));
    const out = join(folder, name);
    return { out, ...(await runReplay([capture, '--metaflows', path, '--holder', holder, '--out', out], { status })) };
  };
  const own = JSON.parse(readFileSync(metaflows, 'utf8')) as object;

  for (const { name, holder, document } of [
    { name: 'b: Bob’s own keys', holder: 'b', document: own },
    { name: 'a that listens to its peer', holder: 'a', document: { ...own, listen_on: 'peer' } },
    { name: 'a that listens to both', holder: 'a', document: { ...own, listen_on: 'both' } },
  ]) {
    test(`${name} drive the recording`, async () => {
      const { documents } = await run(name, holder, document, 0);
      expect(documents).toHaveLength(1);
      expect(Math.abs(startOf(documents[0]) - startMs)).toBeLessThanOrEqual(FRAME_MS);
      expect(documents[0].masks).toHaveLength(1);
    });
  }

  for (const { name, holder, document } of [
    { name: 'a: Alice types nothing', holder: 'a', document: own },
    { name: 'b that listens to its peer', holder: 'b', document: { ...own, listen_on: 'peer' } },
  ]) {
    test(`${name}: nothing is recorded, exit status 3, and it says why`, async () => {
      const { documents, stderr, out } = await run(name, holder, document, 3);
      expect(documents).toEqual([]);
      expectOneLine(stderr);
      expect(stderr).toContain('no code in it started a recording');
      expect(filesIn(out)).toEqual([]);
    });
  }
});

describe('--speed', () => {
  test('20 times real time: as long as the call takes at that speed, and the same recording', async () => {
    const began = performance.now();
    const { documents } = await runReplay([capture, '--metaflows', metaflows, '--speed', '20', '--out', join(folder, 'speed')]);
    const elapsedMs = performance.now() - began;
    expect(elapsedMs).toBeGreaterThan(timeline.duration_ms / 20 - 50);
    const atMax = await replayed('max', {});
    expect(documents[0]).toMatchObject({ duration_ms: atMax.duration_ms, masks: atMax.masks, started_at: atMax.started_at });
  });
});

test('digits are in no file and in no line that is printed', async () => {
  const out = join(folder, 'digits');
  const { stdout, stderr } = await runCommand(['replay', capture, '--metaflows', metaflows, '--out', out]);
  const [, manifest] = filesIn(out);
  for (const text of [stdout, stderr, readFileSync(join(out, manifest), 'utf8')]) expect(text).not.toMatch(/\*7|"7[1-4]"/);
});
