import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runChild } from './child.ts';

const never = new AbortController().signal;
const node = (script: string, signal = never): ReturnType<typeof runChild> =>
  runChild(process.execPath, ['-e', script], {}, signal);

const MIB = 2 ** 20;
/** Allocates, and is looked at a few times before it ends. */
const hold = (mebibytes: number): string =>
  `const held = Buffer.alloc(${mebibytes} * ${MIB}, 1); setTimeout(() => held.length, 200);`;

test.skipIf(!existsSync('/proc/self/stat'))(
  'memory and CPU time of what a program starts are the program’s',
  async () => {
    const alone = await node(hold(1));
    const inner = `${hold(150)} const until = performance.now() + 300; while (performance.now() < until);`;
    const both = await node(
      `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(inner)}])`,
    );
    expect(both.peakBytes! - alone.peakBytes!).toBeGreaterThan(150 * MIB);
    expect(both.cpuSeconds! - alone.cpuSeconds!).toBeGreaterThan(0.05);
  },
);

test('a program that fails is an error with what it said', async () => {
  await expect(node('console.error("no such thing"); process.exit(3)')).rejects.toThrow(/ended with 3: no such thing/);
});

test('a program that isn’t there is an error', async () => {
  await expect(runChild('no-such-program-here', [], {}, never)).rejects.toThrow(/ENOENT/);
});

test('an interrupted benchmark ends its program', async () => {
  const interrupted = new AbortController();
  const running = node('setInterval(() => {}, 1000)', interrupted.signal);
  interrupted.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});
