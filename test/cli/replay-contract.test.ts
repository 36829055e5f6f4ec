/** What `record-call replay` leaves behind and says (design §6.1, §6.4): documents, files, modes, streams, exit status. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { replayCommand } from '../../src/cli/replay.ts';
import {
  type CommandResult,
  expectOneLine,
  filesIn,
  listenTo,
  modeOf,
  readManifest,
  runCommand,
  runReplay,
} from '../support/command.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { SMALL_CALL_MS, writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);

describe('a replay of one call', () => {
  const out = join(folder, 'deep', 'out');
  let result: CommandResult;
  let document: RecordingDocument;
  beforeAll(async () => {
    const run = await runReplay([capture, '--out', out, '--mask', '1-2']);
    expect(run.documents).toHaveLength(1);
    result = run;
    document = run.documents[0];
  });

  const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isInteger(value) && value >= 0;
  for (const { field, holds } of [
    { field: 'id', holds: (value: unknown) => /^202601-[0-9a-f]{32}$/.test(String(value)) },
    { field: 'call_id', holds: (value: unknown) => value === 'scenario-1@192.0.2.11' },
    { field: 'media_name', holds: (value: unknown) => /^[0-9a-f]{32}\.mp3$/.test(String(value)) },
    { field: 'path', holds: (value: unknown) => value === join(out, document.media_name) },
    { field: 'manifest', holds: (value: unknown) => value === join(out, `${document.media_name}.json`) },
    { field: 'format', holds: (value: unknown) => value === 'mp3' },
    { field: 'sample_rate', holds: (value: unknown) => value === 8000 },
    { field: 'channels', holds: (value: unknown) => value === 2 },
    { field: 'duration_ms', holds: (value: unknown) => value === SMALL_CALL_MS },
    { field: 'state', holds: (value: unknown) => value === 'stored' },
    { field: 'sha256', holds: (value: unknown) => /^[0-9a-f]{64}$/.test(String(value)) },
    { field: 'started_at', holds: (value: unknown) => new Date(String(value)).toISOString() === value },
    { field: 'from', holds: (value: unknown) => value === 'alice@example.com' },
    { field: 'to', holds: (value: unknown) => value === 'bob@example.com' },
    { field: 'delivery', holds: (value: unknown) => value === null },
    { field: 'error', holds: (value: unknown) => value === null },
  ] as const) {
    test(`the document's ${field} is there and right`, () => {
      expect(document).toHaveProperty(field);
      expect(holds(document[field]), JSON.stringify(document[field])).toBe(true);
    });
  }

  test('the document lists its masks by start, end and mode', () => {
    expect(document.masks).toHaveLength(1);
    const [mask] = document.masks;
    expect(mask).toEqual({ start_ms: expect.anything(), end_ms: expect.anything(), mode: 'silence' });
    expect(isNumber(mask.start_ms) && isNumber(mask.end_ms)).toBe(true);
  });

  test('the artefact is the one that document and manifest describe', async () => {
    const bytes = readFileSync(document.path!);
    const { artefact, recording } = readManifest(document);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(document.sha256);
    expect(artefact).toMatchObject({ sha256: document.sha256, bytes: bytes.length, duration_ms: SMALL_CALL_MS });
    expect(recording).toMatchObject({ id: document.id, call_id: document.call_id, media_name: document.media_name });
    const { channels, format } = await listenTo(document.path!);
    expect(format).toBe('mp3');
    expect(channels).toHaveLength(2);
    expect(channels[0]).toHaveLength(artefact.samples);
  });

  test('nothing but the artefact and its manifest is in the folder', () => {
    expect(filesIn(out)).toEqual([document.media_name, `${document.media_name}.json`]);
  });

  test('the folder and what was made above it are 0700, the files 0600', () => {
    expect([dirname(out), out].map(modeOf)).toEqual(['700', '700']);
    expect([document.path!, document.manifest!].map(modeOf)).toEqual(['600', '600']);
  });

  test('standard output holds the JSON alone, standard error nothing: no progress in a pipe', () => {
    expect(result.stderr).toBe('');
    expect(result.stdout).toMatch(/^\[\n[\s\S]*\n\]\n$/);
  });
});

describe('without --json', () => {
  test('it says in a few lines what was recorded, without control characters', async () => {
    const out = scratchDir();
    const { status, stdout, stderr } = await runCommand(['replay', capture, '--out', out, '--mask', '1-2']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [name] = filesIn(out);
    expect(stdout.split('\n').length).toBeLessThanOrEqual(4);
    expect(stdout).toContain(join(out, name));
    expect(stdout).toMatch(/masked 00:01\.0–00:02\.0 \(silence\)/);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('the folder', () => {
  test('keeps its mode and its other files when it was there before', async () => {
    const out = scratchDir();
    chmodSync(out, 0o755);
    writeFileSync(join(out, 'other.txt'), 'mine');
    mkdirSync(join(out, 'sub'));
    const { documents } = await runReplay([capture, '--out', out]);
    const name = documents[0].media_name;
    expect(filesIn(out)).toEqual([name, `${name}.json`, 'other.txt', 'sub/'].sort());
    expect(readFileSync(join(out, 'other.txt'), 'utf8')).toBe('mine');
    expect(modeOf(out)).toBe('755');
    expect(modeOf(documents[0].path!)).toBe('600');
  });

  test('is ./recordings below the current folder when none is named', async () => {
    const cwd = scratchDir();
    const { documents } = await runReplay([capture], { cwd });
    expect(documents[0].path).toBe(join('recordings', documents[0].media_name));
    expect(filesIn(cwd)).toHaveLength(3);
    expect(modeOf(join(cwd, 'recordings'))).toBe('700');
  });

  test('an older recording of the same name, and its manifest, are replaced as a pair', async () => {
    const out = scratchDir();
    writeFileSync(join(out, 'call.wav'), 'old', { mode: 0o644 });
    writeFileSync(join(out, 'call.wav.json'), 'old', { mode: 0o644 });
    const { documents } = await runReplay([
      capture,
      '--out',
      out,
      '--data',
      '{"format":"wav","media_name":"call.wav"}',
    ]);
    expect(filesIn(out)).toEqual(['call.wav', 'call.wav.json']);
    expect(readManifest(documents[0]).artefact.sha256).toBe(documents[0].sha256);
    expect([documents[0].path!, documents[0].manifest!].map(modeOf)).toEqual(['600', '600']);
  });
});

describe('a recording that fails', () => {
  const inTheWay = async (name: string) => {
    const out = scratchDir();
    mkdirSync(join(out, name));
    const run = await runReplay([capture, '--out', out, '--data', '{"format":"wav","media_name":"call.wav"}'], {
      status: 1,
    });
    return { out, ...run };
  };

  test('is in its document, with exit status 1 and one line that says why', async () => {
    const { documents, stderr } = await inTheWay('call.wav');
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatchObject({ state: 'failed', path: null, manifest: null, sha256: null });
    expect(documents[0].error).toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
      message: expect.stringContaining('call.wav'),
    });
    expectOneLine(stderr);
  });

  for (const { name, holds } of [
    { name: 'call.wav', holds: test },
    { name: 'call.wav.json', holds: test },
  ]) {
    holds(`leaves nothing behind when a folder called ${name} is in its way`, async () => {
      const { out, documents } = await inTheWay(name);
      expect(documents[0].path).toBeNull();
      expect(filesIn(out)).toEqual([`${name}/`]);
    });
  }
});

describe('exit status', () => {
  for (const { name, args, status } of [
    { name: '0 when all is recorded', args: [capture], status: 0 },
    {
      name: '0 when a recording is discarded, as asked',
      args: [capture, '--data', '{"record_min_sec":60}'],
      status: 0,
    },
    { name: '1 when the folder cannot be made', args: [capture, '--out', capture], status: 1 },
    { name: '2 for wrong usage', args: [capture, '--speed', '0'], status: 2 },
    { name: '2 for input that cannot be read', args: [join(folder, 'none.pcap')], status: 2 },
    { name: '3 when there is nothing to record', args: [join(folder, 'header.pcap')], status: 3 },
  ]) {
    test(name, async () => {
      writeFileSync(join(folder, 'header.pcap'), readFileSync(capture).subarray(0, 24));
      const out = scratchDir();
      const result = await runCommand(['replay', '--out', out, ...args]);
      expect(result.status).toBe(status);
      if (status === 1 || status === 2) expectOneLine(result.stderr);
      expect(filesIn(out)).toHaveLength(args.length === 1 && status === 0 ? 2 : 0);
    });
  }

  test('3 comes with an empty array, so that who reads the JSON need not look at the status', async () => {
    writeFileSync(join(folder, 'header.pcap'), readFileSync(capture).subarray(0, 24));
    const { documents, stderr } = await runReplay([join(folder, 'header.pcap'), '--out', scratchDir()], { status: 3 });
    expect(documents).toEqual([]);
    expectOneLine(stderr);
  });
});

describe('progress', () => {
  const run = async (isTTY: boolean): Promise<string> => {
    let stderr = '';
    const io = {
      stdout: { write: () => true },
      stderr: { write: (text: string) => (stderr += text), isTTY, columns: 60 },
      env: {},
      signal: new AbortController().signal,
    };
    expect(await replayCommand([capture, '--out', scratchDir()], io)).toBe(0);
    return stderr;
  };

  test('is drawn on a terminal, in one line that is taken away at the end', async () => {
    const shown = await run(true);
    expect(shown).toMatch(/\r[█░]+ +\d+ % {2}(surveying|recording) call\.pcap/);
    expect(shown).not.toContain('\n');
    expect(shown).toMatch(/\r *\r$/);
  });

  test('is not drawn anywhere else', async () => {
    expect(await run(false)).toBe('');
  });
});
