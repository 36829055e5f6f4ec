/** Nobody reads what the program prints, or it can't be written: the exit status is still the work's, and what was lost is said. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CLI, expectOneLine, runReplay } from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);
const intact = join(folder, 'intact.wav');
const tampered = join(folder, 'tampered.wav');
const hasFull = existsSync('/dev/full');

beforeAll(async () => {
  const data = JSON.stringify({ format: 'wav', media_name: 'intact.wav' });
  await runReplay([capture, '--out', folder, '--mask', '1-2', '--data', data]);
  const wav = readFileSync(intact);
  wav[wav.length - 9]! ^= 1;
  writeFileSync(tampered, wav);
  copyFileSync(`${intact}.json`, `${tampered}.json`);
});

/** Runs the program in a line of bash: `{}` is the program, and its status is the line's, whatever comes behind a pipe. */
const shell = async (line: string): Promise<{ status: number; stderr: string }> => {
  const program = `'${process.execPath}' '${CLI}'`;
  const child = spawn('bash', ['-c', `${line.replace('{}', program)}\nexit "\${PIPESTATUS[0]}"`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [status] = await once(child, 'close');
  return { status, stderr };
};

const MISMATCH = /^record-call: ARTEFACT_MISMATCH: .*tampered\.wav: digest: /;
const UNWRITTEN = /^record-call: OUTPUT_UNWRITABLE: .*standard output.*\(ENOSPC\)/;

for (const { name, line, status, says, needs = true } of [
  { name: 'tampered, whose reader takes one line', line: '| head -1', status: 1, says: MISMATCH },
  { name: 'tampered, whose reader is gone at once', line: '| true', status: 1, says: MISMATCH },
  { name: 'tampered, on a full disk', line: '> /dev/full', status: 1, says: MISMATCH, needs: hasFull },
  { name: 'tampered, its errors on a full disk', line: '2> /dev/full', status: 1, needs: hasFull },
  { name: 'tampered, all on a full disk', line: '> /dev/full 2> /dev/full', status: 1, needs: hasFull },
  { name: 'tampered, all into a pipe that nobody reads', line: '2>&1 | true', status: 1 },
  { name: 'tampered, with its streams closed', line: '>&- 2>&-', status: 1 },
  { name: 'intact, whose reader takes one line', line: '| head -1', status: 0 },
  { name: 'intact, whose reader is gone at once', line: '| true', status: 0 },
  { name: 'intact, all into a pipe that nobody reads', line: '2>&1 | true', status: 0 },
  { name: 'intact, on a full disk', line: '> /dev/full', status: 1, says: UNWRITTEN, needs: hasFull },
  { name: 'intact, all on a full disk', line: '> /dev/full 2> /dev/full', status: 1, needs: hasFull },
] as { name: string; line: string; status: number; says?: RegExp; needs?: boolean }[]) {
  test.skipIf(!needs)(`verify of a file that is ${name}: exit status ${status}`, async () => {
    const path = name.startsWith('tampered') ? tampered : intact;
    const result = await shell(`{} verify '${path}' ${line}`);
    expect(result.status).toBe(status);
    if (says === undefined) expect(result.stderr).toBe('');
    else {
      expectOneLine(result.stderr);
      expect(result.stderr).toMatch(says);
    }
  });
}

describe.skipIf(!hasFull)('a full disk below standard output', () => {
  test('leaves the status of what had failed anyway', async () => {
    const result = await shell("{} verify '/nowhere/none.wav' > /dev/full");
    expect(result.status).toBe(2);
    expectOneLine(result.stderr);
  });

  test('does not keep a replay from recording', async () => {
    const out = scratchDir();
    const result = await shell(`{} replay '${capture}' --out '${out}' --json > /dev/full`);
    expect(result.status).toBe(1);
    expectOneLine(result.stderr);
    expect(result.stderr).toMatch(UNWRITTEN);
    expect(readdirSync(out)).toHaveLength(2);
  });
});

test('a file that takes only a part of one line: it is said, not passed over', async () => {
  const file = join(scratchDir(), 'help.txt');
  // A limit on the size of files cuts a write short as a disk does that is nearly full.
  const result = await shell(`ulimit -f 1; {} help > '${file}'`);
  expect(result.status).toBe(1);
  expectOneLine(result.stderr);
  expect(result.stderr).toMatch(/OUTPUT_UNWRITABLE: .*\(EFBIG\)/);
  expect(statSync(file).size).toBe(1024);
});
