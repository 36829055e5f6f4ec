/**
 * The sample call of `samples/` through the command line, its codes in charge: it is recorded from *71 to *74 and masked from *72 to
 * *73, as the finished files are heard.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { nativeModule } from '../../src/kernel/native-module.ts';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import { CARD_PAYMENT, codeSpan } from '../support/card-payment.ts';
import { listenTo, readManifest, runCommand, runReplay } from '../support/command.ts';
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

/** The wav that the others are held against. */
let reference: Audio | undefined;

describe.each(
  [
    { name: 'wav', data: { format: 'wav' }, env: {}, has: true, by: /^wav$/ },
    {
      name: 'wav, without the native kernel',
      data: { format: 'wav' },
      env: { RECORD_CALL_NATIVE: 'off' },
      has: true,
      by: /^wav$/,
    },
    { name: 'mp3 by lamejs', data: {}, env: { RECORD_CALL_MP3_ENCODER: 'lamejs' }, has: true, by: /^lamejs/ },
    {
      ...{ name: 'mp3 by libmp3lame', data: {}, env: { RECORD_CALL_MP3_ENCODER: 'libmp3lame' }, by: /^libmp3lame/ },
      has: nativeModule?.mp3Library() !== undefined,
    },
    {
      ...{ name: 'mp3 by ffmpeg', data: {}, env: { RECORD_CALL_MP3_ENCODER: 'ffmpeg' }, by: /^ffmpeg.*libmp3lame$/ },
      has: hasProgram('ffmpeg'),
    },
  ].filter(({ has }) => has),
)('as $name', ({ name, data, env, by }) => {
  const isWav = name.startsWith('wav');
  let document: RecordingDocument;
  let audio: Audio;
  beforeAll(async () => {
    document = await replayed(name, data, env);
    audio = await listenTo(document.path!);
    reference ??= name === 'wav' ? audio : await listenTo((await replayed('reference', { format: 'wav' })).path!);
  });

  test('the encoder is the one that was chosen', () => {
    expect(readManifest(document).artefact.encoder).toMatch(by);
  });

  test('it begins with *71 and ends with *74, each within one frame', () => {
    expect(Math.abs(startOf(document) - startMs)).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(startOf(document) + document.duration_ms - stopMs)).toBeLessThanOrEqual(FRAME_MS);
    // No earlier than the code was complete on the wire.
    expect(startOf(document)).toBeGreaterThanOrEqual(startMs);
    expect(readManifest(document).recording).toMatchObject({
      end_reason: 'stop',
      label: 'card payment',
      call_id: timeline.call_id,
    });
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
    expect(mask.frames_withheld!.a).toBeGreaterThanOrEqual((end_ms - start_ms) / FRAME_MS);
    expect(mask.frames_withheld!.a).toBeLessThanOrEqual((end_ms - start_ms) / FRAME_MS + 2);
  });

  test('it lasts as long as its document says, and both channels are silent from *72 to *73', () => {
    const [{ start_ms, end_ms }] = document.masks;
    const room = isWav ? 0 : MP3_SMEAR_MS;
    const silent = [0, 1].map((channel) => ({ channel, startMs: start_ms + room, endMs: end_ms - room }));
    assertPlan(
      audio,
      { durationMs: document.duration_ms, tones: [], silent },
      isWav ? { durationMs: 1 } : { durationMs: 1, silentDbfs: -60 },
    );
  });

  const recorded = timeline.utterances.filter(({ start_ms, end_ms }) => start_ms > startMs && end_ms < stopMs);
  const outside = recorded.filter(({ start_ms, end_ms }) => end_ms < maskMs || start_ms > unmaskMs);

  test('what is said before and after the mask is on the speaker’s channel alone: Alice left, Bob right', () => {
    expect(outside).toHaveLength(6);
    for (const { leg, start_ms, end_ms, text } of outside) {
      const [from, to] = [start_ms - startOf(document), end_ms - startOf(document)];
      const [own, other] = leg === 'a' ? [0, 1] : [1, 0];
      expect(rmsDbfs(audio.channels[own], audio.sampleRate, from, to), text).toBeGreaterThan(-22);
      expect(rmsDbfs(audio.channels[other], audio.sampleRate, from, to), text).toBeLessThan(isWav ? -100 : -60);
    }
  });

  test('nothing of what is said under the mask is heard on either channel', () => {
    const withheld = recorded.filter((utterance) => !outside.includes(utterance));
    expect(withheld.map(({ text }) => text).join(' ')).toMatch(/Four one one one.*the code is one two three/);
    for (const { start_ms, end_ms } of withheld) {
      const [from, to] = [start_ms - startOf(document), end_ms - startOf(document)];
      for (const pcm of audio.channels)
        expect(peak(span(pcm, audio.sampleRate, from, to))).toBeLessThanOrEqual(isWav ? 0 : 33);
    }
  });

  test('it has as many samples as the wav and lies on it to the sample', () => {
    for (const [channel, pcm] of audio.channels.entries()) {
      const wav = reference!.channels[channel];
      expect(pcm).toHaveLength(wav.length);
      const { lag, likeness } = lagOf(wav, pcm, 40);
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
      const found = [before, after].map(([from, to]) =>
        lagOf(sent.subarray(from, to), channels[channel].subarray(from, to), 30 * 8),
      );
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
