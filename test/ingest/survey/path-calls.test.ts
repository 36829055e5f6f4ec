import { expect, test } from 'vitest';
import { telephoneEvent } from '../../support/rtp-stream.ts';
import { calls, dialog, leftOut, plan, START_US, sent, speech, talk } from './scene.ts';

const A = '192.0.2.1:4000';
const B = '192.0.2.2:5000';
const PCMU = '0:PCMU/8000';

const events = (ssrc: number, startMs: number) =>
  telephoneEvent({ digit: '7', durationMs: 160, timestamp: 800, ssrc, atUs: START_US + startMs * 1000 });

test('streams that mirror each other are a call, and the first to send is leg a', () => {
  const found = plan(speech(B, A, { ssrc: 2, startMs: 40 }), speech(A, B, { ssrc: 1, startMs: 80 }));
  expect(calls(found)).toEqual([[`a ${B}>${A} ${PCMU}`, `b ${A}>${B} ${PCMU}`]]);
  expect(found.calls[0]).toMatchObject({
    signalled: false,
    callId: '192.0.2.2-5000-192.0.2.1-4000-20260115T093000.040Z',
    from: { address: '', name: '', number: '' },
    firstUs: START_US + 40_000,
    lastUs: START_US + 2_060_000,
  });
});

test('the call is named the same each time, without a character that a file name may not have', () => {
  const name = () => plan(speech('2001:db8::1:4000', '2001:db8::2:5000', { ssrc: 1 })).calls[0].callId;
  expect(name()).toBe(name());
  expect(name()).toMatch(/^[A-Za-z0-9_.-]+$/);
});

test('where both legs begin at one time, the first in the capture is leg a', () => {
  const [b, a] = [speech(B, A, { ssrc: 2 }), speech(A, B, { ssrc: 1 })];
  expect(calls(plan(b, a))).toEqual([[`a ${B}>${A} ${PCMU}`, `b ${A}>${B} ${PCMU}`]]);
  expect(calls(plan(a, b))).toEqual([[`a ${A}>${B} ${PCMU}`, `b ${B}>${A} ${PCMU}`]]);
});

test('an echo, one SSRC in both directions, is two legs', () => {
  const packets = talk({ ssrc: 1 }).packets();
  expect(calls(plan(sent(packets, A, B), sent(packets, B, A, 30)))).toEqual([
    [`a ${A}>${B} ${PCMU}`, `b ${B}>${A} ${PCMU}`],
  ]);
});

test('two streams that a server forwards to one host at the same time are a call', () => {
  const found = plan(
    speech('192.0.2.9:7000', '192.0.2.5:30000', { ssrc: 1 }),
    speech('192.0.2.9:7002', '192.0.2.5:30002', { ssrc: 2, startMs: 200 }),
  );
  expect(calls(found)).toEqual([
    [`a 192.0.2.9:7000>192.0.2.5:30000 ${PCMU}`, `b 192.0.2.9:7002>192.0.2.5:30002 ${PCMU}`],
  ]);
});

test('of several streams to one host, those that begin and end together are pairs', () => {
  const forwarded = (port: number, startMs: number, ms: number) =>
    speech('192.0.2.9:7000', `192.0.2.5:${port}`, { ssrc: port, startMs, ms });
  const found = plan(
    forwarded(30000, 0, 9000),
    forwarded(30010, 1000, 3000),
    forwarded(30002, 20, 9000),
    forwarded(30012, 1030, 3000),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ ssrc }) => ssrc))).toEqual([
    [30000, 30002],
    [30010, 30012],
  ]);
});

test('time tells pairs, not ports', () => {
  const forwarded = (port: number, startMs: number) =>
    speech('192.0.2.9:7000', `192.0.2.5:${port}`, { ssrc: port, startMs, ms: 5000 });
  const found = plan(forwarded(30000, 0), forwarded(30002, 3000), forwarded(30004, 50), forwarded(30006, 3040));
  expect(found.calls.map(({ streams }) => streams.map(({ ssrc }) => ssrc))).toEqual([
    [30000, 30004],
    [30002, 30006],
  ]);
});

test('two calls that begin on one path at one time have names of their own', () => {
  const found = plan(...[1, 2, 3, 4].map((ssrc) => speech(A, B, { ssrc })));
  expect(found.calls.map(({ streams }) => streams.length)).toEqual([2, 2]);
  expect(new Set(found.calls.map(({ callId }) => callId)).size).toBe(2);
});

test('one person in one direction, another who replaces the first in the other: leg a is who sent first of the pair', () => {
  const found = plan(
    speech(A, B, { ssrc: 1, ms: 10_000 }),
    speech(A, B, { ssrc: 2, startMs: 5000, ms: 55_000 }),
    speech(B, A, { ssrc: 3, startMs: 1000, ms: 59_000 }),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([
    ['a 1'],
    ['a 3', 'b 2'],
  ]);
});

test('streams of hosts that have nothing to do with each other are calls of their own', () => {
  const found = plan(speech(A, B, { ssrc: 1 }), speech('198.51.100.1:4000', '198.51.100.2:5000', { ssrc: 2 }));
  expect(calls(found)).toEqual([[`a ${A}>${B} ${PCMU}`], [`a 198.51.100.1:4000>198.51.100.2:5000 ${PCMU}`]]);
});

test('streams of one host, one after the other, are calls of their own', () => {
  const found = plan(speech(A, B, { ssrc: 1 }), speech(A, '192.0.2.3:5000', { ssrc: 2, startMs: 5000 }));
  expect(found.calls).toHaveLength(2);
});

test('both legs forwarded to one port are told apart by their SSRC', () => {
  const found = plan(speech(A, B, { ssrc: 1 }), speech(A, B, { ssrc: 2, startMs: 60 }));
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([['a 1', 'b 2']]);
});

test('both legs on one port are two though a server sends nothing in silence', () => {
  const [one, other] = [talk({ ssrc: 1, ms: 0 }), talk({ ssrc: 2, ms: 0 })];
  const frames = (count: number) => Array.from({ length: count }, (_, index) => new Uint8Array(160).fill(index));
  for (let turn = 0; turn < 3; turn++) {
    one.audio(...frames(100)).pause(4000);
    other
      .pause(2500)
      .audio(...frames(100))
      .pause(1500);
  }
  const found = plan(sent(one.packets(), A, B), sent(other.packets(), A, B));
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([['a 1', 'b 2']]);
});

for (const { name, startMs } of [
  { name: 'takes over at once', startMs: 2000 },
  { name: 'takes over while the old one is still heard', startMs: 1920 },
  { name: 'comes 20 s later', startMs: 22_000 },
]) {
  test(`a new SSRC that ${name} is the same leg`, () => {
    const found = plan(
      speech(A, B, { ssrc: 1, ms: 2000 }),
      speech(A, B, { ssrc: 2, ms: 2000, startMs }),
      speech(B, A, { ssrc: 3, ms: 24_000 }),
    );
    expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([
      ['a 1', 'b 3', 'a 2'],
    ]);
  });
}

test('a leg that returns to its first SSRC is one leg where the other direction is there', () => {
  const stream = talk({ ssrc: 1, ms: 4000 }).pause(4000);
  stream.audio(...Array.from({ length: 100 }, (_, index) => new Uint8Array(160).fill(index)));
  const found = plan(
    sent(stream.packets(), A, B),
    speech(A, B, { ssrc: 2, startMs: 4000, ms: 4000 }),
    speech(B, A, { ssrc: 3, startMs: 10, ms: 10_000 }),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([
    ['a 1', 'b 3', 'a 2'],
  ]);
});

test('the same ports after 30 s of silence, used by new SSRCs, are a new call', () => {
  const found = plan(
    speech(A, B, { ssrc: 1 }),
    speech(B, A, { ssrc: 2 }),
    speech(B, A, { ssrc: 4, startMs: 33_000 }),
    speech(A, B, { ssrc: 3, startMs: 33_100 }),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([
    ['a 1', 'b 2'],
    ['a 4', 'b 3'],
  ]);
});

test('the same ports after 30 s, by SSRCs that go on, are the same call', () => {
  const held = (ssrc: number, from: string, to: string) => {
    const stream = talk({ ssrc }).pause(60_000);
    stream.audio(...Array.from({ length: 50 }, (_, index) => new Uint8Array(160).fill(index)));
    return sent(stream.packets(), from, to);
  };
  expect(calls(plan(held(1, A, B), held(2, B, A)))).toHaveLength(1);
});

test('a sender that plays the same recording again is a new call after 30 s, and the same one before', () => {
  const again = (startMs: number) => plan(speech(A, B, { ssrc: 1 }), speech(A, B, { ssrc: 1, startMs, sequence: 0 }));
  const later = again(40_000);
  expect(later.calls).toHaveLength(2);
  expect(new Set(later.calls.map(({ callId }) => callId)).size).toBe(2);
  expect(later.calls[0].streams[0].key).toBe(later.calls[1].streams[0].key);
  expect(later.calls[0].lastUs).toBeLessThan(later.calls[1].firstUs);
  expect(later.calls.map(({ streams }) => streams[0].packets)).toEqual([100, 100]);
  expect(again(10_000).calls.map(({ streams }) => streams.map(({ packets }) => packets))).toEqual([[200]]);
});

test('events beside the audio, under an SSRC of their own, are the same leg', () => {
  const found = plan(speech(A, B, { ssrc: 1 }), speech(B, A, { ssrc: 2, startMs: 20 }), sent(events(3, 500), A, B));
  expect(found.calls.map(({ streams }) => streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`))).toEqual([
    ['a 1', 'b 2', 'a 3'],
  ]);
});

test('events on one leg and audio on the other are a call', () => {
  expect(calls(plan(speech(A, B, { ssrc: 1 }), sent(events(3, 500), B, A)))).toEqual([
    [`a ${A}>${B} ${PCMU}`, `b ${B}>${A} 101:TELEPHONE-EVENT/8000`],
  ]);
});

test('a stream whose other leg is encrypted is not paired with somebody else', () => {
  const found = plan(
    speech(A, B, { ssrc: 1 }),
    speech(B, A, { ssrc: 2, bytes: 170 }),
    speech('192.0.2.1:4010', '192.0.2.3:5000', { ssrc: 3 }),
  );
  expect(found.calls.map(({ streams }) => streams.map(({ ssrc }) => ssrc))).toEqual([[1], [3]]);
});

test('comfort noise alone is no call', () => {
  const stream = talk({ ssrc: 1, payloadType: 13, ms: 400, bytes: 1 });
  const found = plan(sent(stream.packets(), A, B));
  expect(found.calls).toEqual([]);
  expect(leftOut(found)).toEqual(['comfort noise only: 20']);
});

test('calls are in order of their first packet', () => {
  const found = plan(
    speech('198.51.100.1:4000', '198.51.100.2:5000', { ssrc: 2, startMs: 500 }),
    dialog({ callId: 'x', caller: { at: A }, callee: { at: B }, inviteMs: 0 }),
    speech(A, B, { ssrc: 1, startMs: 1000 }),
  );
  expect(found.calls.map(({ callId, signalled }) => [callId, signalled])).toEqual([
    ['198.51.100.1-4000-198.51.100.2-5000-20260115T093000.500Z', false],
    ['x', true],
  ]);
});

test('a capture of nothing has no calls', () => {
  expect(plan()).toEqual({ calls: [], leftOut: [], warnings: [], packets: 0 });
});
