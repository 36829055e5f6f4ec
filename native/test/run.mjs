/**
 * The kernel's own tests, without Node: each under every sanitizer that the compiler has. Without a compiler it says so and is content.
 *
 *     node native/test/run.mjs            a line for each, exit 1 when one failed
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = dirname(dirname(fileURLToPath(import.meta.url)));
const UDP = ['rc_udp.c', 'rc_udp_take.c', 'rc_ring.c', 'rc_batch.c'];
const TESTS = [
  { name: 'udp_test', kernel: UDP, flags: [] },
  { name: 'udp_test', kernel: UDP, flags: ['-DRC_PORTABLE'] },
  // Bounds that are met: room for what one system call may bring, and for little more.
  { name: 'udp_test', kernel: UDP, flags: ['-DMOST_OF_A_SOCKET=90', '-DBATCH_BYTES=4400000'] },
  { name: 'block_test', kernel: ['rc_block.c', 'rc_g722.c'], flags: [] },
  { name: 'mp3_test', kernel: ['rc_mp3.c'], flags: [] },
];
const SANITIZERS = [['-fsanitize=address,undefined'], ['-fsanitize=thread'], ['-O3']];
const FLAGS = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-g',
  '-O1',
  '-ffp-contract=off',
  '-fno-sanitize-recover=all',
  '-Wall',
  '-Wextra',
  '-Werror',
];

const run = (command, args, environment = {}) =>
  spawnSync(command, args, { encoding: 'utf8', timeout: 120_000, env: { ...process.env, ...environment } });

const compiler = [process.env.CC, 'cc', 'gcc', 'clang'].find((name) => name && run(name, ['--version']).status === 0);
if (compiler === undefined) {
  process.stdout.write('native tests: skipped, no C compiler (cc, gcc, clang)\n');
  process.exit(0);
}
const folder = mkdtempSync(join(tmpdir(), 'native-test-'));
let failed = 0;
for (const sanitizer of SANITIZERS) {
  for (const { name, kernel, flags } of TESTS) {
    const title = [name, ...flags, ...sanitizer].join(' ');
    const binary = join(folder, 'test');
    const sources = [join(native, 'test', `${name}.c`), ...kernel.map((file) => join(native, 'kernel', file))];
    const built = run(compiler, [
      ...FLAGS,
      ...sanitizer,
      ...flags,
      ...sources,
      '-o',
      binary,
      '-ldl',
      '-lpthread',
      '-lm',
    ]);
    if (built.status !== 0 && /cannot find .*(asan|tsan|ubsan)/.test(built.stderr)) {
      process.stdout.write(`skipped  ${title}: the compiler lacks it\n`);
      continue;
    }
    // libmp3lame is not ours: what it never frees is not looked for.
    const done = built.status === 0 ? run(binary, [], { ASAN_OPTIONS: 'detect_leaks=1' }) : built;
    const isOk = done.status === 0;
    process.stdout.write(`${isOk ? 'ok      ' : 'FAILED  '} ${title}\n`);
    if (isOk) continue;
    failed++;
    process.stdout.write(`${done.stdout ?? ''}${done.stderr ?? ''}\n`);
  }
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed === 0 ? 0 : 1;
