/** Captures whose times don't fit together: other flows, other calls and single legs with clocks of their own. Masks hold all the same. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ReplayOptions, replay } from '../../src/app/replay.ts';
import { parseMetaflowsJson } from '../../src/control/metaflow-document.ts';
import { systemClock } from '../../src/core/clock.ts';
import { PUBLIC_ONLY } from '../../src/deliver/allow-list.ts';
import { callDatagrams, type ScenarioDatagram } from '../support/call-scenario.ts';
import { listenTo } from '../support/command.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir } from '../support/scratch.ts';
import { smallCall } from '../support/small-call.ts';
import { levelOf } from '../support/tones.ts';

const SECRET_HZ = 1700;
const DURATION_MS = 12_000;
/** Said by both legs, between the codes and in the masked place alike. */
const SECRET = { hz: SECRET_HZ, startMs: 7000, endMs: 9000, dbfs: -10 };
const codes = [
  { keys: '*1', atMs: 200, heldMs: 60, gapMs: 60 },
  { keys: '*2', atMs: 6000, heldMs: 60, gapMs: 60 },
  { keys: '*3', atMs: 10_000, heldMs: 60, gapMs: 60 },
];
const METAFLOWS = parseMetaflowsJson(
  JSON.stringify({
    numbers: Object.fromEntries(
      [
        ['1', 'start'],
        ['2', 'mask'],
        ['3', 'unmask'],
      ].map(([digit, action]) => [digit, { module: 'record_call', data: { action } }]),
    ),
  }),
  'test',
);

const call = (): ScenarioDatagram[] =>
  callDatagrams(
    smallCall({
      durationMs: DURATION_MS,
      sip: false,
      legs: { a: { tones: [SECRET] }, b: { tones: [SECRET], typed: codes } },
    }),
  );

/** Datagrams in the order in which they were captured, whatever their times. */
const write = (path: string, datagrams: readonly ScenarioDatagram[]): void =>
  writeFileSync(path, pcapFile(datagrams.map((each) => ({ atUs: each.atUs, data: udpPacket(each) }))));

const foreign = (near: ScenarioDatagram, aheadS: number): ScenarioDatagram => ({
  atUs: near.atUs + aheadS * 1e6,
  source: '198.51.100.1',
  sourcePort: 53,
  target: '198.51.100.2',
  targetPort: 40_000,
  payload: Buffer.alloc(700, 7),
});

const run = async (path: string, change: Partial<ReplayOptions>) => {
  const { recordings } = await replay({
    captures: [path],
    metaflows: undefined,
    holder: undefined,
    fields: { format: 'wav' },
    masks: [],
    redactTones: false,
    directory: join(scratchDir(), 'out'),
    url: undefined,
    allow: PUBLIC_ONLY,
    speed: Number.POSITIVE_INFINITY,
    encoder: 'lamejs',
    clock: systemClock,
    random: Math.random,
    ...change,
  });
  return recordings;
};

/** How loud the secret is in the loudest fifth of a second of any channel, dBFS. */
const loudest = async (path: string): Promise<number> => {
  const { channels, sampleRate } = await listenTo(path);
  let most = Number.NEGATIVE_INFINITY;
  for (const channel of channels)
    for (let ms = 0; ms + 200 <= (channel.length * 1000) / sampleRate; ms += 100)
      most = Math.max(most, levelOf(channel, sampleRate, SECRET_HZ, ms, ms + 200));
  return most;
};

/** Names of files that exist: a message for a failed test. */
const namesIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => readFileSync(join(folder, name)).length > 0);

describe('a flow that is none of ours', () => {
  for (const aheadS of [1.5, 6, 37, -37]) {
    for (const how of ['by codes', 'by position'] as const) {
      test(`whose clock is ${aheadS} s off ends no call, and the mask ${how} holds`, async () => {
        const path = join(scratchDir(), 'call.pcap');
        write(
          path,
          call().flatMap((datagram) => [datagram, foreign(datagram, aheadS)]),
        );
        const change = how === 'by codes' ? { metaflows: METAFLOWS } : { masks: [{ startMs: 6500, endMs: 9500 }] };
        const recordings = await run(path, change);
        expect(recordings).toHaveLength(1);
        const [recording] = recordings;
        expect(recording!.masks).toHaveLength(1);
        expect(await loudest(recording!.path!), namesIn(join(recording!.path!, '..')).join()).toBeLessThan(-60);
        if (how === 'by position') expect(Math.abs(recording!.duration_ms - DURATION_MS)).toBeLessThan(40);
      });
    }
  }
});

describe('legs with clocks of their own', () => {
  for (const skewS of [-6, 6, 40]) {
    for (const how of ['by codes', 'by position'] as const) {
      test(`${skewS} s apart: the call is as long as it was, and the mask ${how} holds on both`, async () => {
        const path = join(scratchDir(), 'call.pcap');
        write(
          path,
          call().map((each) => (each.source === '192.0.2.22' ? { ...each, atUs: each.atUs + skewS * 1e6 } : each)),
        );
        const lone = await run(path, {});
        expect(lone).toHaveLength(1);
        expect(Math.abs(lone[0]!.duration_ms - DURATION_MS - Math.max(0, skewS) * 1000)).toBeLessThan(100);
        // What is looked for can be found.
        expect(await loudest(lone[0]!.path!)).toBeGreaterThan(-20);
        const [recording] = await run(
          path,
          how === 'by codes'
            ? { metaflows: METAFLOWS }
            : { masks: [{ startMs: 6500 + Math.max(0, skewS) * 1000, endMs: 9500 + Math.max(0, skewS) * 1000 }] },
        );
        expect(recording!.masks).toHaveLength(1);
        expect(await loudest(recording!.path!)).toBeLessThan(-60);
      });
    }
  }
});

test('two calls whose clocks are apart are each as long as they were', async () => {
  const path = join(scratchDir(), 'calls.pcap');
  const other = call().map((each) => ({
    ...each,
    atUs: each.atUs + 6e6,
    source: each.source.replace('192.0.2', '198.51.100'),
    target: each.target.replace('192.0.2', '198.51.100'),
  }));
  write(
    path,
    call().flatMap((datagram, n) => [datagram, other[n]!]),
  );
  const recordings = await run(path, { masks: [{ startMs: 6500, endMs: 9500 }] });
  expect(recordings.map(({ duration_ms }) => Math.round(duration_ms / 100))).toEqual([
    DURATION_MS / 100,
    DURATION_MS / 100,
  ]);
  for (const { path: artefact } of recordings) expect(await loudest(artefact!)).toBeLessThan(-60);
});
