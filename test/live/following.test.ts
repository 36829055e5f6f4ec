/**
 * Calls whose recordings are finalized while they run: what is made of them is what was said, nothing of what was masked is in any file at any
 * time, and when a call ends its artefact is as good as there.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LEGS } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { partPath } from '../../src/finalize/part-files.ts';
import { listenTo } from '../support/command.ts';
import type { Audio } from '../support/listen.ts';
import { eventually } from '../support/live-api.ts';
import { Crowd, type CrowdCall, toneOf } from '../support/live-crowd.ts';
import { filesWithSecret } from '../support/live-judge.ts';
import { startLiveService, startLiveTarget } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';
import { levelOf, peak, span, toDbfs } from '../support/tones.ts';

/** What is placed waits half a minute for what may yet come: of this there is something to see. */
const SPOKEN_MS = 42_000;
const FORMATS = ['wav', 'mp3', 'wav', 'mp3'] as const;
/** Sent at −12 dBFS. */
const HEARD_DBFS = -20;
const MOST_QUIET_SEC = 3;
/** An mp3 is never quite silent. */
const SILENT_DBFS = { wav: -120, mp3: -60 } as const;
/** Both are on each other's side of what has been placed when the calls end. */
const MASKS = [
  { fromMs: 3000, toMs: 5000 },
  { fromMs: 36_000, toMs: 37_000 },
];

/** In each second that no mask touches, each leg's tone, but where this machine stood still; in masks, nothing. */
const faultsOf = ({ sampleRate, channels }: Audio, index: number, masks: Manifest['masks']): string[] => {
  const isMp3 = FORMATS[index] === 'mp3';
  const faults: string[] = [];
  for (const [channel, pcm] of channels.entries()) {
    const hz = toneOf(index, LEGS[channel]);
    let quiet = 0;
    for (let at = 0; at + 1000 <= (pcm.length * 1000) / sampleRate; at += 1000) {
      if (masks.some(({ start_ms, end_ms }) => start_ms - 500 < at + 1000 && end_ms + 500 > at)) continue;
      if (levelOf(pcm, sampleRate, hz, at, at + 1000) < HEARD_DBFS) quiet++;
    }
    if (quiet > MOST_QUIET_SEC) faults.push(`call ${index}, channel ${channel}: quiet in ${quiet} s`);
    for (const { start_ms, end_ms } of masks) {
      const within = isMp3
        ? span(pcm, sampleRate, start_ms + 144, end_ms - 144)
        : span(pcm, sampleRate, start_ms, end_ms);
      if (toDbfs(peak(within)) > SILENT_DBFS[isMp3 ? 'mp3' : 'wav'])
        faults.push(`call ${index}, channel ${channel}: sound at ${start_ms}–${end_ms} ms`);
    }
  }
  return faults;
};

test('recordings that are followed', { timeout: 120_000 }, async () => {
  const root = scratchDir();
  const data = join(root, 'data');
  const target = await startLiveTarget(join(root, 'uploads'));
  const service = await startLiveService(data, { RECORD_CALL_ENCRYPTION: 'off' }, { followAfterMs: 1000 });
  const { api } = service;
  onTestFinished(async () => {
    await service.stop();
    await target.close();
  });
  const { api_key } = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8'));
  const gauge = async (name: string): Promise<number> => {
    const headers = { authorization: `Bearer ${api_key}` };
    const text = await (await fetch(`${api.url}/metrics`, { headers })).text();
    return Number(new RegExp(`^record_call_${name} (.*)$`, 'm').exec(text)?.[1]);
  };

  const calls: CrowdCall[] = await Promise.all(
    FORMATS.map(async (format, index) => {
      const record_call = { format, url: target.url } as const;
      return { index, call: await api.announce({ call_id: `c${index}`, record_call }), isSecret: false };
    }),
  );
  const crowd = await Crowd.speak(calls, SPOKEN_MS + 20_000);
  const { schedule } = crowd;
  // The others are masked; these say what may be kept.
  const masked = calls.slice(2);
  for (const { fromMs, toMs } of MASKS) {
    await schedule.reach(fromMs);
    for (const each of masked) {
      await api.act(each.call.legs.a.channel_id, 'mask');
      each.isSecret = true;
    }
    await schedule.reach(toMs);
    for (const each of masked) {
      each.isSecret = false;
      await api.act(each.call.legs.a.channel_id, 'unmask');
    }
    expect(await gauge('recordings_followed')).toBe(calls.length);
  }
  await schedule.reach(SPOKEN_MS);
  expect(await gauge('follow_lag_seconds')).toBeLessThan(10);
  expect(await gauge('follow_given_up_total')).toBe(0);
  const running = await api.recordings();
  const folders = running.map(({ id }) => join(data, 'recordings', api.accountId, id.slice(0, 6)));
  // Of an mp3 what there is fits into a buffer.
  for (const [n, { id, call_id }] of running.entries()) {
    const { size } = statSync(partPath(folders[n], id));
    if (FORMATS[Number(call_id.slice(1))] === 'wav') expect(size, id).toBeGreaterThan(100_000);
  }
  expect(filesWithSecret(data)).toEqual([]);

  for (const { call } of calls) await api.ask('DELETE', `/calls/${call.call_id}`);
  await crowd.close();
  const documents = await eventually(async () => {
    const all = await api.recordings();
    return all.every(({ state }) => state === 'delivered') ? all : undefined;
  }, 'every recording to be delivered');
  const faults: string[] = [];
  for (const document of documents) {
    const index = Number(document.call_id.slice(1));
    const manifest = (await api.ask('GET', `/recordings/${document.id}/manifest`)).data;
    expect(manifest.masks).toHaveLength(index < 2 ? 0 : MASKS.length);
    const lengthMs = manifest.artefact.duration_ms;
    expect(lengthMs).toBeGreaterThan(SPOKEN_MS - 500);
    faults.push(...faultsOf(await listenTo(target.fileOf(document.id)), index, manifest.masks));
  }
  expect(faults).toEqual([]);
  expect(await gauge('recordings_followed')).toBe(0);
  expect(await gauge('follow_given_up_total')).toBe(0);
  expect(filesWithSecret(root)).toEqual([]);
  for (const folder of new Set(folders)) expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});
