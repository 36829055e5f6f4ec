import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FfmpegProgram } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { probeFfmpeg } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { FfmpegRun, pipeEnd } from '../../../src/finalize/ffmpeg/ffmpeg-run.ts';
import { hasFfmpeg, scratch } from '../encode/listening.ts';
import { DIES, described, FAILS, LINGERS, pretender, QUITS } from './pretenders.ts';

const place = scratch();
const failed = (says: string) =>
  expect.objectContaining({ code: 'FFMPEG_FAILED', message: expect.stringContaining(says) });

const start = (program: FfmpegProgram) => {
  const output = pipeEnd();
  output.on('error', () => {});
  return { output, run: new FfmpegRun({ program, inputOptions: [], outputOptions: [], output }) };
};

const feedForEver = async (run: FfmpegRun): Promise<never> => {
  for (;;) await run.write(Buffer.alloc(64 * 1024));
};

describe('a program that can not be started is FFMPEG_FAILED, and this process lives on', () => {
  for (const { name, make } of [
    { name: 'no file', make: () => described(place('nothing')) },
    {
      name: 'not executable',
      make: () => {
        const path = place('plain');
        writeFileSync(path, FAILS);
        return described(path);
      },
    },
    { name: 'no program', make: () => pretender(place('noise'), '\x7fELF nonsense') },
    { name: 'no interpreter', make: () => pretender(place('lost'), '#!/nowhere/sh\n') },
    { name: 'a path that no system takes', make: () => described('/tmp/a\0b') },
  ]) {
    test(name, async () => {
      const { run, output } = start(make());
      await expect(run.ended).rejects.toThrow(failed('ffmpeg failed'));
      expect(output.destroyed).toBe(true);
    });
  }
});

test('the last line of stderr is the reason', async () => {
  const { run } = start(pretender(place('fails'), FAILS));
  await expect(run.ended).rejects.toThrow(failed('ffmpeg failed: pipe:0: Invalid data found'));
});

test('killed half-way: whoever feeds it hears of it', async () => {
  const { run } = start(pretender(place('dies'), DIES));
  await expect(feedForEver(run)).rejects.toThrow(failed('SIGKILL'));
  await expect(run.ended).rejects.toThrow(failed('SIGKILL'));
});

test('ended early, and content: whoever feeds it hears of it', async () => {
  const { run } = start(pretender(place('quits'), QUITS));
  await expect(feedForEver(run)).rejects.toThrow(failed('ended before its input'));
});

test('an output that closes long before the exit is no error, as it is to fluent-ffmpeg', async () => {
  const { run, output } = start(pretender(place('lingers'), LINGERS));
  run.endInput();
  const parts: Buffer[] = [];
  for await (const part of output) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('abcd');
  await run.ended;
});

test('kill ends it, before it has started and after, and again', async () => {
  const program = pretender(place('waits'), '#!/bin/sh\ncat >/dev/null\n');
  const early = start(program);
  early.run.kill();
  await expect(early.run.ended).rejects.toThrow(failed('SIGKILL'));
  const late = start(program);
  for (let i = 0; i < 10; i++) await late.run.write(Buffer.alloc(64 * 1024)); // It takes input, so it runs.
  late.run.kill();
  late.run.kill();
  await expect(late.run.ended).rejects.toThrow(failed('SIGKILL'));
  late.run.kill();
});

test('two programs at once are two programs', async () => {
  const one = start(pretender(place('one'), '#!/bin/sh\ncat >/dev/null\nprintf one\n'));
  const two = start(pretender(place('two'), '#!/bin/sh\ncat >/dev/null\nprintf two\n'));
  const said = await Promise.all(
    [one, two].map(async ({ run, output }) => {
      run.endInput();
      let text = '';
      for await (const part of output) text += String(part);
      await run.ended;
      return text;
    }),
  );
  expect(said).toEqual(['one', 'two']);
});

test('arguments arrive one by one, whatever is in them', async () => {
  const program = pretender(
    place('echo'),
    '#!/bin/sh\ncat >/dev/null\nfor word in "$@"; do printf "%s\\n" "$word"; done\n',
  );
  const output = pipeEnd();
  const run = new FfmpegRun({
    program,
    inputOptions: ['-f', 's16le'],
    outputOptions: ['-metadata', 'title=hello big world', '-metadata', 'comment=$(id); "quoted" \'too\''],
    output,
  });
  run.endInput();
  let text = '';
  for await (const part of output) text += String(part);
  await run.ended;
  const words = text.trim().split('\n');
  expect(words).toContain('title=hello big world');
  expect(words).toContain('comment=$(id); "quoted" \'too\'');
  expect(words.indexOf('-nostdin')).toBeLessThan(words.indexOf('-i'));
  expect(words[words.indexOf('-f') + 1]).toBe('s16le');
});

test.skipIf(!hasFfmpeg)('metadata with spaces reaches the file', async () => {
  const path = place('a title.mp3');
  const run = new FfmpegRun({
    program: await probeFfmpeg(),
    inputOptions: ['-f', 's16le', '-ar', '8000', '-ac', '1'],
    outputOptions: ['-metadata', 'title=hello big world', '-f', 'mp3'],
    output: path,
  });
  await run.write(Buffer.alloc(32_000));
  run.endInput();
  await run.ended;
  const title = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format_tags=title', '-of', 'csv=p=0', path]);
  expect(String(title).trim()).toBe('hello big world');
});
