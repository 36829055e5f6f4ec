/** The crash test's judge lets a sound recording pass, and nothing that a crash must not leave: a judge that can't find fault proves nothing. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WaveFile } from 'wavefile';
import type { Manifest } from '../../src/finalize/manifest.ts';
import { SECRET_HZ } from '../support/live-call.ts';
import { scratchDir } from '../support/scratch.ts';
import { joined, mixInto, silence, tone } from '../support/tones.ts';
import { type Found, foundFaults } from './judge.ts';
import type { Told } from './told.ts';

const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
const RATE = 8000;
const LENGTH_MS = 2000;
/** Of the call that is killed at 2.3 s, 300 ms of which are lost. */
const KILLED_MS = 2300;
const MASK = { fromMs: 700, toMs: 1200 };

const at = (ms: number): number => START_US + ms * 1000;

type Case = { audio: Int16Array[]; told: Told; manifest: Manifest; found: Found; calls: Told[] };

const soundCase = (folder: string): Case => {
  const speech = (hz: number): Int16Array =>
    joined(tone(hz, MASK.fromMs, RATE), silence(MASK.toMs - MASK.fromMs, RATE), tone(hz, LENGTH_MS - MASK.toMs, RATE));
  const told: Told = {
    callId: 'c',
    life: 0,
    begins: 'command',
    format: 'wav',
    hz: { a: 310, b: 710 },
    codecs: { a: 'PCMU', b: 'PCMU' },
    announce: { askedUs: at(-400), answeredUs: at(-390) },
    start: { askedUs: at(-5), answeredUs: at(5), recordings: 1 },
    masks: [
      {
        on: { askedUs: at(MASK.fromMs), answeredUs: at(MASK.fromMs + 8), recordings: 1 },
        off: { askedUs: at(MASK.toMs), answeredUs: at(MASK.toMs + 8), recordings: 1 },
      },
    ],
    stop: {},
    hangUp: {},
    said: { fromUs: at(-300), toUs: at(KILLED_MS) },
    killedUs: at(KILLED_MS),
    lateMs: 0,
    stallMs: 0,
  };
  const manifest = {
    recording: { started_at: new Date(START_US / 1000).toISOString(), end_reason: 'crash' },
    artefact: { format: 'wav', sample_rate: RATE, duration_ms: LENGTH_MS, sha256: '' },
    masks: [{ start_ms: MASK.fromMs, end_ms: MASK.toMs }],
    recovered: true,
  } as unknown as Manifest;
  const path = join(folder, 'body');
  const body = { recordingId: 'r', callId: 'c', key: 'k', bytes: 0, sha256: '', path };
  const found: Found = {
    document: { id: 'r', call_id: 'c', state: 'delivered', error: null },
    told,
    bodies: [body],
    manifest,
  };
  return { audio: [speech(310), speech(710)], told, manifest, found, calls: [told] };
};

const faultsOf = async (spoil: (each: Case) => void): Promise<string[]> => {
  const each = soundCase(scratchDir());
  spoil(each);
  const wave = new WaveFile();
  wave.fromScratch(2, RATE, '16', each.audio);
  const [body] = each.found.bodies;
  writeFileSync(body.path, wave.toBuffer());
  const sha256 = createHash('sha256').update(readFileSync(body.path)).digest('hex');
  const sealed = <T extends { sha256: string }>(what: T): T => (what.sha256 === '' ? { ...what, sha256 } : what);
  const { manifest } = each.found;
  const found: Found = {
    ...each.found,
    bodies: each.found.bodies.map(sealed),
    manifest: manifest === undefined ? undefined : { ...manifest, artefact: sealed(manifest.artefact) },
  };
  return foundFaults(each.found.document.id === 'gone' ? [] : [found], each.calls);
};

test('a recording that a kill left whole but for its last 300 ms has no fault', async () => {
  expect(await faultsOf(() => {})).toEqual([]);
});

test('nor has one that was killed before anybody was told of it, and of which nothing is there', async () => {
  const faults = await faultsOf((each) => {
    each.told.start.answeredUs = undefined;
    each.told.masks.length = 0;
    (each.found as { manifest: undefined }).manifest = undefined;
    Object.assign(each.found.document, { state: 'failed', error: { code: 'JOURNAL_UNREADABLE' } });
  });
  expect(faults).toEqual([]);
});

const SPOILED: readonly { readonly name: string; readonly spoil: (each: Case) => void; readonly fault: RegExp }[] = [
  {
    name: 'more than a second is lost',
    spoil: ({ told }) => Object.assign(told, { killedUs: at(3100), said: { fromUs: at(0), toUs: at(3100) } }),
    fault: /lacks 1100 ms at its end/,
  },
  {
    name: 'a call that was hung up in peace lacks its end',
    spoil: ({ told }) => {
      told.killedUs = undefined;
      told.hangUp.askedUs = at(KILLED_MS);
      told.hangUp.answeredUs = at(KILLED_MS + 10);
    },
    fault: /lacks 300 ms at its end/,
  },
  {
    name: 'it goes on after its end',
    spoil: ({ told }) => {
      told.stop.askedUs = at(1500);
      told.stop.answeredUs = at(1510);
    },
    fault: /goes on for 490 ms after its end/,
  },
  {
    name: 'it begins long before anybody asked',
    spoil: ({ told }) => Object.assign(told.start, { askedUs: at(600), answeredUs: at(610) }),
    fault: /beside where it should/,
  },
  {
    name: 'an acknowledged mask is not there',
    spoil: ({ manifest }) => Object.assign(manifest, { masks: [] }),
    fault: /the mask of 708–1200 ms of 2000 is lost/,
  },
  {
    name: 'a mask ends before it was asked to',
    spoil: ({ manifest }) => Object.assign(manifest, { masks: [{ start_ms: MASK.fromMs, end_ms: MASK.toMs - 50 }] }),
    fault: /the mask of 708–1200 ms of 2000 is lost/,
  },
  {
    name: 'a mask that nobody ended does not last to the end',
    spoil: ({ told }) => Object.assign(told.masks[0].off, { askedUs: undefined, answeredUs: undefined }),
    fault: /the mask of 708–2000 ms of 2000 is lost/,
  },
  {
    name: 'there is a mask that nobody asked for',
    spoil: ({ told }) => {
      told.masks.length = 0;
    },
    fault: /nobody asked for the mask of 700–1200/,
  },
  {
    name: 'something is heard in the mask',
    spoil: ({ audio }) => mixInto(audio[0], tone(310, 100, RATE), 900, RATE),
    fault: /not silent in 700–1200 ms/,
  },
  {
    name: 'the secret is heard anywhere',
    spoil: ({ audio }) => mixInto(audio[1], tone(SECRET_HZ.b, 100, RATE), 1500, RATE),
    fault: new RegExp(`${SECRET_HZ.b} Hz on 1`),
  },
  {
    name: 'a hole is in what was said',
    spoil: ({ audio }) => audio[0].fill(0, 1.5 * RATE, 1.7 * RATE),
    fault: /310 Hz at .* is missing/,
  },
  {
    name: 'the recording is gone',
    spoil: ({ found }) => Object.assign(found.document, { id: 'gone' }),
    fault: /its recording is gone/,
  },
  {
    name: 'it has failed though it was begun',
    spoil: ({ found }) => {
      (found as { manifest: undefined }).manifest = undefined;
      Object.assign(found.document, { state: 'failed', error: { code: 'JOURNAL_UNREADABLE' } });
    },
    fault: /is failed/,
  },
  {
    name: 'what the target has is not what the manifest says',
    spoil: ({ found }) => Object.assign(found, { bodies: found.bodies.map((each) => ({ ...each, sha256: 'other' })) }),
    fault: /came with 2 different contents/,
  },
  {
    name: 'it came twice, and not with the same bytes',
    spoil: ({ found }) => Object.assign(found, { bodies: [...found.bodies, { ...found.bodies[0], sha256: 'other' }] }),
    fault: /came with 2 different contents/,
  },
  {
    name: 'it came twice under two idempotency keys',
    spoil: ({ found }) => Object.assign(found, { bodies: [...found.bodies, { ...found.bodies[0], key: 'another' }] }),
    fault: /different idempotency keys/,
  },
];

for (const { name, spoil, fault } of SPOILED)
  test(`it finds that ${name}`, async () => {
    expect((await faultsOf(spoil)).join('\n')).toMatch(fault);
  });
