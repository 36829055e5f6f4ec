import { describe, expect, test } from 'vitest';
import { encodeUlaw } from '../../../src/kernel/g711.ts';
import { RtpStream, rtpPacket } from '../../support/rtp-stream.ts';
import { tone } from '../../support/tones.ts';
import { calls, type Dialog, dialog, leftOut, plan, START_US, sent, speech, type Talk, talk } from './scene.ts';

const PBX = '192.0.2.100';
const PCMU = '0:PCMU/8000';

type Party = { readonly host: string; readonly port: number; readonly says: Talk };

/**
 * Two people through a PBX: four streams, the payload bytes the same on both hops, everything else rewritten.
 * @param port of the PBX for the first party; the second has the next even one.
 */
const bridged = (one: Party, other: Party, port: number, delayMs = 3) =>
  [
    { from: one, to: other, near: port, far: port + 2 },
    { from: other, to: one, near: port + 2, far: port },
  ].flatMap(({ from, to, near, far }) => {
    const heard = talk(from.says);
    const onward = heard.packets().map((packet, index) => ({
      ...packet,
      data: rtpPacket({
        payloadType: 0,
        ssrc: from.says.ssrc + 1000,
        sequence: 7 + index,
        timestamp: 99 + packet.timestamp,
        payload: packet.payload,
      }),
    }));
    return [
      ...sent(heard.packets(), `${from.host}:${from.port}`, `${PBX}:${near}`),
      ...sent(onward, `${PBX}:${far}`, `${to.host}:${to.port}`, delayMs),
    ];
  });

const ann = (says: Partial<Talk> = {}): Party => ({
  host: '192.0.2.1',
  port: 4000,
  says: { ssrc: 1, ms: 4000, ...says },
});
const bob = (says: Partial<Talk> = {}): Party => ({
  host: '192.0.2.2',
  port: 5000,
  says: { ssrc: 2, ms: 4000, ...says },
});

const signalled = (first: Partial<Dialog> = {}) => [
  ...dialog({
    callId: 'first',
    caller: { at: '192.0.2.1:4000' },
    callee: { at: `${PBX}:10000` },
    inviteMs: -500,
    answerMs: -100,
    ...first,
  }),
  ...dialog({
    callId: 'second',
    caller: { at: `${PBX}:10002` },
    callee: { at: '192.0.2.2:5000' },
    inviteMs: -400,
    answerMs: -150,
  }),
];

test('four streams through a PBX that are two people are one call, the first', () => {
  const found = plan(bridged(ann(), bob({ startMs: 100 }), 10000));
  expect(calls(found)).toEqual([[`a 192.0.2.1:4000>${PBX}:10000 ${PCMU}`, `b ${PBX}:10000>192.0.2.1:4000 ${PCMU}`]]);
  expect(found.leftOut).toMatchObject([
    { what: 'RTP', path: `${PBX}:10002>192.0.2.2:5000`, why: expect.stringContaining('192.0.2.1:4000>') },
    { what: 'RTP', path: `192.0.2.2:5000>${PBX}:10002`, why: expect.stringContaining('recorded once') },
  ]);
});

test('with two Call-IDs the first call is kept, and the second is left out by name', () => {
  const found = plan(signalled(), bridged(ann(), bob({ startMs: 100 }), 10000));
  expect(found.calls.map(({ callId }) => callId)).toEqual(['first']);
  expect(calls(found)).toEqual([[`a 192.0.2.1:4000>${PBX}:10000 ${PCMU}`, `b ${PBX}:10000>192.0.2.1:4000 ${PCMU}`]]);
  expect(found.leftOut).toEqual([
    {
      what: 'call second',
      path: `${PBX}:10002>192.0.2.2:5000`,
      packets: 400,
      why: 'the same conversation as call first, on another hop; recorded once',
    },
  ]);
});

test('steady tones on both legs are enough, where all four addresses fit together', () => {
  const frame = new Uint8Array(160);
  const steady = (party: Party, hz: number) => {
    encodeUlaw(tone(hz, 20, 8000), frame);
    const stream = new RtpStream({ ssrc: party.says.ssrc, startUs: START_US });
    for (let index = 0; index < 100; index++) stream.audio(frame.slice());
    return stream.packets();
  };
  const [low, high] = [steady(ann(), 500), steady(bob(), 900)];
  const found = plan(
    sent(low, '192.0.2.1:4000', `${PBX}:10000`),
    sent(low, `${PBX}:10002`, '192.0.2.2:5000', 2),
    sent(high, '192.0.2.2:5000', `${PBX}:10002`),
    sent(high, `${PBX}:10000`, '192.0.2.1:4000', 2),
  );
  expect(found.calls).toHaveLength(1);
});

test('a PBX whose second party is silent is still one call', () => {
  const found = plan(signalled(), bridged(ann(), bob({ constant: 0xff }), 10000));
  expect(found.calls.map(({ callId }) => callId)).toEqual(['first']);
  expect(leftOut(found)).toEqual(['call second: 400']);
});

test('one direction on two hops is recorded once', () => {
  const packets = talk({ ssrc: 1, ms: 4000 }).packets();
  const found = plan(
    sent(packets, '192.0.2.1:4000', `${PBX}:10000`),
    sent(packets, `${PBX}:10002`, '192.0.2.2:5000', 5),
  );
  expect(calls(found)).toEqual([[`a 192.0.2.1:4000>${PBX}:10000 ${PCMU}`]]);
  expect(leftOut(found)).toEqual(['RTP: 200']);
});

test('copies of both legs that the PBX forwards to a recorder are left out', () => {
  const [a, b] = [talk({ ssrc: 1, ms: 4000 }).packets(), talk({ ssrc: 2, ms: 4000, startMs: 40 }).packets()];
  const found = plan(
    sent(a, '192.0.2.1:4000', `${PBX}:10000`),
    sent(b, `${PBX}:10000`, '192.0.2.1:4000'),
    sent(a, `${PBX}:12000`, '192.0.2.200:20000', 4),
    sent(b, `${PBX}:12002`, '192.0.2.200:20002', 1),
  );
  expect(found.calls).toHaveLength(1);
  expect(found.calls[0].streams).toHaveLength(2);
});

test('the same packets before and after a NAT are recorded once', () => {
  const [a, b] = [talk({ ssrc: 1, ms: 4000 }).packets(), talk({ ssrc: 2, ms: 4000 }).packets()];
  const [inside, outside, server] = ['10.0.0.5:4000', '203.0.113.7:61000', '192.0.2.2:5000'];
  const found = plan(
    sent(a, inside, server),
    sent(a, outside, server, 0.1),
    sent(b, server, outside),
    sent(b, server, inside, 0.1),
  );
  expect(found.calls).toHaveLength(1);
  expect(found.calls[0].streams.map(({ leg }) => leg)).toEqual(['a', 'b']);
});

test('a PBX with an address on either side is one call, for each hop is ahead in one direction', () => {
  const [a, b] = [talk({ ssrc: 1, ms: 4000 }).packets(), talk({ ssrc: 2, ms: 4000 }).packets()];
  const found = plan(
    sent(a, '192.0.2.1:4000', '192.0.2.100:10000'),
    sent(a, '10.0.0.100:10002', '10.0.0.2:5000', 3),
    sent(b, '10.0.0.2:5000', '10.0.0.100:10002'),
    sent(b, '192.0.2.100:10000', '192.0.2.1:4000', 3),
  );
  expect(found.calls).toHaveLength(1);
});

test('all on one host, too', () => {
  const [a, b] = [talk({ ssrc: 1, ms: 4000 }).packets(), talk({ ssrc: 2, ms: 4000 }).packets()];
  const port = (number: number) => `127.0.0.1:${number}`;
  const found = plan(
    sent(a, port(4000), port(10000)),
    sent(a, port(10002), port(5000), 3),
    sent(b, port(5000), port(10002)),
    sent(b, port(10000), port(4000), 3),
  );
  expect(found.calls).toHaveLength(1);
});

test('a hop that begins later, and ends sooner, adds nothing to the first', () => {
  const [a, b] = [talk({ ssrc: 1, ms: 9000 }).packets(), talk({ ssrc: 2, ms: 9000 }).packets()];
  const found = plan(
    sent(a, '192.0.2.1:4000', `${PBX}:10000`),
    sent(b, `${PBX}:10000`, '192.0.2.1:4000', 3),
    sent(a.slice(200, 400), `${PBX}:10002`, '192.0.2.2:5000', 3),
    sent(b.slice(200, 400), '192.0.2.2:5000', `${PBX}:10002`),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ packets }) => packets))).toEqual([[450, 450]]);
});

test('what a later hop has and the first one lacks is kept: a transfer', () => {
  const [a, b, c] = [1, 2, 3].map((ssrc) => talk({ ssrc, ms: 12_000 }).packets());
  const found = plan(
    // Ann for 4 s, then Cay: Bob hears both.
    sent(a.slice(0, 200), '192.0.2.1:4000', `${PBX}:10000`),
    sent(b.slice(0, 200), `${PBX}:10000`, '192.0.2.1:4000', 3),
    sent(b, '192.0.2.2:5000', `${PBX}:10002`),
    sent([...a.slice(0, 200), ...c.slice(200)], `${PBX}:10002`, '192.0.2.2:5000', 3),
  );
  const there = `b ${PBX}:10002>192.0.2.2:5000 ${PCMU}`;
  expect(calls(found)).toEqual([[`a 192.0.2.2:5000>${PBX}:10002 ${PCMU}`, there, there]]);
  expect(found.calls[0].streams.map(({ packets }) => packets)).toEqual([600, 200, 400]);
});

test('a hop with every packet captured twice', () => {
  const packets = bridged(ann(), bob(), 10000);
  const found = plan(packets.flatMap((one) => [one, one]));
  expect(found.calls).toHaveLength(1);
  expect(leftOut(found)).toEqual(['RTP: 400', 'RTP: 400']);
});

test('two minutes long, and sampled', () => {
  expect(plan(bridged(ann({ ms: 120_000 }), bob({ ms: 120_000 }), 10000)).calls).toHaveLength(1);
}, 20_000);

describe('calls that are not one', () => {
  const other = (number: number, says: Talk): Party => ({ host: `192.0.2.${number}`, port: 4000 + number * 2, says });

  test('two conversations through one PBX at the same time', () => {
    const found = plan(
      bridged(ann(), bob(), 10000),
      bridged(other(11, { ssrc: 11, ms: 4000 }), other(12, { ssrc: 12, ms: 4000 }), 10010),
    );
    expect(found.calls).toHaveLength(2);
    expect(found.calls.map(({ streams }) => streams.length)).toEqual([2, 2]);
  });

  test('the same recording played into many calls: each is joined with its own second hop', () => {
    const load = Array.from({ length: 12 }, (_, index) => {
      const says = { ms: 3000, startMs: index * 150, says: 77 };
      const all = bridged(
        { host: '192.0.2.1', port: 4000 + index * 2, says: { ...says, ssrc: 100 + index } },
        { host: '192.0.2.2', port: 5000 + index * 2, says: { ...says, ssrc: 200 + index, says: 78 } },
        10000 + index * 4,
      );
      // The capture lacks the beginning of some second hops: what is found first is then another call's.
      return index % 2 === 1
        ? all
        : all.filter(({ source, atUs }) => source !== PBX || atUs > START_US + index * 150_000 + 400_000);
    });
    const found = plan(...load);
    expect(found.calls).toHaveLength(12);
    expect(found.calls.map(({ streams }) => streams.map(({ source }) => source))).toEqual(
      Array.from({ length: 12 }, () => ['192.0.2.1', PBX]),
    );
  });

  test('the same recording played into many calls between two hosts, and echoed', () => {
    const load = Array.from({ length: 8 }, (_, index) => {
      const packets = talk({ ssrc: index, says: 77, ms: 3000, startMs: index * 100 }).packets();
      const [from, to] = [`127.0.0.1:${6000 + index * 2}`, `127.0.0.1:${7000 + index * 2}`];
      return [...sent(packets, from, to), ...sent(packets, to, from, 1)];
    });
    expect(plan(...load).calls).toHaveLength(8);
  });

  test('music on hold: one PBX plays it to two who wait, and who say nothing', () => {
    const music = talk({ ssrc: 5, ms: 4000 }).packets();
    const waits = (host: string, port: number) => [
      ...sent(music, `${PBX}:${port}`, `${host}:4000`),
      ...speech(`${host}:4000`, `${PBX}:${port}`, { ssrc: port, ms: 4000, constant: 0xff }),
    ];
    expect(plan(waits('192.0.2.1', 10000), waits('192.0.2.2', 10002)).calls).toHaveLength(2);
    expect(plan(waits('192.0.2.1', 10000), waits('192.0.2.2', 10000)).calls).toHaveLength(2);
  });

  for (const { name, constant } of [
    { name: 'silence', constant: 0xff },
    { name: 'silence of A-law', constant: 0xd5 },
  ]) {
    test(`${name} in all four directions`, () => {
      const found = plan(bridged(ann({ constant }), bob({ constant }), 10000));
      expect(found.calls).toHaveLength(2);
    });
  }

  test('one direction passed on, while the other two are told different things', () => {
    const heard = talk({ ssrc: 5, ms: 4000 }).packets();
    const found = plan(
      sent(heard, '192.0.2.2:5000', `${PBX}:10002`),
      speech(`${PBX}:10002`, '192.0.2.2:5000', { ssrc: 2, ms: 4000 }),
      sent(heard, `${PBX}:10000`, '192.0.2.1:4000', 3),
      speech('192.0.2.1:4000', `${PBX}:10000`, { ssrc: 1, ms: 4000 }),
    );
    expect(found.calls).toHaveLength(2);
    expect(found.leftOut).toEqual([]);
  });

  test('two recordings that begin with the same words', () => {
    const greeting = talk({ ssrc: 1, ms: 2000, says: 9 }).packets();
    const rest = (ssrc: number) => talk({ ssrc, ms: 2000, startMs: 2000, sequence: 100, timestamp: 16_000 }).packets();
    const found = plan(
      sent([...greeting, ...rest(1)], '192.0.2.1:4000', `${PBX}:10000`),
      sent([...greeting, ...rest(2)], `${PBX}:10002`, '192.0.2.2:5000', 3),
    );
    expect(found.leftOut).toEqual([]);
  });

  test('an echo to one of two on the same path', () => {
    const echoed = talk({ ssrc: 2, ms: 4000 }).packets();
    const found = plan(
      speech('192.0.2.1:4000', '192.0.2.2:5000', { ssrc: 1, ms: 5000 }),
      sent(echoed, '192.0.2.1:4000', '192.0.2.2:5000'),
      sent(echoed, '192.0.2.2:5000', '192.0.2.1:4000', 10),
      speech('192.0.2.2:5000', '192.0.2.1:4000', { ssrc: 2, sequence: 200, timestamp: 32_000, startMs: 4010, ms: 990 }),
    );
    expect(found.leftOut).toEqual([]);
  });
});
