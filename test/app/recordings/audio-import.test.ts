import { describe, expect, test } from 'vitest';
import { importAudio } from '../../../src/app/recordings/audio-import.ts';
import type { AudioSource } from '../../../src/app/recordings/audio-source.ts';
import { AppError } from '../../../src/core/errors.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import { scratchDir } from '../../support/scratch.ts';
import { joined, tone } from '../../support/tones.ts';
import { filesBelow, START_US } from './shelf-kit.ts';

const RATE = 8000;

const imported = async (source: AudioSource, fields = {}) => {
  const journals = scratchDir();
  const job = { source, callId: 'upload', startUs: START_US, journals, fields: { format: 'wav' as const, ...fields } };
  const ids = await importAudio({ ...job, onProgress: () => {} });
  return { ids, journals };
};

const samplesOf = async (journals: string, id: string): Promise<Int16Array> => {
  const options = { journalPath: `${journals}/${id}.journal`, directory: journals, mediaName: 'x.wav' };
  const result = await finalizeRecording({ ...options, encoder: 'lamejs' });
  if (result.state !== 'stored') throw new Error(result.state);
  const chunks: Int16Array[] = [];
  for await (const chunk of (await decodeArtefact(result.path)).chunks) chunks.push(chunk.slice());
  return joined(...chunks);
};

const inPieces = (pcm: Int16Array, length: number, channels: 1 | 2 = 1): AudioSource => ({
  sampleRate: RATE,
  channels,
  chunks: (async function* () {
    for (let at = 0; at < pcm.length; at += length) yield pcm.subarray(at, at + length);
  })(),
});

describe('every sample is there, whatever the pieces are', () => {
  for (const { name, samples, piece } of [
    { name: 'one sample at a time', samples: 2000, piece: 1 },
    { name: 'less than a frame', samples: 12_345, piece: 101 },
    { name: 'a frame', samples: 8000, piece: 160 },
    { name: 'all at once', samples: 8000, piece: 8000 },
    { name: 'shorter than a frame altogether', samples: 7, piece: 7 },
    { name: 'fewer frames than a line is trusted after', samples: 330, piece: 50 },
  ])
    test(name, async () => {
      const pcm = tone(440, 2000, RATE).subarray(0, samples);
      const { ids, journals } = await imported(inPieces(pcm, piece));
      expect(ids).toHaveLength(1);
      expect(await samplesOf(journals, ids[0])).toEqual(pcm);
    });
});

test('what lies behind the time limit is not even read', async () => {
  let read = 0;
  const endless: AudioSource = {
    sampleRate: RATE,
    channels: 1,
    chunks: (async function* () {
      for (; ; read++) yield tone(440, 100, RATE);
    })(),
  };
  const { ids, journals } = await imported(endless, { time_limit: 2 });
  expect(await samplesOf(journals, ids[0])).toHaveLength(2 * RATE);
  expect(read).toBeLessThan(40);
});

test('a source that breaks off fails, and its journal is closed', async () => {
  const broken: AudioSource = {
    sampleRate: RATE,
    channels: 2,
    chunks: (async function* () {
      yield new Int16Array(16_000);
      throw new AppError('ARTEFACT_UNREADABLE', 'the mp3 is cut');
    })(),
  };
  await expect(imported(broken)).rejects.toThrow(/cut/);
});

test('nothing to import is no recording', async () => {
  const { ids, journals } = await imported(inPieces(new Int16Array(), 1));
  expect(ids).toEqual([]);
  expect(filesBelow(journals)).toEqual([]);
});

test('an import that can’t write says so', async () => {
  const job = { source: inPieces(tone(440, 500, RATE), 160), callId: 'upload', startUs: START_US, fields: {} };
  await expect(importAudio({ ...job, journals: '/nonexistent', onProgress: () => {} })).rejects.toThrow(
    expect.objectContaining({ code: 'JOURNAL_UNWRITABLE' }),
  );
});
