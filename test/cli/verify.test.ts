/** `record-call verify`: accepts what this program made, and nothing that was changed afterwards. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { verifyArtefact } from '../../src/finalize/verify-artefact.ts';
import { callCommand, expectNoTrace, expectOneLine, runCommand, runReplay } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';
import { noise, seeded } from '../support/tones.ts';

const folder = sharedScratchDir();
/** Where the samples begin in the wav this program writes is for the file to say. */
const dataAt = (wav: Buffer): number => wav.indexOf('data', 0, 'latin1') + 8;

const KINDS = ['silence', 'tone', 'drop'].flatMap((mode) =>
  (['wav', 'lamejs', 'ffmpeg'] as const)
    .filter((kind) => kind !== 'ffmpeg' || hasProgram('ffmpeg'))
    .map((kind) => ({ mode, kind })),
);
const pathOf = (mode: string, kind: string): string => join(folder, kind, `${mode}.${kind === 'wav' ? 'wav' : 'mp3'}`);

beforeAll(async () => {
  const captures = ['silence', 'tone', 'drop'].map((mode, index) => ({
    mode,
    path: writeSmallCall(folder, `${mode}.pcap`, { startUs: Date.UTC(2026, 0, 15 + index) * 1000 }),
  }));
  for (const { mode, path } of captures) {
    for (const { kind } of KINDS.filter((each) => each.mode === mode)) {
      const data = {
        format: kind === 'wav' ? 'wav' : 'mp3',
        mask_mode: mode,
        media_name: basename(pathOf(mode, kind)),
      };
      const env = kind === 'wav' ? {} : { RECORD_CALL_MP3_ENCODER: kind };
      await runReplay([path, '--out', join(folder, kind), '--mask', '1-2.5', '--data', JSON.stringify(data)], { env });
    }
  }
});

/** A copy of an artefact and its manifest, to be changed. */
const copyOf = (mode: string, kind: string) => {
  const path = join(scratchDir(), basename(pathOf(mode, kind)));
  copyFileSync(pathOf(mode, kind), path);
  copyFileSync(`${pathOf(mode, kind)}.json`, `${path}.json`);
  return path;
};

/** Changes the manifest; `deep` is merged into its `artefact`. */
const patchManifest = (path: string, change: (manifest: Manifest) => unknown): void => {
  const manifest = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Manifest;
  writeFileSync(`${path}.json`, JSON.stringify(change(manifest)));
};

/** Makes the manifest agree with the file's present bytes, as whoever tampers with both would. */
const resealed = (path: string): void => {
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  patchManifest(path, (manifest) => ({ ...manifest, artefact: { ...manifest.artefact, sha256, bytes: bytes.length } }));
};

describe('what this program has written', () => {
  for (const { mode, kind } of KINDS) {
    test(`${mode}, ${kind}: exit status 0, every check ok, the mask said to be what it is`, async () => {
      const { status, stdout, stderr } = await runCommand(['verify', pathOf(mode, kind)]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).not.toContain('FAIL');
      for (const name of ['digest', 'size', 'format', 'length'])
        expect(stdout).toMatch(new RegExp(`^ok +${name} `, 'm'));
      const found = { silence: 'silent', tone: 'nothing but the beep', drop: 'dropped: it is no part of the artefact' }[
        mode
      ];
      expect(stdout).toMatch(
        new RegExp(
          `^ok +mask 1000–2500 ms +${found}(, but for \\d+ ms at either end, where an mp3 smears what is beside it)?$`,
          'm',
        ),
      );
      expect(stdout).toMatch(/^- +signature +not signed$/m);
      expect(stdout).toContain('The manifest is not signed');
    });
  }

  for (const { name, masks, mode, format = 'wav' } of [
    { name: 'that overlap', masks: ['1-3.7', '2-3.9'], mode: 'tone' },
    { name: 'that overlap', masks: ['1-3.7', '2-3.9'], mode: 'tone', format: 'mp3' },
    { name: 'one inside another, to the end', masks: ['0.5-99', '1-1.2', '3.1-3.2'], mode: 'tone' },
    { name: 'that touch, and one of all', masks: ['1-2', '2-3', '0-99'], mode: 'tone' },
    { name: 'that overlap, and one from the beginning', masks: ['2-3.9', '1-3.7', '0-0.1'], mode: 'drop' },
    { name: 'to the end', masks: ['1.2345-2', '3.3333-99'], mode: 'drop', format: 'mp3' },
    { name: 'that overlap, to the end', masks: ['1-3.7', '2-99'], mode: 'silence' },
    { name: 'by the dozen', masks: Array.from({ length: 40 }, (_, n) => `${n / 10}-${n / 10 + 0.0555}`), mode: 'tone' },
  ]) {
    test(`masks ${name}, in mode ${mode}, ${format}`, async () => {
      // A rate at which milliseconds are no whole numbers of samples.
      const data = JSON.stringify({ format, mask_mode: mode, record_sample_rate: 11_025 });
      const args = ['--out', scratchDir(), '--data', data, ...masks.flatMap((mask) => ['--mask', mask])];
      const { documents } = await runReplay([join(folder, `${mode}.pcap`), ...args]);
      expect(documents[0]!.masks).toHaveLength(masks.length);
      expect((await verifyArtefact(documents[0]!.path!)).filter(({ ok }) => !ok)).toEqual([]);
    });
  }

  test('--json tells the checks, and that nothing is signed', async () => {
    const { status, stdout } = await runCommand(['verify', '--json', pathOf('silence', 'wav')]);
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as {
      ok: boolean;
      signed: boolean;
      checks: { name: string; ok: boolean; detail: string }[];
    };
    expect(told).toMatchObject({ ok: true, signed: false });
    expect(told.checks.map(({ name }) => name)).toEqual([
      'signature',
      'digest',
      'size',
      'format',
      'length',
      'masks',
      'mask 1000–2500 ms',
    ]);
  });

  test('a manifest elsewhere may be named', async () => {
    const path = copyOf('silence', 'wav');
    const elsewhere = join(scratchDir(), 'm.json');
    copyFileSync(`${path}.json`, elsewhere);
    rmSync(`${path}.json`);
    expect(await runCommand(['verify', path, elsewhere])).toMatchObject({ status: 0 });
  });
});

/** Exit status 1, one line on standard error, and each of the named checks failed while the others did not. */
const expectFailed = async (path: string, failed: readonly RegExp[], want?: RegExp): Promise<void> => {
  const { status, stdout, stderr } = await callCommand(['verify', path]);
  expect(status).toBe(1);
  expectOneLine(stderr);
  expect(stderr).toContain(path);
  if (want !== undefined) expect(stderr).toMatch(want);
  const lines = stdout.split('\n').filter((line) => line.startsWith('FAIL'));
  expect(lines).toHaveLength(failed.length);
  for (const [index, each] of failed.entries()) expect(lines[index]).toMatch(each);
};

describe('what was changed afterwards', () => {
  for (const kind of ['wav', 'lamejs']) {
    test(`${kind}: one bit of sound is a digest that differs`, async () => {
      const path = copyOf('silence', kind);
      const bytes = readFileSync(path);
      bytes[bytes.length - 5] ^= 1;
      writeFileSync(path, bytes);
      await expectFailed(path, [/digest/], /sha256 is [0-9a-f]{64}, the manifest says [0-9a-f]{64}/);
    });
  }

  for (const { name, kind, left, failed } of [
    { name: 'a wav that lost its last second', kind: 'wav', left: -32_000, failed: [/format +the wav is cut: /] },
    { name: 'a wav that lost its last byte', kind: 'wav', left: -1, failed: [/format +the wav is cut: /] },
    { name: 'a wav that is cut in its head', kind: 'wav', left: 30, failed: [/format +the wav /] },
    { name: 'a wav of which nothing is left', kind: 'wav', left: 0, failed: [/format +the file is empty/] },
    { name: 'an mp3 that is cut inside a frame', kind: 'lamejs', left: -1000, failed: [/length +the mp3 is cut /] },
    { name: 'an mp3 that lost its last byte', kind: 'lamejs', left: -1, failed: [/length +the mp3 is cut /] },
    { name: 'an mp3 that is cut in its first frame', kind: 'lamejs', left: 30, failed: [/format +the mp3 /] },
  ]) {
    test(`${name}: digest and size differ, and what is left is told, exit status 1`, async () => {
      const path = copyOf('drop', kind);
      truncateSync(path, left > 0 ? left : left === 0 ? 0 : readFileSync(path).length + left);
      const more = failed[0]!.source.startsWith('format') ? [/length +not known/] : [];
      await expectFailed(path, [/digest/, /size +\d+ bytes, the manifest says \d+/, ...failed, ...more]);
    });
  }

  test('a mask that was cut off with the sound is not called silent', async () => {
    const path = copyOf('silence', 'wav');
    truncateSync(path, dataAt(readFileSync(path)) + 1500 * 32);
    await expectFailed(path, [/digest/, /size/, /format/, /length/, /mask 1000–2500 ms +not seen to its end/]);
  });

  for (const { name, bytes } of [
    { name: 'a text', bytes: Buffer.from('a letter to nobody') },
    { name: 'an mp3 in name only', bytes: Buffer.concat([Buffer.of(0xff, 0xfb), Buffer.alloc(500, 7)]) },
    { name: 'a wav in name only', bytes: Buffer.from('RIFF....WAVEfmt ') },
  ]) {
    test(`${name} in its place is not the artefact either`, async () => {
      const path = copyOf('drop', 'wav');
      writeFileSync(path, bytes);
      await expectFailed(path, [/digest/, /size/, /format/, /length/]);
    });
  }

  for (const kind of ['wav', 'lamejs']) {
    test(`${kind}: wherever it is cut or changed, checks fail and none is left out`, async () => {
      const path = copyOf('tone', kind);
      const whole = readFileSync(path);
      const names = (await verifyArtefact(path)).map(({ name }) => name);
      const random = seeded(7);
      for (let run = 0; run < 24; run++) {
        const at = run < 8 ? run : Math.floor(random() * whole.length);
        const bytes = Buffer.from(run % 2 === 0 ? whole.subarray(0, at) : whole);
        if (run % 2 === 1) bytes[at]! ^= 1 << Math.floor(random() * 8);
        writeFileSync(path, bytes);
        const checks = await verifyArtefact(path);
        expect(checks.map(({ name }) => name)).toEqual(names);
        expect(checks.find(({ name }) => name === 'digest')).toMatchObject({ ok: false });
      }
    });
  }

  test('the manifest of another recording', async () => {
    const path = copyOf('silence', 'wav');
    copyFileSync(`${pathOf('drop', 'wav')}.json`, `${path}.json`);
    await expectFailed(path, [/digest/, /size/, /length/]);
  });

  test('a manifest of the same sound in another format', async () => {
    const path = copyOf('silence', 'wav');
    copyFileSync(`${pathOf('silence', 'lamejs')}.json`, `${path}.json`);
    await expectFailed(path, [/digest/, /size/, /format/]);
  });

  test('a manifest that claims a longer recording', async () => {
    const path = copyOf('silence', 'wav');
    patchManifest(path, (manifest) => ({
      ...manifest,
      artefact: { ...manifest.artefact, samples: manifest.artefact.samples + 1 },
    }));
    await expectFailed(path, [/length/], /32000 samples, the manifest says 32001/);
  });
});

describe('sound under a mask, with a manifest made to fit', () => {
  /** Adds sound to both channels of a wav from `startMs` to `endMs`. */
  const inject = (mode: string, startMs: number, endMs: number, level: number): string => {
    const path = copyOf(mode, 'wav');
    const wav = readFileSync(path);
    const sound = noise(endMs - startMs, 8000, level, 5);
    for (const [n, sample] of sound.entries()) {
      for (const channel of [0, 1]) wav.writeInt16LE(sample, dataAt(wav) + ((startMs * 8 + n) * 2 + channel) * 2);
    }
    writeFileSync(path, wav);
    resealed(path);
    return path;
  };

  for (const { name, mode, startMs, endMs, level } of [
    { name: 'loud noise in the middle', mode: 'silence', startMs: 1500, endMs: 1600, level: -20 },
    { name: 'noise a listener would hardly hear', mode: 'silence', startMs: 1500, endMs: 1600, level: -75 },
    { name: 'the first millisecond', mode: 'silence', startMs: 1000, endMs: 1001, level: -40 },
    { name: 'the last millisecond', mode: 'silence', startMs: 2499, endMs: 2500, level: -40 },
    { name: 'between two beeps', mode: 'tone', startMs: 1500, endMs: 1600, level: -40 },
    { name: 'louder than the beep, under it', mode: 'tone', startMs: 1020, endMs: 1130, level: -20 },
    // Quieter than the beep is loud, yet not the beep: words can be understood at that level.
    { name: 'as loud as the beep, under it', mode: 'tone', startMs: 1020, endMs: 1130, level: -42 },
  ]) {
    test(`${mode}: ${name}`, async () => {
      await expectFailed(inject(mode, startMs, endMs, level), [/mask 1000–2500 ms +holds sound, peak \d+ of 32768/]);
    });
  }

  test('beside the mask there may be sound', async () => {
    const path = inject('silence', 900, 1000, -20);
    expect((await verifyArtefact(path)).filter(({ ok }) => !ok)).toEqual([]);
  });

  for (const kind of ['lamejs', 'ffmpeg'].filter((each) => each !== 'ffmpeg' || hasProgram('ffmpeg'))) {
    test(`an mp3 by ${kind} whose mask is said to be where there is none`, async () => {
      const path = copyOf('silence', kind);
      patchManifest(path, (manifest) => {
        const [mask] = manifest.masks;
        return {
          ...manifest,
          masks: [
            {
              ...mask,
              start_ms: 2500,
              end_ms: 4000,
              artefact: { ...mask.artefact, start_sample: 20_000, end_sample: 32_000 },
            },
          ],
        };
      });
      await expectFailed(path, [/mask 2500–4000 ms +holds sound/]);
    });
  }
});

describe('a mask that a manifest can not have', () => {
  for (const { name, change } of [
    { name: 'reaches past the artefact', change: { start_sample: 40_000, end_sample: 48_000 } },
    { name: 'ends before it begins', change: { start_sample: 20_000, end_sample: 8_000 } },
    { name: 'has no length, and milliseconds that say otherwise', change: { start_sample: 8000, end_sample: 8000 } },
  ]) {
    test(`${name}: it is not called silent`, async () => {
      const path = copyOf('silence', 'wav');
      patchManifest(path, (manifest) => {
        const [mask] = manifest.masks;
        return { ...manifest, masks: [{ ...mask, artefact: { ...mask.artefact, ...change } }] };
      });
      const { status } = await callCommand(['verify', path]);
      expect(status).not.toBe(0);
    });
  }

  test('mode drop, while the span is still there', async () => {
    const path = copyOf('silence', 'wav');
    // Whoever keeps the words and calls them dropped must be found out: the recording's length gives it away.
    const wav = readFileSync(path);
    for (const [n, sample] of noise(1000, 8000, -20).entries()) wav.writeInt16LE(sample, dataAt(wav) + (9000 + n) * 4);
    writeFileSync(path, wav);
    resealed(path);
    patchManifest(path, (manifest) => ({
      ...manifest,
      masks: manifest.masks.map((mask) => ({ ...mask, mode: 'drop' })),
    }));
    expect((await callCommand(['verify', path])).status).not.toBe(0);
  });
});

describe('input that cannot be verified: exit status 2, one line', () => {
  const noManifest = (): string => {
    const path = copyOf('silence', 'wav');
    rmSync(`${path}.json`);
    return path;
  };
  const withManifest = (text: string): string => {
    const path = copyOf('silence', 'wav');
    writeFileSync(`${path}.json`, text);
    return path;
  };
  for (const { name, make, want } of [
    { name: 'no manifest', make: noManifest, want: /can't read the manifest .*\.wav\.json \(ENOENT\)/ },
    { name: 'an empty manifest', make: () => withManifest(''), want: /is not a manifest of record-call/ },
    { name: 'a manifest that is no JSON', make: () => withManifest('{'), want: /is not a manifest of record-call/ },
    { name: 'a manifest that is null', make: () => withManifest('null'), want: /is not a manifest of record-call/ },
    {
      name: 'a manifest of another kind',
      make: () => withManifest('{"version":1}'),
      want: /is not a manifest of record-call/,
    },
    {
      name: 'a manifest of a later version',
      make: () => withManifest('{"version":2,"artefact":{},"masks":[]}'),
      want: /manifest/,
    },
    {
      name: 'a manifest whose masks are no masks',
      make: () =>
        withManifest(
          '{"version":1,"artefact":{"sha256":"x","samples":1,"sample_rate":8000,"channels":1,"bytes":1},"masks":[null]}',
        ),
      want: /is not a manifest of record-call/,
    },
    {
      name: 'no artefact, and no manifest',
      make: () => join(folder, 'wav', 'none.wav'),
      want: /can't read the artefact .*none\.wav \(ENOENT\)/,
    },
    {
      name: 'no artefact beside its manifest',
      make: () => {
        const path = copyOf('silence', 'wav');
        rmSync(path);
        return path;
      },
      want: /can't read the artefact .*silence\.wav \(ENOENT\)/,
    },
    {
      name: 'a file as a service keeps it',
      make: () => {
        const path = copyOf('silence', 'wav');
        writeFileSync(path, Buffer.concat([Buffer.from('RCSEAL01'), Buffer.alloc(500, 7)]));
        return path;
      },
      want: /\.wav is sealed: a service's own file, encrypted at rest; fetch the recording through its API and verify that/,
    },
    {
      name: 'a folder',
      make: () => {
        mkdirSync(join(folder, 'd.wav'), { recursive: true });
        copyFileSync(`${pathOf('silence', 'wav')}.json`, join(folder, 'd.wav.json'));
        return join(folder, 'd.wav');
      },
      want: /d\.wav is not a file/,
    },
  ]) {
    test(name, async () => {
      const { status, stdout, stderr } = await callCommand(['verify', make()]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expectOneLine(stderr);
      expect(stderr).toMatch(want);
      expectNoTrace(stderr);
    });
  }
});
