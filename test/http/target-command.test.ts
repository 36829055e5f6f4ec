import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { targetCommand } from '../../src/cli/target.ts';
import { startUploadTarget } from '../../src/http/upload-target.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'target-command-'));
});
afterEach(() => rm(folder, { recursive: true }));

const begin = (...args: string[]) => {
  const stop = new AbortController();
  const lines: string[] = [];
  const collect = { write: (text: string) => lines.push(text) };
  const status = targetCommand(args, { stdout: collect, stderr: collect, signal: stop.signal });
  return { stop, lines, status };
};

test('it says where it listens, then a line per file, and ends with the signal', async () => {
  const directory = join(folder, 'in');
  const { stop, lines, status } = begin('--port', '0', '--dir', directory, '--fail', '503, 404');
  await vi.waitFor(() => expect(lines).toHaveLength(1));
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(lines[0]!)![0];
  const statuses: number[] = [];
  for (let count = 0; count < 3; count++) {
    const answer = await request(`${url}a.mp3?from=private`, { method: 'PUT', body: 'abc', reset: true });
    statuses.push(answer.statusCode);
    await answer.body.dump();
  }
  expect(statuses).toEqual([503, 404, 201]);
  expect(await readFile(join(directory, 'a.mp3'), 'utf8')).toBe('abc');
  stop.abort();
  expect(await status).toBe(0);
  expect(lines).toHaveLength(4);
  expect(lines.slice(1, 3)).toEqual([
    'failed on purpose: 503 for PUT a.mp3\n',
    'failed on purpose: 404 for PUT a.mp3\n',
  ]);
  expect(lines[3]).toMatch(/^received a\.mp3 \(3 bytes, sha256 ba7816bf[0-9a-f]{56}\)\n$/);
  await expect(request(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('it does not start when the signal came first', async () => {
  const lines: string[] = [];
  const collect = { write: (text: string) => lines.push(text) };
  expect(await targetCommand([], { stdout: collect, stderr: collect, signal: AbortSignal.abort() })).toBe(0);
  expect(lines).toEqual([]);
});

describe('wrong usage is named in one line', () => {
  for (const { args, want } of [
    { args: ['--prot', '1'], want: /'--prot'/ },
    { args: ['folder'], want: /'folder'/ },
    { args: ['--port'], want: /--port/ },
    { args: ['--port', 'http'], want: /--port.*"http"/ },
    { args: ['--port', '65536'], want: /"65536"/ },
    { args: ['--port', '-1'], want: /--port/ },
    { args: ['--fail', 'sometimes'], want: /"sometimes"/ },
    { args: ['--fail', 'loop'], want: /"loop"/ },
  ]) {
    test(args.join(' '), async () => {
      const failure = await begin(...args, ...(args.includes('--dir') ? [] : ['--dir', folder])).status.catch(
        (error) => error,
      );
      expect(failure).toMatchObject({ code: 'USAGE', exit: 2, message: expect.stringMatching(want) });
      expect(failure.message).not.toContain('\n');
    });
  }
});

test('a taken port is said to be one', async () => {
  const other = await startUploadTarget({ directory: folder });
  const failure = begin('--port', String(other.port), '--dir', folder).status;
  await expect(failure).rejects.toMatchObject({ code: 'PORT_TAKEN', exit: 1 });
  await other.close();
});
