/** An artefact and its manifest appear as a pair or not at all, whatever fails and whenever: the disk is in the test's hands. */
import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { link, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WavEncoder } from '../../src/finalize/encode/wav-encoder.ts';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { partPath, removeParts } from '../../src/finalize/part-files.ts';
import { type Disk, publish } from '../../src/finalize/publish.ts';
import { verifyArtefact } from '../../src/finalize/verify-artefact.ts';
import { filesIn, modeOf } from '../support/command.ts';
import { scratchDir } from '../support/scratch.ts';

const ID = `202601-${'0123456789abcdef'.repeat(2)}`;
const OTHER_ID = `202601-${'f'.repeat(32)}`;
const NAME = 'call.wav';
const DISK: Disk = { link, rename };

/** A wav of `samples` that all are `value`, and a manifest that verifies it. */
const pair = async (path: string, id: string, value: number): Promise<Manifest> => {
  const samples = 800;
  const encoder = await WavEncoder.create({ path, sampleRate: 8000, channels: 1 });
  await encoder.write(new Int16Array(samples).fill(value), samples);
  const { bytes, sha256 } = await encoder.finish();
  return {
    version: 1,
    recording: { id, media_name: NAME, call_duration_ms: 100 },
    artefact: { format: 'wav', sample_rate: 8000, channels: 1, samples, duration_ms: 100, bytes, sha256 },
    masks: [],
  } as unknown as Manifest;
};

/** A folder with a new artefact under its hidden name, and an older pair under the final one. */
const scene = async ({ older }: { readonly older: boolean }) => {
  const directory = scratchDir();
  const path = join(directory, NAME);
  if (older) writeFileSync(`${path}.json`, JSON.stringify(await pair(path, OTHER_ID, 1)));
  const manifest = await pair(partPath(directory, ID), ID, 2);
  return { directory, path, manifest };
};

const failure = (code: string): Error => Object.assign(new Error('as the system words it'), { code });
const isWhole = async (path: string): Promise<boolean> => (await verifyArtefact(path)).every(({ ok }) => ok);
const idAt = (path: string): string => JSON.parse(readFileSync(`${path}.json`, 'utf8')).recording.id;
const digestOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

for (const older of [false, true]) {
  const state = older ? 'over an older pair' : 'into an empty place';
  const files = [NAME, `${NAME}.json`];

  describe(state, () => {
    test('both appear, private, and nothing else is left', async () => {
      const { directory, path, manifest } = await scene({ older });
      await publish(directory, NAME, manifest, DISK);
      expect(filesIn(directory)).toEqual(files);
      expect(files.map((name) => modeOf(join(directory, name)))).toEqual(['600', '600']);
      expect(idAt(path)).toBe(ID);
      expect(await isWhole(path)).toBe(true);
    });

    for (const { name, fails } of [
      { name: 'the manifest can’t be brought there', fails: (to: string) => to === `${NAME}.json` },
      { name: 'the artefact can’t be brought there', fails: (to: string) => to === NAME },
    ]) {
      test(`${name}: OUTPUT_UNWRITABLE, and what was there is there, bit for bit`, async () => {
        const { directory, path, manifest } = await scene({ older });
        const before = older ? [digestOf(path), digestOf(`${path}.json`)] : undefined;
        const disk: Disk = {
          ...DISK,
          // The way back is open.
          rename: async (from, to) => {
            if (fails(basename(to)) && !from.includes('.older')) throw failure('EIO');
            await rename(from, to);
          },
        };
        await expect(publish(directory, NAME, manifest, disk)).rejects.toThrow(
          expect.objectContaining({ code: 'OUTPUT_UNWRITABLE', message: expect.stringContaining(path) }),
        );
        await removeParts(directory, ID);
        expect(filesIn(directory)).toEqual(older ? files : []);
        if (older) {
          expect([digestOf(path), digestOf(`${path}.json`)]).toEqual(before);
          expect(await isWhole(path)).toBe(true);
        }
      });
    }

    test('a crash before every step, and after it: no artefact passes for one that its manifest proves, and the next run mends it', async () => {
      let crashed = true;
      let step = 0;
      for (; crashed; step++) {
        const { directory, path, manifest } = await scene({ older });
        let taken = 0;
        const dead = new Promise<never>(() => {});
        let die = (): void => {};
        const died = new Promise<void>((resolve) => {
          die = resolve;
        });
        const until = async (work: () => Promise<void>): Promise<void> => {
          if (taken++ === step) {
            die();
            await dead;
          }
          await work();
        };
        const done = publish(directory, NAME, manifest, {
          link: (from, to) => until(() => link(from, to)),
          rename: (from, to) => until(() => rename(from, to)),
        });
        crashed = await Promise.race([done.then(() => false), died.then(() => true)]);

        if (existsSync(path)) {
          const found = await isWhole(path);
          // Between both renames the new manifest is beside what was there before: verify says so.
          expect(found).toBe(digestOf(path) === JSON.parse(readFileSync(`${path}.json`, 'utf8')).artefact.sha256);
        }
        await removeParts(directory, ID);
        const left = filesIn(directory);
        expect([[], files]).toContainEqual(left);
        if (left.length > 0) {
          expect(await isWhole(path)).toBe(true);
          expect(older || idAt(path) === ID).toBe(true);
        } else expect(older).toBe(false);
      }
      expect(step).toBe(5);
    });
  });
}

test('where files can’t be linked, such as FAT, the older manifest is copied: it comes back all the same', async () => {
  const { directory, path, manifest } = await scene({ older: true });
  const before = digestOf(`${path}.json`);
  const disk: Disk = {
    link: async () => {
      throw failure('EPERM');
    },
    rename: async (from, to) => {
      if (to === path) throw failure('EIO');
      await rename(from, to);
    },
  };
  await expect(publish(directory, NAME, manifest, disk)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  expect(digestOf(`${path}.json`)).toBe(before);
  expect(await isWhole(path)).toBe(true);
});

test('a full disk is told in words', async () => {
  const { directory, manifest } = await scene({ older: false });
  const disk: Disk = {
    ...DISK,
    rename: async () => {
      throw failure('ENOSPC');
    },
  };
  await expect(publish(directory, NAME, manifest, disk)).rejects.toThrow('the disk is full (ENOSPC)');
});

for (const name of [NAME, `${NAME}.json`]) {
  test(`a folder called ${name} is in the way: it stays, and nothing else is there`, async () => {
    const { directory, manifest } = await scene({ older: false });
    mkdirSync(join(directory, name));
    await expect(publish(directory, NAME, manifest, DISK)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    await removeParts(directory, ID);
    expect(filesIn(directory)).toEqual([`${name}/`]);
  });
}

describe('parts', () => {
  test('of one recording are removed, those of another stay', async () => {
    const directory = scratchDir();
    for (const id of [ID, OTHER_ID])
      for (const rest of ['part', 'json.call.wav', '0.pcm']) writeFileSync(join(directory, `.${id}.${rest}`), 'x');
    expect(await removeParts(directory, ID)).toBe(3);
    expect(filesIn(directory)).toEqual(['0.pcm', 'json.call.wav', 'part'].map((rest) => `.${OTHER_ID}.${rest}`));
  });

  test('a file of the manifest’s name that is no manifest of theirs stays', async () => {
    for (const text of ['{', 'null', '{}', '{"recording":{"id":7}}']) {
      const directory = scratchDir();
      writeFileSync(join(directory, `${NAME}.json`), text);
      for (const rest of ['part', `json.${NAME}`, 'older']) writeFileSync(join(directory, `.${ID}.${rest}`), 'x');
      await removeParts(directory, ID);
      expect(filesIn(directory)).toEqual([`${NAME}.json`]);
      expect(readFileSync(join(directory, `${NAME}.json`), 'utf8')).toBe(text);
    }
  });

  test('one that somebody has replaced meanwhile is left to them', async () => {
    const { directory, path, manifest } = await scene({ older: true });
    // Died between both renames; then another replay recorded under that name.
    linkSync(`${path}.json`, join(directory, `.${ID}.older`));
    writeFileSync(join(directory, `.${ID}.json.${NAME}`), JSON.stringify(manifest));
    writeFileSync(`${path}.json`, JSON.stringify({ ...manifest, recording: { ...manifest.recording, id: 'theirs' } }));
    const before = statSync(`${path}.json`).ino;
    await removeParts(directory, ID);
    expect(statSync(`${path}.json`).ino).toBe(before);
    expect(filesIn(directory)).toEqual([NAME, `${NAME}.json`]);
  });
});
