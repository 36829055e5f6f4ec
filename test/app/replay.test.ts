/** The replay with its clock, its sockets and its signal in a test's hands: pace, retries, what listeners are told, an abort at any point. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { RecordingDocument } from '../../src/app/recording-document.ts';
import { type ReplayOptions, replay } from '../../src/app/replay.ts';
import { parseMetaflows } from '../../src/control/metaflow-document.ts';
import type { Clock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { PUBLIC_ONLY } from '../../src/deliver/allow-list.ts';
import { answer, ScriptedTarget, type Step } from '../deliver/scripted-target.ts';
import { callDatagrams, DEFAULT_START_US } from '../support/call-scenario.ts';
import { expectVerified, filesIn } from '../support/command.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { SMALL_CALL_MS, smallCall, writeSmallCall } from '../support/small-call.ts';

const folder = sharedScratchDir();
const capture = writeSmallCall(folder);
const FRAME_MS = 20;

/** Time passes only while somebody sleeps. */
class SleepingClock implements Clock {
  readonly slept: number[] = [];
  #nowUs = 1e15;
  readonly #onSleep: (count: number) => void;

  constructor(onSleep: (count: number) => void = () => {}) {
    this.#onSleep = onSleep;
  }

  now(): number {
    return this.#nowUs;
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    this.slept.push(delayMs);
    this.#onSleep(this.slept.length);
    signal?.throwIfAborted();
    this.#nowUs += delayMs * 1000;
  }

  get totalMs(): number {
    return this.slept.reduce((sum, each) => sum + each, 0);
  }
}

const replayed = (change: Partial<ReplayOptions> & { readonly clock: Clock }) => {
  const directory = join(scratchDir(), 'out');
  const result = replay({
    captures: [capture],
    metaflows: undefined,
    holder: undefined,
    fields: { format: 'wav' },
    masks: [],
    redactTones: false,
    directory,
    url: undefined,
    allow: PUBLIC_ONLY,
    speed: Number.POSITIVE_INFINITY,
    encoder: 'lamejs',
    random: () => 0,
    ...change,
  });
  return { directory, result };
};

/** Read in several pieces. */
const longCapture = (): string => writeSmallCall(folder, 'long.pcap', { durationMs: 60_000 });

const scripted = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  onTestFinished(() => target.close());
  return target;
};

describe('speed', () => {
  for (const speed of [1, 2, 20]) {
    test(`${speed}: waits as long as the call has lasted, divided by it, and never for nothing`, async () => {
      const clock = new SleepingClock();
      const { result } = replayed({ clock, speed });
      const { recordings } = await result;
      expect(recordings[0].duration_ms).toBe(SMALL_CALL_MS);
      const wholeMs = (SMALL_CALL_MS - FRAME_MS) / speed;
      expect(Math.abs(clock.totalMs - wholeMs)).toBeLessThanOrEqual(1 + FRAME_MS / speed);
      expect(Math.min(...clock.slept)).toBeGreaterThan(0);
    });
  }

  test('as fast as it goes: never waits', async () => {
    const clock = new SleepingClock();
    const { result } = replayed({ clock });
    await result;
    expect(clock.slept).toEqual([]);
  });

  test('it changes nothing of what is recorded', async () => {
    const masks = [{ startMs: 1000, endMs: 2000 }];
    const results = await Promise.all(
      [1, Number.POSITIVE_INFINITY].map((speed) => replayed({ clock: new SleepingClock(), speed, masks }).result),
    );
    const [slow, fast] = results.map(({ recordings }) => recordings[0]);
    expect({ duration: slow.duration_ms, masks: slow.masks, sha256: slow.sha256 }).toEqual({
      duration: fast.duration_ms,
      masks: fast.masks,
      sha256: fast.sha256,
    });
  });
});

describe('codes run on the capture’s clock, not on the machine’s', () => {
  const typed = writeSmallCall(folder, 'typed.pcap', {
    legs: { b: { typed: [{ keys: '*7', atMs: 500, heldMs: 60, gapMs: 60 }] } },
  });
  const start = { module: 'record_call', data: { action: 'start', format: 'wav' } };

  for (const { name, numbers, timeout, expectedMs } of [
    {
      name: 'a code that can become a longer one waits for its timeout',
      numbers: { 7: start, 71: start },
      timeout: 1500,
      expectedMs: 620 + 1500,
    },
    {
      name: 'and for Kazoo’s 800 ms when none is written',
      numbers: { 7: start, 71: start },
      timeout: undefined,
      expectedMs: 620 + 800,
    },
    { name: 'a code that can not acts at once', numbers: { 7: start }, timeout: 1500, expectedMs: 620 },
  ]) {
    test(name, async () => {
      const metaflows = parseMetaflows({ numbers, ...(timeout === undefined ? {} : { digit_timeout: timeout }) });
      const { recordings } = await replayed({ clock: new SleepingClock(), captures: [typed], metaflows, fields: {} })
        .result;
      expect(recordings).toHaveLength(1);
      const startMs = Date.parse(recordings[0].started_at) - DEFAULT_START_US / 1000;
      expect(Math.abs(startMs - expectedMs)).toBeLessThanOrEqual(FRAME_MS);
    });
  }

  test('a module of Kazoo’s that a recorder does not run is a warning, without its digits', async () => {
    const warnings: string[] = [];
    const metaflows = parseMetaflows({ numbers: { 7: { module: 'hangup' } } });
    const { recordings, nothing } = await replayed({
      clock: new SleepingClock(),
      captures: [typed],
      metaflows,
      listener: { onWarning: (message) => warnings.push(message) },
    }).result;
    expect(recordings).toEqual([]);
    expect(nothing).toBe('typed.pcap: no code in it started a recording');
    expect(warnings).toEqual(['a code asked for the metaflow module hangup, which a recorder does not run']);
  });
});

describe('delivery', () => {
  for (const { name, random, waits } of [
    { name: 'no luck', random: 0, waits: [500, 1000, 2000, 4000] },
    { name: 'all luck', random: 0.999_999, waits: [1000, 2000, 4000, 8000] },
  ]) {
    test(`a target that is always busy is tried five times, longer apart each time (${name}); the file is kept`, async () => {
      const target = await scripted(answer(503));
      const clock = new SleepingClock();
      const tries: number[] = [];
      const { directory, result } = replayed({
        clock,
        url: target.url,
        random: () => random,
        listener: { onTry: (_id, report) => tries.push(report.tries) },
      });
      const { recordings } = await result;
      expect(clock.slept).toEqual(waits);
      expect(tries).toEqual([1, 2, 3, 4, 5]);
      expect(target.seen).toHaveLength(5);
      const [document] = recordings;
      expect(document).toMatchObject({
        state: 'failed',
        delivery: { tries: 5, status: 503 },
        error: { code: 'TARGET_BUSY' },
      });
      expect(filesIn(directory)).toEqual([document.media_name, `${document.media_name}.json`]);
    });
  }

  test('Retry-After is honoured', async () => {
    const target = await scripted(answer(429, { 'Retry-After': '7' }), answer(200));
    const clock = new SleepingClock();
    const { recordings } = await replayed({ clock, url: target.url }).result;
    expect(clock.slept).toEqual([7000]);
    expect(recordings[0]).toMatchObject({ state: 'delivered', delivery: { tries: 2, status: 200 } });
  });

  test('an answer that comes before the body was taken is no success', async () => {
    const early: Step = (_request, response) => void response.writeHead(200, { Connection: 'close' }).end();
    const target = await scripted(early, answer(200));
    const clock = new SleepingClock();
    const { recordings } = await replayed({
      clock,
      url: target.url,
      fields: { format: 'wav', record_sample_rate: 48_000 },
    }).result;
    expect(recordings[0]).toMatchObject({ state: 'delivered', delivery: { tries: 2 } });
    expect(target.seen).toHaveLength(1);
  });

  test('nobody listens: five tries, then failed', async () => {
    const target = await ScriptedTarget.start(answer(200));
    const { url } = target;
    await target.close();
    const { recordings } = await replayed({ clock: new SleepingClock(), url }).result;
    expect(recordings[0]).toMatchObject({
      state: 'failed',
      delivery: { tries: 5, status: null },
      error: { code: 'TARGET_UNREACHABLE' },
    });
  });

  test('a discarded recording is delivered nowhere', async () => {
    const target = await scripted(answer(200));
    const { recordings } = await replayed({
      clock: new SleepingClock(),
      url: target.url,
      fields: { record_min_sec: 60 },
    }).result;
    expect(recordings[0]).toMatchObject({ state: 'discarded', delivery: null });
    expect(target.seen).toEqual([]);
  });
});

describe('several captures, of which some can not be read or hold nothing', () => {
  const bad = join(folder, 'notes.txt');
  writeFileSync(bad, 'these are notes\n');
  const missing = join(folder, 'missing.pcap');
  const empty = join(folder, 'header.pcap');
  writeFileSync(empty, readFileSync(capture).subarray(0, 24));

  const outcome = async (captures: readonly string[]) => {
    const warnings: string[] = [];
    const { directory, result } = replayed({
      clock: new SleepingClock(),
      captures,
      listener: { onWarning: (message) => warnings.push(message) },
    });
    const { recordings, failures, nothing } = await result;
    return {
      directory,
      warnings,
      recordings,
      failures: failures.map((each) => [each.capture, each.error.code]),
      nothing,
    };
  };

  for (const { name, captures, recorded, failed, warned } of [
    { name: 'the first', captures: [bad, capture], recorded: 1, failed: [[bad, 'CAPTURE_UNREADABLE']], warned: [] },
    { name: 'the last', captures: [capture, missing], recorded: 1, failed: [[missing, 'INPUT_MISSING']], warned: [] },
    {
      name: 'two among three',
      captures: [missing, capture, bad, capture],
      recorded: 2,
      failed: [
        [missing, 'INPUT_MISSING'],
        [bad, 'CAPTURE_UNREADABLE'],
      ],
      warned: [],
    },
    {
      name: 'one that holds nothing beside one that does is a warning',
      captures: [empty, capture],
      recorded: 1,
      failed: [],
      warned: ['nothing to record: header.pcap: no whole packet in it'],
    },
    {
      name: 'one that holds nothing beside one that can’t be read',
      captures: [empty, bad],
      recorded: 0,
      failed: [[bad, 'CAPTURE_UNREADABLE']],
      warned: ['nothing to record: header.pcap: no whole packet in it'],
    },
  ]) {
    test(name, async () => {
      const found = await outcome(captures);
      expect(found).toMatchObject({ failures: failed, warnings: warned, nothing: undefined });
      expect(found.recordings.map(({ state }) => state)).toEqual(Array(recorded).fill('stored'));
      expect(filesIn(found.directory)).toHaveLength(2 * recorded);
    });
  }

  test('nothing in any of them: that is the answer, and no warning', async () => {
    expect(await outcome([empty, empty])).toMatchObject({
      recordings: [],
      failures: [],
      warnings: [],
      nothing: 'header.pcap: no whole packet in it; header.pcap: no whole packet in it',
    });
  });

  test('one that has changed between both passes', async () => {
    const going = longCapture();
    const { directory, result } = replayed({
      clock: new SleepingClock(),
      captures: [capture, going, capture],
      listener: { onPlan: (path) => path === going && writeFileSync(going, 'these are notes\n') },
    });
    const { recordings, failures } = await result;
    expect(failures.map((each) => each.capture)).toEqual([going]);
    expect(recordings).toHaveLength(2);
    for (const { path } of recordings) await expectVerified(path!);
    expect(filesIn(directory)).toHaveLength(4);
  });

  test('one that fails in the middle of a call: half a call is no result, what was recorded before and after is', async () => {
    const going = longCapture();
    let readings = 0;
    const { directory, result } = replayed({
      clock: new SleepingClock(),
      captures: [capture, going, capture],
      listener: {
        onReading: (path, pass) => {
          if (path === going && pass === 2 && ++readings === 3)
            throw new AppError('INPUT_MISSING', `${going}: the file cannot be read (EIO)`);
        },
      },
    });
    const { recordings, failures } = await result;
    expect(failures).toMatchObject([{ capture: going, error: { code: 'INPUT_MISSING' } }]);
    expect(recordings.map(({ duration_ms }) => duration_ms)).toEqual([SMALL_CALL_MS, SMALL_CALL_MS]);
    for (const { path } of recordings) await expectVerified(path!);
    expect(filesIn(directory)).toHaveLength(4);
  });
});

describe('masks by position that lie outside', () => {
  test('are warned of once the length is known', async () => {
    const warnings: string[] = [];
    await replayed({
      clock: new SleepingClock(),
      masks: [
        { startMs: 90_000, endMs: 95_000 },
        { startMs: 1000, endMs: 2000 },
        { startMs: 3000, endMs: 9000 },
      ],
      listener: { onWarning: (message) => warnings.push(message) },
    }).result;
    expect(warnings).toEqual([
      '--mask 90-95: the recording is 4.0 s long: nothing masked there',
      '--mask 3-9: the recording is 4.0 s long: masked to the end',
    ]);
  });
});

describe('listeners are told', () => {
  test('how far both passes and the encoder are, the plan before the recording, each recording once', async () => {
    const told: string[] = [];
    const shares = { 1: [] as number[], 2: [] as number[], encode: [] as number[] };
    const { result } = replayed({
      clock: new SleepingClock(),
      listener: {
        onReading: (_capture, pass, bytes, total) => {
          shares[pass].push(bytes / total);
          told.push(`pass ${pass}`);
        },
        onPlan: (path, plan) => told.push(`plan ${path === capture} ${plan.calls.length}`),
        onFinalizing: (_id, share) => shares.encode.push(share),
        onRecording: ({ id }) => told.push(`recording ${id}`),
      },
    });
    const { recordings } = await result;
    expect(told.filter((each, index) => told[index - 1] !== each)).toEqual([
      'pass 1',
      'plan true 1',
      'pass 2',
      `recording ${recordings[0].id}`,
    ]);
    for (const each of [shares[1], shares[2]]) {
      expect(each.at(-1)).toBe(1);
      expect(each).toEqual([...each].sort((one, other) => one - other));
    }
    for (const share of shares.encode) expect(share >= 0 && share <= 1).toBe(true);
  });
});

describe('an abort', () => {
  const reason = new Error('enough');

  const expectAborted = async (begin: (signal: AbortSignal, abort: () => void) => ReturnType<typeof replayed>) => {
    const controller = new AbortController();
    const { directory, result } = begin(controller.signal, () => controller.abort(reason));
    await expect(result).rejects.toBe(reason);
    const hidden = filesIn(directory).filter((name) => name.startsWith('.'));
    expect(hidden).toEqual([]);
    return filesIn(directory);
  };

  test('before it begins: nothing is made', async () => {
    const left = await expectAborted((_signal, abort) => {
      abort();
      return replayed({ clock: new SleepingClock(), signal: AbortSignal.abort(reason) });
    });
    expect(left).toEqual([]);
  });

  for (const count of [1, 2, 50, 190]) {
    test(`in the middle of the call, at wait ${count}: rejects with the signal's reason, and no journal or part is left`, async () => {
      await expectAborted((signal, abort) => {
        const clock = new SleepingClock((sleeps) => sleeps === count && abort());
        return replayed({ clock, speed: 1, signal });
      });
    });
  }

  test('in the first pass over a long capture: at once', async () => {
    const told: number[] = [];
    const left = await expectAborted((signal, abort) => {
      const listener = {
        onReading: (_capture: string, pass: 1 | 2, bytes: number, total: number) => {
          expect(pass).toBe(1);
          told.push(bytes / total);
          abort();
        },
      };
      return replayed({ clock: new SleepingClock(), captures: [longCapture()], signal, listener });
    });
    expect(left).toEqual([]);
    expect(told).toHaveLength(1);
    expect(told[0]).toBeLessThan(0.5);
  });

  test('between two tries of a delivery: the recording stays, whole, and its document says where and why it was not delivered', async () => {
    const target = await scripted(answer(503));
    const documents: RecordingDocument[] = [];
    let place = '';
    const left = await expectAborted((signal, abort) => {
      const clock = new SleepingClock(() => abort());
      const listener = { onRecording: (document: RecordingDocument) => documents.push(document) };
      const run = replayed({ clock, url: target.url, signal, listener });
      place = run.directory;
      return run;
    });
    expect(left).toHaveLength(2);
    expect(target.seen).toHaveLength(1);
    expect(documents).toHaveLength(1);
    expect(documents[0]).toMatchObject({
      state: 'failed',
      path: join(place, left[0]),
      manifest: join(place, left[1]),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      delivery: { tries: 1, status: 503, host: `127.0.0.1:${target.port}` },
      error: { code: 'INTERRUPTED', message: 'interrupted before the target had taken it' },
    });
  });

  test('in the middle of a try: the same, and nothing was answered', async () => {
    const controller = new AbortController();
    const target = await scripted(() => controller.abort(reason));
    const documents: RecordingDocument[] = [];
    await expectAborted(() =>
      replayed({
        clock: new SleepingClock(),
        url: target.url,
        signal: controller.signal,
        listener: { onRecording: (document) => documents.push(document) },
      }),
    );
    expect(documents).toMatchObject([
      {
        state: 'failed',
        path: expect.any(String),
        delivery: { tries: 0, status: null },
        error: { code: 'INTERRUPTED' },
      },
    ]);
  });

  test('with several calls in the air', async () => {
    const many = join(folder, 'many.pcap');
    const datagrams = Array.from({ length: 5 }, (_, index) =>
      callDatagrams(
        smallCall({ sip: false, legs: { a: { stream: { ssrc: 10 + index } }, b: { stream: { ssrc: 20 + index } } } }),
      ).map((each) => ({
        ...each,
        sourcePort: each.sourcePort + 2 * index,
        targetPort: each.targetPort + 2 * index,
      })),
    ).flat();
    datagrams.sort((one, other) => one.atUs - other.atUs);
    writeFileSync(many, pcapFile(datagrams.map((each) => ({ atUs: each.atUs, data: udpPacket(each) }))));
    await expectAborted((signal, abort) => {
      const clock = new SleepingClock((sleeps) => sleeps === 100 && abort());
      return replayed({ clock, captures: [many], speed: 1, signal });
    });
  });
});
