import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { MP3_RATES } from '../../../src/core/record-call.ts';
import { LEAD_IN } from '../../../src/finalize/encode/gapless.ts';
import { parseInfoFrame } from '../../../src/finalize/encode/info-tag.ts';
import { LameEncoder } from '../../../src/finalize/encode/lame-encoder.ts';
import { parseMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';
import { WavEncoder } from '../../../src/finalize/encode/wav-encoder.ts';
import { FfmpegEncoder } from '../../../src/finalize/ffmpeg/ffmpeg-encoder.ts';
import { type FfmpegProgram, probeFfmpeg } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../../src/spool/seal/sealed-file.ts';
import { canMountTmpfs, smallDisk } from '../../support/small-disk.ts';
import {
  channel,
  encodeAll,
  hasFfmpeg,
  hear,
  hearWithFfmpeg,
  interleave,
  lag,
  levelDb,
  noise,
  peak,
  probe,
  same,
  scratch,
  sweep,
  tone,
} from '../encode/listening.ts';
import { DIES, described, FAILS, pretender } from './pretenders.ts';

const place = scratch();
const failed = (says: string) =>
  expect.objectContaining({ code: 'FFMPEG_FAILED', message: expect.stringContaining(says) });

/** A constant tone keeps its level this well, the ends aside. */
const LEVEL_DB = 0.05;
const ENDS = 3000;

describe.skipIf(!hasFfmpeg)('with the ffmpeg of this machine', () => {
  let program: FfmpegProgram;
  beforeAll(async () => {
    program = await probeFfmpeg();
  });
  const make = (path: string, sampleRate: number, channels: 1 | 2) =>
    FfmpegEncoder.create({ path, sampleRate, channels }, program);

  for (const sampleRate of MP3_RATES) {
    test(`${sampleRate} Hz: the length is exact, not a sample late, in both decoders`, async () => {
      const [left, right] = [sweep(2501), sweep(2501).reverse()];
      const path = place('a.mp3');
      const file = await encodeAll(await make(path, sampleRate, 2), interleave(left, right), 2);
      expect(file).toMatchObject({
        samples: 2501,
        bytes: statSync(path).size,
        encoder: `ffmpeg ${program.version} libmp3lame`,
      });
      const { pcm, ...head } = await hear(path);
      expect(head).toEqual({ format: 'mp3', sampleRate, channels: 2, samples: 2501 });
      expect(lag(left, channel(pcm, 2, 0))).toBe(0);
      expect(lag(right, channel(pcm, 2, 1))).toBe(0);
      const theirs = hearWithFfmpeg(path, ['-f', 'mp3']);
      expect(theirs.length).toBe(pcm.length);
      expect(lag(left, channel(theirs, 2, 0))).toBe(0);
    });
  }

  // 1 and 577 are among those for which ffmpeg itself writes a padding that is too short by 46.
  for (const length of [0, 1, 47, 577, 1152]) {
    test(`${length} samples are ${length} samples`, async () => {
      for (const sampleRate of [8000, 48_000]) {
        const path = place('b.mp3');
        await encodeAll(await make(path, sampleRate, 1), noise(length, 5000), 1);
        expect((await hear(path)).pcm.length).toBe(length);
        expect(hearWithFfmpeg(path, ['-f', 'mp3']).length).toBe(length);
      }
    });
  }

  test('ffprobe accepts it', async () => {
    const path = place('c.mp3');
    await encodeAll(await make(path, 16_000, 2), noise(2 * 16_000, 5000), 2);
    expect(probe(path)).toMatchObject({ codec_name: 'mp3', sample_rate: '16000', channels: '2', format_name: 'mp3' });
  });

  test('wav, lamejs and ffmpeg are equally long and loud, and a leg does not leak into the other', async () => {
    const left = tone(16_000, 0.11);
    const pcm = interleave(left, new Int16Array(16_000));
    const format = { sampleRate: 8000, channels: 2 } as const;
    const paths = [place('d.wav'), place('d.mp3'), place('e.mp3')];
    const encoders = [
      await WavEncoder.create({ path: paths[0], ...format }),
      await LameEncoder.create({ path: paths[1], ...format }),
      await FfmpegEncoder.create({ path: paths[2], ...format }, program),
    ];
    for (const [index, encoder] of encoders.entries()) {
      await encodeAll(encoder, pcm, 2);
      const heard = (await hear(paths[index])).pcm;
      expect(heard.length).toBe(pcm.length);
      expect(peak(channel(heard, 2, 1))).toBeLessThanOrEqual(1);
      const level = levelDb(left.subarray(ENDS, -ENDS), channel(heard, 2, 0).subarray(ENDS, -ENDS));
      expect(Math.abs(level)).toBeLessThan(LEVEL_DB);
    }
  });

  test('more than its pipes hold is waited for', async () => {
    const path = place('f.mp3');
    const encoder = await make(path, 8000, 2);
    const piece = noise(2 * 100_000, 5000);
    for (let i = 0; i < 20; i++) await encoder.write(piece, 100_000);
    expect((await encoder.finish()).samples).toBe(2_000_000);
    expect((await hear(path)).pcm.length).toBe(4_000_000);
  });

  for (const name of ['with space.mp3', '-y.mp3', "it's $(id).mp3", 'concat:a|b.mp3', '%03d.mp3']) {
    test(`a path is a path: ${name}`, async () => {
      const folder = place('folder');
      mkdirSync(folder);
      await encodeAll(await make(`${folder}/${name}`, 8000, 1), noise(4000, 5000), 1);
      expect(statSync(`${folder}/${name}`).mode & 0o777).toBe(0o600);
      expect((await hear(`${folder}/${name}`)).samples).toBe(4000);
    });
  }

  test('abort ends ffmpeg and leaves nothing, right after the start and later', async () => {
    for (const pieces of [0, 10]) {
      const path = place('g.mp3');
      const encoder = await make(path, 8000, 1);
      for (let i = 0; i < pieces; i++) await encoder.write(noise(100_000, 5000), 100_000);
      await encoder.abort();
      await encoder.abort();
      expect(() => statSync(path)).toThrow('ENOENT');
    }
  });

  test('an mp3 whose end is lost on its way here is not taken for whole', async () => {
    const script = `#!/bin/sh\n${program.path} "$@" | head -c 5000\n`;
    const cutting = { ...program, path: pretender(place('cutting'), script).path };
    const encoder = await FfmpegEncoder.create({ path: place('cut.mp3'), sampleRate: 8000, channels: 1 }, cutting);
    await encoder.write(noise(80_000, 5000), 80_000);
    await expect(encoder.finish()).rejects.toThrow(failed('it did not give an mp3 to its end'));
    await encoder.abort();
  });

  test('the tag is the one that ffmpeg itself writes into a file, but for what it leaves out or has wrong', async () => {
    const samples = noise(30_000, 5000);
    const path = place('tagged.mp3');
    await encodeAll(await make(path, 8000, 1), samples, 1);
    const ours = readFileSync(path);
    const theirs = place('theirs.mp3');
    const pcm = place('pcm');
    writeFileSync(pcm, Buffer.concat([Buffer.alloc(2 * LEAD_IN), Buffer.from(samples.buffer)]));
    const options = '-fflags +bitexact -id3v2_version 0 -filter:a volume=1/0.95:precision=float -sample_fmt fltp';
    const encoding = '-c:a libmp3lame -b:a 24k -joint_stereo 0 -f mp3';
    const words = ['-f', 's16le', '-ar', '8000', '-ac', '1', '-i', pcm, ...`${options} ${encoding}`.split(' ')];
    execFileSync(program.path, ['-v', 'error', ...words, theirs]);
    const [own, other] = [ours, readFileSync(theirs)].map((bytes) => parseMp3Frame(bytes, 0)!.bytes);
    expect(own).toBe(other);
    expect(ours.subarray(own).equals(readFileSync(theirs).subarray(other))).toBe(true);
    const [tag, said] = [ours, readFileSync(theirs)].map((bytes) => parseInfoFrame(bytes.subarray(0, own))!);
    expect(tag).toEqual({ ...said, delay: LEAD_IN + said.delay!, padding: tag.padding });
  });

  test('sealed, it is the same mp3, of which the disk has nothing', async () => {
    const [plain, sealed] = [place('plain.mp3'), place('sealed.mp3')];
    const pcm = noise(2 * 100_000, 5000);
    const key = newSealKey(randomBytes);
    const options = { sampleRate: 8000, channels: 2 } as const;
    const one = await encodeAll(await make(plain, 8000, 2), pcm, 2);
    const sealing = { ...options, path: sealed, seal: { key, purpose: 'artefact' } } as const;
    const other = await encodeAll(await FfmpegEncoder.create(sealing, program), pcm, 2);
    expect(other).toEqual(one);
    const { pcm: heard } = await hear(sealedFile(sealed, key, 'artefact'));
    expect(same(heard, (await hear(plain)).pcm)).toBe(true);
    expect(readFileSync(sealed).includes(readFileSync(plain).subarray(1000, 1064))).toBe(false);
  });

  describe.skipIf(!canMountTmpfs)('on a disk of 64 KiB (needs the right to mount one)', () => {
    const BYTES_PER_SECOND = 3000;
    const encodeFor = async (path: string, seconds: number) => {
      const encoder = await make(path, 8000, 1);
      try {
        for (let left = seconds * 8000; left > 0; left -= 4000) await encoder.write(noise(4000, 5000), 4000);
        return await encoder.finish();
      } finally {
        await encoder.abort();
      }
    };

    for (const { name, seconds } of [
      { name: 'many times as much', seconds: 120 },
      { name: 'a little more than fits', seconds: 22.5 },
    ]) {
      test(`${name} is OUTPUT_UNWRITABLE: the disk is full; nothing is left`, async () => {
        const folder = smallDisk(64);
        const path = join(folder, 'x.mp3');
        expect(seconds * BYTES_PER_SECOND).toBeGreaterThan(64 * 1024);
        await expect(encodeFor(path, seconds)).rejects.toThrow(
          expect.objectContaining({
            code: 'OUTPUT_UNWRITABLE',
            message: `${path} can't be written: the disk is full (ENOSPC)`,
          }),
        );
        expect(readdirSync(folder)).toEqual([]);
      });
    }

    test('what just fits is whole', async () => {
      const path = join(smallDisk(64), 'x.mp3');
      expect((await encodeFor(path, 21)).samples).toBe(168_000);
      expect((await hear(path)).samples).toBe(168_000);
    });
  });

  test('abort after finish keeps the file', async () => {
    const path = place('h.mp3');
    const encoder = await make(path, 8000, 1);
    await encoder.finish();
    await encoder.abort();
    expect(statSync(path).size).toBeGreaterThan(0);
  });

  test('a file that is there already is OUTPUT_UNWRITABLE and is not touched', async () => {
    const path = place('i.mp3');
    writeFileSync(path, 'mine');
    await expect(make(path, 8000, 1)).rejects.toThrow(expect.objectContaining({ code: 'OUTPUT_UNWRITABLE' }));
    expect(statSync(path).size).toBe(4);
  });
});

test('another rate is RATE_UNSUPPORTED', async () => {
  const making = FfmpegEncoder.create({ path: place('j.mp3'), sampleRate: 8001, channels: 1 }, described('/nowhere'));
  await expect(making).rejects.toThrow(expect.objectContaining({ code: 'RATE_UNSUPPORTED' }));
});

test('an ffmpeg without libmp3lame is FFMPEG_MISSING', async () => {
  const program = { ...described('/usr/bin/ffmpeg'), encoders: new Set(['aac']) };
  const making = FfmpegEncoder.create({ path: place('k.mp3'), sampleRate: 8000, channels: 1 }, program);
  await expect(making).rejects.toThrow(
    expect.objectContaining({ code: 'FFMPEG_MISSING', message: expect.stringContaining('libmp3lame') }),
  );
});

describe('when ffmpeg', () => {
  const options = () => ({ path: place('l.mp3'), sampleRate: 8000, channels: 1 }) as const;

  test('is killed half-way, write or finish says so and abort cleans up', async () => {
    const { path, ...format } = options();
    const encoder = await FfmpegEncoder.create({ path, ...format }, pretender(place('dies'), DIES));
    const writing = (async () => {
      for (let i = 0; i < 100; i++) await encoder.write(noise(50_000, 100), 50_000);
      await encoder.finish();
    })();
    await expect(writing).rejects.toThrow(failed('SIGKILL'));
    await encoder.abort();
    expect(() => statSync(path)).toThrow('ENOENT');
  });

  test('fails, finish has its last line', async () => {
    const encoder = await FfmpegEncoder.create(options(), pretender(place('fails'), FAILS));
    await expect(encoder.finish()).rejects.toThrow(failed('Invalid data found'));
    await encoder.abort();
  });

  test('writes nothing and calls it success, finish does not', async () => {
    const encoder = await FfmpegEncoder.create(options(), pretender(place('empty'), '#!/bin/sh\ncat >/dev/null\n'));
    await encoder.write(noise(1000, 100), 1000);
    await expect(encoder.finish()).rejects.toThrow(failed('it did not give an mp3 to its end'));
    await encoder.abort();
  });
});
