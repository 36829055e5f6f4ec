import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findFfmpeg, probeFfmpeg } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { hasFfmpeg, scratch } from '../encode/listening.ts';
import { pretender } from './pretenders.ts';

const place = scratch();
const missing = (...says: string[]) =>
  expect.objectContaining({ code: 'FFMPEG_MISSING', message: expect.stringContaining(says[0]) });

/** Answers the three questions as ffmpeg does. */
const HONEST = `#!/bin/sh
case "$*" in
  *-version*) echo "ffmpeg version 9.9-test Copyright" ;;
  *-encoders*) printf ' V..... = Video\\n A....D libmp3lame           MP3\\n V....D h264                 video\\n' ;;
  *-decoders*) printf ' A....D g729                 G.729\\n A....D gsm                  GSM\\n' ;;
esac
`;

describe('finding ffmpeg', () => {
  test('FFMPEG_PATH goes before PATH', async () => {
    const { path } = pretender(place('ffmpeg'), HONEST);
    expect(await findFfmpeg({ FFMPEG_PATH: path, PATH: process.env.PATH })).toBe(path);
  });
  test('PATH is searched in order, empty and missing folders left out', async () => {
    const folder = place('bin');
    mkdirSync(folder);
    const { path } = pretender(`${folder}/ffmpeg`, HONEST);
    expect(await findFfmpeg({ PATH: `::${place('none')}:${folder}:/usr/bin` })).toBe(path);
  });
  for (const { name, make } of [
    { name: 'a path to nothing, on which fluent-ffmpeg would bring the process down', make: () => place('nothing') },
    {
      name: 'a file that is not executable',
      make: () => {
        const path = place('plain');
        writeFileSync(path, HONEST);
        return path;
      },
    },
    {
      name: 'a folder, which is executable',
      make: () => {
        const path = place('folder');
        mkdirSync(path);
        return path;
      },
    },
  ]) {
    test(`FFMPEG_PATH names ${name}: FFMPEG_MISSING, though PATH has one`, async () => {
      const path = make();
      await expect(findFfmpeg({ FFMPEG_PATH: path, PATH: process.env.PATH })).rejects.toThrow(missing(path));
    });
  }
  for (const PATH of [undefined, '', '/nowhere']) {
    test(`PATH is ${JSON.stringify(PATH)}: FFMPEG_MISSING with the remedy`, async () => {
      await expect(findFfmpeg({ PATH })).rejects.toThrow(missing('install ffmpeg'));
    });
  }
});

describe('asking ffmpeg', () => {
  test('its version and its audio codecs, not those for video nor the legend', async () => {
    const { path } = pretender(place('honest'), HONEST);
    expect(await probeFfmpeg({ FFMPEG_PATH: path })).toEqual({
      path,
      version: '9.9-test',
      encoders: new Set(['libmp3lame']),
      decoders: new Set(['g729', 'gsm']),
    });
  });
  test('is done once', async () => {
    const { path } = pretender(place('once'), HONEST);
    const first = await probeFfmpeg({ FFMPEG_PATH: path });
    writeFileSync(path, '#!/bin/sh\nexit 1\n');
    expect(await probeFfmpeg({ FFMPEG_PATH: path })).toBe(first);
  });
  test('is done again after it went wrong', async () => {
    const { path } = pretender(place('mended'), '#!/bin/sh\nexit 1\n');
    await expect(probeFfmpeg({ FFMPEG_PATH: path })).rejects.toThrow(missing(path));
    rmSync(path);
    pretender(path, HONEST);
    expect((await probeFfmpeg({ FFMPEG_PATH: path })).version).toBe('9.9-test');
  });
  for (const { name, script } of [
    { name: 'fails', script: '#!/bin/sh\nexit 1\n' },
    { name: 'says nothing', script: '#!/bin/sh\n' },
    { name: 'is no ffmpeg', script: '#!/bin/sh\necho hello\n' },
    { name: 'can not be run', script: '\x7fELF nonsense' },
    { name: 'has an interpreter that is missing', script: '#!/nowhere/sh\n' },
  ]) {
    test(`one that ${name} is FFMPEG_MISSING`, async () => {
      const { path } = pretender(place('bad'), script);
      await expect(probeFfmpeg({ FFMPEG_PATH: path })).rejects.toThrow(missing('does not answer as ffmpeg does'));
    });
  }
  test.skipIf(!hasFfmpeg)('the real one decodes G.729 and says its version', async () => {
    const program = await probeFfmpeg();
    expect(program.version).toMatch(/^\S+$/);
    expect(program.decoders).toContain('g729');
    expect(program.encoders).not.toContain('=');
  });
});

test('a program that lost its permission is missing again', async () => {
  const { path } = pretender(place('lost'), HONEST);
  await probeFfmpeg({ FFMPEG_PATH: path });
  chmodSync(path, 0o644);
  await expect(probeFfmpeg({ FFMPEG_PATH: path })).rejects.toThrow(missing(path));
});
