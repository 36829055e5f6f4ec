/** Several calls, several captures, several recordings in one run: none is lost, none replaces another, and their order is their own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { callDatagrams, DEFAULT_START_US } from '../support/call-scenario.ts';
import {
  expectOneLine,
  expectVerified,
  filesIn,
  listenTo,
  readManifest,
  runCommand,
  runReplay,
} from '../support/command.ts';
import { pcapFile, udpPacket } from '../support/pcap-file.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';
import { CALLER_HZ, SMALL_CALL_MS, smallCall, writeSmallCall } from '../support/small-call.ts';
import { levelOf, peak, span } from '../support/tones.ts';

const folder = sharedScratchDir();

type Part = { readonly startMs: number; readonly durationMs: number; readonly hz: number; readonly callId?: string };

/** Calls beside each other on ports of their own. */
const severalCalls = (name: string, parts: readonly Part[]): string => {
  const path = join(folder, name);
  const datagrams = parts.flatMap(({ startMs, durationMs, hz, callId }, index) =>
    callDatagrams(
      smallCall({
        durationMs,
        startUs: DEFAULT_START_US + startMs * 1000,
        sip: callId === undefined ? false : { callId },
        legs: {
          a: { tones: [{ hz, startMs: 0, endMs: durationMs }], stream: { ssrc: 100 + index } },
          b: { tones: [{ hz: hz + 100, startMs: 0, endMs: durationMs }], stream: { ssrc: 200 + index } },
        },
      }),
    ).map((datagram) => ({
      ...datagram,
      ...(datagram.sourcePort === 5060
        ? {}
        : { sourcePort: datagram.sourcePort + 10 * index, targetPort: datagram.targetPort + 10 * index }),
      payload: datagram.sourcePort === 5060 ? movedPorts(datagram.payload, 10 * index) : datagram.payload,
    })),
  );
  datagrams.sort((one, other) => one.atUs - other.atUs);
  writeFileSync(path, pcapFile(datagrams.map((each) => ({ atUs: each.atUs, data: udpPacket(each) }))));
  return path;
};

/** The same number of digits, so that Content-Length stays right. */
const movedPorts = (message: Buffer, by: number): Buffer =>
  Buffer.from(message.toString().replace(/m=audio (\d+)/, (_, port: string) => `m=audio ${Number(port) + by}`));

describe('a capture with several calls', () => {
  const long = { startMs: 0, durationMs: 5000, hz: 400, callId: 'long@x' };
  const short = { startMs: 1000, durationMs: 2000, hz: 1000, callId: 'shrt@x' };

  test('each is recorded on its own, masked by its own positions', async () => {
    const capture = severalCalls('two.pcap', [long, short]);
    const out = scratchDir();
    const { documents } = await runReplay([capture, '--out', out, '--data', '{"format":"wav"}', '--mask', '0.5-1']);
    expect(documents).toHaveLength(2);
    for (const { durationMs, hz, callId } of [long, short]) {
      const document = documents.find(({ call_id }) => call_id === callId)!;
      expect(document).toMatchObject({
        duration_ms: durationMs,
        masks: [{ start_ms: 500, end_ms: 1000, mode: 'silence' }],
      });
      const { channels } = await listenTo(document.path!);
      expect(levelOf(channels[0], 8000, hz, 1100, durationMs - 100)).toBeCloseTo(-12, 0);
      expect(levelOf(channels[1], 8000, hz + 100, 1100, durationMs - 100)).toBeCloseTo(-12, 0);
      expect(peak(span(channels[0], 8000, 500, 1000))).toBe(0);
      await expectVerified(document.path!);
    }
    expect(filesIn(out)).toHaveLength(4);
  });

  test('the documents are in the order in which the recordings began, whichever ended first', async () => {
    const capture = severalCalls('order.pcap', [long, short]);
    const { documents } = await runReplay([capture, '--out', scratchDir()]);
    expect(documents.map(({ call_id }) => call_id)).toEqual(['long@x', 'shrt@x']);
    expect(documents.map(({ started_at }) => started_at)).toEqual(documents.map(({ started_at }) => started_at).sort());
  });

  test('twelve at once, without SIP', async () => {
    const parts = Array.from({ length: 12 }, (_, index) => ({
      startMs: 100 * index,
      durationMs: 1000,
      hz: 400 + 50 * index,
    }));
    const out = scratchDir();
    const { documents } = await runReplay([
      severalCalls('twelve.pcap', parts),
      '--out',
      out,
      '--data',
      '{"format":"wav"}',
    ]);
    expect(documents).toHaveLength(12);
    expect(new Set(documents.map(({ id }) => id)).size).toBe(12);
    expect(new Set(documents.map(({ call_id }) => call_id)).size).toBe(12);
    expect(filesIn(out)).toHaveLength(24);
    for (const { duration_ms, state } of documents)
      expect({ duration_ms, state }).toEqual({ duration_ms: 1000, state: 'stored' });
  });
});

describe('several captures in one run', () => {
  const one = writeSmallCall(folder, 'one.pcap');
  const two = writeSmallCall(folder, 'two-later.pcap', {
    durationMs: 2000,
    startUs: DEFAULT_START_US + 60e6,
    sip: { callId: 'second@x' },
  });

  test('give their recordings in the order in which they began', async () => {
    const out = scratchDir();
    const { documents } = await runReplay([two, one, '--out', out]);
    expect(documents.map(({ call_id, duration_ms }) => [call_id, duration_ms])).toEqual([
      ['scenario-1@192.0.2.11', SMALL_CALL_MS],
      ['second@x', 2000],
    ]);
    expect(filesIn(out)).toHaveLength(4);
  });

  const empty = join(folder, 'nothing.pcap');
  const text = join(folder, 'notes.txt');
  const missing = join(folder, 'missing.pcap');
  writeFileSync(empty, readFileSync(one).subarray(0, 24));
  writeFileSync(text, 'these are notes\n');

  test('one of them holds nothing: the other is recorded, a warning says so, exit status 0', async () => {
    const { documents, stderr } = await runReplay([empty, one, '--out', scratchDir()]);
    expect(documents).toHaveLength(1);
    expect(stderr).toBe('warning: nothing to record: nothing.pcap: no whole packet in it\n');
  });

  for (const { name, captures } of [
    { name: 'the first', captures: [text, one] },
    { name: 'the last', captures: [one, text] },
  ]) {
    test(`one of them, ${name}, cannot be read: the other is recorded and told, exit status 2, one line with its name and code`, async () => {
      const out = scratchDir();
      const { documents, stderr } = await runReplay([...captures, '--out', out], { status: 2 });
      expect(documents).toHaveLength(1);
      expectOneLine(stderr);
      expect(stderr).toMatch(/^record-call: CAPTURE_UNREADABLE: .*notes\.txt: /);
      expect(filesIn(out)).toHaveLength(2);
      await expectVerified(documents[0].path!);
    });
  }

  test('each that cannot be read has its line; without --json the others are told as well', async () => {
    const out = scratchDir();
    const { status, stdout, stderr } = await runCommand(['replay', missing, one, empty, text, two, '--out', out]);
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toEqual([
      'warning: nothing to record: nothing.pcap: no whole packet in it',
      expect.stringMatching(/^record-call: INPUT_MISSING: .*missing\.pcap: /),
      expect.stringMatching(/^record-call: CAPTURE_UNREADABLE: .*notes\.txt: /),
    ]);
    expect(stdout.match(/^recorded {3}/gm)).toHaveLength(2);
    expect(filesIn(out)).toHaveLength(4);
  });

  test('none can be read, or holds anything: exit status 2 and an empty array', async () => {
    const { documents } = await runReplay([text, empty, '--out', scratchDir()], { status: 2 });
    expect(documents).toEqual([]);
  });
});

describe('one media_name for several recordings of a run', () => {
  const capture = writeSmallCall(folder, 'named.pcap');
  for (const { name, expected } of [
    { name: 'call.wav', expected: ['call.wav', 'call-2.wav', 'call-3.wav'] },
    { name: 'call', expected: ['call', 'call-2', 'call-3'] },
  ]) {
    test(`${name}: all are kept, under ${expected.join(', ')}`, async () => {
      const out = scratchDir();
      const data = JSON.stringify({ format: 'wav', media_name: name });
      const { documents } = await runReplay([capture, capture, capture, '--out', out, '--data', data]);
      expect(documents.map(({ media_name }) => media_name)).toEqual(expected);
      expect(documents.map(({ path }) => path)).toEqual(expected.map((each) => join(out, each)));
      expect(filesIn(out)).toEqual(expected.flatMap((each) => [each, `${each}.json`]).sort());
      for (const document of documents) await expectVerified(document.path!);
    });
  }

  test('numbers go in the order in which they begin, whichever ends first', async () => {
    const calls = [
      { startMs: 0, durationMs: 5000, hz: 400, callId: 'long@x' },
      { startMs: 1000, durationMs: 1000, hz: 1000, callId: 'shrt@x' },
      { startMs: 1500, durationMs: 2000, hz: 700, callId: 'late@x' },
    ];
    const { documents } = await runReplay([
      severalCalls('numbered.pcap', calls),
      '--out',
      scratchDir(),
      '--data',
      '{"format":"wav","media_name":"call.wav"}',
    ]);
    expect(documents.map(({ call_id, media_name }) => [call_id, media_name])).toEqual([
      ['long@x', 'call.wav'],
      ['shrt@x', 'call-2.wav'],
      ['late@x', 'call-3.wav'],
    ]);
  });

  test('each manifest names its own file', async () => {
    const data = JSON.stringify({ format: 'wav', media_name: 'call.wav' });
    const { documents } = await runReplay([capture, capture, '--out', scratchDir(), '--data', data]);
    expect(documents.map((document) => readManifest(document).recording.media_name)).toEqual([
      'call.wav',
      'call-2.wav',
    ]);
  });

  test('a name that would be another’s manifest is given a number as well', async () => {
    const twice = writeSmallCall(folder, 'manifest-name.pcap', {
      legs: {
        b: {
          tones: [],
          typed: [
            { keys: '*1', atMs: 200 },
            { keys: '*2', atMs: 1000 },
          ],
        },
      },
    });
    const metaflows = join(folder, 'manifest-name.json');
    const start = (media_name: string) => ({
      module: 'record_call',
      data: { action: 'start', format: 'wav', media_name },
    });
    writeFileSync(metaflows, JSON.stringify({ numbers: { 1: start('a.wav'), 2: start('a.wav.json') } }));
    const out = scratchDir();
    const { documents } = await runReplay([twice, '--metaflows', metaflows, '--out', out]);
    expect(documents).toHaveLength(2);
    expect(filesIn(out)).toHaveLength(4);
    for (const document of documents) await expectVerified(document.path!);
  });
});

describe('several recordings of one call', () => {
  test('overlap, each with its own start and the masks of the call', async () => {
    const capture = writeSmallCall(folder, 'overlap.pcap', {
      durationMs: 6000,
      legs: {
        b: {
          tones: [],
          typed: ['*1', '*2', '*3', '*4', '*5', '*5'].map((keys, index) => ({
            keys,
            atMs: 200 + 800 * index,
            heldMs: 60,
            gapMs: 60,
          })),
        },
      },
    });
    const metaflows = join(folder, 'overlap.json');
    const act = (action: string, media_name?: string) => ({
      module: 'record_call',
      data: { action, format: 'wav', ...(media_name === undefined ? {} : { media_name }) },
    });
    writeFileSync(
      metaflows,
      JSON.stringify({
        numbers: {
          1: act('start', 'first.wav'),
          2: act('start', 'second.wav'),
          3: act('mask'),
          4: act('unmask'),
          5: act('stop'),
        },
      }),
    );
    const { documents } = await runReplay([capture, '--metaflows', metaflows, '--out', scratchDir()]);
    const byName = (name: string) => documents.find(({ media_name }) => media_name === name)!;
    const [first, second] = [byName('first.wav'), byName('second.wav')];
    expect(documents).toHaveLength(2);
    const between = Date.parse(second.started_at) - Date.parse(first.started_at);
    expect(Math.abs(between - 800)).toBeLessThanOrEqual(1);
    // The last one started is the first to be stopped.
    expect(Math.abs(second.duration_ms - 2400)).toBeLessThanOrEqual(21);
    expect(Math.abs(first.duration_ms - 4000)).toBeLessThanOrEqual(21);
    expect(Math.abs(first.masks[0].start_ms - second.masks[0].start_ms - between)).toBeLessThanOrEqual(1);
    for (const document of [first, second]) {
      const { channels } = await listenTo(document.path!);
      const [{ start_ms, end_ms }] = document.masks;
      expect(peak(span(channels[0], 8000, start_ms, end_ms))).toBe(0);
      expect(levelOf(channels[0], 8000, CALLER_HZ, 100, start_ms - 50)).toBeCloseTo(-12, 0);
      expect(levelOf(channels[0], 8000, CALLER_HZ, end_ms + 50, document.duration_ms - 50)).toBeCloseTo(-12, 0);
    }
  });
});
