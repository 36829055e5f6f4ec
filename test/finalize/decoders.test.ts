/** A sender that begins anew every moment costs no decoder for each time; what goes on has its own, and what comes back is heard. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Decoders } from '../../src/finalize/decoders.ts';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { JournalSurveyor } from '../../src/finalize/survey.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { SAMPLE_HEAD, SAMPLE_TRACK } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';

test('decoders are kept for tracks that go on, and for a bounded number of others', async () => {
  const survey = new JournalSurveyor();
  const decoders = new Decoders({ path: '' }, '');
  for (let track = 0; track < 500; track++) {
    survey.take({ kind: 'track', track: { ...SAMPLE_TRACK, track } });
    const surveyed = survey.tracks.get(track)!;
    surveyed.frames = 5;
    // The first has more to come.
    surveyed.placed = track === 0 ? 4 : 5;
    await decoders.add(surveyed, undefined);
    expect(decoders.byTrack.has(surveyed)).toBe(true);
  }
  expect(decoders.byTrack.has(survey.tracks.get(0)!)).toBe(true);
  expect(decoders.byTrack.size).toBeLessThanOrEqual(33);
});

test('a track that comes back after many others is heard', async () => {
  const folder = scratchDir();
  const journal = new JournalWriter(join(folder, 'a.journal'), SAMPLE_HEAD);
  const say = (track: number, from: number): void => {
    for (let n = from; n < from + 5; n++)
      journal.frame(track, SAMPLE_HEAD.startUs + (n + 1) * 20_000, n * 160, Buffer.alloc(160, 3), 0, 160);
  };
  journal.note('track', SAMPLE_TRACK);
  say(0, 0);
  for (let track = 1; track < 500; track++) {
    journal.note('track', { ...SAMPLE_TRACK, track, line: track, ssrc: track });
    say(track, 5 * track);
  }
  say(0, 2500);
  const end = { endUs: SAMPLE_HEAD.startUs + 50.1e6, endsWith: 'command', reason: 'stop', withheldUntilUs: 0 } as const;
  journal.note('close', end);
  await journal.close();
  const directory = join(folder, 'out');
  mkdirSync(directory);
  const job = { journalPath: journal.path, directory, mediaName: 'x.wav', encoder: 'lamejs' } as const;
  const result = await finalizeRecording(job);
  if (result.state !== 'stored') throw new Error(result.state);
  const { legs, artefact } = result.manifest;
  expect({ gaps: legs.a.gaps, duration: artefact.duration_ms }).toEqual({ gaps: [], duration: 50_100 });
  const audio = readFileSync(result.path).subarray(-4 * 50_100 * 8);
  // Of the leg that speaks nothing is missing.
  let missing = 0;
  for (let at = 0; at < audio.length; at += 4) if (audio.readInt16LE(at) === 0) missing++;
  expect(missing).toBe(0);
});
