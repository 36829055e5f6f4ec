/** Slow jobs in threads of their own: what comes back of them, and what becomes of one that dies or is ended. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runInThread } from '../../../src/app/recordings/background.ts';
import type { BackgroundJob } from '../../../src/app/recordings/background-job.ts';
import { WavEncoder } from '../../../src/finalize/encode/wav-encoder.ts';
import { callCapture } from '../../support/call-scenario.ts';
import { scratchDir } from '../../support/scratch.ts';
import { smallCall } from '../../support/small-call.ts';
import { tone } from '../../support/tones.ts';
import { filesBelow } from './shelf-kit.ts';

const JOB: BackgroundJob = { kind: 'peaks', artefact: '/nowhere.wav', id: 'x', samples: 1 };

/** A thread that does what the test says instead. */
const thread = (code: string) => {
  const path = join(scratchDir(), 'thread.mjs');
  writeFileSync(path, `import { parentPort, workerData } from 'node:worker_threads';\n${code}`);
  return runInThread(pathToFileURL(path));
};

const run = (code: string, signal = new AbortController().signal, onProgress: (share: number) => void = () => {}) =>
  thread(code)(JOB, { onProgress, signal });

describe('a thread', () => {
  test('is given its job, and tells how far it is and what came of it', async () => {
    const shares: number[] = [];
    const result = await run(
      `parentPort.postMessage({ kind: 'progress', share: 0.5 });
       parentPort.postMessage({ kind: 'done', result: { recordings: [workerData.artefact], warnings: [] } });`,
      undefined,
      (share) => shares.push(share),
    );
    expect([result.recordings, shares]).toEqual([['/nowhere.wav'], [0.5]]);
  });

  for (const { name, code, fails } of [
    {
      name: 'that fails says why',
      code: `parentPort.postMessage({ kind: 'failed', code: 'CAPTURE_UNREADABLE', message: 'no' });`,
      fails: { code: 'CAPTURE_UNREADABLE', message: 'no' },
    },
    { name: 'that throws is a defect', code: `throw new Error('oops');`, fails: { code: 'INTERNAL' } },
    { name: 'that ends without a word is a defect', code: 'process.exit(3);', fails: { code: 'INTERNAL' } },
    {
      name: 'that uses up its memory ends alone',
      code: 'const all = []; for (;;) all.push(new Array(1e6).fill(all.length));',
      fails: { code: 'INTERNAL' },
    },
  ])
    test(name, async () => expect(run(code)).rejects.toThrow(expect.objectContaining(fails)));

  test('is ended when nobody wants it any more, before anybody is told', async () => {
    const path = join(scratchDir(), 'beat');
    const ended = new AbortController();
    let isBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      isBegun = resolve;
    });
    const running = run(
      `import { appendFileSync } from 'node:fs';
       parentPort.postMessage({ kind: 'progress', share: 0 });
       setInterval(() => appendFileSync(${JSON.stringify(path)}, '.'), 1);`,
      ended.signal,
      () => isBegun(),
    );
    await begun;
    ended.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    const beats = existsSync(path) ? readFileSync(path, 'utf8').length : 0;
    await new Promise((resolve) => setImmediate(resolve));
    expect(existsSync(path) ? readFileSync(path, 'utf8').length : 0).toBe(beats);
  });

  test('is not even begun then', async () => {
    await expect(run('', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

const BUILT = new URL('../../../dist/app/recordings/background-worker.js', import.meta.url);

describe.skipIf(!existsSync(BUILT))('the thread that is built', () => {
  const signal = new AbortController().signal;

  test('replays a capture', async () => {
    const folder = scratchDir();
    const path = join(folder, 'upload');
    writeFileSync(path, callCapture(smallCall()));
    const shares: number[] = [];
    const { recordings } = await runInThread(BUILT)(
      {
        ...{ kind: 'replay', path, name: 'call.pcap', callId: 'upload', journals: join(folder, 'journals') },
        ...{ fields: { format: 'wav' }, metaflows: null, redactTones: false },
      },
      { onProgress: (share) => void shares.push(share), signal },
    );
    expect(filesBelow(join(folder, 'journals'))).toEqual(recordings.map((id) => `${id}.journal`));
    expect(recordings).toHaveLength(1);
    expect(shares.at(-1)).toBe(1);
  });

  test('measures a waveform', async () => {
    const path = join(scratchDir(), 'x.wav');
    const encoder = await WavEncoder.create({ sampleRate: 8000, channels: 1, path });
    await encoder.write(tone(440, 1000, 8000), 8000);
    await encoder.finish();
    await runInThread(BUILT)(
      { kind: 'peaks', artefact: path, id: 'x', samples: 8000 },
      { onProgress: () => {}, signal },
    );
    expect(JSON.parse(readFileSync(`${path}.peaks.json`, 'utf8'))).toMatchObject({ points: 8000, duration_ms: 1000 });
  });

  test('says why it can’t', async () => {
    const run = runInThread(BUILT)(JOB, { onProgress: () => {}, signal });
    await expect(run).rejects.toThrow(expect.objectContaining({ code: 'INPUT_MISSING' }));
  });
});
