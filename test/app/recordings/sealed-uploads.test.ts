/** Uploads that lie sealed while they wait and while they are read: the same recordings come of them, and the disk holds nothing of them. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type BackgroundJob, doJob } from '../../../src/app/recordings/background-job.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { OutputFile } from '../../../src/finalize/encode/output-file.ts';
import type { JobDocument } from '../../../src/http/service.ts';
import { MasterKeys } from '../../../src/spool/seal/master-keys.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { Vault } from '../../../src/spool/seal/vault.ts';
import { callCapture } from '../../support/call-scenario.ts';
import { hasProgram } from '../../support/has.ts';
import { assertPlan } from '../../support/listen.ts';
import { findInFiles, scratchDir, sharedScratchDir } from '../../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, smallCall } from '../../support/small-call.ts';
import { channelsOf, joined } from '../../support/tones.ts';
import { type Kit, openShelf, until } from './shelf-kit.ts';

const sources = sharedScratchDir();

const openVault = (): Promise<Vault> =>
  Vault.open({ keys: join(scratchDir(), 'keys'), master: new MasterKeys([newSealKey(randomBytes)]) });

/** @param during is called when a job begins, while its upload is read, and when it has ended */
const sealingShelf = async (during: (kit: Kit) => void = () => {}): Promise<Kit & { vault: Vault }> => {
  const vault = await openVault();
  const kit: Kit = await openShelf({
    vault,
    background: async (job, { onProgress }) => {
      during(kit);
      const outcome = await doJob(job, (share) => {
        during(kit);
        onProgress(share);
      });
      during(kit);
      return outcome;
    },
  });
  return { ...kit, vault };
};

const upload = async (kit: Kit, bytes: Buffer, name: string): Promise<JobDocument> => {
  const place = await kit.shelf.newUpload('acme');
  const file = await OutputFile.create(place.path, { seal: place.seal });
  await file.append(bytes);
  await file.close();
  return kit.shelf.replay('acme', { ...place, name, fields: { format: 'wav' } });
};

const ended = async (kit: Kit, { id }: JobDocument): Promise<JobDocument> => {
  await until(() => ['done', 'failed'].includes(kit.shelf.job('acme', id).state), 'the end of the job');
  return kit.shelf.job('acme', id);
};

const heard = async (kit: Kit, id: string) => {
  const audio = await decodeArtefact((await kit.shelf.artefact('acme', id)).source);
  const chunks: Int16Array[] = [];
  for await (const chunk of audio.chunks) chunks.push(chunk.slice());
  return { sampleRate: audio.sampleRate, channels: channelsOf(joined(...chunks), audio.channels) };
};

const ffmpeg = (name: string, ...args: string[]): Buffer => {
  const path = join(sources, name);
  execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args, path]);
  return readFileSync(path);
};

const middleOf = (bytes: Buffer): Buffer => bytes.subarray(bytes.length >> 1, (bytes.length >> 1) + 40);

test('a capture becomes its recording, and no file ever holds any of its bytes', async () => {
  const capture = callCapture(smallCall({ durationMs: 6000 }));
  let looks = 0;
  const leaks: string[] = [];
  const kit = await sealingShelf((during) => {
    looks++;
    leaks.push(...findInFiles(during.folder, middleOf(capture)));
  });
  const waiting = await upload(kit, capture, 'call.pcap');
  const job = await ended(kit, waiting);
  expect(job).toMatchObject({ state: 'done', error: null });
  assertPlan(await heard(kit, job.recordings[0]!), {
    durationMs: 6000,
    tones: [
      { channel: 0, hz: CALLER_HZ, startMs: 0, endMs: 6000 },
      { channel: 1, hz: CALLEE_HZ, startMs: 0, endMs: 6000 },
    ],
  });
  expect(leaks).toEqual([]);
  expect(looks).toBeGreaterThan(1);
  // The job's own key went with it; the recording's stays.
  expect(await kit.vault.keyOf('acme', waiting.id)).toBeUndefined();
  expect(await kit.vault.keyOf('acme', job.recordings[0]!)).toBeDefined();
  expect(kit.files().map((path) => path.split('/', 1)[0])).toEqual(['recordings', 'recordings']);
});

test('a capture that is gzip too', async () => {
  const kit = await sealingShelf();
  const job = await ended(kit, await upload(kit, gzipSync(callCapture(smallCall({ durationMs: 1000 }))), 'c.pcap.gz'));
  expect(job).toMatchObject({ state: 'done', error: null });
});

describe.skipIf(!hasProgram('ffmpeg'))('audio', () => {
  const sine = ['-f', 'lavfi', '-i', 'sine=440:d=3:sample_rate=44100'];
  for (const { name, args, rate } of [
    { name: 'plain.wav', args: ['-ar', '16000'], rate: 16_000 },
    { name: 'plain.mp3', args: ['-c:a', 'libmp3lame'], rate: 44_100 },
    { name: 'index-last.m4a', args: ['-c:a', 'aac'], rate: 44_100 },
    { name: 'index-first.m4a', args: ['-c:a', 'aac', '-movflags', '+faststart'], rate: 44_100 },
    { name: 'fragments.mp4', args: ['-c:a', 'aac', '-movflags', '+frag_keyframe+empty_moov'], rate: 44_100 },
    { name: 'pcm.mov', args: ['-c:a', 'pcm_s16le', '-ac', '2'], rate: 44_100 },
    { name: 'voice.ogg', args: ['-c:a', 'libopus', '-ar', '48000'], rate: 48_000 },
    { name: 'voice.webm', args: ['-c:a', 'libopus', '-ar', '48000'], rate: 48_000 },
    { name: 'voice.mka', args: ['-c:a', 'flac'], rate: 44_100 },
    { name: 'voice.flac', args: ['-ac', '2'], rate: 44_100 },
    { name: 'float.wav', args: ['-c:a', 'pcm_f32le'], rate: 44_100 },
    { name: 'voice.aiff', args: [], rate: 44_100 },
    { name: 'voice.au', args: [], rate: 44_100 },
    { name: 'voice.aac', args: ['-c:a', 'aac'], rate: 44_100 },
  ])
    test(`${name} is a recording, by pipe, and no file ever holds any of its bytes`, async () => {
      const bytes = ffmpeg(name, ...sine, ...args);
      const leaks: string[] = [];
      const kit = await sealingShelf((during) => void leaks.push(...findInFiles(during.folder, middleOf(bytes))));
      const job = await ended(kit, await upload(kit, bytes, name));
      expect(job.error).toBeNull();
      const audio = await heard(kit, job.recordings[0]!);
      expect(audio.sampleRate).toBe(rate);
      assertPlan(
        audio,
        {
          durationMs: 3000,
          tones: audio.channels.map((_, channel) => ({ channel, hz: 440, startMs: 0, endMs: 3000 })),
        },
        { durationMs: 100, edgeMs: 120 }, // Codecs smear edges.
      );
      expect(leaks).toEqual([]);
    });

  test('one in which ffmpeg would have to go back is refused, and told why', async () => {
    const kit = await sealingShelf();
    const job = await ended(kit, await upload(kit, ffmpeg('voice.caf', ...sine, '-c:a', 'alac'), 'voice.caf'));
    expect(job).toMatchObject({ state: 'failed', error: { code: 'CAPTURE_UNREADABLE' } });
    expect(job.error!.message).toMatch(/^voice\.caf can't be read .* from a pipe, in which it can not go back$/);
  });

  test('a playlist opens no other file, nor does a name in it', async () => {
    const kit = await sealingShelf();
    const secret = join(scratchDir(), 'secret.mp3');
    writeFileSync(secret, ffmpeg('secret.mp3', ...sine, '-c:a', 'libmp3lame'));
    for (const [name, text] of [
      ['list.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${secret}\n#EXT-X-ENDLIST\n`],
      ['list.ffconcat', `ffconcat version 1.0\nfile '${secret}'\n`],
    ] as const) {
      const job = await ended(kit, await upload(kit, Buffer.from(text), name));
      expect(job).toMatchObject({ state: 'failed', error: { code: 'CAPTURE_UNREADABLE' }, recordings: [] });
    }
  });
});

test('what is neither is refused by its name, and nothing of it is left, its key neither', async () => {
  const kit = await sealingShelf();
  const job = await ended(kit, await upload(kit, randomBytes(200_000), 'holiday.jpg'));
  expect(job).toMatchObject({ state: 'failed', error: { code: 'CAPTURE_UNREADABLE' } });
  expect(job.error!.message).toMatch(/^holiday\.jpg can't be read/);
  expect(kit.files()).toEqual([]);
  expect(await kit.vault.keyOf('acme', job.id)).toBeUndefined();
});

describe('a restart', () => {
  /** A service that dies while it reads an upload. */
  const died = async () => {
    const jobs: BackgroundJob[] = [];
    const vault = await openVault();
    const kit = await openShelf({
      vault,
      background: (job, { signal }) => {
        jobs.push(job);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    const job = await upload(kit, callCapture(smallCall({ durationMs: 1000 })), 'call.pcap');
    await until(() => jobs.length === 1);
    await kit.shelf.close();
    return { kit, vault, job, path: join(kit.folder, `jobs/acme/${job.id}/upload`) };
  };

  for (const encryption of ['on', 'off'] as const)
    test(`goes on with what lies sealed, encryption ${encryption}`, async () => {
      const { kit, vault, job, path } = await died();
      expect(readFileSync(path).toString('latin1', 0, 8)).toBe('RCSEAL01');
      const again = await openShelf({ vault, encryption }, kit);
      await again.shelf.recover();
      const done = await ended(again, job);
      expect(done).toMatchObject({ state: 'done', error: null });
      expect((await heard(again, done.recordings[0]!)).channels).toHaveLength(2);
    });

  test('finds it damaged: the job fails and says so', async () => {
    const { kit, vault, job, path } = await died();
    truncateSync(path, 500);
    const again = await openShelf({ vault }, kit);
    await again.shelf.recover();
    expect(await ended(again, job)).toMatchObject({ state: 'failed', error: { code: 'SEAL_BROKEN' }, recordings: [] });
  });
});

test('an upload that no job takes leaves neither file nor key', async () => {
  const kit = await sealingShelf();
  const place = await kit.shelf.newUpload('acme');
  expect(await kit.vault.keyOf('acme', place.id)).toBeDefined();
  mkdirSync(kit.shelf.uploadFolder, { recursive: true });
  writeFileSync(place.path, 'half');
  await kit.shelf.dropUpload('acme', place);
  expect(readdirSync(kit.shelf.uploadFolder)).toEqual([]);
  expect(await kit.vault.keyOf('acme', place.id)).toBeUndefined();
});
