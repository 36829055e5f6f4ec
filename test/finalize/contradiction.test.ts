/**
 * What a followed recording's journal says later than it could be known: the recording is made again with all of it in view, comes out as
 * if it had never been followed, and nothing of the first attempt is left.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeArtefact } from '../../src/finalize/decode/artefact-decoder.ts';
import { Finalization } from '../../src/finalize/finalization.ts';
import { finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { partPath } from '../../src/finalize/part-files.ts';
import type { MaskRecord, OpenRecord, TrackRecord } from '../../src/spool/journal-record.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { SAMPLE_HEAD, SAMPLE_TRACK } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';
import { channelsOf, joined, peak, seeded, span } from '../support/tones.ts';

const START_US = SAMPLE_HEAD.startUs;
const MASK: MaskRecord = {
  id: 0,
  startUs: START_US + 20e6,
  endUs: START_US + 22e6,
  trigger: { kind: 'api' },
  askedAtUs: START_US + 20e6,
  effectiveAtUs: START_US + 20e6,
};

/** What is noted before the frame that comes at so many seconds. */
type Odd = { readonly seconds: number; readonly does: (journal: JournalWriter) => void };

const noise = (random: () => number, bytes = 160): Buffer =>
  Buffer.from(Uint8Array.from({ length: bytes }, () => random() * 255));

class Growing {
  readonly journal: JournalWriter;
  readonly finalization: Finalization;
  readonly directory: string;
  readonly states = new Set<string>();
  /** Bytes of the part file when something was about to be given up. */
  most = 0;
  readonly #random = seeded(3);
  #frames = 0;

  constructor(folder: string, head: Partial<OpenRecord>, encoder: 'lamejs' | 'ffmpeg' = 'lamejs') {
    this.directory = join(folder, 'out');
    this.journal = new JournalWriter(join(folder, 'growing.journal'), { ...SAMPLE_HEAD, ...head });
    this.journal.note('track', SAMPLE_TRACK);
    this.finalization = new Finalization({ ...this.job, encoder });
  }

  get job() {
    return { journalPath: this.journal.path, directory: this.directory, encoder: 'lamejs' as const };
  }

  get parts(): string[] {
    return readdirSync(this.directory).filter((name) => name.startsWith('.'));
  }

  async upTo(seconds: number): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    for (; this.#frames * 0.02 < seconds; this.#frames++) {
      const payload = noise(this.#random);
      const arrivalUs = START_US + (this.#frames + 1) * 20_000 + 3000;
      this.journal.frame(0, arrivalUs, this.#frames * 160, payload, 0, payload.length);
      if (this.#frames % 100 === 99) await this.look();
    }
    await this.look();
  }

  async look(): Promise<void> {
    this.journal.flush();
    await this.journal.drained();
    for (let state = 'more'; state === 'more'; this.states.add(state)) state = await this.finalization.advance(5);
    for (const name of this.parts) this.most = Math.max(this.most, statSync(join(this.directory, name)).size);
  }
}

const play = async (odd: readonly Odd[], head: Partial<OpenRecord> = {}, seconds = 120): Promise<Growing> => {
  const growing = new Growing(scratchDir(), head);
  for (const { seconds: at, does } of odd) {
    await growing.upTo(at);
    does(growing.journal);
  }
  await growing.upTo(seconds);
  growing.journal.note('close', {
    endUs: START_US + seconds * 1e6,
    endsWith: 'command',
    reason: 'stop',
    withheldUntilUs: 0,
  });
  await growing.journal.close();
  return growing;
};

const finished = async (growing: Growing) => {
  const { mediaName } = SAMPLE_HEAD;
  const result = await growing.finalization.finish({ ...growing.job, mediaName });
  expect(growing.parts).toEqual([]);
  const directory = join(growing.directory, 'again');
  await mkdir(directory);
  const again = await finalizeRecording({ ...growing.job, directory, mediaName });
  if (result.state !== 'stored' || again.state !== 'stored') throw new Error(`${result.state}, ${again.state}`);
  expect(result.manifest).toEqual(again.manifest);
  expect(readFileSync(result.path).equals(readFileSync(again.path))).toBe(true);
  const decoded = await decodeArtefact(result.path);
  const chunks: Int16Array[] = [];
  for await (const chunk of decoded.chunks) chunks.push(chunk.slice());
  return { ...result, channels: channelsOf(joined(...chunks), decoded.channels), sampleRate: decoded.sampleRate };
};

const L16_TRACK: TrackRecord = {
  ...SAMPLE_TRACK,
  track: 1,
  line: 1,
  leg: 'b',
  ssrc: 2,
  codec: { name: 'L16', clockRate: 16_000, channels: 1 },
};

describe('what a journal says later than it could be known', () => {
  test('is nothing in a call that goes its way: it is followed to its end', async () => {
    const growing = await play([
      { seconds: 60, does: (journal) => journal.note('mask', { ...MASK, startUs: START_US + 58e6, endUs: null }) },
      {
        seconds: 70,
        does: (journal) => journal.note('mask', { ...MASK, startUs: START_US + 58e6, endUs: START_US + 70e6 }),
      },
    ]);
    expect([...growing.states]).not.toContain('given up');
    // All but the last 31 s was there before the call's end.
    expect(growing.most).toBeGreaterThan(60 * 32_000);
    const { channels, manifest } = await finished(growing);
    expect(manifest.masks).toMatchObject([{ start_ms: 58_000, end_ms: 70_000 }]);
    expect(peak(span(channels[0]!, 8000, 58_000, 70_000))).toBe(0);
    expect(peak(span(channels[0]!, 8000, 57_900, 58_000))).toBeGreaterThan(0);
  });

  const late: [string, readonly Odd[], Partial<OpenRecord>?][] = [
    ['a mask over what has been rendered', [{ seconds: 80, does: (journal) => journal.note('mask', MASK) }]],
    [
      'a mask that ends sooner than it did',
      [
        { seconds: 21, does: (journal) => journal.note('mask', MASK) },
        { seconds: 80, does: (journal) => journal.note('mask', { ...MASK, endUs: START_US + 21e6 }) },
      ],
    ],
    [
      'a mask that began sooner, where it was dropped',
      [
        { seconds: 21, does: (journal) => journal.note('mask', MASK) },
        { seconds: 80, does: (journal) => journal.note('mask', { ...MASK, startUs: START_US + 20e6 - 2000 }) },
      ],
      { maskMode: 'drop' },
    ],
    [
      'a mask from before the beginning of a recording that began with a frame',
      [{ seconds: 80, does: (journal) => journal.note('mask', { ...MASK, startUs: START_US, endUs: START_US + 1e6 }) }],
      { startsWith: 'first-frame' },
    ],
    [
      'a leg of a higher rate',
      [
        {
          seconds: 80,
          does: (journal) => {
            journal.note('track', L16_TRACK);
            journal.frame(1, START_US + 80.1e6, 0, Buffer.alloc(640, 3), 0, 640);
          },
        },
      ],
    ],
    [
      'a frame from a minute ago',
      [
        {
          seconds: 80,
          does: (journal) => journal.frame(0, START_US + 80e6, 160 * 50 * 20, Buffer.alloc(160, 3), 0, 160),
        },
      ],
    ],
    [
      'a leg whose first frame was said a minute ago',
      [
        {
          seconds: 80,
          does: (journal) => {
            journal.note('track', { ...SAMPLE_TRACK, track: 1, line: 1, leg: 'b', ssrc: 2 });
            journal.frame(1, START_US + 80e6, 160 * 50 * 20, Buffer.alloc(160, 3), 0, 160);
            for (let n = 0; n < 10; n++)
              journal.frame(1, START_US + 80.1e6 + n * 20_000, 160 * (50 * 80 + n), Buffer.alloc(160, 3), 0, 160);
          },
        },
      ],
    ],
  ];
  for (const [name, odd, head] of late)
    test(`as ${name}, has it made again`, async () => {
      const growing = await play(odd, head);
      expect(growing.most).toBeGreaterThan(0);
      expect([...growing.states]).toContain('given up');
      expect(growing.parts).toEqual([]);
      const { manifest, channels, sampleRate } = await finished(growing);
      for (const { artefact, mode } of manifest.masks)
        if (mode === 'silence')
          expect(peak(span(channels[0]!, sampleRate, artefact.start_ms, artefact.end_ms))).toBe(0);
    });

  test('a codec that ffmpeg decodes as a whole is not begun', async () => {
    const growing = new Growing(scratchDir(), {});
    growing.journal.note('track', { ...L16_TRACK, codec: { name: 'G723', clockRate: 8000, channels: 1 } });
    growing.journal.frame(1, START_US + 1e6, 0, Buffer.alloc(24), 0, 24);
    await growing.upTo(50);
    expect([...growing.states]).toEqual(['given up']);
    expect(growing.parts).toEqual([]);
    await growing.journal.close();
  });

  test('an encoder that is a process of its own is not kept waiting', async () => {
    const growing = new Growing(scratchDir(), { format: 'mp3' }, 'ffmpeg');
    await growing.upTo(50);
    expect([...growing.states]).toEqual(['abreast', 'given up']);
    expect(growing.parts).toEqual([]);
    growing.journal.note('close', { endUs: START_US + 50e6, endsWith: 'command', reason: 'stop', withheldUntilUs: 0 });
    await growing.journal.close();
    const result = await growing.finalization.finish({ ...growing.job, mediaName: 'x.mp3' });
    expect(result).toMatchObject({ state: 'stored', manifest: { artefact: { duration_ms: 50_000 } } });
  });
});

describe('a recording that is given up', () => {
  test('leaves no part of it, whenever that is', async () => {
    for (const seconds of [0, 20, 60]) {
      const growing = new Growing(scratchDir(), {});
      await growing.upTo(seconds);
      await growing.finalization.abort();
      await growing.finalization.abort();
      expect(growing.parts).toEqual([]);
      expect(await growing.finalization.advance(20)).toBe('given up');
      await growing.journal.close();
    }
  });

  test('while it works leaves none either', async () => {
    const growing = new Growing(scratchDir(), {});
    await growing.upTo(60);
    await growing.journal.close();
    const work = growing.finalization.advance(1000);
    await growing.finalization.abort();
    expect(['abreast', 'given up', 'more']).toContain(await work);
    expect(growing.parts).toEqual([]);
  });

  test('because it is too short leaves nothing of an earlier attempt either', async () => {
    const growing = await play([], { minSeconds: 10 }, 5);
    writeFileSync(partPath(growing.directory, SAMPLE_HEAD.id), 'of a thread that died');
    const result = await finalizeRecording({ ...growing.job, mediaName: SAMPLE_HEAD.mediaName });
    expect(result).toEqual({ state: 'discarded', durationMs: 5000, minSeconds: 10 });
    expect(growing.parts).toEqual([]);
  });

  test('because it can’t be brought to its name leaves no part of it', async () => {
    const growing = await play([], {}, 5);
    await mkdir(join(growing.directory, SAMPLE_HEAD.mediaName));
    await expect(finalizeRecording({ ...growing.job, mediaName: SAMPLE_HEAD.mediaName })).rejects.toThrow(/EISDIR/);
    expect(readdirSync(growing.directory)).toEqual([SAMPLE_HEAD.mediaName]);
  });

  test('has written only for its owner to read', async () => {
    const growing = new Growing(scratchDir(), {});
    await growing.upTo(60);
    const [part] = growing.parts;
    expect(statSync(join(growing.directory, part!)).mode & 0o777).toBe(0o600);
    await growing.finalization.abort();
    await growing.journal.close();
  });
});
