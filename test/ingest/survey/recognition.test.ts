import { expect, test } from 'vitest';
import { FingerprintBudget } from '../../../src/ingest/survey/fingerprints.ts';
import { Flow } from '../../../src/ingest/survey/flow.ts';
import { FlowTable } from '../../../src/ingest/survey/flow-table.ts';
import { Survey } from '../../../src/ingest/survey/survey.ts';
import { Track } from '../../../src/ingest/survey/track.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { seeded } from '../../support/tones.ts';
import { calls, datagram, dialog, leftOut, plan, sent, speech, talk } from './scene.ts';

const A = '192.0.2.1:4000';
const B = '192.0.2.2:5000';

const repeated = (count: number, make: (index: number) => Buffer) =>
  Array.from({ length: count }, (_, index) => datagram(index * 20, A, B, make(index)));

test('RTP is known by its behaviour, on any port', () => {
  expect(calls(plan(speech('192.0.2.1:53', '192.0.2.2:161', { ssrc: 1, ms: 200 })))).toEqual([
    ['a 192.0.2.1:53>192.0.2.2:161 0:PCMU/8000'],
  ]);
});

for (const { packets, known } of [
  { packets: 1, known: false },
  { packets: 3, known: false },
  { packets: 4, known: true },
  { packets: 5, known: true },
]) {
  test(`${packets} packets that follow on one another are ${known ? 'a stream' : 'too few'}`, () => {
    const found = plan(speech(A, B, { ssrc: 7, ms: packets * 20 }));
    expect(found.calls).toHaveLength(known ? 1 : 0);
    expect(leftOut(found)).toEqual(packets === 3 ? ['RTP: 3'] : []);
  });
}

test('one packet is enough where SDP named the port', () => {
  const found = plan(
    dialog({ callId: 'one@x', caller: { at: A }, callee: { at: B } }),
    speech(A, B, { ssrc: 7, ms: 20, startMs: 500 }),
  );
  expect(found.calls.map(({ callId }) => callId)).toEqual(['one@x']);
});

test('one packet is not enough when its payload type is none that SDP named', () => {
  const found = plan(
    dialog({ callId: 'one@x', caller: { at: A }, callee: { at: B } }),
    speech(A, B, { ssrc: 7, payloadType: 8, ms: 20, startMs: 500 }),
  );
  expect(found.calls).toEqual([]);
  expect(leftOut(found)).toEqual(['RTP payload type 8: 1']);
});

test('one packet on a port that SDP named is kept, however much noise follows', () => {
  const survey = new Survey({ unprovenFlows: 50 });
  for (const message of dialog({ callId: 'one@x', caller: { at: A }, callee: { at: B }, answerMs: null })) {
    survey.push(message);
  }
  for (const packet of speech(B, A, { ssrc: 7, ms: 20 })) survey.push(packet);
  for (let port = 1; port < 1000; port++) {
    for (const packet of speech(`192.0.2.9:${port}`, B, { ssrc: port, ms: 20 })) survey.push(packet);
  }
  expect(survey.unproven).toBeLessThanOrEqual(50);
  expect(calls(survey.finish())).toEqual([[`b ${B}>${A} 0:PCMU/8000`]]);
});

const random = seeded(42);
const bytes = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
const rtp = (sequence: number, timestamp: number, ssrc: number, payload = bytes(160)): Buffer =>
  rtpPacket({ payloadType: 0, sequence, timestamp, ssrc, payload });

for (const { name, make } of [
  { name: 'random bytes', make: () => bytes(172) },
  { name: 'random bytes that claim to be version 2', make: () => Buffer.concat([Buffer.from([0x80]), bytes(171)]) },
  {
    name: 'DNS',
    make: (index: number) =>
      Buffer.concat([
        Buffer.from([0x80 | (index & 0x3f), index & 0x7f, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Buffer.from('\x07example\x03com\0\0\x01\0\x01', 'latin1'),
      ]),
  },
  {
    name: 'RTCP, several packets in a datagram',
    make: (index: number) => {
      const report = Buffer.alloc(28);
      report.set([0x80, 200, 0, 6, 0, 0, 0, 7]);
      report.writeUInt32BE(index, 8);
      return Buffer.concat([report, Buffer.from([0x81, 202, 0, 2, 0, 0, 0, 7, 1, 2, 65, 66])]);
    },
  },
  {
    name: 'STUN',
    make: () => Buffer.concat([Buffer.from([0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42]), bytes(20)]),
  },
  {
    name: 'a protocol with fixed bytes where RTP has a sequence number',
    make: (index: number) => {
      const packet = Buffer.concat([Buffer.from([0x80, 0, 0x12, 0x34, 0, 0, 0, 0, 1, 2, 3, 4]), bytes(100)]);
      packet.writeUInt32BE(index * 160, 4);
      return packet;
    },
  },
  { name: 'sequence numbers that leap', make: (index: number) => rtp(index * 1000, index * 160, 7) },
  { name: 'timestamps that leap', make: (index: number) => rtp(index, Math.imul(index, 0x30000000), 7) },
  { name: 'another SSRC in every packet', make: (index: number) => rtp(index, index * 160, index + 1) },
  { name: 'the same packet over and over', make: () => rtp(9, 160, 7, Buffer.alloc(160, 0x2a)) },
]) {
  test(`no stream is made of ${name}`, () => {
    const found = plan(repeated(200, make));
    expect(found.calls).toEqual([]);
    expect(found.packets).toBe(200);
  });
}

for (const { name, change } of [
  { name: 'a fifth of them lost', change: <T>(all: T[]): T[] => all.filter((_, index) => index % 5 !== 3) },
  { name: 'every packet twice', change: <T>(all: T[]): T[] => all.flatMap((one) => [one, one]) },
  {
    name: 'neighbours out of order',
    change: <T>(all: T[]): T[] =>
      all.map((_, index) => all[index % 7 === 2 ? index + 1 : index % 7 === 3 ? index - 1 : index]),
  },
]) {
  test(`a stream is one stream with ${name}`, () => {
    const packets = change(speech(A, B, { ssrc: 9, ms: 2000, sequence: 65_500, timestamp: 0xffff_fff0 }));
    const survey = new Survey();
    for (const packet of packets) survey.push(packet);
    const found = survey.finish();
    expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
    expect(found.calls[0].streams[0]).toMatchObject({ ssrc: 9, packets: packets.length });
    expect(found.leftOut).toEqual([]);
  });
}

test('the second copy of a hop may be late by seconds', () => {
  const packets = talk({ ssrc: 9, ms: 8000 }).packets();
  expect(calls(plan(sent(packets, A, B), sent(packets, A, B, 2500)))).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
});

test('packets that the snaplen cut are counted, and warned of in one line', () => {
  const cut = speech(A, B, { ssrc: 7, ms: 400 }).map((one, index) =>
    index < 5 ? { ...one, cut: true, payload: one.payload.subarray(0, 60) } : one,
  );
  const found = plan(cut);
  expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
  expect(found.warnings).toEqual(["5 packets were cut by the capture's snaplen; their audio is lost"]);
});

test('a stream of nothing but cut packets is left out, padded ones too', () => {
  const packets = Array.from({ length: 20 }, (_, index) => {
    const padded = rtpPacket({
      payloadType: 0,
      sequence: index,
      timestamp: index * 160,
      ssrc: 7,
      payload: bytes(160),
      padding: 4,
    });
    return datagram(index * 20, A, B, padded.subarray(0, 60), true);
  });
  const found = plan(packets);
  expect(found.calls).toEqual([]);
  expect(found.leftOut).toMatchObject([{ what: 'RTP', packets: 20, why: expect.stringMatching(/snaplen/) }]);
  expect(found.warnings).toEqual(["20 packets were cut by the capture's snaplen; their audio is lost"]);
});

test('paths are forgotten in order of last use, and never those that proved themselves', () => {
  const table = new FlowTable(() => false, 100);
  const path = (port: number) => datagram(0, `192.0.2.1:${port}`, B, Buffer.alloc(0));
  const proven = table.open(path(1));
  proven.promote({ ssrc: 1 } as never);
  table.touch(proven);
  const used = table.open(path(2));
  for (let port = 3; port < 5000; port++) {
    table.open(path(port));
    table.touch(used);
  }
  expect(table.unproven).toBeLessThanOrEqual(100);
  expect(table.find(path(1))).toBe(proven);
  expect(table.find(path(2))).toBe(used);
  expect(table.find(path(3))).toBeUndefined();
  expect([...table.flows()].length).toBeLessThanOrEqual(101);
});

test('senders on one path that never prove themselves are forgotten, the oldest first', () => {
  const flow = new Flow(datagram(0, A, B, Buffer.alloc(0)));
  for (let ssrc = 0; ssrc < 1000; ssrc++) flow.addCandidate(new Track(flow, ssrc, ssrc, new FingerprintBudget()));
  expect(flow.candidates.size).toBeLessThanOrEqual(16);
  expect(flow.candidates.has(999)).toBe(true);
});

test('streams beyond the limit are ignored, and told of', () => {
  const survey = new Survey({ streams: 2 });
  for (const port of [4000, 4002, 4004]) {
    for (const packet of speech(`192.0.2.1:${port}`, `192.0.2.9:${port}`, { ssrc: port, ms: 200 })) survey.push(packet);
  }
  const found = survey.finish();
  expect(found.calls.flatMap(({ streams }) => streams)).toHaveLength(2);
  expect(found.warnings).toEqual(['streams beyond the first 2 were ignored: 1']);
});
