/** What is in memory stays there: no dump, no snapshot, no debugger. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coreDumpWarning, preventCoreDumps, revealingOptions, revealingWarning } from '../../src/app/memory-hygiene.ts';
import { runCommand } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { HAS_SQLITE } from '../support/has-sqlite.ts';
import { eventually } from '../support/live-api.ts';
import { startLiveProgram } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

const LIMITS = (soft: string, hard: string): string =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax core file size        ${soft}                    ${hard}            bytes     \n`;

const machine = (limits: string, limit: () => Promise<unknown> = async () => {}, folder = scratchDir()) => {
  const files = { filter: join(folder, 'filter'), limits: join(folder, 'limits'), limit };
  writeFileSync(files.filter, '00000033\n');
  writeFileSync(files.limits, limits);
  return files;
};

describe('core dumps', () => {
  for (const { name, limits, limited } of [
    { name: 'both limits are 0', limits: LIMITS('0', '0'), limited: true },
    { name: 'the hard limit would let it be raised again', limits: LIMITS('0', 'unlimited'), limited: false },
    { name: 'there is no limit', limits: LIMITS('unlimited', 'unlimited'), limited: false },
    { name: 'the file says nothing of it', limits: '', limited: false },
  ])
    test(`what is told is what is read back: ${name}`, async () => {
      expect(await preventCoreDumps(machine(limits))).toEqual({ limited, filtered: true });
    });

  test('without the program, and without the files of Linux, it is told and nothing fails', async () => {
    const missing = async (): Promise<never> => {
      throw new Error('ENOENT');
    };
    const dumps = await preventCoreDumps(machine(LIMITS('unlimited', 'unlimited'), missing));
    expect(dumps).toEqual({ limited: false, filtered: true });
    expect(coreDumpWarning(dumps)).toContain('would hold no memory');
    const nowhere = { filter: '/nonexistent/filter', limits: '/nonexistent/limits', limit: missing };
    const none = await preventCoreDumps(nowhere);
    expect(none).toEqual({ limited: false, filtered: false });
    expect(coreDumpWarning(none)).toContain('ulimit -c 0');
    expect(coreDumpWarning({ limited: true, filtered: false })).toContain('core_pattern');
    expect(coreDumpWarning({ limited: true, filtered: true })).toBeUndefined();
  });
});

describe('options of Node.js that reveal memory', () => {
  for (const word of [
    '--heapsnapshot-near-heap-limit=3',
    '--heapsnapshot_near_heap_limit=3',
    '--heapsnapshot-signal=SIGUSR2',
    '--heap-prof',
    '--report-on-fatalerror',
    '--report-on-signal',
    '--report-uncaught-exception',
    '--abort-on-uncaught-exception',
    '--inspect',
    '--inspect=0.0.0.0:9229',
    '--inspect-brk',
    '"--inspect-wait"',
  ])
    test(`${word} is one, in NODE_OPTIONS and on the command line`, () => {
      expect(revealingOptions([], `--max-old-space-size=512  ${word}`)).toHaveLength(1);
      expect(revealingOptions([word], '')).toHaveLength(1);
      expect(revealingWarning(revealingOptions([], word))).toContain('NODE_OPTIONS');
    });

  test('others are none', () => {
    expect(
      revealingOptions(['--import', 'tsx'], '--max-old-space-size=512 --enable-source-maps --no-warnings'),
    ).toEqual([]);
    expect(revealingWarning([])).toBeUndefined();
  });
});

const NODE_OPTIONS = '--heapsnapshot-signal=SIGUSR2';

test.skipIf(!HAS_SQLITE)('serve does not start with such an option, and says why in one line', async () => {
  const env = { NODE_OPTIONS, RECORD_CALL_DATA_DIR: join(scratchDir(), 'data'), RECORD_CALL_HTTP_PORT: '0' };
  const { status, stderr } = await runCommand(['serve'], { env });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^record-call: CONFIG_INVALID: .*--heapsnapshot-signal, which can write or show memory.*\n$/);
});

test('doctor tells of them', async () => {
  const findings = JSON.parse((await runCommand(['doctor', '--json'], { env: { NODE_OPTIONS } })).stdout);
  expect(findings).toContainEqual(
    expect.objectContaining({
      topic: 'memory',
      state: 'lack',
      detail: expect.stringContaining('--heapsnapshot-signal'),
    }),
  );
});

test.skipIf(process.platform !== 'linux' || !hasProgram('prlimit') || !HAS_SQLITE)(
  'the service has its core dumps off, and no debugger comes in by a signal',
  async () => {
    const service = await startLiveProgram(join(scratchDir(), 'data'));
    try {
      const limits = readFileSync(`/proc/${service.pid}/limits`, 'utf8');
      expect(limits).toMatch(/^Max core file size\s+0\s+0\s/m);
      expect(readFileSync(`/proc/${service.pid}/coredump_filter`, 'utf8')).toMatch(/^0+\n$/);
      let said = '';
      service.child.stderr!.on('data', (text: string) => {
        said += text;
      });
      process.kill(service.pid, 'SIGUSR1');
      await eventually(() => said.includes('SIGUSR1 is ignored') || undefined, 'the signal to be told of');
      expect(said).not.toContain('Debugger listening');
    } finally {
      const { status, stderr } = await service.end('SIGTERM');
      expect(status).toBe(0);
      expect(stderr).not.toContain('Debugger listening');
    }
  },
);

test.skipIf(process.platform !== 'linux' || !hasProgram('prlimit'))(
  'doctor finds that core dumps can be turned off here',
  async () => {
    const findings = JSON.parse((await runCommand(['doctor', '--json'])).stdout);
    expect(findings).toContainEqual(expect.objectContaining({ topic: 'memory', state: 'ok' }));
  },
);
