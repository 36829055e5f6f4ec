/** A replay that is ended from outside: what it says, what it leaves behind. Real signals to a real process. */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  expectNoTrace,
  expectVerified,
  filesIn,
  listenTo,
  type RunningCommand,
  runCommand,
  startCommand,
  until,
} from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';
import { noise } from '../support/tones.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);
/** Long enough to be caught while lamejs or ffmpeg encodes it. */
const LONG_MS = 300_000;
let long: string;
beforeAll(() => {
  const pcm = noise(LONG_MS, 8000, -20);
  long = writeSmallCall(folder, 'long.pcap', {
    durationMs: LONG_MS,
    legs: { a: { pcm, tones: [] }, b: { pcm, tones: [] } },
  });
});

const journalIn = (out: string): string | undefined => filesIn(out).find((name) => name.endsWith('.journal'));
const partIn = (out: string): string | undefined => filesIn(out).find((name) => name.endsWith('.part'));

/**
 * What is left is whole recordings, each with a manifest that proves it: no journal, no part of anything.
 * @param isLeft what is looked at; everything unless given.
 */
const expectWholeRecordings = async (out: string, isLeft = (_name: string): boolean => true): Promise<string[]> => {
  const left = filesIn(out).filter(isLeft);
  const artefacts = left.filter((name) => !name.endsWith('.json'));
  expect(left).toEqual(artefacts.flatMap((name) => [name, `${name}.json`]).sort());
  for (const name of artefacts) {
    expect(name).toMatch(/^[^.].*\.(mp3|wav)$/);
    await expectVerified(join(out, name));
  }
  return artefacts.map((name) => join(out, name));
};

describe('in the middle of a recording, at --speed 1', () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} ends it at once: one line, exit status 1, no journal, no part file`, async () => {
      const out = scratchDir();
      const running = startCommand(['replay', capture, '--out', out, '--speed', '1', '--json']);
      await until(() => journalIn(out), 'a journal', running);
      running.child.kill(signal);
      const { status, stdout, stderr } = await running.done;
      expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: '', stderr: 'record-call: interrupted\n' });
      for (const path of await expectWholeRecordings(out)) {
        const { channels, sampleRate } = await listenTo(path);
        expect((channels[0].length * 1000) / sampleRate).toBeLessThan(SMALL_CALL_MS);
      }
    });
  }

  test('before anything has begun, nothing is left, not even when the capture is long', async () => {
    const out = scratchDir();
    const running = startCommand(['replay', long, '--out', out, '--speed', '1']);
    await until(() => (filesIn(out).length > 0 ? true : undefined), 'the folder for journals', running);
    running.child.kill('SIGINT');
    expect((await running.done).status).toBe(1);
    await expectWholeRecordings(out);
  });
});

describe('while a recording is encoded', () => {
  const caught = async (encoder: string, group = false): Promise<{ out: string; running: RunningCommand }> => {
    const out = scratchDir();
    const running = startCommand(['replay', long, '--out', out, '--json'], {
      env: { RECORD_CALL_MP3_ENCODER: encoder },
      group,
    });
    await until(() => partIn(out), 'a part file', running);
    return { out, running };
  };

  test('SIGTERM ends it with exit status 1, not when the encoder is done', async () => {
    const { out, running } = await caught('lamejs');
    running.child.kill('SIGTERM');
    const { status, stderr } = await running.done;
    await expectWholeRecordings(out);
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'record-call: interrupted\n' });
  });

  test('a second signal, from someone who does not want to wait, leaves nothing half-written under a final name', async () => {
    const { out, running } = await caught('lamejs');
    running.child.kill('SIGINT');
    // The second one must come after the first was taken: signals of one kind do not queue.
    await new Promise((resolve) => setTimeout(resolve, 50));
    running.child.kill('SIGINT');
    // No status: the second one met a process that was about to end by itself.
    expect([1, null]).toContain((await running.done).status);
    await expectWholeRecordings(out, (name) => !name.startsWith('.'));
  });

  // A terminal sends the signal to ffmpeg as well, which then ends in good order with a file that looks whole.
  test.skipIf(!hasProgram('ffmpeg'))(
    'Ctrl-C, which reaches ffmpeg too, never leaves a cut mp3 under its final name',
    async () => {
      const { out, running } = await caught('ffmpeg', true);
      await until(() => (ffmpegOf(running.pid) ? true : undefined), 'ffmpeg', running);
      process.kill(-running.pid, 'SIGINT');
      const { status, stderr } = await running.done;
      for (const path of await expectWholeRecordings(out)) {
        const { channels, sampleRate } = await listenTo(path);
        expect((channels[0].length * 1000) / sampleRate).toBe(LONG_MS);
      }
      expect(status).toBe(1);
      expectNoTrace(stderr);
    },
  );
});

/** Whether a process of the group is ffmpeg itself, not on its way to become it. */
const ffmpegOf = (group: number): boolean =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;
        return name === 'ffmpeg' && Number(rest.split(' ')[2]) === group;
      } catch {
        return false; // It ended while we looked.
      }
    });

describe('while a delivery waits for its next try', () => {
  const interrupted = async (out: string, ...more: string[]) => {
    const running = startCommand(['replay', capture, '--out', out, '--url', 'http://127.0.0.1:1/', ...more]);
    let said = '';
    running.child.stderr!.on('data', (text: string) => {
      said += text;
    });
    await until(() => (said.includes('next try') ? true : undefined), 'a failed try', running);
    running.child.kill('SIGINT');
    return running.done;
  };

  test('SIGINT ends it; the recording is kept, whole, and its document says where', async () => {
    const out = scratchDir();
    const { status, stdout, stderr } = await interrupted(out, '--json');
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^record-call: .*interrupted$/);
    const [path] = await expectWholeRecordings(out);
    expect(JSON.parse(stdout)).toMatchObject([
      { state: 'failed', path, manifest: `${path}.json`, delivery: { tries: 1 }, error: { code: 'INTERRUPTED' } },
    ]);
  });

  test('and so does the summary', async () => {
    const out = scratchDir();
    const { stdout } = await interrupted(out);
    const [path] = await expectWholeRecordings(out);
    expect(stdout).toContain(`recorded   ${path}\n`);
    expect(stdout).toMatch(/not delivered to 127\.0\.0\.1:1 after 1 try: interrupted before .*; the file is kept\n/);
  });
});

describe('a killed replay', () => {
  const killed = async (args: readonly string[], look: (out: string) => string | undefined): Promise<string> => {
    const out = scratchDir();
    const running = startCommand(['replay', ...args, '--out', out], { env: { RECORD_CALL_MP3_ENCODER: 'lamejs' } });
    await until(() => look(out), 'something to be left', running);
    running.child.kill('SIGKILL');
    await running.done;
    expect(look(out)).toBeDefined();
    return out;
  };

  for (const { name, args, look, left } of [
    {
      name: 'its journals',
      args: [capture, '--speed', '1'],
      look: journalIn,
      left: '1 journal of a recording, 0 parts of recordings',
    },
    {
      name: 'the parts of its files',
      args: () => [long],
      look: partIn,
      left: '1 journal of a recording, 1 part of a recording',
    },
  ]) {
    test(`leaves ${name}: the next one into that folder removes them, says so, and records`, async () => {
      const out = await killed(typeof args === 'function' ? args() : args, look);
      const { status, stderr } = await runCommand(['replay', capture, '--out', out]);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: `warning: removed what a killed replay had left in ${out}: ${left}\n`,
      });
      expect(await expectWholeRecordings(out)).toHaveLength(1);
    });
  }

  test('a running one into the same folder is left alone, also by several, and ends in good order', async () => {
    const out = scratchDir();
    const running = startCommand(['replay', capture, '--out', out, '--speed', '1', '--json']);
    const journal = await until(() => journalIn(out), 'a journal', running);
    const others = await Promise.all([1, 2].map(() => runCommand(['replay', capture, '--out', out])));
    for (const { status, stderr } of others) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(journalIn(out)).toBe(journal);
    const { status, stdout } = await running.done;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ state: 'stored', duration_ms: SMALL_CALL_MS }]);
    expect(await expectWholeRecordings(out)).toHaveLength(3);
  });
});

describe('whoever reads the output stops reading', () => {
  for (const stream of ['stdout', 'stderr'] as const) {
    test(`a closed ${stream} leaves no journal and no part file`, async () => {
      const out = scratchDir();
      // The code asks for a module that is not run, which is a warning; and there is a summary.
      const noisy = writeSmallCall(folder, 'noisy.pcap', {
        legs: {
          b: {
            typed: [
              { keys: '*5', atMs: 500 },
              { keys: '*6', atMs: 1500 },
            ],
          },
        },
      });
      const metaflows = join(folder, 'noisy.json');
      const start = { module: 'record_call', data: { action: 'start' } };
      writeFileSync(metaflows, JSON.stringify({ numbers: { 5: start, 6: { module: 'hangup' } } }));
      const { child, done } = startCommand(['replay', noisy, '--metaflows', metaflows, '--out', out]);
      child[stream]!.destroy();
      const other = stream === 'stdout' ? child.stderr! : child.stdout!;
      await Promise.race([once(other, 'end'), done]);
      await until(() => (child.exitCode === null ? undefined : true), 'the end');
      await expectWholeRecordings(out);
    });
  }
});
