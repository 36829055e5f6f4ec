/** What steers a replay whose codes are in charge: `--data` beside the codes' own fields, `--holder`, `--speed`. On the sample call. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { DEFAULT_START_US } from '../support/call-scenario.ts';
import { CARD_PAYMENT, codeSpan } from '../support/card-payment.ts';
import { expectOneLine, filesIn, listenTo, readManifest, runCommand, runReplay } from '../support/command.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { peak, rmsDbfs, span } from '../support/tones.ts';

const { timeline, capture, metaflows } = CARD_PAYMENT;
const folder = sharedScratchDir();
const FRAME_MS = 20;

const replayed = async (name: string, data: object): Promise<RecordingDocument> => {
  const args = [capture, '--metaflows', metaflows, '--out', join(folder, name), '--data', JSON.stringify(data)];
  const { documents } = await runReplay(args);
  expect(documents).toHaveLength(1);
  return documents[0];
};

/** When the recording began, in ms of the sample's timeline. */
const startOf = ({ started_at }: RecordingDocument): number => Date.parse(started_at) - DEFAULT_START_US / 1000;

const [startMs] = codeSpan('start');
const [maskMs] = codeSpan('mask');
const [unmaskMs] = codeSpan('unmask');
const [stopMs] = codeSpan('stop');

describe('fields of --data go before those of the code', () => {
  test('mask_lookback_ms: the mask reaches back to before *72 was typed', async () => {
    const document = await replayed('lookback', { format: 'wav', mask_lookback_ms: 2000 });
    const [{ start_ms, end_ms }] = document.masks;
    expect(Math.abs(startOf(document) + start_ms - (maskMs - 2000))).toBeLessThanOrEqual(FRAME_MS);
    expect(Math.abs(startOf(document) + end_ms - unmaskMs)).toBeLessThanOrEqual(FRAME_MS);
    expect(readManifest(document).masks[0].lookback_ms).toBe(2000);
    const { channels } = await listenTo(document.path!);
    for (const pcm of channels) expect(peak(span(pcm, 8000, start_ms, end_ms))).toBe(0);
    // What Alice said before that is still there.
    expect(rmsDbfs(channels[0], 8000, 13_560 - startOf(document), 15_460 - startOf(document))).toBeGreaterThan(-22);
  });

  for (const { expiry, masked, ends } of [
    { expiry: 'unmask', masked: 5000, ends: stopMs },
    { expiry: 'stop', masked: 5000, ends: maskMs + 5000 },
    { expiry: 'alert', masked: unmaskMs - maskMs, ends: stopMs },
    { expiry: undefined, masked: unmaskMs - maskMs, ends: stopMs },
  ] as const) {
    test(`mask_max_sec 5 and mask_expiry ${expiry ?? 'not given'}`, async () => {
      const document = await replayed(`expiry ${expiry}`, {
        format: 'wav',
        mask_max_sec: 5,
        ...(expiry === undefined ? {} : { mask_expiry: expiry }),
      });
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
    const { documents } = await runReplay([
      capture,
      '--metaflows',
      metaflows,
      '--speed',
      '20',
      '--out',
      join(folder, 'speed'),
    ]);
    const elapsedMs = performance.now() - began;
    expect(elapsedMs).toBeGreaterThan(timeline.duration_ms / 20 - 50);
    const atMax = await replayed('max', {});
    expect(documents[0]).toMatchObject({
      duration_ms: atMax.duration_ms,
      masks: atMax.masks,
      started_at: atMax.started_at,
    });
  });
});

test('digits are in no file and in no line that is printed', async () => {
  const out = join(folder, 'digits');
  const { stdout, stderr } = await runCommand(['replay', capture, '--metaflows', metaflows, '--out', out]);
  const [, manifest] = filesIn(out);
  for (const text of [stdout, stderr, readFileSync(join(out, manifest), 'utf8')])
    expect(text).not.toMatch(/\*7|"7[1-4]"/);
});

describe('a code’s fields and --data’s that do not go together', () => {
  test('a rate for wav in the code, mp3 in --data: refused before anything is recorded', async () => {
    const path = join(folder, 'rate.json');
    const start = { module: 'record_call', data: { action: 'start', format: 'wav', record_sample_rate: 12_345 } };
    writeFileSync(path, JSON.stringify({ numbers: { 71: start } }));
    const out = join(folder, 'rate');
    const args = ['replay', capture, '--metaflows', path, '--data', '{"format":"mp3"}', '--out', out];
    const { status, stderr } = await runCommand(args);
    expect(status).toBe(2);
    expectOneLine(stderr);
    expect(stderr).toMatch(/record_sample_rate: .*mp3/);
    expect(filesIn(out)).toEqual([]);
  });
});
