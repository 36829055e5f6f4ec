/** `help`, `version` and `doctor`: the help names what the commands take, and doctor tells the truth about this machine. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { foreignFormat } from '../../src/finalize/ffmpeg/foreign-format.ts';
import { FaultSequence } from '../../src/http/upload-target-fault.ts';
import { nativeModule } from '../../src/kernel/native-module.ts';
import { CODEC_NAMES, codecFor } from '../../src/media/codecs/registry.ts';
import { CLI, callCommand, expectOneLine, filesIn, runCommand } from '../support/command.ts';
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

const messageOf = (act: () => unknown): string => {
  try {
    act();
    return '';
  } catch (error) {
    return String(error);
  }
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

  for (const args of [['--help'], ['-h'], ['help', '--help']]) {
    test(`is also what ${args.join(' ')} prints, exit status 0`, async () => {
      const result = await runCommand(args);
      expect(result).toMatchObject({ status: 0, stderr: '', stdout: (await asked).stdout });
    });
  }

  for (const command of commands()) {
    test(`of ${command} begins with its part of the whole, and ${command} --help prints it too`, async () => {
      const { status, stdout, stderr } = await callCommand(['help', command]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      const [part] = stdout.split('\n\n');
      expect((await asked).stdout).toContain(part);
      expect(part).toMatch(new RegExp(`^ {2}record-call (help \\[COMMAND\\] \\| )?${command}\\b`));
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
      if (command === 'help') return;
      for (const word of ['--help', '-h']) expect((await callCommand([command, word])).stdout).toBe(stdout);
      expect((await callCommand([command, 'x', '--help'])).stdout).toBe(stdout);
    });
  }

  test('of target has a line for every fault, and says how to end what runs in the background', async () => {
    const { stdout } = await callCommand(['help', 'target']);
    const known = /known are ([\w, ]+), a status/.exec(messageOf(() => new FaultSequence(['nope'])))![1].split(', ');
    expect(known.length).toBeGreaterThan(4);
    for (const fault of [...known, 'loop', '400 … 599']) expect(stdout).toMatch(new RegExp(`^ +${fault} {2,}\\w`, 'm'));
    expect(stdout).toMatch(/Ctrl-C/);
    expect(stdout).toMatch(/kill %1/);
  });

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
    // How fast something is depends on the machine: the bench says it, not a sentence.
    expect(stdout).not.toMatch(/times as fast/);
    for (const topic of [
      'node',
      'configuration',
      'ffmpeg',
      'mp3',
      'codecs',
      'undecoded',
      'folder',
      'machine',
      'kernel',
      'sqlite',
      'buffers',
      'http',
      'rtp',
      'disk',
      'serve',
    ])
      expect(stdout).toMatch(new RegExp(`^\\w+ +${topic} `, 'm'));
  });

  test.skipIf(nativeModule === undefined)(
    'the native kernel: what built it, and the mp3 library it opens',
    async () => {
      const found = await examined({ PATH: '', FFMPEG_PATH: undefined });
      expect(found.get('kernel')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^native, built by /) });
      const library = nativeModule!.mp3Library();
      const by = library === undefined ? /^by lamejs/ : new RegExp(`^by ${library}`);
      expect(found.get('mp3')).toMatchObject({ state: 'ok', detail: expect.stringMatching(by) });
    },
  );

  test.skipIf(!hasProgram('ffmpeg'))('with ffmpeg on the PATH: says which, and what it adds', async () => {
    const found = await examined({});
    expect(found.get('node')).toMatchObject({ state: 'ok', detail: process.versions.node });
    expect(found.get('ffmpeg')).toMatchObject({ state: 'ok', detail: expect.stringMatching(/^\S+ at \/.*ffmpeg$/) });
    expect(found.get('codecs')!.detail).toMatch(/^PCMU PCMA L16 G722 OPUS decoded here; ffmpeg adds G729 /);
  });

  for (const { name, env } of [
    { name: 'without ffmpeg on the PATH', env: { PATH: '', FFMPEG_PATH: undefined } },
    { name: 'with an FFMPEG_PATH that names nothing', env: { FFMPEG_PATH: '/nowhere/ffmpeg' } },
    { name: 'with an FFMPEG_PATH that names a folder', env: { FFMPEG_PATH: '/' } },
    { name: 'with an FFMPEG_PATH that names another program', env: { FFMPEG_PATH: process.execPath } },
  ]) {
    test(`${name}: it is a lack with its remedy, not a failure`, async () => {
      const found = await examined({ ...env, RECORD_CALL_NATIVE: 'off' });
      expect(found.get('ffmpeg')).toMatchObject({ state: 'lack' });
      expect(found.get('ffmpeg')!.detail).toMatch(/install ffmpeg|FFMPEG_PATH/);
      expect(found.get('mp3')).toMatchObject({
        state: 'ok',
        detail: expect.stringMatching(/^by lamejs.*npm run bench/),
      });
      expect(found.get('codecs')).toMatchObject({ state: 'lack', detail: expect.stringContaining('need ffmpeg') });
    });
  }

  for (const { name, env } of [
    { name: 'with ffmpeg', env: {} },
    { name: 'without ffmpeg', env: { PATH: '', FFMPEG_PATH: undefined } },
  ]) {
    test.skipIf(name === 'with ffmpeg' && !hasProgram('ffmpeg'))(
      `${name}: every codec that has sound is named once, where it belongs`,
      async () => {
        const found = await examined(env);
        const codecs = found.get('codecs')!.detail;
        const undecoded = found.get('undecoded')!;
        const told = (text: string): string[] => text.match(/\b[A-Z][A-Z0-9-]*[A-Z0-9]\b/g) ?? [];
        const here = told(codecs.split(' decoded here')[0]!);
        const foreign = told(codecs.split(' decoded here')[1]!);
        const nowhere = told(undecoded.detail.split(':')[0]!);
        const wire = (codec: string) => ({ name: codec, clockRate: codec === 'AMR-WB' ? 16_000 : 8000, channels: 1 });
        const named = (holds: (codec: string) => boolean): string[] => CODEC_NAMES.filter(holds);
        const by = (codec: string) => codecFor(wire(codec))!.decodedBy;
        expect(here).toEqual(named((codec) => by(codec) === 'native'));
        const handed = (codec: string): boolean => by(codec) === 'ffmpeg' && foreignFormat(wire(codec)) !== undefined;
        // An ffmpeg that lacks some has them at the end of the line.
        expect(foreign.sort()).toEqual(named(handed).sort());
        expect(nowhere).toEqual(named((codec) => by(codec) === 'ffmpeg' && !handed(codec)));
        expect(undecoded.state).toBe('lack');
      },
    );
  }

  test('the encoder that the setting names is the one that is told', async () => {
    const told = async (asked: string): Promise<Finding | undefined> => {
      const { stdout } = await callCommand(['doctor', '--json'], { PATH: '', RECORD_CALL_MP3_ENCODER: asked });
      return (JSON.parse(stdout) as Finding[]).find(({ topic }) => topic === 'mp3');
    };
    expect(await told('lamejs')).toMatchObject({ state: 'ok', detail: 'by lamejs, as RECORD_CALL_MP3_ENCODER says' });
    expect(await told('ffmpeg')).toMatchObject({
      state: 'lack',
      detail: 'by none: RECORD_CALL_MP3_ENCODER says ffmpeg, which can not be used',
    });
  });

  test('an ffmpeg without libmp3lame, and no native kernel: mp3 is by lamejs', async () => {
    const bin = scratchDir();
    const script =
      '#!/bin/sh\ncase "$*" in\n*-version) echo "ffmpeg version 9.9-test";;\n*) echo " A....D g729 G.729";;\nesac\n';
    writeFileSync(join(bin, 'ffmpeg'), script, { mode: 0o755 });
    const found = await examined({ PATH: `${bin}:/bin:/usr/bin`, RECORD_CALL_NATIVE: 'off' });
    expect(found.get('kernel')).toMatchObject({ state: 'lack', detail: expect.stringContaining('RECORD_CALL_NATIVE') });
    expect(found.get('ffmpeg')).toMatchObject({ state: 'ok', detail: `9.9-test at ${join(bin, 'ffmpeg')}` });
    expect(found.get('mp3')).toMatchObject({ state: 'lack', detail: expect.stringMatching(/lamejs.*no libmp3lame/) });
  });

  test('whether serve can run is told of the settings in the environment, and a lack of it is no failure', async () => {
    const folder = scratchDir();
    const env = { RECORD_CALL_HTTP_PORT: '0', RECORD_CALL_DATA_DIR: join(folder, 'data') };
    const found = await examined({ ...env, RECORD_CALL_DISK_MIN_MIB: '999999999' });
    expect(found.get('disk')).toMatchObject({ state: 'lack', detail: expect.stringContaining(join(folder, 'data')) });
    expect(found.get('serve')).toMatchObject({
      state: 'lack',
      detail: expect.stringMatching(/^can not run: .*disk/),
    });
    expect((await examined({ ...env, RECORD_CALL_DISK_MIN_MIB: '0' })).get('disk')).toMatchObject({ state: 'ok' });
    expect(filesIn(folder)).toEqual([]);
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
    // Names of files may be as long as they like.
    for (const line of stdout.split('\n').filter((each) => !each.includes('/')))
      expect([...line].length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/░ masked/);
    expect(stdout).toMatch(/^delivered {2}to 127\.0\.0\.1:\d+ \(201, 1 try\)$/m);
    expect(stdout).toMatch(/^verified {3}mask \d+–\d+ ms: silent\b/m);
    expect(filesIn(join(out, 'uploads'))).toEqual([
      expect.stringMatching(/^call_recording_card-payment-sample.*\.mp3$/),
    ]);
    expect(filesIn(out).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  for (const { name, make } of [
    { name: 'below a file', make: () => join(CLI, 'demo') },
    { name: 'where no folder can be made', make: () => '/proc/record-call-demo' },
  ]) {
    test.skipIf(name !== 'below a file' && !existsSync('/proc/self'))(
      `a demo whose folder is ${name}: exit status 1, one line that says what to do`,
      async () => {
        const { status, stdout, stderr } = await runCommand(['demo', '--out', make()]);
        expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
        expectOneLine(stderr);
        expect(stderr).toMatch(
          /OUTPUT_UNWRITABLE: can't make the folder .* \((ENOTDIR|ENOENT)\); choose another with --out/,
        );
      },
    );
  }
});
