import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Datagram } from '../../../src/ingest/datagram.ts';
import { sdpTextOf } from '../../../src/ingest/sip/body.ts';
import { SipConnections } from '../../../src/ingest/sip/connections.ts';
import { SipDialogs } from '../../../src/ingest/sip/dialogs.ts';
import { SipFramer } from '../../../src/ingest/sip/framer.ts';
import { parseSipMessage } from '../../../src/ingest/sip/message.ts';
import { parseNameAddress } from '../../../src/ingest/sip/name-address.ts';
import { parseSdp } from '../../../src/ingest/sip/sdp.ts';
import { looksLikeSip } from '../../../src/ingest/sip/start-line.ts';
import { TcpOrder } from '../../../src/ingest/sip/tcp-order.ts';
import { ANN, BOB, pcmu, request, response, sdp, tcp, udp } from './conversation.ts';

const multipart = request('INVITE', {
  sdp: `--b\r\nContent-Type: application/sdp\r\n\r\n${pcmu(ANN, 4000)}--b--\r\n`,
}).replace('application/sdp', 'multipart/mixed;boundary=b');
const SEEDS = [
  request('INVITE', {
    sdp: sdp(
      ANN,
      'audio 4000 RTP/AVP 0 8 96',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 x=1',
      'a=label:1',
      'm=video 4002 RTP/SAVP 34',
    ),
  }),
  response(183, 'INVITE', { toTag: 'b', sdp: pcmu(BOB, 5000, 'a=crypto:1 A_B inline:x', 'a=inactive') }),
  response(200, 'INVITE', { toTag: 'b', sdp: pcmu(BOB, 5000) }),
  request('INVITE', { fromTag: 'b', toTag: 'a', cseq: 3, sdp: pcmu(BOB, 5002) }),
  response(488, 'INVITE', { fromTag: 'b', toTag: 'a', cseq: 3 }),
  request('BYE', { toTag: 'b', cseq: 2 }),
  multipart,
];

/** Pieces that mean something to one of the parsers, to be dropped into a message anywhere. */
const PIECES = [
  '\r\n',
  '\n',
  '\r\n\r\n',
  ' ',
  ';',
  ':',
  '"',
  '<',
  '>',
  '=',
  '%',
  '--b',
  'm=',
  'c=IN IP4 ',
  'a=rtpmap:',
  '\0',
  '\xff',
  '999999999999',
  '-1',
  'SIP/2.0 ',
  'Content-Length: 70000\r\n',
  'l:',
  'v=0\r\n',
  'tag=',
];

type Change = { readonly at: number; readonly drop: number; readonly piece: string };
const change = fc.record({ at: fc.nat(2000), drop: fc.nat(40), piece: fc.constantFrom(...PIECES, '') });
const mutate = (text: string, changes: readonly Change[]): Buffer => {
  let out = text;
  for (const { at, drop, piece } of changes) {
    const from = at % (out.length + 1);
    out = out.slice(0, from) + piece + out.slice(from + drop);
  }
  return Buffer.from(out, 'latin1');
};
const mutated = fc
  .tuple(fc.constantFrom(...SEEDS), fc.array(change, { maxLength: 6 }))
  .map(([text, changes]) => mutate(text, changes));
const bytes = fc.oneof({ weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) });

/** Every promise of the types that a capture could break. */
const checkCalls = (dialogs: SipDialogs): void => {
  for (const [callId, call] of dialogs.calls) {
    expect(call.callId).toBe(callId);
    expect(call.media.length).toBeLessThanOrEqual(512);
    for (const media of call.media) {
      expect(['caller', 'callee']).toContain(media.owner);
      expect(Number.isInteger(media.port) && media.port >= 0 && media.port <= 65535).toBe(true);
      expect(Number.isFinite(media.sinceUs)).toBe(true);
      for (const [payloadType, codec] of media.codecs) {
        expect(payloadType >= 0 && payloadType <= 127 && codec.clockRate > 0 && codec.channels > 0).toBe(true);
        expect(codec.name).toBe(codec.name.toUpperCase());
      }
    }
    const text = JSON.stringify([call.from, call.to, callId, call.media]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON would write one as an escape, so look for both.
    expect(/[\u0000-\u001f\u007f]|\\u00[01]|\\[bfnrt]/.test(text)).toBe(false);
  }
};

describe('whatever the bytes are', () => {
  test('the parsers never throw', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (payload, cut) => {
        looksLikeSip(payload);
        const message = parseSipMessage(payload, cut);
        if (message === undefined) return;
        const text = sdpTextOf(message);
        if (text !== undefined) parseSdp(text);
        for (const name of ['from', 'to', 'contact'])
          for (const value of message.headers.all(name)) parseNameAddress(value);
      }),
      { numRuns: 4000 },
    );
  });

  test('SDP and addresses of random text never throw', () => {
    const line = fc.tuple(
      fc.constantFrom('v=', 'm=', 'c=', 'a=', 'a=rtpmap:', 'a=fmtp:', 'm=audio ', ''),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.string({ unit: 'binary' }), (lines, address) => {
        parseSdp(lines.map((parts) => parts.join('')).join('\r\n'));
        const { party, tag } = parseNameAddress(address);
        expect([typeof party.name, typeof party.number, typeof party.address, typeof tag]).toEqual(
          Array(4).fill('string'),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('dialogs over UDP keep their promises', () => {
    const datagram = fc.tuple(bytes, fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 30 }), (datagrams) => {
        const dialogs = new SipDialogs();
        datagrams.forEach(([payload, fromAnn, cut], index) => {
          const sip = dialogs.push(udp(payload, index, fromAnn ? ANN : BOB, fromAnn ? BOB : ANN, cut));
          expect(sip).toBe(looksLikeSip(payload));
        });
        checkCalls(dialogs);
      }),
      { numRuns: 300 },
    );
  });

  test('dialogs over TCP keep their promises, whatever the sequence numbers are', () => {
    const segment = fc.record({
      payload: bytes,
      sequence: fc.oneof(fc.nat(3000), fc.integer({ min: 0, max: 0xffff_ffff })),
      atUs: fc.nat(10_000_000),
      port: fc.nat(3),
      cut: fc.boolean(),
      tcpSyn: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 40 }), (segments) => {
        const dialogs = new SipDialogs();
        for (const { payload, sequence, atUs, port, ...more } of segments) {
          dialogs.push(tcp(payload, sequence, atUs, { sourcePort: port, ...more } as Partial<Datagram>));
        }
        dialogs.finish();
        checkCalls(dialogs);
      }),
      { numRuns: 300 },
    );
  });

  test('a framed stream gives the same messages however it is cut', () => {
    const framed = (pieces: readonly Uint8Array[]): string[] => {
      const out: string[] = [];
      const framer = new SipFramer(({ start, headers, body }) =>
        out.push(
          JSON.stringify([start, headers.all('via'), headers.first('call-id'), Buffer.from(body).toString('latin1')]),
        ),
      );
      for (const piece of pieces) framer.push(piece, 0);
      return out;
    };
    fc.assert(
      fc.property(
        fc.array(mutated, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
        (messages, sizes) => {
          const stream = Buffer.concat(messages);
          const pieces: Uint8Array[] = [];
          for (let at = 0, index = 0; at < stream.length; index++) {
            const size = sizes[index % sizes.length]!;
            pieces.push(stream.subarray(at, at + size));
            at += size;
          }
          expect(framed(pieces)).toEqual(framed([stream]));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('memory', () => {
  const ENDLESS = {
    line: Buffer.alloc(1400, 'x'),
    head: Buffer.alloc(1400, 'X: y\r\n'),
    'start line': Buffer.from(`INVITE sip:${'b'.repeat(1385)} SIP`),
    'unbelievable body': Buffer.alloc(1400, 'INVITE sip:b@x SIP/2.0\r\nCall-ID: x\r\nl: 500000\r\n\r\n'),
    body: Buffer.from(
      request('INVITE', { sdp: 'v=0' }).replace('Content-Length: 3', 'Content-Length: 65000').padEnd(1400, 'z'),
    ),
    'row of start lines': Buffer.alloc(1400, 'BYE sip:b@x SIP/2.0\r\n'),
  };
  const MOST_PER_DIRECTION = 256 * 1024;

  for (const [name, junk] of Object.entries(ENDLESS)) {
    for (const { how, step } of [
      { how: 'in order', step: junk.length },
      { how: 'with a hole after each segment', step: junk.length + 1 },
      { how: 'starting over', step: -junk.length },
    ]) {
      test(`an endless ${name}, ${how}, holds a bounded number of bytes`, () => {
        const connections = new SipConnections(() => {});
        let most = 0;
        const opening = request('INVITE', { sdp: 'v=0' }).replace('Content-Length: 3', 'Content-Length: 65536');
        connections.push(tcp(opening, 0, 0));
        for (let index = 0; index < 600; index++) {
          connections.push(tcp(junk, 5000 + index * step, index));
          most = Math.max(most, connections.heldBytes);
        }
        expect(most).toBeLessThanOrEqual(MOST_PER_DIRECTION);
      });
    }
  }

  test('big segments behind many small holes hold a bounded number of bytes', () => {
    const order = new TcpOrder({ bytes: () => {}, gap: () => {} });
    const push = (sequence: number, length: number) =>
      order.push({ atUs: 0, payload: Buffer.alloc(length), cut: false, tcpSequence: sequence, tcpSyn: false });
    push(0, 1);
    for (let index = 1; index < 400; index++) push(index * 2, 1);
    let most = 0;
    for (let index = 0; index < 100; index++) {
      push(2000 + index * 9000, 8000);
      most = Math.max(most, order.heldBytes);
    }
    expect(most).toBeGreaterThan(32 * 1024);
    expect(most).toBeLessThanOrEqual(64 * 1024);
  });

  test('thousands of connections hold what the table of directions allows', () => {
    const connections = new SipConnections(() => {});
    for (let port = 0; port < 3000; port++) {
      for (const sequence of [0, 5000, 10_000]) {
        connections.push(tcp(port % 2 ? ENDLESS.body : ENDLESS.line, sequence, 0, { targetPort: port }));
      }
    }
    expect(connections.heldBytes).toBeGreaterThan(0);
    expect(connections.heldBytes).toBeLessThanOrEqual((512 + 128) * 3 * 5000);
  });
});
