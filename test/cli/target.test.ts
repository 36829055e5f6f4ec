/** `record-call target` as a process: a replay delivers to it, it says what it got, and it ends in good order when it is told to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { expectOneLine, filesIn, runCommand, runReplay, startCommand, until } from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

const startTarget = async (...args: string[]) => {
  const dir = join(scratchDir(), 'uploads');
  const running = startCommand(['target', '--port', '0', '--dir', dir, ...args], { timeoutMs: 60_000 });
  const { child, done } = running;
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout!.on('data', (text: string) => {
    said += text;
  });
  const url = await until(() => /at (http:\/\/\S+\/) storing into/.exec(said)?.[1], 'the target’s address', running);
  return { child, done, dir, url };
};

describe('target', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`takes what replay delivers, faults first, and ends with ${signal}: exit status 0`, async () => {
      const { child, done, dir, url } = await startTarget('--fail', '503');
      const { documents, stderr } = await runReplay([capture, '--out', scratchDir(), '--url', url]);
      expect(documents[0]).toMatchObject({ state: 'delivered', delivery: { tries: 2 } });
      expect(stderr).toMatch(/answered 503/);
      child.kill(signal);
      const { status, stdout, stderr: own } = await done;
      expect({ status, stderr: own }).toEqual({ status: 0, stderr: '' });
      expect(stdout.split('\n')[0]).toBe(`upload target at ${url} storing into ${dir} (pid ${child.pid})`);
      const [name] = filesIn(dir);
      expect(stdout.split('\n').slice(1)).toEqual([
        `failed on purpose: 503 for PUT ${name}`,
        `received ${name} (${readFileSync(join(dir, name)).length} bytes, sha256 ${documents[0].sha256})`,
        '',
      ]);
      expect(filesIn(dir)).toHaveLength(1);
    });
  }

  test('a port that is taken: exit status 1, one line that names it', async () => {
    const { url } = await startTarget();
    const { port } = new URL(url);
    const { status, stderr } = await runCommand(['target', '--port', port, '--dir', scratchDir()]);
    expect(status).toBe(1);
    expectOneLine(stderr);
    expect(stderr).toContain(port);
    expect(stderr).toMatch(/^record-call: PORT_TAKEN: /);
  });

  test('nobody reads what it says any more: it goes on taking uploads', async () => {
    const { child, done, dir, url } = await startTarget();
    child.stdout!.destroy();
    const { documents } = await runReplay([capture, capture, '--out', scratchDir(), '--url', url]);
    expect(documents.map(({ state }) => state)).toEqual(['delivered', 'delivered']);
    expect(filesIn(dir)).toHaveLength(2);
    child.kill('SIGTERM');
    expect(await done).toMatchObject({ status: 0, stderr: '' });
  });
});
