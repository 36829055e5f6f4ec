import { describe, expect, test } from 'vitest';
import { encodeAlaw, encodeUlaw } from '../../../src/kernel/g711.ts';
import { type TimedRtp, telephoneEvent } from '../../support/rtp-stream.ts';
import { joined, noise, seeded, tone } from '../../support/tones.ts';
import { calls, datagram, dialog, leftOut, plan, START_US, sent, speech, talk } from './scene.ts';

const A = '192.0.2.1:4000';
const B = '192.0.2.2:5000';

const codecsOf = (found: ReturnType<typeof plan>): string[] =>
  calls(found).flatMap((lines) => lines.map((line) => line.split(' ').slice(2).join(' ')));

describe('without SDP', () => {
  for (const { name, payloadType, clockRate, ptimeMs = 20, bytesPerTick = 1, codec } of [
    { name: 'PCMU', payloadType: 0, clockRate: 8000, codec: 'PCMU/8000' },
    { name: 'PCMA, 30 ms', payloadType: 8, clockRate: 8000, ptimeMs: 30, codec: 'PCMA/8000' },
    { name: 'G.722, whose clock says 8000', payloadType: 9, clockRate: 8000, codec: 'G722/8000' },
    { name: 'G.729', payloadType: 18, clockRate: 8000, bytesPerTick: 1 / 8, codec: 'G729/8000' },
    { name: 'GSM', payloadType: 3, clockRate: 8000, bytesPerTick: 33 / 160, codec: 'GSM/8000' },
    {
      name: 'L16 as the table says, stereo',
      payloadType: 10,
      clockRate: 44_100,
      bytesPerTick: 4,
      codec: 'L16/44100/2',
    },
    { name: 'L16 as the table says, mono', payloadType: 11, clockRate: 44_100, bytesPerTick: 2, codec: 'L16/44100' },
    { name: "Asterisk's slin on 10", payloadType: 10, clockRate: 8000, bytesPerTick: 2, codec: 'L16/8000' },
    { name: 'L16 at 16 kHz on 11', payloadType: 11, clockRate: 16_000, bytesPerTick: 2, codec: 'L16/16000' },
    { name: "Asterisk's slin16", payloadType: 118, clockRate: 16_000, bytesPerTick: 2, codec: 'L16/16000' },
    { name: 'L16 at 8 kHz', payloadType: 96, clockRate: 8000, bytesPerTick: 2, codec: 'L16/8000' },
    { name: 'L16 at 8 kHz, 40 ms', payloadType: 96, clockRate: 8000, ptimeMs: 40, bytesPerTick: 2, codec: 'L16/8000' },
    { name: 'L16 at 11.025 kHz', payloadType: 96, clockRate: 11_025, ptimeMs: 40, bytesPerTick: 2, codec: 'L16/11025' },
    { name: 'L16 at 12 kHz', payloadType: 96, clockRate: 12_000, bytesPerTick: 2, codec: 'L16/12000' },
    { name: 'L16 at 22.05 kHz', payloadType: 96, clockRate: 22_050, bytesPerTick: 2, codec: 'L16/22050' },
    { name: 'L16 at 24 kHz', payloadType: 96, clockRate: 24_000, bytesPerTick: 2, codec: 'L16/24000' },
    { name: 'L16 at 32 kHz', payloadType: 96, clockRate: 32_000, bytesPerTick: 2, codec: 'L16/32000' },
    { name: 'L16 at 44.1 kHz', payloadType: 96, clockRate: 44_100, bytesPerTick: 2, codec: 'L16/44100' },
    { name: 'L16 at 48 kHz', payloadType: 96, clockRate: 48_000, bytesPerTick: 2, codec: 'L16/48000' },
    {
      name: 'L16 at 48 kHz, stereo, 5 ms',
      payloadType: 97,
      clockRate: 48_000,
      ptimeMs: 5,
      bytesPerTick: 4,
      codec: 'L16/48000/2',
    },
    { name: 'L16 at 16 kHz, stereo', payloadType: 97, clockRate: 16_000, bytesPerTick: 4, codec: 'L16/16000/2' },
  ]) {
    test(name, () => {
      const bytes = Math.round(((ptimeMs * clockRate) / 1000) * bytesPerTick);
      const random = seeded(5);
      // Jitter of up to 10 ms: the rate is measured all the same.
      const jittered = speech(A, B, { ssrc: 1, payloadType, clockRate, ptimeMs, bytes }).map((one) => ({
        ...one,
        atUs: one.atUs + Math.floor(random() * 10_000),
      }));
      expect(codecsOf(plan(jittered))).toEqual([`${payloadType}:${codec}`]);
    });
  }

  test('11.025 kHz in packets of 20 ms, whose length alternates', () => {
    const packets: TimedRtp[] = [];
    for (let index = 0; index < 100; index++) {
      const first = Math.round(index * 220.5);
      const samples = Math.round((index + 1) * 220.5) - first;
      const [packet] = talk({
        ssrc: 1,
        payloadType: 96,
        clockRate: 11_025,
        startMs: index * 20,
        ms: 20,
        bytes: samples * 2,
        sequence: index,
        timestamp: first,
      }).packets();
      packets.push({ ...packet, data: withoutMarker(packet.data) });
    }
    expect(codecsOf(plan(sent(packets, A, B)))).toEqual(['96:L16/11025']);
  });

  test('L16 whose packets all have one capture time is taken for packets of 20 ms', () => {
    const bunched = speech(A, B, { ssrc: 1, payloadType: 96, clockRate: 16_000, bytes: 640 });
    expect(codecsOf(plan(bunched.map((one) => ({ ...one, atUs: START_US }))))).toEqual(['96:L16/16000']);
  });

  test('a rate is taken for one that makes packets of a usual length, where the clock is a little off', () => {
    const slow = speech(A, B, { ssrc: 1, payloadType: 96, clockRate: 12_000, bytes: 480 });
    const found = plan(slow.map((one) => ({ ...one, atUs: START_US + (one.atUs - START_US) * 1.05 })));
    expect(codecsOf(found)).toEqual(['96:L16/12000']);
  });

  test('packets that were cut do not count when sizes are compared', () => {
    const some = speech(A, B, { ssrc: 1, payloadType: 96, clockRate: 16_000, bytes: 640 }).map((one, index) =>
      index % 3 === 0 ? { ...one, cut: true, payload: one.payload.subarray(0, 200) } : one,
    );
    expect(codecsOf(plan(some))).toEqual(['96:L16/16000']);
  });

  test('two bytes per tick in some packets only is not L16', () => {
    const stream = talk({ ssrc: 1, payloadType: 96, ms: 0 });
    for (let index = 0; index < 100; index++) stream.audio(new Uint8Array(index % 2 === 0 ? 320 : 300).fill(index));
    expect(plan(sent(stream.packets(), A, B)).calls).toEqual([]);
  });

  test('events under an SSRC of their own have the clock of the audio on their path', () => {
    const events = telephoneEvent({
      digit: '5',
      durationMs: 100,
      timestamp: 900,
      clockRate: 16_000,
      ssrc: 9,
      atUs: START_US,
    });
    const found = plan(speech(A, B, { ssrc: 1, payloadType: 118, clockRate: 16_000, bytes: 640 }), sent(events, A, B));
    expect(codecsOf(found)).toEqual(['118:L16/16000', '101:TELEPHONE-EVENT/16000']);
  });

  test('opus, by the durations its packets name', () => {
    const random = seeded(3);
    const stream = talk({ ssrc: 1, payloadType: 107, clockRate: 48_000, ms: 0 });
    for (let index = 0; index < 50; index++) {
      stream.audio(
        Uint8Array.from({ length: 60 + Math.floor(random() * 60) }, (_, at) => (at === 0 ? 0x78 : random() * 256)),
      );
    }
    expect(codecsOf(plan(sent(stream.packets(), A, B)))).toEqual(['107:OPUS/48000/2']);
  });

  test('a dynamic type that carries telephone-events gets the clock of the audio beside it', () => {
    const stream = talk({ ssrc: 1, payloadType: 118, clockRate: 16_000, bytes: 640 });
    stream.digit('5', { durationMs: 100, payloadType: 120 });
    expect(codecsOf(plan(sent(stream.packets(), A, B)))).toEqual(['118:L16/16000 120:TELEPHONE-EVENT/16000']);
  });

  test('101 is believed to be telephone-events when it looks like it, and only then', () => {
    const events = talk({ ssrc: 1 }).digit('5', { durationMs: 100 });
    expect(codecsOf(plan(sent(events.packets(), A, B)))).toEqual(['0:PCMU/8000 101:TELEPHONE-EVENT/8000']);
    const linear = speech(A, B, { ssrc: 1, payloadType: 101, clockRate: 16_000, bytes: 640 });
    expect(codecsOf(plan(linear))).toEqual(['101:L16/16000']);
  });

  for (const payloadType of [13, 19]) {
    test(`comfort noise on ${payloadType}`, () => {
      const stream = talk({ ssrc: 1, payloadType: 8 })
        .other(payloadType, Uint8Array.of(70, 1, 2))
        .pause(500);
      stream.other(payloadType, Uint8Array.of(68));
      const found = plan(sent(stream.packets(), A, B));
      expect(codecsOf(found)).toEqual([`8:PCMA/8000 ${payloadType}:CN/8000`]);
      expect(found.leftOut).toEqual([]);
    });
  }

  const heard = joined(
    tone(300, 400, 8000, -14),
    tone(440, 600, 8000, -20),
    tone(700, 600, 8000, -9),
    noise(100, 8000, -60),
  );
  for (const { law, encode } of [
    { law: 'PCMU', encode: encodeUlaw },
    { law: 'PCMA', encode: encodeAlaw },
  ]) {
    test(`${law} on a dynamic type, by how it sounds`, () => {
      const coded = new Uint8Array(heard.length);
      encode(heard, coded);
      const stream = talk({ ssrc: 1, payloadType: 98, ms: 0 });
      for (let at = 0; at + 160 <= coded.length; at += 160) stream.audio(coded.slice(at, at + 160));
      expect(codecsOf(plan(sent(stream.packets(), A, B)))).toEqual([`98:${law}/8000`]);
    });
  }

  test('a byte per tick that sounds like neither law is left out by name, with the remedy', () => {
    const found = plan(speech(A, B, { ssrc: 1, payloadType: 98 }));
    expect(found.calls).toEqual([]);
    expect(found.leftOut).toEqual([
      { what: 'RTP payload type 98', path: `${A}>${B}`, packets: 100, why: expect.stringMatching(/SDP.*signalling/) },
    ]);
  });

  for (const { name, payloadType, bytesPerTick = 1, clockRate = 8000 } of [
    { name: 'PCMU', payloadType: 0 },
    { name: 'PCMA', payloadType: 8 },
    { name: 'G.722', payloadType: 9 },
    { name: 'G.729', payloadType: 18, bytesPerTick: 1 / 8 },
    { name: 'L16 on 10', payloadType: 10, bytesPerTick: 2 },
    { name: 'L16 on a dynamic type', payloadType: 96, bytesPerTick: 2, clockRate: 16_000 },
  ]) {
    for (const tag of [4, 10]) {
      test(`${name} that is ${tag} bytes longer than its time is SRTP`, () => {
        const bytes = (clockRate / 50) * bytesPerTick + tag;
        const found = plan(speech(A, B, { ssrc: 1, payloadType, clockRate, bytes }), speech(B, A, { ssrc: 2 }));
        expect(calls(found)).toEqual([[`a ${B}>${A} 0:PCMU/8000`]]);
        expect(leftOut(found)).toEqual(['SRTP: 100']);
      });
    }
  }

  test('pauses and lost packets do not make PCMU look like SRTP', () => {
    const stream = talk({ ssrc: 1, ms: 400 });
    for (let spurt = 0; spurt < 10; spurt++)
      stream
        .pause(300)
        .audio(...silentFrames(12))
        .lose(2)
        .audio(...silentFrames(3));
    expect(codecsOf(plan(sent(stream.packets(), A, B)))).toEqual(['0:PCMU/8000']);
  });

  test('video on a static type', () => {
    const found = plan(
      speech(A, B, { ssrc: 1 }),
      speech(A, '192.0.2.2:5002', { ssrc: 3, payloadType: 34, bytes: 900 }),
    );
    expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
    expect(leftOut(found)).toEqual(['video (H263): 100']);
  });

  test('video on a dynamic type: several packets to a picture, 90 kHz', () => {
    const pictures = Array.from({ length: 60 }, (_, index) => index);
    const packets = pictures.flatMap((picture) =>
      [0, 1, 2].map((part) => {
        const fields = { ssrc: 5, payloadType: 97, clockRate: 90_000, sequence: picture * 3 + part };
        const [one] = talk({
          ...fields,
          timestamp: picture * 3000,
          startMs: picture * 33.3,
          ms: 20,
          bytes: 1100,
        }).packets();
        return { ...one, data: withoutMarker(one.data) };
      }),
    );
    expect(leftOut(plan(sent(packets, A, B)))).toEqual(['video (payload type 97): 180']);
  });

  test('PCMU whose timestamps never move is not recorded', () => {
    const packets = Array.from({ length: 30 }, (_, index) => {
      const [one] = talk({ ssrc: 5, sequence: index, timestamp: 8000, startMs: index * 20, ms: 20 }).packets();
      return one;
    });
    expect(plan(sent(packets, A, B)).leftOut).toMatchObject([
      { packets: 30, why: expect.stringMatching(/timestamps/) },
    ]);
  });

  test('telephone-events alone are no call', () => {
    const found = plan(sent(telephoneEvent({ digit: '1', durationMs: 160, timestamp: 800, atUs: START_US }), A, B));
    expect(found.calls).toEqual([]);
    expect(leftOut(found)).toEqual(['telephone-events only: 11']);
  });
});

describe('with SDP', () => {
  const media = (port: number, ...lines: string[]) => [`m=audio ${port} RTP/AVP 96 0 101`, ...lines];
  const event = 'a=rtpmap:101 telephone-event/8000';

  test("the receiver's payload types rule, and the sender's stand in for them", () => {
    const found = plan(
      dialog({
        callId: 'x',
        caller: { at: A, media: media(4000, 'a=rtpmap:96 opus/48000/2', event) },
        callee: {
          at: B,
          media: ['m=audio 5000 RTP/AVP 97 96', 'a=rtpmap:97 opus/48000/2', 'a=rtpmap:96 G726-32/8000'],
        },
      }),
      speech(A, B, { ssrc: 1, payloadType: 96, startMs: 200 }),
      speech(B, A, { ssrc: 2, payloadType: 96, startMs: 200 }),
    );
    expect(calls(found)).toEqual([[`a ${A}>${B} 96:G726-32/8000`, `b ${B}>${A} 96:OPUS/48000/2`]]);
  });

  test('a re-INVITE changes what a payload type stands for, from then on', () => {
    const found = plan(
      dialog({
        callId: 'x',
        caller: { at: A, media: media(4000, 'a=rtpmap:96 iLBC/8000') },
        callee: { at: B, media: media(5000, 'a=rtpmap:96 iLBC/8000') },
        again: [
          {
            atMs: 1000,
            caller: { at: A, media: media(4000, 'a=rtpmap:96 opus/48000/2') },
            callee: { at: B, media: media(5000, 'a=rtpmap:96 opus/48000/2') },
          },
        ],
      }),
      speech(A, B, { ssrc: 1, payloadType: 96, startMs: 200, ms: 2000 }),
    );
    const [stream] = found.calls[0].streams;
    expect([0, 200, 999, 1005, 5000].map((ms) => stream.codecAt(96, START_US + ms * 1000)?.name)).toEqual([
      'ILBC',
      'ILBC',
      'ILBC',
      'OPUS',
      'OPUS',
    ]);
    expect(stream.codecAt(0, START_US)).toBeUndefined();
    expect(stream.codecAt(96, START_US)).toBe(stream.codecAt(96, START_US + 500_000));
  });

  test('what SDP does not name is static, or guessed', () => {
    const stream = talk({ ssrc: 1, startMs: 200 }).other(13, Uint8Array.of(70));
    stream.digit('1', { durationMs: 100, payloadType: 121 });
    const found = plan(
      dialog({ callId: 'x', caller: { at: A }, callee: { at: B, media: ['m=audio 5000 RTP/AVP 8'] } }),
      sent(stream.packets(), A, B),
    );
    expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000 13:CN/8000 121:TELEPHONE-EVENT/8000`]]);
  });

  test("Asterisk's slin on 10 is 8 kHz though SDP names only the static type", () => {
    const linear = { at: B, media: ['m=audio 5000 RTP/AVP 10'] };
    const found = plan(
      dialog({ callId: 'x', caller: { at: A, media: ['m=audio 4000 RTP/AVP 10'] }, callee: linear }),
      speech(A, B, { ssrc: 1, payloadType: 10, bytes: 320, startMs: 200 }),
    );
    expect(codecsOf(found)).toEqual(['10:L16/8000']);
  });

  test('SRTP by SDP is left out, whatever its packets look like', () => {
    const secure = (at: string, port: number) => ({
      at,
      media: [
        `m=audio ${port} RTP/SAVP 0`,
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
      ],
    });
    const found = plan(
      dialog({ callId: 'x', caller: secure(A, 4000), callee: secure(B, 5000) }),
      speech(A, B, { ssrc: 1, bytes: 171, startMs: 200 }),
      speech(B, A, { ssrc: 2, bytes: 171, startMs: 200 }),
    );
    expect(found.calls).toEqual([]);
    expect(leftOut(found)).toEqual(['SRTP: 100', 'SRTP: 100']);
  });

  test('an offer of keys that the answer does not take is plain RTP', () => {
    const offer = {
      at: A,
      media: [
        'm=audio 4000 RTP/AVP 0',
        'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj',
      ],
    };
    const found = plan(
      dialog({ callId: 'x', caller: offer, callee: { at: B } }),
      speech(A, B, { ssrc: 1, startMs: 200 }),
      speech(B, A, { ssrc: 2, startMs: 200 }),
    );
    expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000`, `b ${B}>${A} 0:PCMU/8000`]]);
  });

  test('video and fax beside the audio are named and left out', () => {
    const side = (at: string, port: number) => ({
      at,
      media: [
        `m=audio ${port} RTP/AVP 0`,
        `m=video ${port + 2} RTP/AVP 99`,
        'a=rtpmap:99 H264/90000',
        `m=image ${port + 4} udptl t38`,
      ],
    });
    const fax = (index: number) => Buffer.from([0, index, 2, 0xc0, 1, 0, 1, 2, 0xc0, 1]);
    const found = plan(
      dialog({ callId: 'x', caller: side(A, 4000), callee: side(B, 5000) }),
      speech(A, B, { ssrc: 1, startMs: 200 }),
      speech('192.0.2.1:4002', '192.0.2.2:5002', { ssrc: 3, payloadType: 99, startMs: 200, bytes: 700 }),
      [0, 1].map((index) => datagram(300 + index * 20, '192.0.2.1:4004', '192.0.2.2:5004', fax(index))),
    );
    expect(calls(found)).toEqual([[`a ${A}>${B} 0:PCMU/8000`]]);
    expect(leftOut(found)).toEqual(['video: 100', 'T.38: 2']);
  });
});

test('fax is known without signalling, by its numbering', () => {
  const fax = (index: number) => Buffer.from([0, index, 2, 0xc0, 1, 0, 1, 2, 0xc0, 1]);
  const found = plan(Array.from({ length: 10 }, (_, index) => datagram(index * 30, A, B, fax(index))));
  expect(leftOut(found)).toEqual(['T.38: 10']);
});

const withoutMarker = (data: Buffer): Buffer => {
  const plain = Buffer.from(data);
  plain[1] &= 0x7f;
  return plain;
};

const silentFrames = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(160).fill(0xff));
