/** Every command of the README works as written, in a folder that holds what a clean checkout holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchDir } from './support/scratch.ts';

const ROOT = resolve(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** Commands in running text. */
const inline = [...README.matchAll(/`(node dist\/cli\.js [^`]+)`/g)].map((match) => [match[1]!]);
const blocks: string[][] = [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  .map((match) => match[1]!.trim().split('\n'))
  .concat(inline);

/** Run elsewhere: by `.ci/run`, or too long for a test; each is held to be where it is said to be. */
const ELSEWHERE: Readonly<Record<string, () => boolean>> = {
  'npm ci && npm test': () => /npm ci/.test(ci) && /npm test/.test(ci),
  'npm ci && npm run demo': () => /npm ci/.test(ci) && /npm run demo/.test(ci),
  'npm run bench': () => existsSync(join(ROOT, 'test/bench/index.ts')),
};
const ci = readFileSync(join(ROOT, '.ci/run'), 'utf8');

/** A folder in which the README's relative paths mean what they mean in a checkout, and what is written is ours. */
const checkout = (): string => {
  const folder = scratchDir();
  for (const name of ['dist', 'samples', 'package.json', 'node_modules', 'src'])
    symlinkSync(join(ROOT, name), join(folder, name));
  return folder;
};

const shell = async (line: string, cwd: string): Promise<{ status: number; output: string }> => {
  const child = spawn('bash', ['-c', line], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [status] = await once(child, 'close');
  return { status, output };
};

/** Starts a line that ends in `&` and waits for its first line of output. */
const background = async (line: string, cwd: string): Promise<ChildProcess> => {
  const child = spawn('bash', ['-c', `exec ${line.replace(/\s*&$/, '')}`], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
};

describe('the README', () => {
  test('has at most 150 lines', () => expect(README.split('\n').length).toBeLessThanOrEqual(150));

  test('names only files that are there', () => {
    const links = [...README.matchAll(/\]\((?!#|http)([^)]+)\)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(4);
    expect(links.filter((link) => !existsSync(join(ROOT, link)))).toEqual([]);
  });

  test('lists every setting and every exit status', () => {
    const source = readFileSync(join(ROOT, 'src/app/configuration.ts'), 'utf8');
    const settings = [...new Set(source.match(/RECORD_CALL_[A-Z0-9_]+\b(?!_)/g))].filter((name) => !name.endsWith('_'));
    for (const setting of settings) expect(README).toContain(`\`${setting}\``);
    expect(README).toContain('0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record');
  });

  for (const lines of blocks) {
    test(`runs: ${lines.join(' ; ').slice(0, 120)}`, async () => {
      const cwd = checkout();
      const running: ChildProcess[] = [];
      try {
        for (const line of lines) {
          const elsewhere = ELSEWHERE[line];
          if (elsewhere !== undefined) expect(elsewhere()).toBe(true);
          else if (line.endsWith('&')) running.push(await background(line, cwd));
          else expect(await shell(line, cwd)).toMatchObject({ status: 0 });
        }
      } finally {
        for (const child of running) {
          const ended = once(child, 'close');
          child.kill('SIGTERM');
          await ended;
        }
      }
      for (const folder of ['recordings', 'uploads']) {
        const path = join(cwd, folder);
        if (!existsSync(path)) continue;
        const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
          statSync(join(path, name)).isFile(),
        );
        expect(files.length).toBeGreaterThan(0);
        expect(files.filter((name) => name.startsWith('.'))).toEqual([]);
      }
    });
  }
});
