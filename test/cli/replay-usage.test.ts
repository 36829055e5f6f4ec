/** Wrong usage of `record-call`: each row is one line on standard error that names what is wrong and what would be right; exit status 2. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CLI, callCommand, expectNoTrace, expectOneLine, filesIn, runCommand } from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

const expectRefused = async (
  args: readonly string[],
  want: RegExp,
  env: Record<string, string> = {},
): Promise<void> => {
  const out = join(folder, 'out');
  const { status, stdout, stderr } = await callCommand(args[0] === 'replay' ? [...args, '--out', out] : args, env);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expectOneLine(stderr);
  expect(stderr).toMatch(
    /^record-call: (USAGE|CONFIG_INVALID|INPUT_MISSING|FIELDS_INVALID|METAFLOWS_INVALID|RATE_UNSUPPORTED): /,
  );
  expect(stderr).toMatch(want);
  expect(existsSync(out)).toBe(false);
};

describe('commands', () => {
  for (const { args, want } of [
    { args: [], want: /name a command; record-call help lists them/ },
    { args: ['frobnicate'], want: /there is no command "frobnicate"; record-call help/ },
    { args: ['constructor'], want: /there is no command "constructor"/ },
    { args: ['--frobnicate'], want: /there is no command "--frobnicate"/ },
    { args: ['replay'], want: /name at least one capture file/ },
    { args: ['replay', '--json'], want: /name at least one capture file/ },
    { args: ['verify'], want: /name an artefact/ },
    { args: ['replay', capture, '--mask', '-1-5'], want: /--mask takes A-B in seconds/ },
    { args: ['replay', capture, '--mask'], want: /--mask takes A-B in seconds/ },
    { args: ['verify', 'a', 'b', 'c'], want: /name an artefact/ },
    { args: ['verify', '--nope', 'a'], want: /'--nope'/ },
    { args: ['doctor', '--nope'], want: /'--nope'/ },
    { args: ['doctor', 'word'], want: /'word'/ },
    { args: ['target', '--nope'], want: /'--nope'/ },
    { args: ['demo', '--nope'], want: /'--nope'/ },
    { args: ['demo', 'word'], want: /'word'/ },
    { args: ['demo', '--out='], want: /--out is given an empty value/ },
    { args: ['help', 'word'], want: /help: there is no command "word"; record-call help lists them/ },
    { args: ['help', 'constructor'], want: /there is no command "constructor"/ },
    { args: ['help', 'replay', 'verify'], want: /name one command, not "verify" as well/ },
    { args: ['help', '--nope'], want: /'--nope'/ },
    { args: ['--help', 'word'], want: /there is no command "word"/ },
    { args: ['version', 'word'], want: /'word'/ },
    { args: ['--version', 'word'], want: /'word'/ },
    { args: ['target', 'word'], want: /'word'/ },
    { args: ['target', '--dir='], want: /--dir is given an empty value/ },
    { args: ['target', '--host='], want: /--host is given an empty value/ },
    { args: ['target', '--port='], want: /--port takes a number/ },
    { args: ['verify', ''], want: /verify: it is given an empty name/ },
    { args: ['verify', 'a', ''], want: /verify: it is given an empty name/ },
    { args: ['send', capture, '--to='], want: /--to takes HOST:PORT/ },
    { args: ['send', capture, '--to', '127.0.0.1:9', '--speed='], want: /--speed takes max/ },
    { args: ['send', '', '--to', '127.0.0.1:9'], want: /send: it is given an empty name/ },
  ] as { args: string[]; want: RegExp }[]) {
    test(`record-call ${args.join(' ')}`, () => expectRefused(args, want));
  }
});

describe('options of replay', () => {
  for (const { args, want } of [
    { args: ['--nope'], want: /'--nope'/ },
    { args: ['-x'], want: /'-x'/ },
    { args: ['--metaflow', 'x.json'], want: /'--metaflow'/ },
    { args: ['--data'], want: /--data/ },
    { args: ['--json=yes'], want: /--json/ },
    { args: ['--speed', '0'], want: /--speed takes max or a number above 0, not "0"/ },
    { args: ['--speed', '-1'], want: /--speed/ },
    { args: ['--speed', 'fast'], want: /not "fast"/ },
    { args: ['--speed', ''], want: /--speed takes max/ },
    { args: ['--speed', 'Infinity'], want: /not "Infinity"/ },
    { args: ['--speed', 'NaN'], want: /not "NaN"/ },
    { args: ['--mask', 'x'], want: /--mask takes seconds as A-B with A before B, such as 12\.5-20, not "x"/ },
    { args: ['--mask', '5'], want: /not "5"/ },
    { args: ['--mask', '5-5'], want: /not "5-5"/ },
    { args: ['--mask', '5-3'], want: /not "5-3"/ },
    { args: ['--mask', '-1-2'], want: /--mask/ },
    { args: ['--mask=-1-2'], want: /not "-1-2"/ },
    { args: ['--mask', '1e3-2e3'], want: /not "1e3-2e3"/ },
    { args: ['--mask', '1-2,3-4'], want: /not "1-2,3-4"/ },
    { args: ['--mask', '1-2', '--mask', 'y'], want: /not "y"/ },
    { args: ['--holder', 'c'], want: /--holder takes a \(the caller\) or b \(the callee\), not "c"/ },
    { args: ['--holder', ''], want: /--holder/ },
    { args: ['--url='], want: /--url is given an empty value/ },
    { args: ['--metaflows='], want: /--metaflows is given an empty value/ },
    { args: ['--mask='], want: /--mask takes seconds as A-B/ },
    { args: [''], want: /replay: it is given an empty name/ },
  ]) {
    test(args.join(' '), () => expectRefused(['replay', capture, ...args], want));
  }
});

test('--out= is refused, and nothing is written to where the program runs', async () => {
  const cwd = scratchDir();
  const { status, stdout, stderr } = await runCommand(['replay', capture, '--out='], { cwd });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe('record-call: USAGE: replay: --out is given an empty value\n');
  expect(filesIn(cwd)).toEqual([]);
});

test('words behind a double dash are names, --help too', async () => {
  const { status, stderr } = await callCommand(['verify', '--', '--help']);
  expect(status).toBe(2);
  expect(stderr).toBe("record-call: INPUT_MISSING: can't read the artefact --help (ENOENT)\n");
});

describe('--data', () => {
  for (const { data, want } of [
    { data: '', want: /--data takes a JSON object of record_call fields, such as '\{"format":"wav"\}'/ },
    { data: 'format=wav', want: /--data takes a JSON object/ },
    { data: '{"format":"wav"', want: /--data takes a JSON object/ },
    { data: '[]', want: /object/ },
    { data: 'null', want: /object/ },
    { data: '"wav"', want: /object/ },
    { data: '{"formt":"wav"}', want: /formt: .*schema-defined/ },
    { data: '{"format":"ogg"}', want: /format: .*mp3, wav/ },
    { data: '{"format":1}', want: /format: / },
    { data: '{"time_limit":"60"}', want: /time_limit: .*integer/ },
    { data: '{"time_limit":0}', want: /time_limit: .*at least 1/ },
    { data: '{"time_limit":10801}', want: /time_limit: .*at most 10800/ },
    { data: '{"record_min_sec":-1}', want: /record_min_sec: / },
    { data: '{"mask_lookback_ms":10001}', want: /mask_lookback_ms: .*10000/ },
    { data: '{"channels":2}', want: /channels: / },
    { data: '{"mask_mode":"beep"}', want: /mask_mode: .*silence, drop, tone/ },
    { data: '{"method":"PUT"}', want: /method: .*put, post/ },
    { data: '{"record_on_answer":"true"}', want: /record_on_answer: .*boolean/ },
    { data: '{"media_name":"../../etc/passwd"}', want: /media_name: / },
    { data: '{"media_name":"a/b.wav"}', want: /media_name: / },
    { data: '{"media_name":"a\\\\b.wav"}', want: /media_name: / },
    { data: '{"media_name":".."}', want: /media_name: .*dot/ },
    { data: '{"media_name":".hidden"}', want: /media_name: .*dot/ },
    { data: '{"media_name":""}', want: /media_name: / },
    { data: '{"media_name":"a\\u0000.wav"}', want: /media_name: / },
    {
      data: '{"record_sample_rate":12345}',
      want: /record_sample_rate: .*8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000/,
    },
    { data: '{"record_sample_rate":96000}', want: /record_sample_rate: / },
    { data: '{"format":"wav","record_sample_rate":7999}', want: /record_sample_rate: .*8000 to 48000/ },
    { data: '{"format":"wav","record_sample_rate":48001}', want: /record_sample_rate: .*8000 to 48000/ },
    { data: '{"format":"wav","record_sample_rate":8000.5}', want: /record_sample_rate: / },
    { data: '{"action":"mask"}', want: /action: .*codes and --mask/ },
    { data: '{"action":"stop"}', want: /action: / },
    { data: '{"url":"nonsense"}', want: /url: invalid client URL/ },
    { data: '{"url":"ftp://example.com/"}', want: /url: invalid client URL/ },
    { data: '{"__proto__":{"format":"wav"}}', want: /__proto__/ },
    {
      data: '{"nope":1,"format":"ogg","time_limit":"x"}',
      want: /nope: .*; format: .*; time_limit: |format: .*time_limit: .*nope: |nope: .*time_limit: .*format: /,
    },
  ]) {
    test(data === '' ? 'empty' : data, () => expectRefused(['replay', capture, '--data', data], want));
  }
});

describe('--metaflows', () => {
  for (const { name, text, want } of [
    { name: 'not JSON', text: '{"numbers":{\n"71": oops}}', want: /not-JSON\.json: not JSON at line 2, column 7/ },
    { name: 'empty', text: '', want: /empty\.json: not JSON at line 1, column 1/ },
    { name: 'binary', text: '\u0000\u0001\u0002', want: /binary\.json: not JSON/ },
    { name: 'a list', text: '[]', want: /a-list\.json: / },
    {
      name: 'all errors at once',
      text: '{"binding_digit":"**","digit_timeout":-1,"listen_on":"me","numbers":{"7x":{"module":"record_call"},"72":{"module":"record_call","data":{"action":"msk","time_limit":0}}},"patterns":{"(":{"module":"record_call"}}}',
      want: /(?=.*binding_digit: )(?=.*digit_timeout: )(?=.*listen_on: )(?=.*numbers\.7x: )(?=.*numbers\.72\.data\.action: .*mask, unmask, start, stop, toggle)(?=.*numbers\.72\.data\.time_limit: )(?=.*patterns\.\(: )/,
    },
    {
      name: 'an unknown module',
      text: '{"numbers":{"71":{"module":"record_cal"}}}',
      want: /numbers\.71\.module: .*record_cal/,
    },
    {
      name: 'a rate that mp3 cannot have',
      text: '{"numbers":{"71":{"module":"record_call","data":{"record_sample_rate":12345}}}}',
      want: /numbers\.71\.data\.record_sample_rate: .*an mp3 can have 8000/,
    },
    {
      name: 'a path as media_name',
      text: '{"numbers":{"71":{"module":"record_call","data":{"media_name":"/etc/passwd"}}}}',
      want: /numbers\.71\.data\.media_name: /,
    },
  ]) {
    test(name, async () => {
      const path = join(folder, `${name.replaceAll(' ', '-')}.json`);
      writeFileSync(path, text);
      await expectRefused(['replay', capture, '--metaflows', path], want);
    });
  }

  test('a missing file', () =>
    expectRefused(
      ['replay', capture, '--metaflows', join(folder, 'none.json')],
      /can't read the metaflows file .*none\.json \(ENOENT\)/,
    ));
  test('a folder', () =>
    expectRefused(['replay', capture, '--metaflows', folder], /can't read the metaflows file .* \(EISDIR\)/));
});

describe('settings', () => {
  for (const { env, want } of [
    { env: { RECORD_CALL_FOO: '1' }, want: /RECORD_CALL_FOO is no setting/ },
    { env: { RECORD_CALL_: '' }, want: /RECORD_CALL_ is no setting/ },
    {
      env: { RECORD_CALL_MP3_ENCODER: 'best' },
      want: /RECORD_CALL_MP3_ENCODER takes auto, libmp3lame, ffmpeg, lamejs, not "best"/,
    },
    {
      env: { RECORD_CALL_ALLOW_TARGETS: '10.0.0.0/33' },
      want: /RECORD_CALL_ALLOW_TARGETS: "10\.0\.0\.0\/33" is no host name, address or network/,
    },
  ]) {
    test(Object.keys(env)[0], () => expectRefused(['replay', capture], want, env));
  }
});

describe('through the program', () => {
  for (const { name, args, env } of [
    { name: 'no command', args: [], env: {} },
    { name: 'an unknown option', args: ['replay', capture, '--nope'], env: {} },
    { name: 'a wrong value', args: ['replay', capture, '--speed', '0'], env: {} },
    { name: 'wrong fields', args: ['replay', capture, '--data', '{"nope":1,"format":"ogg"}'], env: {} },
    { name: 'metaflows that are missing', args: ['replay', capture, '--metaflows', 'none.json'], env: {} },
    { name: 'an unknown setting', args: ['replay', capture], env: { RECORD_CALL_FOO: '1' } },
  ]) {
    test(`${name}: the same line, the same status, and nothing is made`, async () => {
      const cwd = scratchDir();
      const { status, stdout, stderr } = await runCommand(args, { env, cwd });
      expect(await callCommand(args, env)).toMatchObject({ status, stdout, stderr });
      expect(status).toBe(2);
      expectOneLine(stderr);
      expect(filesIn(cwd)).toEqual([]);
    });
  }
});

describe('--out that cannot be written: exit status 1, at once', () => {
  const run = async (out: string, options = {}): Promise<string> => {
    const { status, stdout, stderr } = await runCommand(['replay', capture, '--out', out], {
      timeoutMs: 15_000,
      ...options,
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expectOneLine(stderr);
    expect(stderr).toMatch(
      /^record-call: OUTPUT_UNWRITABLE: can't write to the folder .* \([A-Z]+\); choose another with --out/,
    );
    return stderr;
  };

  test('it is a file', async () => {
    expect(await run(capture)).toMatch(/\((EEXIST|ENOTDIR)\)/);
    expect(existsSync(capture)).toBe(true);
  });

  test('it is below a file', async () => {
    expect(await run(join(capture, 'deep', 'er'))).toContain('(ENOTDIR)');
  });

  // Root may write anywhere: then it is somebody else who runs it, if the checkout is where others may read.
  const isRoot = process.getuid?.() === 0;
  const canBeRun = !isRoot || spawnSync(process.execPath, [CLI, 'version'], { uid: 65_534, cwd: '/' }).status === 0;

  test.skipIf(!canBeRun)('it may not be written to', async () => {
    const out = scratchDir();
    await chmod(out, 0o555);
    if (isRoot) await chmod(folder, 0o755);
    expect(await run(join(out, 'sub'), isRoot ? { uid: 65_534, cwd: '/' } : {})).toContain('(EACCES)');
  });

  test.skipIf(!existsSync('/proc/self'))('it is where no folder can be made, though its parent is there', async () => {
    await run('/proc/record-call-test', { timeoutMs: 5000 });
  });
});

test('a dash that ends the options lets a capture have any name', async () => {
  const cwd = scratchDir();
  writeSmallCall(cwd, '--json');
  const { status, stderr } = await runCommand(['replay', '--out', 'out', '--', '--json'], { cwd });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(filesIn(join(cwd, 'out'))).toHaveLength(2);
  expectNoTrace(stderr);
});
