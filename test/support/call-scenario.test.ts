import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeUlaw } from '../../src/kernel/g711.ts';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { ALICE, type CallScenario, callCapture, callDatagrams, DEFAULT_START_US, legPackets } from './call-scenario.ts';
import { hasProgram } from './has.ts';
import { planFaults } from './listen.ts';
import { scratchDir } from './scratch.ts';
import { tone } from './tones.ts';

const scenario: CallScenario = {
  durationMs: 2000,
  legs: {
    a: { tones: [{ hz: 500, startMs: 200, endMs: 1200 }] },
    b: { pcm: tone(900, 400, 8000), typed: [{ keys: '*72', atMs: 1000 }], startMs: 40 },
  },
  sip: { callId: 'test-call@192.0.2.11' },
  jitterMs: 3,
};

test('a leg sounds as its script says, and is quiet while a key is pressed', () => {
  const pcm = legPackets(scenario.legs.a, 'a', scenario).map(({ payload }) => {
    const decoded = new Int16Array(160);
    decodeUlaw(payload, decoded);
    return decoded;
  });
  const leg = new Int16Array(pcm.length * 160);
  for (const [index, part] of pcm.entries()) leg.set(part, index * 160);
  const plan = { durationMs: 2000, tones: [{ channel: 0, hz: 500, startMs: 200, endMs: 1200, dbfs: -12 }] };
  expect(planFaults({ sampleRate: 8000, channels: [leg] }, plan, { durationMs: 0 })).toEqual([]);
});

test('keys are telephone-events at their time, in place of audio', () => {
  const packets = legPackets(scenario.legs.b, 'b', scenario);
  const events = packets.filter(({ payloadType }) => payloadType === 101);
  const starts = events
    .filter(({ marker }) => marker)
    .map(({ atUs, payload }) => [(atUs - DEFAULT_START_US) / 1000, payload[0]]);
  expect(starts).toEqual([
    [1040, 10],
    [1240, 7],
    [1440, 2],
  ]);
  expect(events).toHaveLength(3 * 8);
  const during = packets.filter(
    ({ atUs }) => atUs >= DEFAULT_START_US + 1_040_000 && atUs < DEFAULT_START_US + 1_200_000,
  );
  expect(new Set(during.map(({ payloadType }) => payloadType))).toEqual(new Set([101]));
});

test('keys that would be typed before the last one is released are refused', () => {
  const legs = { a: {}, b: { typed: [{ keys: '11', atMs: 0, gapMs: 20 }] } };
  expect(() => callDatagrams({ durationMs: 1000, legs })).toThrow(/120 ms/);
});

test('packets are in order of time, delayed by no more than the jitter, and never overtake within a leg', () => {
  const datagrams = callDatagrams(scenario);
  expect(datagrams.map(({ atUs }) => atUs)).toEqual(datagrams.map(({ atUs }) => atUs).sort((x, y) => x - y));
  const rtp = new RtpPacket();
  const legA = datagrams.filter(({ sourcePort }) => sourcePort === ALICE.rtpPort);
  const delays = legA.map(({ atUs, payload }, index) => {
    expect(rtp.parse(payload)).toBe(true);
    expect(rtp.sequence).toBe(1000 + index);
    return atUs - DEFAULT_START_US - index * 20_000;
  });
  expect(legA).toHaveLength(100);
  expect(delays[0]).toBe(0);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...delays)).toBeLessThanOrEqual(3000);
  expect(new Set(delays).size).toBeGreaterThan(50);
});

test('the same scenario gives the same bytes', () => {
  expect(callCapture(scenario)).toEqual(callCapture(scenario));
});

test.skipIf(!hasProgram('tshark'))(
  'tshark reads the call as SIP, SDP, RTP and RTP events without a complaint',
  async () => {
    const path = join(scratchDir(), 'call.pcap');
    writeFileSync(path, callCapture(scenario));
    const tshark = (...args: string[]): string[] =>
      execFileSync('tshark', ['-r', path, '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE', ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
        .toString()
        .trim()
        .split('\n');
    const sip = tshark(
      '-Y',
      'sip',
      '-T',
      'fields',
      '-e',
      'sip.Request-Line',
      '-e',
      'sip.Status-Line',
      '-e',
      'sip.Call-ID',
    );
    expect(sip.map((line) => line.replaceAll('\t', ' ').trim().split(' ').slice(0, 2).join(' '))).toEqual([
      'INVITE sip:bob@example.com',
      'SIP/2.0 100',
      'SIP/2.0 180',
      'SIP/2.0 200',
      'ACK sip:bob@192.0.2.22:5060',
      'BYE sip:bob@192.0.2.22:5060',
      'SIP/2.0 200',
    ]);
    expect(sip.every((line) => line.endsWith('test-call@192.0.2.11'))).toBe(true);
    expect(tshark('-Y', 'rtp && !rtpevent', '-T', 'fields', '-e', 'rtp.ssrc')).toHaveLength(100 + 98 - 24);
    expect(tshark('-Y', 'rtpevent', '-T', 'fields', '-e', 'rtpevent.event_id')).toHaveLength(24);
    expect(tshark('-Y', '_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0')).toEqual(['']);
  },
);
