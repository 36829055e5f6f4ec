import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchDir } from '../../support/scratch.ts';
import { mediaSeconds, roleOf, rolesIn, type ThreadRole, usedBetween, useOf } from './thread-use.ts';
import { threadsText } from './use-report.ts';

const NAMES = fileURLToPath(new URL('./thread-names.mjs', import.meta.url));

for (const { name, role } of [
  { name: 'main', role: 'main' },
  { name: '/x/dist/app/media/media-thread.js', role: 'media' },
  { name: '/x/dist/finalize/worker.js', role: 'finalizing' },
  { name: '/x/dist/store/store-thread.js', role: 'store' },
  { name: '/x/dist/app/recordings/background-worker.js', role: 'other workers' },
]) {
  test(`a thread that runs ${name} is ${role}`, () => {
    expect(roleOf(name)).toBe(role);
  });
}

test('threads are read a line each, the last of a number counts, and half a line is none', () => {
  expect([...rolesIn('7 main\n9 /dist/store/a.js\n9 /dist/finalize/worker.js\n12')]).toEqual([
    ['7', 'main'],
    ['9', 'finalizing'],
  ]);
});

test('what was used between two looks is told by thread, most first, and media is main where it has no thread', () => {
  const use = (cpuSeconds: number, ...byRole: [ThreadRole, number][]) => ({ cpuSeconds, byRole: new Map(byRole) });
  const used = usedBetween(use(1, ['main', 1]), use(11, ['main', 3], ['media', 7], ['store', 0]))!;
  expect(used).toEqual({
    cpuSeconds: 10,
    byRole: [
      { role: 'media', cpuSeconds: 7 },
      { role: 'main', cpuSeconds: 2 },
    ],
  });
  expect(mediaSeconds(used.byRole)).toBe(7);
  expect(mediaSeconds([{ role: 'main', cpuSeconds: 2 }])).toBe(2);
  expect(threadsText(used.byRole)).toBe('media 78 %, main 22 %');
  expect(usedBetween(null, use(1))).toBeNull();
});

/** A program with a thread that is busy for a while, laid out as the build is. */
const MAIN = `
import { Worker } from 'node:worker_threads';
new Worker(new URL('./finalize/worker.mjs', import.meta.url), { execArgv: [] });
`;
const WORKER = `
for (const began = process.cpuUsage(); process.cpuUsage(began).user < 200_000; );
setInterval(() => {}, 1000);
`;

test.skipIf(process.platform !== 'linux')('each thread of a program is known by the file it runs', async () => {
  const folder = join(scratchDir(), 'dist');
  await mkdir(join(folder, 'finalize'), { recursive: true });
  writeFileSync(join(folder, 'main.mjs'), MAIN);
  writeFileSync(join(folder, 'finalize', 'worker.mjs'), WORKER);
  const file = join(folder, 'threads');
  const child = spawn(process.execPath, [join(folder, 'main.mjs'), 'serve'], {
    env: { ...process.env, NODE_OPTIONS: `--import ${NAMES}`, BENCH_THREADS_FILE: file },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  try {
    await expect
      .poll(() => useOf(child.pid!, file)?.byRole.get('finalizing') ?? 0, { timeout: 10_000 })
      .toBeGreaterThan(0.1);
    const { cpuSeconds, byRole } = useOf(child.pid!, file)!;
    expect(byRole.get('main')).toBeGreaterThan(0);
    expect(cpuSeconds).toBeGreaterThan(byRole.get('finalizing')!);
    expect(readFileSync(file, 'utf8')).toMatch(/^\d+ main$/m);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
