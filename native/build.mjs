/**
 * Builds the native kernel with whatever C compiler the machine has, in a second; without one it says so and is content: everything has
 * a twin in TypeScript. Downloads nothing. `npm ci` runs it; `--verbose` shows what the compiler says, `--strict` fails where it does.
 *
 *     native/build/record_call.node    the module
 *     native/build/result.json         what came of it, for `record-call doctor`
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const build = join(here, 'build');
const module = join(build, 'record_call.node');
const isVerbose = process.argv.includes('--verbose');
const isStrict = process.argv.includes('--strict');

const FLAGS = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-O3',
  '-ffp-contract=off',
  '-fPIC',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
];
const LINK = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
const LIBRARIES = process.platform === 'darwin' ? ['-lpthread', '-lm'] : ['-ldl', '-lpthread', '-lm'];

const run = (command, args) =>
  spawnSync(command, args, { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] });

const findCompiler = () => {
  const named = process.env.CC === undefined || process.env.CC === '' ? [] : [process.env.CC];
  return [...named, 'cc', 'gcc', 'clang'].find((name) => run(name, ['--version']).status === 0);
};

/** @returns what came of it, in words. */
const compile = () => {
  if (process.platform === 'win32') return { built: false, why: 'the native kernel needs a POSIX system' };
  let headers;
  try {
    headers = createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return { built: false, why: 'the package node-api-headers is not installed' };
  }
  const compiler = findCompiler();
  if (compiler === undefined) return { built: false, why: 'no C compiler (cc, gcc, clang) was found' };
  const sources = ['kernel', 'binding'].flatMap((folder) =>
    readdirSync(join(here, folder))
      .filter((name) => name.endsWith('.c'))
      .map((name) => join(here, folder, name)),
  );
  const part = join(build, `part-${process.pid}.node`);
  const done = run(compiler, [...FLAGS, ...LINK, '-I', headers, ...sources, '-o', part, ...LIBRARIES]);
  if (isVerbose || (isStrict && done.status !== 0)) process.stderr.write(done.stderr ?? '');
  if (done.status !== 0) {
    rmSync(part, { force: true });
    const first = (done.stderr ?? '').split('\n').find((line) => line.includes('error')) ?? `exit ${done.status}`;
    return { built: false, why: `${compiler} failed: ${first.replaceAll(here, 'native').slice(0, 300)}` };
  }
  const loads = run(process.execPath, ['-e', `require(${JSON.stringify(part)})`]);
  if (loads.status !== 0) {
    rmSync(part, { force: true });
    return { built: false, why: 'it was built, and this Node.js can not load it' };
  }
  renameSync(part, module);
  const version = run(compiler, ['--version']).stdout.split('\n', 1)[0];
  return { built: true, compiler: version };
};

mkdirSync(build, { recursive: true });
const result = compile();
if (!result.built) rmSync(module, { force: true });
writeFileSync(join(build, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
if (isVerbose || !result.built)
  process.stdout.write(
    result.built ? `native kernel: built by ${result.compiler}\n` : `native kernel: none, ${result.why}\n`,
  );
if (isStrict && !result.built) process.exitCode = 1;
