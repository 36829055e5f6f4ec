/** `help`, `version` and `doctor`: the help names what the commands take, and doctor tells the truth about this machine. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLI, filesIn, runCommand } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';

const SOURCES = new URL('../../src/cli/', import.meta.url);
const source = (name: string): string => readFileSync(new URL(name, SOURCES), 'utf8');

/** What a command's own text hands to the parser of options: `name: { type: 'string' … }`. */
const optionsOf = (name: string): string[] =>
  [...source(`${name}.ts`).matchAll(/'?([\w-]+)'?: \{\s*type: '(?:string|boolean)'/g)].map((found) => found[1]);

/** The entries of `COMMANDS` in main.ts. */
const commands = (): string[] => {
  const table = /const COMMANDS[^{]*\{([\s\S]*?)\n\};/.exec(source('main.ts'))![1];
  return [...table.matchAll(/^ {2}(\w+):/gm)].map((found) => found[1]);
};

describe('help', () => {
  const asked = runCommand(['help']);

  test('the tables that it is held against are found', () => {
    expect(commands()).toEqual(
      expect.arrayContaining(['replay', 'verify', 'target', 'doctor', 'demo', 'help', 'version']),
    );
    expect(optionsOf('replay').sort()).toEqual(
      expect.arrayContaining(['data', 'holder', 'json', 'mask', 'metaflows', 'out', 'speed', 'url']),
    );
    expect(optionsOf('target').sort()).toEqual(['dir', 'fail', 'host', 'port']);
  });

  test('names every command', async () => {
    const { stdout } = await asked;
    for (const command of commands()) expect(stdout).toMatch(new RegExp(`(record-call|\\|) ${command}\\b`));
  });

  for (const command of commands().filter((name) => readdirSync(SOURCES).includes(`${name}.ts`) && name !== 'help')) {
    test(`names every option of ${command}, in its own part, and none that it does not take`, async () => {
      const { stdout } = await asked;
      const from = stdout.indexOf(`  record-call ${command}`);
      const next = stdout.slice(from + 2).search(/^( {2}record-call |Exit status)/m);
      const part = stdout.slice(from, from + 2 + next);
      const named = new Set([...part.matchAll(/--([a-z-]+)/g)].map((found) => found[1]));
      // The text of an option may mention another command's.
      expect([...named].sort()).toEqual(optionsOf(command).sort());
    });
  }

  test('tells the four exit statuses', async () => {
    expect((await asked).stdout).toMatch(
      /Exit status: 0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record/,
    );
  });

  test('fits 100 columns', async () => {
    for (const line of (await asked).stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  for (const args of [
    ['--help'],
    ['-h'],
    ['replay', '--help'],
    ['verify', '-h'],
    ['target', '--help'],
    ['demo', '--help'],
    ['doctor', '--help'],
    ['help', 'replay'],
  ]) {
    test(`is also what ${args.join(' ')} prints, exit status 0`, async () => {
      const result = await runCommand(args);
      expect(result).toMatchObject({ status: 0, stderr: '', stdout: (await asked).stdout });
    });
  }

  for (const word of ['version', '--version', '-v']) {
    test(`${word} prints the version`, async () => {
      const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
        version: string;
      };
      expect(await runCommand([word])).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
    });
  }
});

type Finding = { topic: string; state: 'ok' | 'lack' | 'bad'; detail: string };

describe('doctor', () => {
  const examined = async (env: Record<string, string | undefined>, status = 0): Promise<Map<string, Finding>> => {
    const result = await runCommand(['doctor', '--json'], { env });
    expect(result).toMatchObject({ status, stderr: '' });
    return new Map((JSON.parse(result.stdout) as Finding[]).map((finding) => [finding.topic, finding]));
  };

  test('prints a line per finding, each with its state', async () => {
    const { status, stdout, stderr } = await runCommand(['doctor']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const line of stdout.trimEnd().split('\n')) expect(line).toMatch(/^(ok|lack|bad) +\w+ +\S/);
    for (const topic of ['node', 'configuration', 'ffmpeg', 'mp3', 'codecs', 'folder', 'machine', 'kernel'])
      expect(stdout).toMatch(new RegExp(`^\\w+ +${topic} `, 'm'));
  });

  test.skipIf(!hasProgram('ffmpeg'))('with ffmpeg on the PATH: says which, and what it adds', async () => {
    const found = await examined({});
    expect(found.get('node')).toMatchObject({ state: 'ok', detail: process.versions.node });
    expect(found.get('ffmpeg')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^\S+ at \/.*ffmpeg$/) });
    expect(found.get('codecs')!.detail).toMatch(/PCMU PCMA L16 G722 opus here, .*G729.* by ffmpeg/);
  });

  for (const { name, env } of [
    { name: 'without ffmpeg on the PATH', env: { PATH: '', FFMPEG_PATH: undefined } },
    { name: 'with an FFMPEG_PATH that names nothing', env: { FFMPEG_PATH: '/nowhere/ffmpeg' } },
    { name: 'with an FFMPEG_PATH that names a folder', env: { FFMPEG_PATH: '/' } },
    { name: 'with an FFMPEG_PATH that names another program', env: { FFMPEG_PATH: process.execPath } },
  ]) {
    test(`${name}: it is a lack with its remedy, not a failure`, async () => {
      const found = await examined(env);
      expect(found.get('ffmpeg')).toMatchObject({ state: 'lack' });
      expect(found.get('ffmpeg')!.detail).toMatch(/install ffmpeg|FFMPEG_PATH/);
      expect(found.get('mp3')).toMatchObject({ state: 'ok', detail: expect.stringContaining('lamejs') });
      expect(found.get('codecs')).toMatchObject({ state: 'lack', detail: expect.stringContaining('need ffmpeg') });
    });
  }

  (hasProgram('ffmpeg') ? test : test.skip)(
    'codecs that not even ffmpeg decodes here are not said to need it',
    async () => {
      const never =
        /not (?<names>[A-Z0-9 -]+)$/.exec((await examined({})).get('codecs')!.detail)?.groups?.names.split(' ') ?? [];
      const { detail } = (await examined({ PATH: '', FFMPEG_PATH: undefined })).get('codecs')!;
      const needing = /; (?<names>.*) need ffmpeg/.exec(detail)!.groups!.names.split(' ');
      expect(needing).toContain('G729');
      for (const name of never) expect(needing).not.toContain(name);
    },
  );

  test('an ffmpeg without libmp3lame: mp3 is by lamejs', async () => {
    const bin = scratchDir();
    const script =
      '#!/bin/sh\ncase "$*" in\n*-version) echo "ffmpeg version 9.9-test";;\n*) echo " A....D g729 G.729";;\nesac\n';
    writeFileSync(join(bin, 'ffmpeg'), script, { mode: 0o755 });
    const found = await examined({ PATH: `${bin}:/bin:/usr/bin` });
    expect(found.get('ffmpeg')).toMatchObject({ state: 'ok', detail: `9.9-test at ${join(bin, 'ffmpeg')}` });
    expect(found.get('mp3')).toMatchObject({ state: 'lack', detail: expect.stringMatching(/lamejs.*no libmp3lame/) });
  });

  test('a setting that is none is bad: exit status 1', async () => {
    const found = await examined({ RECORD_CALL_FOO: '1' }, 1);
    expect(found.get('configuration')).toMatchObject({
      state: 'bad',
      detail: expect.stringContaining('RECORD_CALL_FOO'),
    });
  });

  test('leaves nothing in the current folder', async () => {
    const cwd = scratchDir();
    await runCommand(['doctor'], { cwd });
    expect(filesIn(cwd)).toEqual([]);
  });
});

describe('the program itself', () => {
  const folder = sharedScratchDir();

  test('runs through a link, as npm makes one', async () => {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(CLI, join(folder, 'bin', 'record-call'));
    expect(
      execFileSync(process.execPath, [join(folder, 'bin', 'record-call'), 'version'], { encoding: 'utf8' }),
    ).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('the demo records, delivers, verifies and shows it', async () => {
    const out = join(folder, 'demo');
    const { status, stdout, stderr } = await runCommand(['demo', '--out', out]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/░ masked/);
    expect(stdout).toMatch(/^delivered {2}to 127\.0\.0\.1:\d+ \(201, 1 try\)$/m);
    expect(stdout).toMatch(/^verified {3}mask \d+–\d+ ms: silent\b/m);
    expect(filesIn(join(out, 'uploads'))).toEqual([
      expect.stringMatching(/^call_recording_card-payment-sample.*\.mp3$/),
    ]);
    expect(filesIn(out).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
