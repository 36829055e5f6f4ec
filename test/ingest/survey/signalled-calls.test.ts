import { expect, test } from 'vitest';
import { calls, dialog, leftOut, plan, START_US, sent, speech, talk } from './scene.ts';

const A = '192.0.2.1:4000';
const B = '192.0.2.2:5000';
const PCMU = '0:PCMU/8000';

test('what goes to the callee is leg a, whoever sends first', () => {
  const found = plan(
    dialog({ callId: 'x@y', caller: { at: A }, callee: { at: B }, byeMs: 4000 }),
    speech(B, A, { ssrc: 2, startMs: 200 }),
    speech(A, B, { ssrc: 1, startMs: 900 }),
  );
  expect(calls(found)).toEqual([[`b ${B}>${A} ${PCMU}`, `a ${A}>${B} ${PCMU}`]]);
  expect(found.calls[0]).toMatchObject({
    callId: 'x@y',
    signalled: true,
    from: { address: 'ann@example.com', name: 'Ann' },
    to: { address: 'bob@example.com', name: 'Bob' },
    answeredAtUs: START_US + 100_000,
    endedAtUs: START_US + 4_000_000,
  });
  expect(found.leftOut).toEqual([]);
});

test('early media, before any answer, is leg b', () => {
  const found = plan(
    dialog({ callId: 'x', caller: { at: A }, callee: { at: B }, answerMs: 5000 }),
    speech('192.0.2.8:9000', A, { ssrc: 2, startMs: 500 }),
  );
  expect(calls(found)).toEqual([[`b 192.0.2.8:9000>${A} ${PCMU}`]]);
});

test('IPv6', () => {
  const [a, b] = ['2001:db8::1:4000', '2001:db8::2:5000'];
  const found = plan(
    dialog({ callId: 'x', caller: { at: a }, callee: { at: b } }),
    speech(a, b, { ssrc: 1, startMs: 200 }),
    speech(b, a, { ssrc: 2, startMs: 200 }),
  );
  expect(calls(found)).toEqual([
    [`a [2001:db8::1]:4000>[2001:db8::2]:5000 ${PCMU}`, `b [2001:db8::2]:5000>[2001:db8::1]:4000 ${PCMU}`],
  ]);
});

test('behind a NAT: the caller named a private address, and another one is seen', () => {
  const seen = '203.0.113.7:61000';
  const found = plan(
    dialog({ callId: 'x', caller: { at: '10.0.0.5:4000' }, callee: { at: B } }),
    speech(seen, B, { ssrc: 1, startMs: 200 }),
    speech(B, seen, { ssrc: 2, startMs: 200 }),
  );
  expect(calls(found)).toEqual([[`a ${seen}>${B} ${PCMU}`, `b ${B}>${seen} ${PCMU}`]]);
});

test('behind a NAT: the stream comes back to a port that nobody named', () => {
  const seen = '203.0.113.7:61000';
  const found = plan(
    dialog({ callId: 'x', caller: { at: A }, callee: { at: '10.0.0.9:5000' } }),
    speech(A, seen, { ssrc: 1, startMs: 200 }),
    speech(seen, '192.0.2.1:4006', { ssrc: 2, startMs: 300 }),
  );
  expect(calls(found)).toEqual([[`a ${A}>${seen} ${PCMU}`, `b ${seen}>192.0.2.1:4006 ${PCMU}`]]);
});

test('two calls on the same ports, one after the other, are two, even with the same SSRC and numbering', () => {
  const one = (callId: string, startMs: number) => [
    ...dialog({ callId, caller: { at: A }, callee: { at: B }, inviteMs: startMs, byeMs: startMs + 2200 }),
    ...speech(A, B, { ssrc: 1, startMs: startMs + 150 }),
    ...speech(B, A, { ssrc: 2, startMs: startMs + 150 }),
  ];
  const found = plan(one('first', 0), one('second', 3000));
  expect(found.calls.map(({ callId }) => callId)).toEqual(['first', 'second']);
  for (const call of found.calls) {
    expect(call.streams.map(({ leg, ssrc, packets }) => `${leg} ${ssrc} ${packets}`)).toEqual(['a 1 100', 'b 2 100']);
  }
  expect(found.calls[0].streams[0].key).toBe(found.calls[1].streams[0].key);
  expect(found.calls[0].lastUs).toBeLessThan(found.calls[1].firstUs);
});

test('the second of two calls on the same ports is found though the hang-up of the first is not in the capture', () => {
  const one = (callId: string, startMs: number, ssrc: number) => [
    ...dialog({ callId, caller: { at: A }, callee: { at: B }, inviteMs: startMs }),
    ...speech(A, B, { ssrc, startMs: startMs + 150 }),
  ];
  const found = plan(one('first', 0, 1), one('second', 5000, 2));
  expect(found.calls.map(({ callId, streams }) => [callId, streams.map(({ ssrc }) => ssrc)])).toEqual([
    ['first', [1]],
    ['second', [2]],
  ]);
});

test('packets that follow the hang-up belong to the call', () => {
  const stream = talk({ ssrc: 1, startMs: 200 }).pause(8000);
  stream.audio(...Array.from({ length: 10 }, () => new Uint8Array(160).fill(9)));
  const found = plan(
    dialog({ callId: 'x', caller: { at: A }, callee: { at: B }, byeMs: 2100 }),
    sent(stream.packets(), A, B),
  );
  expect(found.calls.map(({ callId, streams }) => [callId, streams[0].packets])).toEqual([['x', 110]]);
});

test('a re-INVITE that moves a port keeps the call and the leg', () => {
  const moved = '192.0.2.1:4100';
  const found = plan(
    dialog({
      callId: 'x',
      caller: { at: A },
      callee: { at: B },
      again: [{ atMs: 2300, caller: { at: moved }, callee: { at: B } }],
    }),
    speech(A, B, { ssrc: 1, startMs: 200 }),
    speech(B, A, { ssrc: 2, startMs: 200 }),
    speech(moved, B, { ssrc: 3, startMs: 2400 }),
    speech(B, moved, { ssrc: 2, startMs: 2400, sequence: 100, timestamp: 16_000 }),
  );
  expect(found.calls).toHaveLength(1);
  expect(found.calls[0].streams.map(({ leg, ssrc, path }) => `${leg} ${ssrc} ${path}`)).toEqual([
    `a 1 ${A}>${B}`,
    `b 2 ${B}>${A}`,
    `a 3 ${moved}>${B}`,
    `b 2 ${B}>${moved}`,
  ]);
});

test('a capture that begins in mid-call: the first signalling comes long after the first packet', () => {
  const found = plan(
    dialog({ callId: 'x', caller: { at: A }, callee: { at: B }, inviteMs: 20_000 }),
    speech(A, B, { ssrc: 1, ms: 25_000 }),
    speech(B, A, { ssrc: 2, ms: 25_000 }),
  );
  expect(found.calls.map(({ callId }) => callId)).toEqual(['x']);
  expect(found.calls[0].streams.map(({ leg }) => leg)).toEqual(['a', 'b']);
});

test('a B2BUA that lets both phones send to each other describes one conversation twice: the first call counts', () => {
  const found = plan(
    dialog({ callId: 'first', caller: { at: A }, callee: { at: B }, answerMs: 150 }),
    dialog({ callId: 'second', caller: { at: A }, callee: { at: B }, inviteMs: 20, answerMs: 130 }),
    speech(A, B, { ssrc: 1, startMs: 200 }),
    speech(B, A, { ssrc: 2, startMs: 200 }),
  );
  expect(found.calls.map(({ callId }) => callId)).toEqual(['first']);
  expect(calls(found)).toEqual([[`a ${A}>${B} ${PCMU}`, `b ${B}>${A} ${PCMU}`]]);
});

test('of two calls that name one port, the one that names the sender, too, has the stream', () => {
  const found = plan(
    dialog({ callId: 'other', caller: { at: '192.0.2.7:4000' }, callee: { at: B } }),
    dialog({ callId: 'this', caller: { at: A }, callee: { at: B }, inviteMs: 50, answerMs: 150 }),
    speech(A, B, { ssrc: 1, startMs: 200 }),
  );
  expect(found.calls.map(({ callId }) => callId)).toEqual(['this']);
});

test('a recorder that is called gets each person on a line of its own', () => {
  const recorder = '192.0.2.50:7000';
  const line = (port: number, label: number, way: string) => [
    `m=audio ${port} RTP/AVP 0`,
    `a=label:${label}`,
    `a=${way}`,
  ];
  const found = plan(
    dialog({
      callId: 'siprec',
      caller: { at: '192.0.2.9:9000', media: [...line(9000, 1, 'sendonly'), ...line(9002, 2, 'sendonly')] },
      callee: { at: recorder, media: [...line(7000, 1, 'recvonly'), ...line(7002, 2, 'recvonly')] },
    }),
    speech('192.0.2.9:9002', '192.0.2.50:7002', { ssrc: 2, startMs: 200 }),
    speech('192.0.2.9:9000', '192.0.2.50:7000', { ssrc: 1, startMs: 220 }),
  );
  expect(found.calls).toHaveLength(1);
  expect(found.calls[0].streams.map(({ leg, ssrc }) => `${leg} ${ssrc}`)).toEqual(['b 2', 'a 1']);
});

test('streams of a signalled call and others in one capture are kept apart', () => {
  const found = plan(
    dialog({ callId: 'x', caller: { at: A }, callee: { at: B } }),
    speech(A, B, { ssrc: 1, startMs: 200 }),
    speech(B, A, { ssrc: 2, startMs: 200 }),
    speech('192.0.2.1:4010', '192.0.2.3:5000', { ssrc: 3, startMs: 200 }),
    speech('192.0.2.3:5000', '192.0.2.1:4010', { ssrc: 4, startMs: 200 }),
  );
  expect(found.calls.map(({ signalled, streams }) => [signalled, streams.map(({ ssrc }) => ssrc)])).toEqual([
    [true, [1, 2]],
    [false, [3, 4]],
  ]);
});

test('calls without media are named in one line', () => {
  const found = plan(
    dialog({ callId: 'one', caller: { at: A }, callee: { at: B } }),
    dialog({ callId: 'two', caller: { at: A }, callee: { at: B } }),
  );
  expect(found.calls).toEqual([]);
  expect(leftOut(found)).toEqual(['SIP calls: 2: 0']);
});
