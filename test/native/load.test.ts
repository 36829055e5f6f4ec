/** The native kernel in this Node.js, in several threads at once; `.ci/run` does the same with others. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const path = (name: string): string => fileURLToPath(new URL(`../../native/${name}`, import.meta.url));
const isBuilt = existsSync(path('build/record_call.node'));

test.skipIf(!isBuilt)('loads in four threads, receives in each, and lets the process end (native kernel)', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path('test/load.mjs')], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toContain('works in Node.js');
});
