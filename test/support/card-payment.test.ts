import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { ALICE, BOB } from './call-scenario.ts';
import { CARD_PAYMENT, codeSpan } from './card-payment.ts';
import { hasProgram } from './has.ts';
import { scratchDir } from './scratch.ts';
import { peak, rmsDbfs, silence, span } from './tones.ts';

const RATE = 8000;
const JITTER_MS = 3;
const { timeline } = CARD_PAYMENT;
const capture = readFileSync(CARD_PAYMENT.capture);

type Arrived = {
  atMs: number;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Buffer;
};

/** Just enough of a pcap reader for this one file: little-endian, µs, Ethernet, IPv4 without options, UDP. */
const readSample = (): { legs: Record<'a' | 'b', Arrived[]>; sip: string[] } => {
  const legs = { a: [] as Arrived[], b: [] as Arrived[] };
  const sip: string[] = [];
  const rtp = new RtpPacket();
  let firstUs: number | undefined;
  for (let at = 24; at < capture.length; ) {
    const atUs = capture.readUInt32LE(at) * 1e6 + capture.readUInt32LE(at + 4);
    const length = capture.readUInt32LE(at + 8);
    const packet = capture.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    const port = packet.readUInt16BE(34);
    const payload = packet.subarray(42);
    if (port !== ALICE.rtpPort && port !== BOB.rtpPort) {
      sip.push(payload.toString());
      continue;
    }
    expect(rtp.parse(payload)).toBe(true);
    firstUs ??= atUs;
    const { payloadType, sequence, timestamp, ssrc } = rtp;
    const arrived = { atMs: (atUs - firstUs) / 1000, payloadType, sequence, timestamp, ssrc };
    legs[port === ALICE.rtpPort ? 'a' : 'b'].push({
      ...arrived,
      payload: payload.subarray(rtp.payloadStart, rtp.payloadEnd),
    });
  }
  return { legs, sip };
};

const { legs, sip } = readSample();

/** A leg's audio on the timeline's clock, by RTP timestamps. */
const audioOf = (leg: 'a' | 'b'): Int16Array => {
  const pcm = silence(timeline.duration_ms, RATE);
  const frame = new Int16Array(160);
  const first = legs[leg][0].timestamp - timeline.legs[leg].start_ms * 8;
  for (const { payloadType, timestamp, payload } of legs[leg]) {
    if (payloadType !== 0) continue;
    decodeUlaw(payload, frame);
    pcm.set(frame, (timestamp - first) >>> 0);
  }
  return pcm;
};

test('the sample is small enough to live in the repository', () => {
  expect(capture.length).toBeLessThan(1_200_000);
});

test('signalling frames the media: INVITE to BYE of one Call-ID, with SDP on offer and answer', () => {
  expect(
    sip.map((text) =>
      text
        .split(/[ \r]/)
        .slice(0, 2)
        .join(' ')
        .replace(/ sip:.*/, ''),
    ),
  ).toEqual(['INVITE', 'SIP/2.0 100', 'SIP/2.0 180', 'SIP/2.0 200', 'ACK', 'BYE', 'SIP/2.0 200']);
  for (const text of sip) expect(text).toContain(`\r\nCall-ID: ${timeline.call_id}\r\n`);
  const withSdp = sip.filter((text) => text.includes('\r\n\r\nv=0\r\n'));
  expect(withSdp.map((text) => /c=IN IP4 (\S+)/.exec(text)?.[1])).toEqual([ALICE.host, BOB.host]);
});

describe.each(['a', 'b'] as const)('leg %s', (leg) => {
  const packets = legs[leg];
  const told = timeline.legs[leg];

  test('has the packets, the SSRC and the start that the timeline tells, none of them lost', () => {
    expect(packets).toHaveLength(told.packets);
    expect(packets.filter(({ payloadType }) => payloadType === 101)).toHaveLength(told.event_packets);
    expect(new Set(packets.map(({ ssrc }) => ssrc))).toEqual(new Set([told.ssrc]));
    expect(new Set(packets.slice(1).map(({ sequence }, n) => (sequence - packets[n].sequence) & 0xffff))).toEqual(
      new Set([1]),
    );
    expect(packets[0].atMs - told.start_ms).toBeGreaterThanOrEqual(0);
    expect(packets[0].atMs - told.start_ms).toBeLessThanOrEqual(JITTER_MS);
  });

  test('plays until the end of the call', () => {
    const ms = timeline.duration_ms - packets.at(-1)!.atMs;
    expect(ms).toBeGreaterThanOrEqual(20 - JITTER_MS);
    expect(ms).toBeLessThanOrEqual(20);
  });

  test('arrives with jitter, each packet within 3 ms of when it was sent', () => {
    const delays = packets
      .filter(({ payloadType }) => payloadType === 0)
      .map(({ atMs, timestamp }) => atMs - told.start_ms - ((timestamp - packets[0].timestamp) >>> 0) / 8);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(JITTER_MS);
    expect(new Set(delays).size).toBeGreaterThan(100);
  });

  test('speaks where the timeline has its utterances, and nowhere else', () => {
    const pcm = audioOf(leg);
    for (const { start_ms, end_ms } of timeline.utterances.filter((utterance) => utterance.leg === leg)) {
      expect(rmsDbfs(pcm, RATE, start_ms, end_ms)).toBeGreaterThan(-25);
      expect(peak(span(pcm, RATE, start_ms, start_ms + 100))).toBeGreaterThan(500);
      expect(peak(span(pcm, RATE, end_ms - 100, end_ms))).toBeGreaterThan(500);
      pcm.fill(0, start_ms * 8, end_ms * 8);
    }
    expect(peak(pcm)).toBe(0);
  });
});

test('only the agent types, and each key is where the timeline has it', () => {
  const events = legs.b.filter(({ payloadType }) => payloadType === 101);
  const starts = [...new Set(events.map(({ timestamp }) => timestamp))];
  const presses = starts.map((start) => events.filter(({ timestamp }) => timestamp === start));
  const heard = presses.map((packets) => {
    const ends = packets.filter(({ payload }) => (payload[1] & 0x80) !== 0);
    expect(ends).toHaveLength(3);
    const heldMs = ends[0].payload.readUInt16BE(2) / 8;
    return { digit: '0123456789*#'[packets[0].payload[0]], startMs: packets[0].atMs, endMs: ends[0].atMs, heldMs };
  });
  const told = timeline.codes.flatMap(({ digits }) => digits);
  expect(heard.map(({ digit }) => digit).join('')).toBe('*71*72*73*74');
  expect(told.map(({ digit }) => digit).join('')).toBe('*71*72*73*74');
  for (const [index, { start_ms, end_ms }] of told.entries()) {
    const { startMs, endMs, heldMs } = heard[index];
    expect(heldMs).toBe(end_ms - start_ms);
    for (const late of [startMs - start_ms, endMs - end_ms]) {
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(JITTER_MS);
    }
  }
  expect(timeline.codes.every(({ leg }) => leg === 'b')).toBe(true);
});

test('the metaflows give each code the action that the timeline tells', () => {
  const document = JSON.parse(readFileSync(CARD_PAYMENT.metaflows, 'utf8'));
  expect(timeline.codes.map(({ keys }) => keys[0])).toEqual(Array(4).fill(document.binding_digit));
  const actions = timeline.codes.map(({ keys }) => document.numbers[keys.slice(1)].data.action);
  expect(actions).toEqual(timeline.codes.map(({ action }) => action));
  expect(actions).toEqual(['start', 'mask', 'unmask', 'stop']);
});

test('the card is spoken while the call is masked, and half a second clear of the codes', () => {
  const [, masked] = codeSpan('mask');
  const [unmasked] = codeSpan('unmask');
  const secret = timeline.utterances.filter(({ text }) => /one one one|code is/.test(text));
  expect(secret).toHaveLength(2);
  for (const { leg, start_ms, end_ms } of secret) {
    expect(leg).toBe('a');
    expect(start_ms - masked).toBeGreaterThan(500);
    expect(unmasked - end_ms).toBeGreaterThan(500);
  }
});

const espeak = hasProgram('espeak-ng') ? execFileSync('espeak-ng', ['--version']).toString() : '';

test.skipIf(!/ 1\.51\b/.test(espeak) || process.arch !== 'x64')(
  'the script makes these very files (espeak-ng 1.51)',
  () => {
    const folder = scratchDir();
    const tsx = join(CARD_PAYMENT.folder, '../node_modules/.bin/tsx');
    execFileSync(tsx, [CARD_PAYMENT.generator, folder], { stdio: ['ignore', 'ignore', 'inherit'] });
    expect(readFileSync(join(folder, 'card-payment.pcap')).equals(capture)).toBe(true);
    expect(JSON.parse(readFileSync(join(folder, 'card-payment.timeline.json'), 'utf8'))).toEqual(timeline);
  },
);
