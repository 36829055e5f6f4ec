/**
 * The promise, over random schedules: no masked sample or byte in any file that was written, whatever the codecs, losses, reordering,
 * duplicates, SSRC changes, modes, lookback and crashes; and nothing that was not masked is missing beyond rule 3.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeArtefact } from '../../src/finalize/decode/artefact-decoder.ts';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { decodeAlaw, decodeUlaw } from '../../src/kernel/g711.ts';
import { hear, manifestOf, Pipeline } from '../support/pipeline.ts';
import { play, type Schedule, SECRET, type SentFrame, schedules } from '../support/schedule.ts';
import { findInFiles, scratchDir } from '../support/scratch.ts';
import { peak, span } from '../support/tones.ts';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 1000);
const START_US = Date.UTC(2026, 2, 1) * 1000;
const at = (ms: number): number => START_US + Math.round(ms * 1000);

const pcmBytes = (pcm: Int16Array): Buffer => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);
const decoded = (decode: (from: Uint8Array, to: Int16Array) => void): Buffer => {
  const pcm = new Int16Array(SECRET.length);
  decode(SECRET, pcm);
  return pcmBytes(pcm);
};
/** The pattern as it is sent, and as it would look once decoded. */
const SECRETS = [SECRET, decoded(decodeUlaw), decoded(decodeAlaw), Buffer.from(SECRET).swap16()];

/** A source's line is agreed on, and another begins, while its first frames wait for a lookback. */
const JUMPS_WHILE_IT_WAITS: Schedule = {
  ...{ seed: 1, seconds: 3, codecs: { a: 0, b: 0 }, laterMs: 0, loss: 0, reorder: 0, duplicate: 0, jitterMs: 0 },
  changes: [
    { leg: 'b', at: 40, kind: 'ssrc' },
    { leg: 'b', at: 71, kind: 'jump' },
  ],
  masks: [{ open: 1, close: 2 }],
  ...{ mode: 'silence', channels: 'stereo', lookbackMs: 700, crash: 0 },
};

const runSchedule = async (schedule: Schedule, folder: string): Promise<void> => {
  const { frames, arrivals } = play(schedule);
  const pipeline = new Pipeline(folder);
  const { call } = pipeline;
  const { mode: mask_mode, lookbackMs: mask_lookback_ms, channels } = schedule;
  call.recordFromFirstFrame({ format: 'wav', mask_mode, mask_lookback_ms, channels }, 'test');
  const commands = schedule.masks
    .flatMap(({ open, close }) => [
      { ms: open, action: 'mask' as const },
      ...(close === undefined ? [] : [{ ms: close, action: 'unmask' as const }]),
    ])
    .sort((one, other) => one.ms - other.ms);
  const until = async (ms: number): Promise<void> => {
    for (let next = commands[0]; next !== undefined && next.ms <= ms; next = commands[0]) {
      commands.shift();
      call.advance(at(next.ms));
      await pipeline.command(next.action);
    }
  };
  const newest = new Map<number, number>();
  const doubtful = new Set<SentFrame>();
  for (const { atMs, frame } of arrivals) {
    await until(atMs);
    const { leg, ssrc, sequence, timestamp, codec, payload } = frame;
    // Nothing overtook it, so whether it waited on the network or was said this late can't be known: it may be withheld.
    const ahead = ((sequence - (newest.get(ssrc) ?? sequence - 1)) << 16) >> 16 > 0;
    if (ahead) newest.set(ssrc, sequence);
    if (ahead && schedule.masks.some(({ open }) => frame.endMs <= open && atMs >= open - schedule.lookbackMs))
      doubtful.add(frame);
    pipeline.packet({
      leg,
      ssrc,
      sequence,
      timestamp,
      arrivalUs: at(atMs),
      codec: codec.wire,
      bytes: Buffer.from(payload),
    });
  }
  await until(schedule.seconds * 1000 + 2000);
  const [finished] = await pipeline.finish();
  if (finished === undefined) throw new Error('nothing was recorded');

  const journal = readFileSync(finished.recorder.path);
  for (const frame of frames) {
    if (!frame.kept || frame.lost || doubtful.has(frame)) continue;
    if (!journal.includes(frame.payload))
      throw new Error(`the frame ${frame.startMs}–${frame.endMs} ms of leg ${frame.leg} is missing`);
  }

  const { channels: heard, sampleRate } = await hear(finished);
  const manifest = manifestOf(finished);
  for (const mask of manifest.masks) {
    if (schedule.mode !== 'silence') continue;
    for (const pcm of heard) expect(peak(span(pcm, sampleRate, mask.start_ms, mask.end_ms))).toBe(0);
  }

  // A crash at any byte: the rest still finalizes, and is masked to its end where it ends in a mask.
  const torn = join(folder, 'torn.journal');
  copyFileSync(finished.recorder.path, torn);
  truncateSync(torn, Math.max(2048, Math.floor(statSync(torn).size * schedule.crash)));
  const directory = join(folder, 'torn');
  mkdirSync(directory);
  const recovered = await finalizeRecording({ journalPath: torn, directory, mediaName: 'torn.wav', encoder: 'lamejs' });
  if (recovered.state === 'stored') await decodeArtefact(recovered.path);

  for (const secret of SECRETS) expect(findInFiles(folder, secret)).toEqual([]);
};

test(
  `no masked byte in any file and nothing else missing, in ${RUNS} random schedules`,
  async () => {
    let run = 0;
    const root = scratchDir();
    await fc.assert(
      fc.asyncProperty(schedules, async (schedule) => {
        const folder = join(root, String(run++));
        mkdirSync(folder);
        await runSchedule(schedule, folder);
        rmSync(folder, { recursive: true });
      }),
      { numRuns: RUNS, examples: [[JUMPS_WHILE_IT_WAITS]] },
    );
  },
  Math.max(600_000, 300 * RUNS),
);
