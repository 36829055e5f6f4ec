import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { FfmpegProgram } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { probeFfmpeg } from '../../../src/finalize/ffmpeg/ffmpeg-program.ts';
import { FfmpegRun, pipeEnd } from '../../../src/finalize/ffmpeg/ffmpeg-run.ts';
import { hasFfmpeg, scratch } from '../encode/listening.ts';
import { DIES, described, FAILS, LINGERS, pretender, QUITS } from './pretenders.ts';

const place = scratch();
const failed = (says: string) =>
  expect.objectContaining({ code: 'FFMPEG_FAILED', message: expect.stringContaining(says) });

const start = (program: FfmpegProgram, clock?: Clock) => {
  const output = pipeEnd();
  output.on('error', () => {});
  const options = { program, inputOptions: [], outputOptions: [], output, ...(clock === undefined ? {} : { clock }) };
  return { output, run: new FfmpegRun(options) };
};

const feedForEver = async (run: FfmpegRun): Promise<never> => {
  for (;;) await run.write(Buffer.alloc(64 * 1024));
};

describe('a program that can not be started is FFMPEG_FAILED, and this process lives on', () => {
  for (const { name, make } of [
    { name: 'no file', make: () => described(place('nothing')) },
    {
      name: 'not executable',
      make: () => {
        const path = place('plain');
        writeFileSync(path, FAILS);
        return described(path);
      },
    },
    { name: 'no program', make: () => pretender(place('noise'), '\x7fELF nonsense') },
    { name: 'no interpreter', make: () => pretender(place('lost'), '#!/nowhere/sh\n') },
    { name: 'a path that no system takes', make: () => described('/tmp/a\0b') },
  ]) {
    test(name, async () => {
      const { run, output } = start(make());
      await expect(run.ended).rejects.toThrow(failed('ffmpeg failed'));
      expect(output.destroyed).toBe(true);
    });
  }
});

test('the last line of stderr is the reason', async () => {
  const { run } = start(pretender(place('fails'), FAILS));
  await expect(run.ended).rejects.toThrow(failed('ffmpeg failed: pipe:0: Invalid data found'));
});

test('killed half-way: whoever feeds it hears of it', async () => {
  const { run } = start(pretender(place('dies'), DIES));
  await expect(feedForEver(run)).rejects.toThrow(failed('SIGKILL'));
  await expect(run.ended).rejects.toThrow(failed('SIGKILL'));
});

test('ended early, and content: whoever feeds it hears of it', async () => {
  const { run } = start(pretender(place('quits'), QUITS));
  await expect(feedForEver(run)).rejects.toThrow(failed('ended before its input'));
});

test('an output that closes long before the exit is no error, as it is to fluent-ffmpeg', async () => {
  const { run, output } = start(pretender(place('lingers'), LINGERS));
  run.endInput();
  const parts: Buffer[] = [];
  for await (const part of output) parts.push(part);
  expect(Buffer.concat(parts).toString()).toBe('abcd');
  await run.ended;
});

test('kill ends it, before it has started and after, and again', async () => {
  const program = pretender(place('waits'), '#!/bin/sh\ncat >/dev/null\n');
  const early = start(program);
  early.run.kill();
  await expect(early.run.ended).rejects.toThrow(failed('SIGKILL'));
  const late = start(program);
  for (let i = 0; i < 10; i++) await late.run.write(Buffer.alloc(64 * 1024)); // It takes input, so it runs.
  late.run.kill();
  late.run.kill();
  await expect(late.run.ended).rejects.toThrow(failed('SIGKILL'));
  late.run.kill();
});

describe('a program that stalls', () => {
  /** Time passes when the test says so. */
  class HandClock implements Clock {
    #sleepers: { readonly delayMs: number; readonly wake: () => void }[] = [];

    now(): number {
      return 0;
    }

    sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        const sleeper = { delayMs, wake: resolve };
        this.#sleepers.push(sleeper);
        signal?.addEventListener('abort', () => {
          this.#sleepers = this.#sleepers.filter((each) => each !== sleeper);
          reject(signal.reason);
        });
      });
    }

    get waits(): number[] {
      return this.#sleepers.map(({ delayMs }) => delayMs);
    }

    async pass(): Promise<void> {
      for (const { wake } of this.#sleepers.splice(0)) wake();
      await new Promise(setImmediate);
    }
  }

  const stalled = failed('ffmpeg failed: it stalled: nothing went in or out for 60 s');
  const hasSettled = async (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
    ]);

  test('with input that it does not take is killed: whoever feeds it hears of it', async () => {
    const clock = new HandClock();
    const pidFile = place('pid');
    const { run } = start(pretender(place('takes-nothing'), `#!/bin/sh\necho $$ >${pidFile}\nexec sleep 600\n`), clock);
    const feeding = feedForEver(run);
    feeding.catch(() => {});
    await vi.waitFor(() => expect(readFileSync(pidFile, 'utf8')).toMatch(/\n/));
    await vi.waitFor(() => expect(clock.waits).toEqual([60_000]));
    expect(await hasSettled(feeding)).toBe(false);
    await clock.pass();
    await expect(feeding).rejects.toThrow(stalled);
    await expect(run.ended).rejects.toThrow(stalled);
    await vi.waitFor(() => expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow('ESRCH'));
  });

  test('after its input ended is killed', async () => {
    const clock = new HandClock();
    const { run } = start(pretender(place('never-ends'), '#!/bin/sh\ncat >/dev/null\nexec sleep 600\n'), clock);
    await run.write(Buffer.alloc(100));
    run.endInput();
    expect(clock.waits).toEqual([60_000]);
    await clock.pass();
    await expect(run.ended).rejects.toThrow(stalled);
  });

  test('is none while it gives something between two looks', async () => {
    const clock = new HandClock();
    const { run, output } = start(pretender(place('drips'), '#!/bin/sh\nwhile printf x; do sleep 0.02; done\n'), clock);
    run.endInput();
    for (let looks = 0; looks < 3; looks++) {
      await once(output, 'data');
      await clock.pass();
      await vi.waitFor(() => expect(clock.waits).toEqual([60_000]));
    }
    expect(await hasSettled(run.ended)).toBe(false);
    run.kill();
    await expect(run.ended).rejects.toThrow(failed('SIGKILL'));
    expect(clock.waits).toEqual([]);
  });

  test('is none while it is we who do not take what it gives', async () => {
    const clock = new HandClock();
    const { run, output } = start(pretender(place('pours'), '#!/bin/sh\nhead -c 1000000 /dev/zero\n'), clock);
    run.endInput();
    await vi.waitFor(() => expect(output.readableLength).toBeGreaterThan(0));
    for (let looks = 0; looks < 3; looks++) await clock.pass();
    let bytes = 0;
    for await (const part of output) bytes += part.length;
    await run.ended;
    expect(bytes).toBe(1_000_000);
  });

  test('nobody waits for it: idle is not stalled', async () => {
    const clock = new HandClock();
    const { run } = start(pretender(place('idle'), '#!/bin/sh\ncat >/dev/null\n'), clock);
    await run.write(Buffer.alloc(100));
    expect(clock.waits).toEqual([]);
    run.endInput();
    await run.ended;
    expect(clock.waits).toEqual([]);
  });
});

test('two programs at once are two programs', async () => {
  const one = start(pretender(place('one'), '#!/bin/sh\ncat >/dev/null\nprintf one\n'));
  const two = start(pretender(place('two'), '#!/bin/sh\ncat >/dev/null\nprintf two\n'));
  const said = await Promise.all(
    [one, two].map(async ({ run, output }) => {
      run.endInput();
      let text = '';
      for await (const part of output) text += String(part);
      await run.ended;
      return text;
    }),
  );
  expect(said).toEqual(['one', 'two']);
});

test('arguments arrive one by one, whatever is in them', async () => {
  const program = pretender(
    place('echo'),
    '#!/bin/sh\ncat >/dev/null\nfor word in "$@"; do printf "%s\\n" "$word"; done\n',
  );
  const output = pipeEnd();
  const run = new FfmpegRun({
    program,
    inputOptions: ['-f', 's16le'],
    outputOptions: ['-metadata', 'title=hello big world', '-metadata', 'comment=$(id); "quoted" \'too\''],
    output,
  });
  run.endInput();
  let text = '';
  for await (const part of output) text += String(part);
  await run.ended;
  const words = text.trim().split('\n');
  expect(words).toContain('title=hello big world');
  expect(words).toContain('comment=$(id); "quoted" \'too\'');
  expect(words.indexOf('-nostdin')).toBeLessThan(words.indexOf('-i'));
  expect(words[words.indexOf('-f') + 1]).toBe('s16le');
});

test.skipIf(!hasFfmpeg)('metadata with spaces reaches the file', async () => {
  const path = place('a title.mp3');
  const output = pipeEnd();
  const run = new FfmpegRun({
    program: await probeFfmpeg(),
    inputOptions: ['-f', 's16le', '-ar', '8000', '-ac', '1'],
    outputOptions: ['-metadata', 'title=hello big world', '-f', 'mp3'],
    output,
  });
  await run.write(Buffer.alloc(32_000));
  run.endInput();
  writeFileSync(path, await buffer(output));
  await run.ended;
  const title = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format_tags=title', '-of', 'csv=p=0', path]);
  expect(String(title).trim()).toBe('hello big world');
});
