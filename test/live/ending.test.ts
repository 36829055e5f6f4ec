/**
 * The built service in the middle of calls, asked to end and killed: what was recorded is complete up to that moment after the next start,
 * what was masked is in no file, then or later, and each recording is delivered once (design §4 rule 5).
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Leg } from '../../src/core/leg.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { filesIn, listenTo } from '../support/command.ts';
import { type Envelope, eventually, type LiveApi } from '../support/live-api.ts';
import { Crowd, type CrowdCall, toneOf } from '../support/live-crowd.ts';
import { filesWith, filesWithSecret, liveFaults } from '../support/live-judge.ts';
import { type LiveProgram, type LiveTarget, startLiveProgram, startLiveTarget } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

/** What may be lost of a recording, at most. */
const LOST_MS = 1000;
const SPOKEN_MS = 20_000;
const SHUTDOWN_SEC = 15;

/** A folder for everything the service may write to, and where it uploads to. */
const openWorld = async (encryption: 'on' | 'off') => {
  const root = scratchDir();
  const [data, tmp] = ['data', 'tmp'].map((name) => join(root, name));
  mkdirSync(tmp);
  const target = await startLiveTarget(join(root, 'uploads'));
  onTestFinished(() => target.close());
  const start = async (): Promise<LiveProgram> => {
    const program = await startLiveProgram(data, {
      TMPDIR: tmp,
      RECORD_CALL_SHUTDOWN_SEC: String(SHUTDOWN_SEC),
      RECORD_CALL_ENCRYPTION: encryption,
    });
    onTestFinished(async () => void (await program.end('SIGKILL')));
    return program;
  };
  return { root, data, tmp, target, start };
};

const announce = (api: LiveApi, { url }: LiveTarget, count: number): Promise<CrowdCall[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const fields = { format: 'wav', url } as const;
      return { index, call: await api.announce({ call_id: `call-${index}`, record_call: fields }), isSecret: false };
    }),
  );

/** From when the answer came, everything that is said on it is secret. */
const mask = async (api: LiveApi, calls: readonly CrowdCall[]): Promise<void> => {
  await Promise.all(
    calls.map(async (each) => {
      const answer = await api.act(each.call.legs.a.channel_id, 'mask');
      expect(answer).toMatchObject({ changed: true, masked: true });
      each.isSecret = true;
    }),
  );
};

const unmask = async (api: LiveApi, calls: readonly CrowdCall[]): Promise<void> => {
  await Promise.all(
    calls.map(async (each) => {
      each.isSecret = false;
      const answer = await api.act(each.call.legs.b.channel_id, 'unmask');
      expect(answer).toMatchObject({ changed: true, masked: false });
    }),
  );
};

type Found = { readonly document: Envelope['data']; readonly manifest: Manifest };

/** Every call's one recording, when all are delivered. */
const delivered = async (api: LiveApi, calls: readonly CrowdCall[]): Promise<readonly Found[]> => {
  const documents = await eventually(async () => {
    const all = await api.recordings();
    const left = all.filter(({ state }) => state !== 'delivered');
    expect(left.filter(({ state }) => state === 'failed')).toEqual([]);
    return left.length === 0 && all.length >= calls.length ? all : undefined;
  }, 'every recording to be delivered');
  expect(documents).toHaveLength(calls.length);
  return Promise.all(
    calls.map(async ({ call }) => {
      const document = documents.find(({ call_id }) => call_id === call.call_id)!;
      return { document, manifest: (await api.ask('GET', `/recordings/${document.id}/manifest`)).data };
    }),
  );
};

/** Each leg's tone from the beginning to the end but where it was masked, and nothing else at all. */
const faultsOf = async (
  { index }: CrowdCall,
  { document, manifest }: Found,
  target: LiveTarget,
  lagMs: number,
): Promise<string[]> => {
  const said = (leg: Leg) => ({ hz: toneOf(index, leg), spans: [{ from: 0, to: manifest.artefact.duration_ms }] });
  const audio = await listenTo(target.fileOf(document.id));
  return liveFaults(audio, manifest, { a: said('a'), b: said('b') }, lagMs).map((fault) => `call ${index}: ${fault}`);
};

/** Nothing that could be taken up once more: a journal goes a moment after its recording is delivered. */
const nothingLeft = (data: string): Promise<true> =>
  eventually(
    () => !filesIn(data).some((name) => /\.(journal|about\.json|part)$/.test(name)) || undefined,
    'every journal to be gone',
  );

test('SIGTERM in the middle of 50 calls: each is complete up to that moment, masks intact, delivered once', async () => {
  // What a mask keeps out, it keeps out of files that anybody could read.
  const { root, data, tmp, target, start } = await openWorld('off');
  const first = await start();
  const { api } = first;
  const calls = await announce(api, target, 50);
  const [stillMasked, onceMasked] = [calls.slice(0, 5), calls.slice(5, 10)];
  const crowd = await Crowd.speak(calls, SPOKEN_MS);
  const { schedule } = crowd;
  await schedule.reach(800);
  await mask(api, [...stillMasked, ...onceMasked]);
  const maskedMs = schedule.nowMs;
  await schedule.reach(Math.max(1700, maskedMs + 300));
  await unmask(api, onceMasked);
  await schedule.reach(2600);
  const [lengthMs, askedUs] = [schedule.nowMs, systemClock.now()];
  const { status, signal, stdout, stderr } = await first.end('SIGTERM');
  const tookMs = (systemClock.now() - askedUs) / 1000;
  await crowd.close();
  expect({ status, signal }).toEqual({ status: 0, signal: null });
  expect(tookMs).toBeLessThan((SHUTDOWN_SEC + 2) * 1000);
  expect(stdout).toContain('stopping');
  expect(filesWithSecret(root)).toEqual([]);

  const second = await start();
  const found = await delivered(second.api, calls);
  expect(target.received).toHaveLength(50);
  expect(new Set(target.received.map(({ recordingId }) => recordingId)).size).toBe(50);
  for (const [index, { manifest }] of found.entries()) {
    const { duration_ms } = manifest.artefact;
    expect(Math.abs(duration_ms - lengthMs), `call ${index}`).toBeLessThan(LOST_MS);
    expect(manifest, `call ${index}`).toMatchObject({ recovered: false, recording: { end_reason: 'shutdown' } });
    expect(manifest.legs.a.packets.lost + manifest.legs.b.packets.lost).toBe(0);
    const isStillMasked = index < stillMasked.length;
    expect(manifest.masks, `call ${index}`).toHaveLength(index < 10 ? 1 : 0);
    if (isStillMasked) expect(manifest.masks[0].end_ms).toBeGreaterThanOrEqual(duration_ms - 1);
    else if (index < 10) expect(duration_ms - manifest.masks[0].end_ms).toBeGreaterThan(300);
  }
  const faults: string[] = [];
  for (const [index, each] of found.entries())
    faults.push(...(await faultsOf(calls[index], each, target, schedule.lagMs)));
  expect(faults).toEqual([]);
  expect(filesWithSecret(root)).toEqual([]);
  await nothingLeft(data);
  expect(filesIn(tmp)).toEqual([]);
  expect((await second.end('SIGTERM')).status).toBe(0);
  expect(stderr).not.toMatch(/"level":[56]0/);
});

test.each(['off', 'on'] as const)(
  'SIGKILL in the middle of calls, encryption %s: a second is lost at most, and what was masked stays so',
  async (encryption) => {
    const { root, data, target, start } = await openWorld(encryption);
    const first = await start();
    const { api } = first;
    const calls = await announce(api, target, 6);
    const [stillMasked, onceMasked, justMasked] = [calls.slice(0, 2), calls.slice(2, 4), calls.slice(4, 5)];
    const crowd = await Crowd.speak(calls, SPOKEN_MS);
    const { schedule } = crowd;
    await schedule.reach(800);
    await mask(api, [...stillMasked, ...onceMasked]);
    const maskedMs = schedule.nowMs;
    await schedule.reach(Math.max(1500, maskedMs + 200));
    await unmask(api, onceMasked);
    await schedule.reach(Math.max(3000, schedule.nowMs + 1200));
    // Durable before it was answered: not even this one is lost.
    await mask(api, justMasked);
    const lengthMs = schedule.nowMs;
    const { signal } = await first.end('SIGKILL');
    await crowd.close();
    expect(signal).toBe('SIGKILL');
    expect(filesWithSecret(root)).toEqual([]);
    expect(filesIn(join(data, 'journals')).filter((name) => name.endsWith('.journal'))).toHaveLength(6);
    // Their heads say whose call it was, to whoever can read them.
    expect(filesWith(data, Buffer.from('"callId"'))).toHaveLength(encryption === 'off' ? 6 : 0);
    expect(filesIn(join(data, 'keys')).filter((name) => name.endsWith('.key'))).toHaveLength(
      encryption === 'off' ? 1 : 7,
    );

    const second = await start();
    const found = await delivered(second.api, calls);
    expect(target.received).toHaveLength(6);
    const faults: string[] = [];
    for (const [index, each] of found.entries()) {
      const { manifest } = each;
      const { duration_ms } = manifest.artefact;
      expect(manifest, `call ${index}`).toMatchObject({ recovered: true, recording: { end_reason: 'crash' } });
      // Masked time too: a silence without a mask in the manifest would be nobody's.
      expect(Math.abs(lengthMs - duration_ms), `call ${index}`).toBeLessThan(LOST_MS);
      expect(manifest.masks, `call ${index}`).toHaveLength(index < 5 ? 1 : 0);
      const [{ start_ms, end_ms } = { start_ms: 0, end_ms: 0 }] = manifest.masks;
      if (onceMasked.includes(calls[index])) expect(duration_ms - end_ms, `call ${index}`).toBeGreaterThan(300);
      else if (index < 5) expect(end_ms, `call ${index}`).toBeGreaterThanOrEqual(duration_ms - 1);
      if (index < 4) expect(Math.abs(start_ms - maskedMs), `call ${index}`).toBeLessThan(500 + schedule.lagMs);
      faults.push(...(await faultsOf(calls[index], each, target, schedule.lagMs)));
    }
    expect(faults).toEqual([]);
    expect(filesWithSecret(root)).toEqual([]);
    await nothingLeft(data);
    expect((await second.end('SIGTERM')).status).toBe(0);
  },
);
