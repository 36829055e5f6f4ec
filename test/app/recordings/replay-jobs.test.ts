/** Uploads that become recordings: captures, plain audio, files that are neither; over restarts too. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type BackgroundJob, doJob } from '../../../src/app/recordings/background-job.ts';
import { parseMetaflows } from '../../../src/control/metaflow-document.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { RecordCallFields } from '../../../src/core/record-call.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { OutputFile } from '../../../src/finalize/encode/output-file.ts';
import type { JobDocument } from '../../../src/http/service.ts';
import { callCapture } from '../../support/call-scenario.ts';
import { hasProgram } from '../../support/has.ts';
import { assertPlan } from '../../support/listen.ts';
import { scratchDir, sharedScratchDir } from '../../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, smallCall } from '../../support/small-call.ts';
import { channelsOf, joined, tone } from '../../support/tones.ts';
import { HeldPool, type Kit, openShelf, until } from './shelf-kit.ts';

const sources = sharedScratchDir();
const MASKING = { numbers: { 72: { module: 'record_call', data: { action: 'mask' } } } };

/** Puts bytes where the API would, and asks for their replay. */
const upload = async (
  kit: Kit,
  bytes: Buffer,
  { name = 'call.pcap', fields = { format: 'wav' } as RecordCallFields, accountId = 'acme' } = {},
): Promise<JobDocument> => {
  const place = await kit.shelf.newUpload(accountId);
  const file = await OutputFile.create(place.path, { seal: place.seal });
  await file.append(bytes);
  await file.close();
  return kit.shelf.replay(accountId, { ...place, name, fields });
};

const ended = async (kit: Kit, { id }: JobDocument): Promise<JobDocument> => {
  await until(() => ['done', 'failed'].includes(kit.shelf.job('acme', id).state), 'the end of the job');
  return kit.shelf.job('acme', id);
};

const heard = async (kit: Kit, id: string) => {
  const { source } = await kit.shelf.artefact('acme', id);
  const audio = await decodeArtefact(source);
  const chunks: Int16Array[] = [];
  for await (const chunk of audio.chunks) chunks.push(chunk.slice());
  return { sampleRate: audio.sampleRate, channels: channelsOf(joined(...chunks), audio.channels) };
};

const ffmpeg = (name: string, ...args: string[]): Buffer => {
  const path = join(sources, name);
  execFileSync('ffmpeg', ['-nostdin', '-loglevel', 'error', '-y', ...args, path]);
  return readFileSync(path);
};

/** 16-bit PCM as a WAV file. */
const wav = (pcm: Int16Array, channels: 1 | 2, sampleRate: number): Buffer => {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + pcm.byteLength, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(channels, 22);
  head.writeUInt32LE(sampleRate, 24);
  head.writeUInt32LE(2 * sampleRate * channels, 28);
  head.writeUInt16LE(2 * channels, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(pcm.byteLength, 40);
  return Buffer.concat([head, Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength)]);
};

describe('a capture', () => {
  for (const { name, bytes } of [
    { name: 'call.pcap', bytes: callCapture(smallCall()) },
    { name: 'call.pcap.gz', bytes: gzipSync(callCapture(smallCall())) },
  ])
    test(`${name} becomes the account’s recordings, and nothing else stays`, async () => {
      const kit = await openShelf();
      const job = await upload(kit, bytes, { name });
      expect(job).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        kind: 'replay',
        state: 'running',
        progress: 0,
        recordings: [],
        error: null,
      });
      const done = await ended(kit, job);
      expect(done).toMatchObject({ state: 'done', progress: 1, error: null });
      expect(done.recordings).toHaveLength(1);
      const [id] = done.recordings;
      expect(await kit.shelf.get('acme', id)).toMatchObject({
        state: 'stored',
        from: 'alice@example.com',
        origin: `replay of ${name}`,
        duration_ms: 4000,
      });
      assertPlan(await heard(kit, id), {
        durationMs: 4000,
        tones: [
          { channel: 0, hz: CALLER_HZ, startMs: 0, endMs: 4000 },
          { channel: 1, hz: CALLEE_HZ, startMs: 0, endMs: 4000 },
        ],
      });
      expect(kit.files().map((path) => path.split('/', 1)[0])).toEqual(['recordings', 'recordings']);
      const types = kit.events.filter(({ type }) => type.startsWith('replay.'));
      expect(types.map(({ type }) => type)).toEqual(['replay.running', 'replay.done']);
    });

  test('is listed when it came, whenever its call was', async () => {
    const kit = await openShelf();
    const startUs = Date.UTC(2011, 4, 4) * 1000;
    const { recordings } = await ended(kit, await upload(kit, callCapture(smallCall({ startUs }))));
    expect(recordings[0]).toMatch(/^201105-/);
    const row = (await kit.store.recordings.get('acme', recordings[0]))!;
    expect(new Date(row.startUs / 1000).getUTCFullYear()).toBe(2011);
    expect(row.createdGregorian - 62_167_219_200).toBe(Math.floor(kit.clock.now() / 1e6));
    expect(existsSync(join(kit.folder, `recordings/acme/201105/${recordings[0]}.wav`))).toBe(true);
  });

  test('whose codes mask is masked as it would have been live', async () => {
    expect(parseMetaflows(MASKING).numbers.size).toBe(1);
    const kit = await openShelf({ metaflowsOf: async (accountId) => (accountId === 'acme' ? MASKING : null) });
    const scenario = smallCall({
      legs: { b: { tones: [{ hz: CALLEE_HZ, startMs: 0, endMs: 4000 }], typed: [{ keys: '*72', atMs: 1000 }] } },
    });
    const { recordings } = await ended(kit, await upload(kit, callCapture(scenario)));
    expect(recordings).toHaveLength(1);
    const document = await kit.shelf.get('acme', recordings[0]);
    const [mask] = document.masks as { start_ms: number; end_ms: number }[];
    expect(mask.start_ms).toBeLessThan(1600);
    expect(mask.end_ms).toBe(4000);
    const { channels } = await heard(kit, recordings[0]);
    for (const pcm of channels) expect(pcm.subarray(8 * 1600).every((sample) => sample === 0)).toBe(true);
  });

  test('is recorded once, from its first frame to its last: codes that start and stop are not run', async () => {
    const code = (action: string) => ({ module: 'record_call', data: { action, label: 'typed' } });
    const numbers = { 71: code('start'), 72: code('mask'), 73: code('unmask'), 74: code('stop'), 75: code('toggle') };
    const kit = await openShelf({ metaflowsOf: async () => ({ numbers }) });
    const keys = ['*71', '*75', '*72', '*73', '*74'];
    const typed = keys.map((each, n) => ({ keys: each, atMs: 500 + n * 1000 }));
    const scenario = smallCall({
      durationMs: 7000,
      legs: { b: { tones: [{ hz: CALLEE_HZ, startMs: 0, endMs: 7000 }], typed } },
    });
    const { recordings } = await ended(kit, await upload(kit, callCapture(scenario)));
    expect(recordings).toHaveLength(1);
    const document = await kit.shelf.get('acme', recordings[0]);
    expect(document).toMatchObject({ duration_ms: 7000, state: 'stored' });
    expect(document).not.toHaveProperty('label');
    const [mask, ...more] = document.masks as { start_ms: number; end_ms: number }[];
    expect(more).toEqual([]);
    expect(mask.start_ms).toBeGreaterThan(2500);
    expect(mask.end_ms).toBeLessThan(4500);
    expect(kit.logged).toEqual([]);
  });

  test('with nothing to record in it is no job well done', async () => {
    const kit = await openShelf();
    const header = callCapture(smallCall()).subarray(0, 24);
    const job = await ended(kit, await upload(kit, header));
    expect(job).toMatchObject({ state: 'failed', error: { code: 'NOTHING_TO_RECORD' }, recordings: [] });
    expect(kit.files()).toEqual([]);
    expect(kit.events.at(-1)).toMatchObject({ type: 'replay.failed', data: { error: { code: 'NOTHING_TO_RECORD' } } });
  });
});

describe('plain audio', () => {
  const left = tone(300, 1000, 16_000);
  const right = tone(2000, 1000, 16_000);
  const both = Int16Array.from({ length: 2 * left.length }, (_, n) => (n % 2 === 0 ? left[n >> 1]! : right[n >> 1]!));

  test('of two channels is a call of two legs, to the sample', async () => {
    const kit = await openShelf();
    const { recordings } = await ended(kit, await upload(kit, wav(both, 2, 16_000), { name: 'talk.wav' }));
    const { sampleRate, channels } = await heard(kit, recordings[0]);
    expect(sampleRate).toBe(16_000);
    expect(channels[0]).toEqual(left);
    expect(channels[1]).toEqual(right);
    expect(await kit.shelf.get('acme', recordings[0])).toMatchObject({ origin: 'replay of talk.wav', channels: 2 });
  });

  test('of one channel is mono, unless somebody wants it otherwise', async () => {
    const kit = await openShelf();
    for (const { fields, channels } of [
      { fields: {}, channels: 1 },
      { fields: { channels: 'stereo' as const }, channels: 2 },
    ]) {
      const job = await upload(kit, wav(left, 1, 16_000), { fields: { format: 'wav', ...fields } });
      const { recordings } = await ended(kit, job);
      const audio = await heard(kit, recordings[0]);
      expect(audio.channels).toHaveLength(channels);
      expect(audio.channels[0]).toEqual(left);
    }
  });

  test('takes the fields of any recording: rate, least length, longest length', async () => {
    const kit = await openShelf();
    const fields: RecordCallFields = { format: 'wav', record_sample_rate: 8000, time_limit: 1, record_on_answer: true };
    const long = wav(tone(300, 3000, 16_000), 1, 16_000);
    const { recordings } = await ended(kit, await upload(kit, long, { fields }));
    expect(await kit.shelf.get('acme', recordings[0])).toMatchObject({ sample_rate: 8000, duration_ms: 1000 });
    const short = await ended(kit, await upload(kit, long, { fields: { format: 'wav', record_min_sec: 10 } }));
    expect(await kit.shelf.get('acme', short.recordings[0])).toMatchObject({ state: 'discarded' });
  });

  test('that holds no sample is nothing to record', async () => {
    const kit = await openShelf();
    const job = await ended(kit, await upload(kit, wav(new Int16Array(), 1, 8000), { name: 'empty.wav' }));
    expect(job).toMatchObject({ state: 'failed', error: { code: 'NOTHING_TO_RECORD' } });
  });

  describe.skipIf(!hasProgram('ffmpeg'))('by ffmpeg', () => {
    const sine = ['-f', 'lavfi', '-i', 'sine=440:d=2:sample_rate=44100'];
    for (const { name, args, rate } of [
      { name: 'voice.m4a', args: ['-c:a', 'aac'], rate: 44_100 },
      { name: 'voice.ogg', args: ['-c:a', 'libopus', '-ar', '48000'], rate: 48_000 },
      { name: 'voice.flac', args: ['-ac', '2'], rate: 44_100 },
      { name: 'voice.mp3', args: ['-c:a', 'libmp3lame', '-ac', '2'], rate: 44_100 },
      { name: 'float.wav', args: ['-c:a', 'pcm_f32le'], rate: 44_100 },
      { name: 'surround.wav', args: ['-ac', '6', '-ar', '96000'], rate: 48_000 },
      { name: 'low.wav', args: ['-ar', '6000'], rate: 8000 },
    ])
      test(`${name} is a recording`, async () => {
        const kit = await openShelf();
        const job = await ended(kit, await upload(kit, ffmpeg(name, ...sine, ...args), { name }));
        expect(job.error).toBeNull();
        const audio = await heard(kit, job.recordings[0]);
        expect(audio.sampleRate).toBe(rate);
        assertPlan(
          audio,
          {
            durationMs: 2000,
            tones: audio.channels.map((_, channel) => ({ channel, hz: 440, startMs: 0, endMs: 2000 })),
          },
          { durationMs: 100, presentDbfs: -50, edgeMs: 120 }, // Codecs smear edges; one of six channels is quiet in two.
        );
      });

    test('a playlist opens no other file', async () => {
      const kit = await openShelf();
      // What ffmpeg takes for a segment, without being asked.
      const secret = join(scratchDir(), 'secret.mp3');
      writeFileSync(secret, ffmpeg('secret.mp3', ...sine, '-c:a', 'libmp3lame'));
      for (const [name, text] of [
        ['list.m3u8', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${secret}\n#EXT-X-ENDLIST\n`],
        ['list.mp3', `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://${secret}\n#EXT-X-ENDLIST\n`],
        ['list.ffconcat', `ffconcat version 1.0\nfile '${secret}'\n`],
        ['list.sdp', 'v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n'],
      ]) {
        const job = await ended(kit, await upload(kit, Buffer.from(text), { name }));
        expect(job).toMatchObject({ state: 'failed', error: { code: 'CAPTURE_UNREADABLE' }, recordings: [] });
      }
    });
  });
});

test('what is neither is refused, saying what is taken and not where it was', async () => {
  const kit = await openShelf();
  for (const bytes of [
    Buffer.from('hello, is this a recording?'),
    Buffer.alloc(5000, 7),
    Buffer.from('RIFF____AVI '),
  ]) {
    const { error } = await ended(kit, await upload(kit, bytes, { name: 'notes.txt' }));
    expect(error).toMatchObject({ code: 'CAPTURE_UNREADABLE' });
    expect(error!.message).toMatch(/notes\.txt can't be read .*pcap.*wav.*mp3.*ffmpeg/);
    expect(error!.message).not.toContain(kit.folder);
  }
  const empty = await ended(kit, await upload(kit, Buffer.alloc(0), { name: 'empty.pcap' }));
  expect(empty.error).toMatchObject({ code: 'CAPTURE_EMPTY' });
  expect(kit.files()).toEqual([]);
});

test('a job is its account’s, and its target is judged before anything is done', async () => {
  const kit = await openShelf();
  const job = await upload(kit, callCapture(smallCall()));
  expect(() => kit.shelf.job('other', job.id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(() => kit.shelf.job('acme', 'x')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  await ended(kit, job);
  await expect(upload(kit, Buffer.from('x'), { fields: { url: 'http://10.0.0.1/' } })).rejects.toThrow(
    expect.objectContaining({ code: 'TARGET_FORBIDDEN' }),
  );
  const full = await openShelf({ admit: () => new AppError('DISK_LOW', 'the disk is nearly full') });
  await expect(upload(full, Buffer.from('x'))).rejects.toThrow(expect.objectContaining({ code: 'DISK_LOW' }));
});

/** A background whose jobs wait until the test lets them go on. */
const held = () => {
  const jobs: { readonly job: BackgroundJob; readonly go: () => void; readonly progress: (share: number) => void }[] =
    [];
  return {
    jobs,
    background: (
      job: BackgroundJob,
      { onProgress, signal }: { onProgress: (share: number) => void; signal: AbortSignal },
    ) =>
      new Promise<Awaited<ReturnType<typeof doJob>>>((resolve, reject) => {
        const go = (): void => void doJob(job, onProgress).then(resolve, reject);
        jobs.push({ job, go, progress: onProgress });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
};

test('jobs have their turn, one at a time, account after account, and show how far they are', async () => {
  const { jobs, background } = held();
  const kit = await openShelf({ background });
  const capture = callCapture(smallCall({ durationMs: 1000 }));
  const own = [await upload(kit, capture), await upload(kit, capture), await upload(kit, capture)];
  const other = await upload(kit, capture, { accountId: 'other' });
  await until(() => jobs.length === 1);
  expect(kit.shelf.counts).toMatchObject({ replaysRunning: 1, replaysWaiting: 3 });
  jobs[0].progress(0.5);
  expect(kit.shelf.job('acme', own[0].id)).toMatchObject({ state: 'running', progress: 0.25 });
  expect(kit.shelf.job('acme', own[1].id)).toMatchObject({ state: 'queued', progress: 0 });
  jobs[0].go();
  await ended(kit, own[0]);
  for (const n of [1, 2, 3]) {
    await until(() => jobs.length > n);
    expect(kit.shelf.job('other', other.id).state).toBe(['', 'queued', 'running', 'done'][n]);
    jobs[n].go();
  }
  await ended(kit, own[2]);
});

test('while its recordings are finalized, a job shows how far those are; more jobs than may wait are refused', async () => {
  const pool = new HeldPool();
  const kit = await openShelf({ pool });
  const capture = callCapture(smallCall({ durationMs: 200 }));
  const job = await upload(kit, capture);
  await until(() => pool.held.length === 1);
  expect(kit.shelf.job('acme', job.id)).toMatchObject({ state: 'running', progress: 0.625, recordings: pool.begun });
  for (let n = 0; n < 200; n++) await upload(kit, capture);
  await expect(upload(kit, capture)).rejects.toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }));
});

describe('a restart', () => {
  test('in the middle of a job begins it anew under its id, and makes its recordings once', async () => {
    const { jobs, background } = held();
    const kit = await openShelf({ background });
    const job = await upload(kit, callCapture(smallCall({ durationMs: 1000 })));
    await until(() => jobs.length === 1);
    // It has written some already.
    const { journals } = jobs[0].job as Extract<BackgroundJob, { kind: 'replay' }>;
    await kit.shelf.close();
    mkdirSync(journals, { recursive: true });
    writeFileSync(join(journals, `202601-${'a'.repeat(32)}.journal`), 'half');
    const again = await openShelf({}, kit);
    await again.shelf.recover();
    await again.shelf.recover();
    const done = await ended(again, job);
    expect(done).toMatchObject({ state: 'done', error: null });
    expect(again.files().map((path) => path.split('/', 1)[0])).toEqual(['recordings', 'recordings']);
  });

  test('between journals and recordings hands over those that are left', async () => {
    const { jobs, background } = held();
    const kit = await openShelf({ background });
    const two = smallCall({ durationMs: 1000 });
    const job = await upload(kit, callCapture(two));
    await until(() => jobs.length === 1);
    await kit.shelf.close();
    // The worker's part is done, and one of its two journals is where it belongs.
    const replayed = jobs[0].job as Extract<BackgroundJob, { kind: 'replay' }>;
    const { recordings: first } = await doJob(replayed, () => {});
    const away = join(scratchDir(), 'first.journal');
    copyFileSync(join(replayed.journals, `${first[0]}.journal`), away);
    const { recordings: second } = await doJob(replayed, () => {});
    mkdirSync(join(kit.folder, 'journals/acme'), { recursive: true });
    copyFileSync(away, join(kit.folder, `journals/acme/${first[0]}.journal`));
    writeFileSync(join(replayed.journals, '../done.json'), JSON.stringify([...first, ...second]));

    const again = await openShelf({ background: () => Promise.reject(new Error('it is not read again')) }, kit);
    await again.shelf.recover();
    const done = await ended(again, job);
    expect(done).toMatchObject({ state: 'done', recordings: [...first, ...second] });
    for (const id of done.recordings) expect((await again.shelf.get('acme', id)).state).toBe('stored');
    expect(again.files()).toHaveLength(4);
  });

  test('finds a job that was never filled, and removes it', async () => {
    const kit = await openShelf();
    mkdirSync(join(kit.folder, `jobs/acme/${'b'.repeat(32)}`), { recursive: true });
    mkdirSync(join(kit.folder, `jobs/acme/${'c'.repeat(32)}`), { recursive: true });
    writeFileSync(join(kit.folder, `jobs/acme/${'c'.repeat(32)}/job.json`), '{"name":"x","fields":{}}');
    await kit.shelf.recover();
    expect(readdirSync(join(kit.folder, 'jobs/acme'))).toEqual([]);
  });
});

test('a disk that fails in the middle fails the job, not half a recording', async () => {
  const kit = await openShelf({
    background: async () => {
      throw new AppError('JOURNAL_UNWRITABLE', 'journal can’t be written (ENOSPC)');
    },
  });
  const job = await ended(kit, await upload(kit, callCapture(smallCall())));
  expect(job).toMatchObject({ state: 'failed', error: { code: 'JOURNAL_UNWRITABLE' } });
  expect(kit.files()).toEqual([]);
});
