/** Every command of the README works as written, in a folder that holds what a clean checkout holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from 'vitest';
import { SETTING_KEYS, variableOf } from '../src/app/settings.ts';
import { listenTo } from './support/command.ts';
import { HAS_SQLITE } from './support/has-sqlite.ts';
import { scratchDir } from './support/scratch.ts';

const ROOT = resolve(import.meta.dirname, '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
/** Commands in running text. */
const inline = [...README.matchAll(/`(node dist\/cli\.js [^`]+)`/g)].map((match) => [match[1]!]);
const blocks: string[][] = [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)]
  .map((match) => match[1]!.trim().split('\n'))
  .concat(inline);

/** The commands to a running service. */
const live = blocks.find((lines) => lines.some((line) => line.startsWith('curl')))!;

/** Samples. */
const longestSilence = (channel: Int16Array): number => {
  let longest = 0;
  let run = 0;
  for (const sample of channel) {
    run = Math.abs(sample) <= 33 ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
};

/** Run elsewhere: by `.ci/run`, or too long for a test; each is held to be where it is said to be. */
const ELSEWHERE: Readonly<Record<string, () => boolean>> = {
  'npm ci && npm test': () => /npm ci/.test(ci) && /npm test/.test(ci),
  'npm ci && npm run demo': () => /npm ci/.test(ci) && /npm run demo/.test(ci),
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

/** What `npm start` does, without npm between us and it. @returns once it listens. */
const service = async (cwd: string): Promise<ChildProcess> => {
  const start = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts.start;
  const child = spawn('bash', ['-c', `exec ${start}`], { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface(child.stdout!), 'line');
  expect(line).toContain('http://127.0.0.1:8000');
  return child;
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
    for (const setting of SETTING_KEYS.map(variableOf)) expect(README).toContain(`\`${setting}\``);
    expect(README).toContain('0 done, 1 failed, 2 wrong usage or unreadable input, 3 nothing to record');
  });

  test.skipIf(!HAS_SQLITE)('runs: the service, and what its clients are told to type', async () => {
    const cwd = checkout();
    const child = await service(cwd);
    try {
      expect(await shell(`set -e\n${live.join('\n')}`, cwd)).toMatchObject({ status: 0 });
    } finally {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    }
    // From *71 to *74, with a quarter of a minute of silence where the card was told.
    const { channels, sampleRate } = await listenTo(join(cwd, 'card-payment.mp3'));
    const seconds = channels[0]!.length / sampleRate;
    expect(seconds).toBeGreaterThan(35);
    expect(seconds).toBeLessThan(50);
    const quietest = channels.map((channel) => longestSilence(channel) / sampleRate);
    expect(Math.min(...quietest)).toBeGreaterThan(14);
  });

  for (const lines of blocks.filter((each) => each !== live)) {
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
