/**
 * Looks for what was said under a mask, as encoded bytes, as samples and as a tone, in every file that a replay has written, at every
 * moment: while it runs, after it was killed, and at the end (design §4, rules 2, 5 and 7).
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { SEALED_HEAD_BYTES, SEGMENT_HEAD_BYTES, TAG_BYTES } from '../../src/spool/journal-segments.ts';
import { callDatagrams, DEFAULT_START_US } from '../support/call-scenario.ts';
import { expectVerified, filesIn, listenTo, runCommand, runReplay, startCommand, until } from '../support/command.ts';
import { hasProgram } from '../support/has.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { findInFiles, scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLEE_HZ, CALLER_HZ, smallCall } from '../support/small-call.ts';
import { levelOf } from '../support/tones.ts';

const DURATION_MS = 6000;
/** Codes typed by the callee: start, mask, unmask. Each takes 240 ms, and acts with its last digit's first packet. */
const CODE = { heldMs: 60, gapMs: 60 };
const START_AT = 200;
const MASK_AT = 1600;
const UNMASK_AT = 4200;
/** What is said for certain under the mask: half a second clear of the codes. */
const SECRET_FROM = 2300;
const SECRET_TO = 4000;
const SECRET_HZ = 1700;
const PUBLIC_HZ = 2300;

/** Encoded bytes that no tone makes. Both are looked for in the same way: the public one must be found, or the search is none. */
const SECRET = Buffer.from('53ecb1374e9a0fd16288c5f31b7d24a9', 'hex');
const PUBLIC = Buffer.from('50b1c70e93fa2d684c7be6158ad9302f', 'hex');

/** µ-law bytes as the samples that they stand for, as a wav of one channel would hold them. */
const asSamples = (encoded: Buffer): Buffer => {
  const pcm = new Int16Array(encoded.length);
  decodeUlaw(encoded, pcm);
  return Buffer.from(pcm.buffer);
};
/** What is looked for in files. On one channel of two samples lie four bytes apart: artefacts are decoded and looked through as well. */
const needles = (encoded: Buffer): Buffer[] => [encoded, asSamples(encoded)];

/** Both legs' own tone, the secret tone and bytes in the secret span, public ones before and after it. */
const makeCapture = (): Buffer => {
  const tones = (hz: number) => ({
    tones: [
      { hz, startMs: 0, endMs: DURATION_MS, dbfs: -20 },
      { hz: PUBLIC_HZ, startMs: 1000, endMs: 1500, dbfs: -15 },
      { hz: SECRET_HZ, startMs: SECRET_FROM, endMs: SECRET_TO, dbfs: -15 },
    ],
  });
  const typed = [
    { keys: '*1', atMs: START_AT, ...CODE },
    { keys: '*2', atMs: MASK_AT, ...CODE },
    { keys: '*3', atMs: UNMASK_AT, ...CODE },
  ];
  const call = smallCall({ durationMs: DURATION_MS, legs: { a: tones(CALLER_HZ), b: { ...tones(CALLEE_HZ), typed } } });
  const packets = callDatagrams(call).map(({ payload, ...path }) => {
    const ms = (path.atUs - DEFAULT_START_US) / 1000;
    // Audio has 160 bytes of payload behind a head of 12.
    if (path.sourcePort !== 5060 && payload.length === 172) {
      if (ms >= SECRET_FROM && ms < SECRET_TO) SECRET.copy(payload, 12 + 64);
      if ((ms >= 1000 && ms < 1500) || (ms >= 5000 && ms < 5500)) PUBLIC.copy(payload, 12 + 64);
    }
    return { atUs: path.atUs, data: udpPacket({ ...path, payload }) };
  });
  return pcapFile(packets);
};

const folder = sharedScratchDir();
const capture = join(folder, 'secret.pcap');
const metaflows = join(folder, 'codes.json');
beforeAll(() => {
  writeFileSync(capture, makeCapture());
  const act = (action: string) => ({ module: 'record_call', data: { action } });
  writeFileSync(metaflows, JSON.stringify({ numbers: { 1: act('start'), 2: act('mask'), 3: act('unmask') } }));
});

/** Everything the program may write to: its output folder, its temporary folder, its current folder. */
const world = () => {
  const root = scratchDir();
  const [out, tmp, cwd] = ['out', 'tmp', 'cwd'].map((name) => join(root, name));
  for (const each of [tmp, cwd]) mkdirSync(each);
  return { root, out, tmp, cwd, env: { TMPDIR: tmp } };
};

const kinds = (['wav', 'lamejs', 'ffmpeg'] as const).filter((kind) => kind !== 'ffmpeg' || hasProgram('ffmpeg'));
const argsFor = (out: string, mode: string, kind: string, ...more: string[]): string[] => [
  capture,
  '--metaflows',
  metaflows,
  '--out',
  out,
  '--data',
  JSON.stringify({ mask_mode: mode, format: kind === 'wav' ? 'wav' : 'mp3' }),
  ...more,
];
const envFor = (kind: string, env: object) => ({
  ...env,
  ...(kind === 'wav' ? {} : { RECORD_CALL_MP3_ENCODER: kind }),
});

const expectNothingSecret = (root: string, ...texts: string[]): void => {
  for (const needle of needles(SECRET)) {
    expect(findInFiles(root, needle)).toEqual([]);
    for (const text of texts) expect(text.includes(needle.toString('latin1'))).toBe(false);
  }
};

test('the search finds the secret where it is: in the capture', () => {
  expect(findInFiles(folder, SECRET)).toEqual(['secret.pcap']);
  expect(findInFiles(folder, PUBLIC)).toEqual(['secret.pcap']);
});

test('and in a recording of one channel that is not masked, as samples', async () => {
  const { root, out, cwd, env } = world();
  const { documents } = await runReplay([capture, '--out', out, '--data', '{"format":"wav"}'], { cwd, env });
  const { channels } = await listenTo(documents[0].path!);
  for (const pcm of channels) {
    expect(Buffer.from(Int16Array.from(pcm).buffer).includes(asSamples(SECRET))).toBe(true);
    expect(levelOf(pcm, 8000, SECRET_HZ, SECRET_FROM, SECRET_TO)).toBeGreaterThan(-25);
  }
  expect(findInFiles(root, SECRET)).toEqual([]);
});

describe.each(['silence', 'tone', 'drop'])('mask_mode %s', (mode) => {
  for (const kind of kinds) {
    test(`${kind}: neither bytes nor samples nor tone of what was said, anywhere; what was said before and after is there`, async () => {
      const { root, out, tmp, cwd, env } = world();
      const { documents, stdout, stderr } = await runReplay(argsFor(out, mode, kind), { cwd, env: envFor(kind, env) });
      expectNothingSecret(root, stdout, stderr);
      expect([filesIn(tmp), filesIn(cwd)]).toEqual([[], []]);
      const [document] = documents;
      const { channels, sampleRate } = await listenTo(document.path!);
      const startMs = Date.parse(document.started_at) - DEFAULT_START_US / 1000;
      const secretMs = document.masks[0].start_ms;
      const lengthMs = (channels[0].length * 1000) / sampleRate;
      for (const pcm of channels) {
        const bytes = Buffer.from(Int16Array.from(pcm).buffer);
        expect(bytes.includes(asSamples(SECRET))).toBe(false);
        expect(levelOf(pcm, sampleRate, PUBLIC_HZ, 1020 - startMs, 1460 - startMs)).toBeGreaterThan(-25);
        for (let at = 0; at + 100 <= lengthMs; at += 50) {
          // The public bytes are a click in each packet; the secret tone is heard far above that where it is.
          expect(levelOf(pcm, sampleRate, SECRET_HZ, at, at + 100), `at ${at} ms`).toBeLessThan(-27);
        }
        if (kind === 'wav') expect(bytes.includes(asSamples(PUBLIC))).toBe(true);
      }
      expect(secretMs).toBeGreaterThan(MASK_AT - startMs - 20);
      await expectVerified(document.path!);
    });
  }
});

/** The one journal, as far as it is there. */
const journalIn = (out: string): Buffer | undefined => {
  try {
    const name = readdirSync(out, { recursive: true, encoding: 'utf8' }).find((each) => each.endsWith('.journal'));
    return name === undefined ? undefined : readFileSync(join(out, name));
  } catch {
    return undefined; // Gone meanwhile.
  }
};

const journalBytes = (out: string): number | undefined => journalIn(out)?.length;

/** Segments from its beginning to where the mask is durable: one for the start, one for the mask. */
const MASKED = 2;

/** Whole segments of the journal: what was synced each time is one. */
const segmentsIn = (out: string): number => {
  const journal = journalIn(out) ?? Buffer.alloc(0);
  let count = 0;
  for (let at = SEALED_HEAD_BYTES; at + SEGMENT_HEAD_BYTES <= journal.length; count++) {
    at += SEGMENT_HEAD_BYTES + journal.readUInt32LE(at) + TAG_BYTES;
    if (at > journal.length) break;
  }
  return count;
};

/** Looks into files that may vanish meanwhile; also what has been unlinked and is still open has been a file before. */
const seenIn = (root: string, needle: Buffer): string[] => {
  try {
    return existsSync(root) ? findInFiles(root, needle) : [];
  } catch {
    return []; // It was renamed or removed between the listing and the reading: the next look finds it under its new name.
  }
};

describe('while it runs', () => {
  for (const { mode, kind } of [
    { mode: 'silence', kind: 'wav' },
    { mode: 'drop', kind: 'lamejs' },
    { mode: 'tone', kind: kinds.at(-1)! },
  ]) {
    test(`${mode}, ${kind}: at no moment is it in any file, nor is the rest in a journal, which is sealed`, async () => {
      const { root, out, cwd, env } = world();
      const { child, done } = startCommand(['replay', ...argsFor(out, mode, kind, '--speed', '4')], {
        cwd,
        env: envFor(kind, env),
      });
      const secret = new Set<string>();
      const shown = new Set<string>();
      let journalled = 0;
      let looks = 0;
      let ended = false;
      void done.then(() => (ended = true));
      while (!ended) {
        for (const needle of needles(SECRET)) for (const name of seenIn(root, needle)) secret.add(name);
        for (const name of seenIn(root, PUBLIC)) shown.add(name);
        journalled = Math.max(journalled, journalBytes(out) ?? 0);
        looks++;
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      const { status, stdout, stderr } = await done;
      expect(child.exitCode).toBe(0);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain(mode);
      expect([...secret]).toEqual([]);
      expect([...shown]).toEqual([]);
      // Both legs' frames of more than a second were in there.
      expect(journalled).toBeGreaterThan(100 * 160);
      expect(looks).toBeGreaterThan(20);
    });
  }
});

describe('killed', () => {
  /** SIGKILLs a replay as soon as `look` sees something. */
  const killedWhen = async (
    look: (out: string) => unknown,
    what: string,
    mode = 'silence',
    kind = 'lamejs',
    speed = '4',
  ) => {
    const places = world();
    const running = startCommand(['replay', ...argsFor(places.out, mode, kind, '--speed', speed)], {
      cwd: places.cwd,
      env: envFor(kind, places.env),
    });
    await until(() => look(places.out) || undefined, what, running);
    running.child.kill('SIGKILL');
    const result = await running.done;
    expect(result.signal).toBe('SIGKILL');
    return { ...places, result };
  };

  for (const { name, look } of [
    { name: 'when the journal is made', look: (out: string) => journalBytes(out) },
    { name: 'when the mask is durable', look: (out: string) => segmentsIn(out) >= MASKED },
    {
      name: 'when the unmask is durable, all that was masked behind it',
      look: (out: string) => segmentsIn(out) > MASKED,
    },
    { name: 'when the encoder has begun', look: (out: string) => filesIn(out).some((each) => each.endsWith('.part')) },
  ]) {
    test(`${name}: what is left holds nothing of it`, async () => {
      const { root, result } = await killedWhen(look, name);
      expectNothingSecret(root, result.stdout, result.stderr);
    });
  }

  test('what is left of the rest is sealed, and its key is gone with the process', async () => {
    const { root, out } = await killedWhen((left) => segmentsIn(left) >= MASKED, 'a mask in the journal');
    expect(journalBytes(out)).toBeGreaterThan(100 * 160);
    for (const needle of [...needles(PUBLIC), Buffer.from('"callId"'), Buffer.from('PCMU')])
      expect(findInFiles(root, needle)).toEqual([]);
    expect(filesIn(root).filter((name) => name.endsWith('.key'))).toEqual([]);
  });

  for (let moment = 0; moment < 3; moment++) {
    test(`at a moment of no meaning, ${moment + 1} of 3`, async () => {
      const places = world();
      const { child, done } = startCommand(['replay', ...argsFor(places.out, 'silence', 'wav', '--speed', '3')], {
        cwd: places.cwd,
        env: places.env,
      });
      await until(() => (existsSync(places.out) ? true : undefined), 'the folder');
      await new Promise((resolve) => setTimeout(resolve, 300 + 700 * moment));
      child.kill('SIGKILL');
      const { stdout, stderr } = await done;
      expectNothingSecret(places.root, stdout, stderr);
    });
  }

  test('a run after one that was killed is as good as any, into the same folder', async () => {
    const { root, out, cwd, env } = await killedWhen((left) => segmentsIn(left) >= MASKED, 'a mask in the journal');
    const { documents } = await runReplay(argsFor(out, 'silence', 'wav'), { cwd, env });
    expect(documents).toHaveLength(1);
    await expectVerified(documents[0].path!);
    expectNothingSecret(root);
  });
});

test('the folder holds nothing of it when the same is asked for by position', async () => {
  const { root, out, cwd, env } = world();
  const span = `${SECRET_FROM / 1000 - 0.1}-${SECRET_TO / 1000 + 0.1}`;
  const { stdout, stderr } = await runCommand(['replay', capture, '--out', out, '--mask', span], { cwd, env });
  expect(stderr).toBe('');
  expectNothingSecret(root, stdout);
  const [name] = filesIn(out);
  const { channels, sampleRate } = await listenTo(join(out, name));
  for (const pcm of channels) expect(levelOf(pcm, sampleRate, SECRET_HZ, SECRET_FROM, SECRET_TO)).toBeLessThan(-60);
});
