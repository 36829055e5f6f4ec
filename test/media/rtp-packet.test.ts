import fc from 'fast-check';
import { packets } from 'rtp.js';
import { describe, expect, test } from 'vitest';
import { isRtcp, RtpPacket } from '../../src/media/rtp-packet.ts';
import { rtpPacket } from '../support/rtp-stream.ts';

const FIELDS = {
  payloadType: 0,
  sequence: 0xfffe,
  timestamp: 0xfffffff0,
  ssrc: 0xdeadbeef,
  payload: Buffer.from('payload'),
};

const parse = (data: Uint8Array) => {
  const packet = new RtpPacket();
  return packet.parse(data)
    ? { ...packet, payload: Buffer.from(data.subarray(packet.payloadStart, packet.payloadEnd)) }
    : undefined;
};

/** What another implementation makes of the same bytes. */
const oracle = (data: Buffer) => {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  try {
    if (!packets.isRtp(view)) return undefined;
    const packet = new packets.RtpPacket(view);
    const payload = packet.getPayload();
    return {
      marker: packet.getMarker(),
      payloadType: packet.getPayloadType(),
      sequence: packet.getSequenceNumber(),
      timestamp: packet.getTimestamp(),
      ssrc: packet.getSsrc(),
      payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
    };
  } catch {
    return undefined;
  }
};

describe('an RTP packet', () => {
  for (const [name, more] of [
    ['plain', {}],
    ['with the marker', { marker: true }],
    ['with three CSRCs', { csrc: [1, 2, 3] }],
    ['with an extension', { extension: { profile: 0xbede, data: Buffer.alloc(8, 1) } }],
    ['with padding', { padding: 4 }],
    ['with everything', { marker: true, csrc: [9], extension: { profile: 1, data: Buffer.alloc(4) }, padding: 1 }],
    ['with no payload', { payload: Buffer.alloc(0) }],
  ] as const) {
    test(`${name} gives back its fields`, () => {
      const parsed = parse(rtpPacket({ ...FIELDS, ...more }));
      const { payloadType, sequence, timestamp, ssrc } = FIELDS;
      expect(parsed).toMatchObject({ payloadType, sequence, timestamp, ssrc, marker: 'marker' in more });
      expect(parsed!.payload).toEqual('payload' in more ? more.payload : FIELDS.payload);
    });

    test(`${name}, cut at any byte of its header, is none or has an in-bounds payload`, () => {
      const whole = rtpPacket({ ...FIELDS, ...more });
      for (let length = 0; length < whole.length; length++) {
        const packet = new RtpPacket();
        if (!packet.parse(whole.subarray(0, length))) continue;
        expect(packet.payloadStart).toBeGreaterThanOrEqual(12);
        expect(packet.payloadStart).toBeLessThanOrEqual(packet.payloadEnd);
        expect(packet.payloadEnd).toBeLessThanOrEqual(length);
      }
    });
  }

  test('leaves nothing behind in the object for the next', () => {
    const packet = new RtpPacket();
    packet.parse(rtpPacket({ ...FIELDS, marker: true, csrc: [1, 2], padding: 3 }));
    packet.parse(rtpPacket(FIELDS));
    expect([packet.marker, packet.payloadStart, packet.payloadEnd]).toEqual([false, 12, 19]);
  });

  test('is read as another implementation reads it, whatever the bytes', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(fc.integer({ min: 0x80, max: 0xbf }), fc.uint8Array({ minLength: 11, maxLength: 80 }))
        .map(([first, rest]) => Uint8Array.from([first, ...rest])),
    );
    let compared = 0;
    fc.assert(
      fc.property(bytes, (data) => {
        const ours = parse(data);
        const theirs = oracle(Buffer.from(data));
        if (ours === undefined || theirs === undefined) return;
        const { payloadStart: _start, payloadEnd: _end, ...rest } = ours;
        expect(rest).toEqual(theirs);
        compared++;
      }),
      { numRuns: 5000 },
    );
    expect(compared).toBeGreaterThan(200);
  });

  for (const [type, is] of [
    [191, false],
    [192, true],
    [200, true],
    [204, true],
    [223, true],
    [224, false],
    [0, false],
    [128, false],
  ] as const) {
    test(`with ${type} as its second octet is ${is ? 'RTCP' : 'none'}`, () => {
      const data = rtpPacket(FIELDS);
      data[1] = type;
      expect(isRtcp(data)).toBe(is);
      expect(new RtpPacket().parse(data)).toBe(!is);
    });
  }
});
