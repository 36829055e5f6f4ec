import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Datagram } from '../../../src/ingest/datagram.ts';
import { Survey } from '../../../src/ingest/survey/survey.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { seeded } from '../../support/tones.ts';
import { calls, datagram, dialog, plan, START_US, speech, talk } from './scene.ts';

const A = '192.0.2.1:4000';
const B = '192.0.2.2:5000';

const call = (): Datagram[] =>
  [
    ...dialog({ callId: 'x', caller: { at: A }, callee: { at: B }, byeMs: 1500 }),
    ...speech(A, B, { ssrc: 1, startMs: 200, ms: 1000 }),
    ...speech(B, A, { ssrc: 2, startMs: 210, ms: 1000 }),
    ...speech('192.0.2.100:6000', '192.0.2.2:7000', { ssrc: 3, says: 1, startMs: 203, ms: 1000 }),
  ].sort((left, right) => left.atUs - right.atUs);

/** What any plan must keep to. */
const check = (survey: Survey, pushed: number): void => {
  const plan = survey.finish();
  expect(plan.packets).toBe(pushed);
  const ids = plan.calls.map(({ callId }) => callId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const call of plan.calls) {
    expect(call.streams.length).toBeGreaterThan(0);
    expect(new Set(call.streams.map(({ key, leg }) => `${key} ${leg}`)).size).toBe(call.streams.length);
    for (const stream of call.streams) {
      expect(stream.packets).toBeGreaterThan(0);
      expect(stream.firstUs).toBeLessThanOrEqual(stream.lastUs);
      expect(stream.firstUs).toBeGreaterThanOrEqual(call.firstUs);
      expect(stream.lastUs).toBeLessThanOrEqual(call.lastUs);
      for (let payloadType = -1; payloadType <= 128; payloadType++) {
        stream.codecAt(payloadType, stream.firstUs);
        stream.codecAt(payloadType, Number.NaN);
      }
    }
  }
};

const port = fc.integer({ min: 0, max: 65_535 });
const address = fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '');
const anyDatagram: fc.Arbitrary<Datagram> = fc.record({
  protocol: fc.constantFrom('udp', 'tcp'),
  atUs: fc.oneof(fc.double({ min: 0, max: 4e15, noNaN: true }), fc.integer({ min: START_US, max: START_US + 1e7 })),
  source: address,
  sourcePort: port,
  target: address,
  targetPort: port,
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ minLength: 12, maxLength: 80 }).map((bytes) => Buffer.from([0x80, ...bytes])),
  ),
  cut: fc.boolean(),
  tcpSequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  tcpSyn: fc.boolean(),
});

describe('the survey never throws', () => {
  test('random datagrams', () => {
    fc.assert(
      fc.property(fc.array(anyDatagram, { maxLength: 60 }), (datagrams) => {
        const survey = new Survey();
        for (const one of datagrams) survey.push(one);
        check(survey, datagrams.length);
      }),
      { numRuns: 200 },
    );
  });

  test('random RTP on few paths, with few SSRCs', () => {
    const packet = fc.record({
      atMs: fc.integer({ min: 0, max: 100_000 }),
      swap: fc.boolean(),
      cut: fc.boolean(),
      payloadType: fc.constantFrom(0, 8, 10, 13, 18, 34, 96, 101, 127),
      sequence: fc.integer({ min: 0, max: 65_535 }),
      timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
      ssrc: fc.integer({ min: 0, max: 2 }),
      payload: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 120 }), (packets) => {
        const survey = new Survey();
        for (const { atMs, swap, cut, ...fields } of packets) {
          survey.push(datagram(atMs, swap ? A : B, swap ? B : A, rtpPacket(fields), cut));
        }
        check(survey, packets.length);
      }),
      { numRuns: 200 },
    );
  });

  test('a call whose datagrams are mutated, cut, lost, repeated, and shifted in time', () => {
    const whole = call();
    const change = fc.record({
      index: fc.nat({ max: whole.length - 1 }),
      byte: fc.nat({ max: 300 }),
      value: fc.nat({ max: 255 }),
      kind: fc.constantFrom('byte', 'cut', 'lose', 'repeat', 'shift', 'swap'),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
        const datagrams: Datagram[] = whole.map((one) => ({ ...one, payload: Buffer.from(one.payload) }));
        for (const { index, byte, value, kind } of changes) {
          const at = index % datagrams.length;
          const one = datagrams[at];
          if (kind === 'byte') one.payload[byte % one.payload.length] = value;
          if (kind === 'cut')
            datagrams[at] = { ...one, cut: true, payload: one.payload.subarray(0, 1 + (byte % one.payload.length)) };
          if (kind === 'lose' && datagrams.length > 1) datagrams.splice(at, 1);
          if (kind === 'repeat') datagrams.splice(at, 0, one);
          if (kind === 'shift') datagrams[at] = { ...one, atUs: one.atUs + (value - 128) * 1e6 };
          if (kind === 'swap') datagrams[at] = { ...one, ...reversed(one) };
        }
        const survey = new Survey();
        for (const one of datagrams) survey.push(one);
        check(survey, datagrams.length);
      }),
      { numRuns: 150 },
    );
  });
});

const reversed = (one: Datagram) => ({
  source: one.target,
  sourcePort: one.targetPort,
  target: one.source,
  targetPort: one.sourcePort,
});

test('a flood of random senders fills no memory, and hides no call', () => {
  const random = seeded(9);
  const survey = new Survey({ unprovenFlows: 500 });
  const real = call();
  let next = 0;
  for (let index = 0; index < 60_000; index++) {
    if (index % 200 === 0 && next < real.length) survey.push(real[next++]);
    const host = `198.51.${Math.floor(random() * 256)}.${Math.floor(random() * 256)}`;
    const [sequence, timestamp, ssrc] = [random() * 65_536, random() * 2 ** 32, random() * 2 ** 32].map(Math.floor);
    const payload = rtpPacket({ payloadType: 0, sequence, timestamp, ssrc, payload: new Uint8Array(20) });
    survey.push(datagram(index / 10, `${host}:${index % 60_000}`, index % 3 === 0 ? B : '192.0.2.77:9', payload));
    expect(survey.unproven).toBeLessThanOrEqual(500);
  }
  const found = survey.finish();
  expect(found.calls.map(({ callId }) => callId)).toContain('x');
});

test('a stream of an hour keeps as little as one of a minute', () => {
  // The heap is no measure in a test run; what a stream keeps is counted through what its sample gives back.
  const minute = plan(speech(A, B, { ssrc: 1, ms: 60_000 }));
  expect(calls(minute)).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
  const survey = new Survey();
  const [{ data }] = talk({ ssrc: 1, ms: 20 }).packets();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 180_000; index++) {
    data.writeUInt16BE(index & 0xffff, 2);
    data.writeUInt32BE(index * 160, 4);
    data.writeUInt32BE(Math.imul(index, 0x9e3779b1) >>> 0, 20);
    const path = { source: '192.0.2.1', sourcePort: 4000, target: '192.0.2.2', targetPort: 5000 };
    const tcp = { tcpSequence: 0, tcpSyn: false };
    survey.push({ protocol: 'udp', atUs: START_US + index * 20_000, ...path, payload: data, cut: false, ...tcp });
  }
  expect(survey.finish().calls[0].streams[0].packets).toBe(180_000);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64e6);
});
