import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { sdpTextOf } from '../../../src/ingest/sip/body.ts';
import { parseSipMessage } from '../../../src/ingest/sip/message.ts';
import { parseSdp } from '../../../src/ingest/sip/sdp.ts';
import { answerSdp } from '../../../src/ingest/sip/sdp-answer.ts';
import { formatWireCodec } from '../../../src/media/wire-codec.ts';

const OURS = { host: '192.0.2.200', port: 30_000, sessionId: '4711' };
const offerOf = (...lines: string[]): string =>
  ['v=0', 'o=- 1 1 IN IP4 203.0.113.9', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines, ''].join('\r\n');
const answerOf = (...lines: string[]) => answerSdp(offerOf(...lines), OURS);
const AUDIO = 'm=audio 4000 RTP/AVP 0';

const faultOf = (offer: string): AppError => {
  try {
    answerSdp(offer, OURS);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('it was answered');
};

test('an offer is answered line for line', () => {
  const { answer } = answerOf(
    'm=audio 4000 RTP/AVP 96 8 0 101',
    'a=rtpmap:96 opus/48000/2',
    'a=fmtp:96 useinbandfec=1;stereo=1',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:30',
    'a=rtcp-mux',
    'm=video 4002 RTP/AVP 34 97',
    'a=rtpmap:97 H264/90000',
  );
  expect(answer).toBe(
    [
      'v=0',
      'o=- 4711 1 IN IP4 192.0.2.200',
      's=-',
      'c=IN IP4 192.0.2.200',
      't=0 0',
      'm=audio 30000 RTP/AVP 96 8 0 101',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:30',
      'a=recvonly',
      'a=rtcp-mux',
      'm=video 0 RTP/AVP 34 97',
      '',
    ].join('\r\n'),
  );
});

describe('an answer', () => {
  for (const { name, lines, has, lacks = [] } of [
    {
      name: 'keeps the order of the offer, not of the numbers',
      lines: ['m=audio 4000 RTP/AVP 18 101 8 0'],
      has: ['m=audio 30000 RTP/AVP 18 101 8 0'],
    },
    {
      name: 'leaves out codecs that nobody knows, and payload types that look like RTCP',
      lines: ['m=audio 4000 RTP/AVP 98 7 0 72 99', 'a=rtpmap:98 foo/8000', 'a=rtpmap:72 PCMA/8000'],
      has: ['m=audio 30000 RTP/AVP 0'],
      lacks: ['foo', 'a=rtpmap:72'],
    },
    { name: 'says a format once', lines: ['m=audio 4000 RTP/AVP 0 0 8 0'], has: ['m=audio 30000 RTP/AVP 0 8'] },
    {
      name: 'repeats what both sides must agree on',
      lines: ['m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 AMR/8000', 'a=fmtp:97 octet-align=1; mode-set=7'],
      has: ['a=rtpmap:97 AMR/8000', 'a=fmtp:97 octet-align=1; mode-set=7'],
    },
    {
      name: 'writes two channels',
      lines: ['m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 L16/16000/2'],
      has: ['a=rtpmap:97 L16/16000/2'],
    },
    { name: 'receives from who sends only', lines: [AUDIO, 'a=sendonly'], has: ['a=recvonly'] },
    { name: 'receives from who does not say', lines: [AUDIO], has: ['a=recvonly'] },
    { name: 'is inactive for who only receives', lines: [AUDIO, 'a=recvonly'], has: ['a=inactive'] },
    { name: 'is inactive for who is', lines: ['a=inactive', AUDIO], has: ['a=inactive'] },
    {
      name: 'has no rtcp-mux unless it was offered',
      lines: [AUDIO],
      has: [AUDIO.replace('4000', '30000')],
      lacks: ['rtcp-mux'],
    },
    { name: 'has no ptime unless it was offered', lines: [AUDIO], has: [], lacks: ['ptime'] },
    { name: 'has no ptime that nobody can mean', lines: [AUDIO, 'a=ptime:4000000'], has: [], lacks: ['ptime'] },
    { name: 'keeps the AVPF profile', lines: ['m=audio 4000 RTP/AVPF 0'], has: ['m=audio 30000 RTP/AVPF 0'] },
    {
      name: 'takes the first of two audio lines',
      lines: [AUDIO, 'a=label:1', 'm=audio 4002 RTP/AVP 8'],
      has: ['m=audio 30000 RTP/AVP 0', 'm=audio 0 RTP/AVP 8'],
    },
    {
      name: 'takes the plain one beside an SRTP one',
      lines: ['m=audio 4000 RTP/SAVP 0', 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxx', 'm=audio 4002 RTP/AVP 0 8'],
      has: ['m=audio 0 RTP/SAVP 0', 'm=audio 30000 RTP/AVP 0 8'],
      lacks: ['crypto'],
    },
    {
      name: 'leaves keys under a plain profile unanswered',
      lines: [AUDIO, 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxx'],
      has: ['m=audio 30000 RTP/AVP 0'],
      lacks: ['crypto'],
    },
    {
      name: 'takes the audio line that can be had',
      lines: ['m=audio 0 RTP/AVP 0', 'm=audio 4000 RTP/AVP 98', 'a=rtpmap:98 foo/8000', 'm=audio 4002 RTP/AVP 8'],
      has: ['m=audio 0 RTP/AVP 0', 'm=audio 0 RTP/AVP 98', 'm=audio 30000 RTP/AVP 8'],
    },
    {
      name: 'refuses fax, data and BFCP, each with its own words',
      lines: [
        'm=image 4000 udptl t38',
        AUDIO,
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
        'm=application 5 TCP/BFCP *',
      ],
      has: ['m=image 0 udptl t38', 'm=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'm=application 0 TCP/BFCP *'],
    },
    {
      name: 'has a format even where the offer had none',
      lines: [AUDIO, 'm=video 4002 RTP/AVP'],
      has: ['m=video 0 RTP/AVP 0'],
    },
    {
      name: 'to a hold by address still listens',
      lines: [AUDIO, 'c=IN IP4 0.0.0.0'],
      has: ['m=audio 30000 RTP/AVP 0', 'a=recvonly'],
    },
  ] as { name: string; lines: string[]; has: string[]; lacks?: string[] }[]) {
    test(name, () => {
      const { answer } = answerOf(...lines);
      const written = answer.split('\r\n');
      for (const line of has) expect(written).toContain(line);
      for (const word of lacks) expect(answer).not.toContain(word);
      expect(answer.match(/^m=/gm)).toHaveLength(lines.filter((line) => line.startsWith('m=')).length);
    });
  }

  test('says where to send to in either family', () => {
    const { answer } = answerSdp(offerOf(AUDIO), {
      host: '2001:db8::1',
      port: 30_002,
      sessionId: 7,
      sessionVersion: 3,
    });
    expect(answer).toContain('o=- 7 3 IN IP6 2001:db8::1\r\n');
    expect(answer).toContain('c=IN IP6 2001:db8::1\r\n');
    expect(parseSdp(answer)).toMatchObject([{ address: '2001:db8::1', port: 30_002 }]);
  });

  test('takes lines that end with LF alone', () => {
    expect(answerSdp(offerOf(AUDIO).replaceAll('\r', ''), OURS).answer).toContain('m=audio 30000 RTP/AVP 0\r\n');
  });

  test('is not written with an id that would break its o= line', () => {
    for (const sessionId of ['', '1 2', '1\r\na=x', -1, 1e21, Number.NaN]) {
      expect(() => answerSdp(offerOf(AUDIO), { ...OURS, sessionId })).toThrow(RangeError);
    }
  });
});

describe('the payload types of an answer', () => {
  for (const { name, lines, expected } of [
    {
      name: 'are those of the offer',
      lines: ['m=audio 4000 RTP/AVP 96 101', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:101 telephone-event/48000'],
      expected: { 96: 'OPUS/48000/2', 101: 'TELEPHONE-EVENT/48000' },
    },
    {
      name: 'and the static ones that it does not describe',
      lines: [AUDIO],
      expected: { 0: 'PCMU/8000', 8: 'PCMA/8000', 13: 'CN/8000' },
    },
    {
      name: '101 stays telephone-event when the offer is silent about it',
      lines: [AUDIO],
      expected: { 101: 'TELEPHONE-EVENT/8000' },
    },
    {
      name: 'a static type that the offer describes otherwise',
      lines: ['m=audio 4000 RTP/AVP 10 0', 'a=rtpmap:10 L16/8000'],
      expected: { 10: 'L16/8000' },
    },
    {
      name: 'a type that the offer gives to an unknown codec is unknown',
      lines: ['m=audio 4000 RTP/AVP 0 101', 'a=rtpmap:101 foo/8000'],
      expected: { 101: undefined },
    },
    {
      name: 'those of the line that was taken, not of another',
      lines: ['m=audio 4000 RTP/SAVP 96', 'a=rtpmap:96 AMR/8000', 'm=audio 4002 RTP/AVP 96', 'a=rtpmap:96 speex/16000'],
      expected: { 96: 'SPEEX/16000' },
    },
  ] as { name: string; lines: string[]; expected: Record<number, string | undefined> }[]) {
    test(name, () => {
      const { payloads } = answerOf(...lines);
      for (const [payloadType, wanted] of Object.entries(expected)) {
        const codec = payloads.codecOf(Number(payloadType));
        expect(codec && formatWireCodec(codec)).toBe(wanted);
      }
    });
  }

  test('have the format parameters of the offer', () => {
    const { payloads } = answerOf('m=audio 4000 RTP/AVP 97', 'a=rtpmap:97 AMR/8000', 'a=fmtp:97 octet-align=1');
    expect(payloads.codecOf(97)?.fmtp).toBe('octet-align=1');
  });
});

describe('an offer is refused', () => {
  for (const { name, offer, reason } of [
    { name: 'that is empty', offer: '', reason: /no session description/ },
    { name: 'that is something else', offer: '{"type":"offer"}', reason: /no session description/ },
    { name: 'without media', offer: offerOf(), reason: /no media line/ },
    { name: 'without audio', offer: offerOf('m=video 4000 RTP/AVP 34'), reason: /no audio line/ },
    {
      name: 'of SRTP only',
      offer: offerOf('m=audio 4000 RTP/SAVP 0'),
      reason: /RTP\/SAVP: SRTP can't be recorded, offer RTP\/AVP/,
    },
    {
      name: 'of WebRTC',
      offer: offerOf('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=rtpmap:111 opus/48000/2', 'a=fingerprint:sha-256 00'),
      reason: /UDP\/TLS\/RTP\/SAVPF: SRTP/,
    },
    { name: 'over TCP', offer: offerOf('m=audio 4000 TCP/RTP/AVP 0'), reason: /TCP\/RTP\/AVP: only RTP\/AVP/ },
    { name: 'whose audio is not in use', offer: offerOf('m=audio 0 RTP/AVP 0'), reason: /port 0/ },
    {
      name: 'of codecs nobody knows',
      offer: offerOf('m=audio 4000 RTP/AVP 98 101', 'a=rtpmap:98 foo/8000', 'a=rtpmap:101 telephone-event/8000'),
      reason: /no codec of the offer is known: 98 101/,
    },
    {
      name: 'with a line that says nothing',
      offer: offerOf(AUDIO, 'm=video'),
      reason: /media line 2 of the offer can't be read/,
    },
    { name: 'with a control character', offer: offerOf('m=au\u0000dio 4000 RTP/AVP 0'), reason: /media line 1/ },
    {
      name: 'with more lines than anybody offers',
      offer: offerOf(...Array<string>(17).fill(AUDIO)),
      reason: /17 media lines/,
    },
    {
      name: 'with a line that is too long',
      offer: offerOf(AUDIO, `m=audio 4000 RTP/AVP ${'0 '.repeat(4000)}`),
      reason: /too long, or too many/,
    },
    {
      name: 'of too many lines',
      offer: offerOf(...Array<string>(3000).fill('a=x'), AUDIO),
      reason: /too many|no media line/,
    },
    { name: 'of megabytes', offer: offerOf(AUDIO, `a=x:${'y'.repeat(5_000_000)}`), reason: /longer than one may be/ },
  ]) {
    test(name, () => {
      const fault = faultOf(offer);
      expect(fault.code).toBe('SDP_INVALID');
      expect(fault.message).toMatch(reason);
      expect(fault.message.length).toBeLessThan(250);
      expect(fault.message).not.toMatch(/\p{Cc}/u);
    });
  }
});

const wellFormed = (answer: string, mediaLines: number): void => {
  expect(answer.endsWith('\r\n')).toBe(true);
  const lines = answer.split('\r\n').slice(0, -1);
  for (const line of lines) expect(line).toMatch(/^[vosctma]=[\x20-\x7e]+$/);
  expect(lines.filter((line) => line.startsWith('m='))).toHaveLength(mediaLines);
  expect(lines.filter((line) => line.startsWith('m=audio 30000 '))).toHaveLength(1);
  expect(lines.filter((line) => /^a=(sendrecv|sendonly)/.test(line))).toEqual([]);
};

test('hostile words in an offer never become part of the answer', () => {
  for (const fmtp of ['mode=1\u2028a=x', 'x\u0085m=audio 1 RTP/AVP 0 \u00e9', 'x'.repeat(3000)]) {
    const { answer } = answerOf('m=audio 4000 RTP/AVP 97 0', 'a=rtpmap:97 speex/8000', `a=fmtp:97 ${fmtp}`);
    wellFormed(answer, 1);
    expect(answer).not.toMatch(/a=x|m=audio 1 |xxx/);
  }
  const { answer } = answerOf(AUDIO, 'm=video 1 RTP/AVP \u00e9 %s $& 97');
  expect(answer).toContain('m=video 0 RTP/AVP %s $& 97\r\n');
});

test('whatever lines an offer is made of, it is answered well or refused as SDP_INVALID', () => {
  const word = fc.oneof(
    fc.constantFrom(
      'RTP/AVP',
      'RTP/SAVP',
      '0',
      '8',
      '96',
      '101',
      '%s',
      'opus/48000/2',
      'x\u2028y',
      '\u0007',
      '/',
      '-1',
      '99999999999',
    ),
    fc.string({ maxLength: 12 }),
  );
  const words = fc.array(word, { maxLength: 6 }).map((each) => each.join(' '));
  const line = fc.oneof(
    fc.constantFrom(
      AUDIO,
      'm=audio 4000 RTP/AVP 96 0',
      'a=rtpmap:96 opus/48000/2',
      'a=sendonly',
      'a=rtcp-mux',
      'm=video 1 RTP/AVP 96',
    ),
    words.map((rest) => `m=audio 4000 RTP/AVP ${rest}`),
    words.map((rest) => `m=${rest}`),
    words.map((rest) => `a=rtpmap:96 ${rest}`),
    words.map((rest) => `a=fmtp:0 ${rest}`),
    words.map((rest) => `a=${rest}`),
    words.map((rest) => `c=IN IP4 ${rest}`),
    words.map((rest) => `a=ptime:${rest}`),
    fc.string(),
  );
  let answered = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const offer = offerOf(...lines);
      try {
        wellFormed(answerSdp(offer, OURS).answer, offer.match(/^m=/gm)?.length ?? 0);
        answered++;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        expect(error.code).toBe('SDP_INVALID');
      }
    }),
    { numRuns: 3000 },
  );
  expect(answered).toBeGreaterThan(300);
});

const OFFERS = new URL('../../../../shared/captures/siprec-invites/', import.meta.url);
describe.skipIf(!existsSync(OFFERS))('the offers of captures/siprec-invites', () => {
  for (const file of [
    'acme-siprec-offer',
    'broadworks-offer',
    'cisco-siprec-offer',
    'connectel-offer',
    'inactive-sdp-offer',
    'sonus-siprec-offer',
  ]) {
    test(`${file} is answered`, () => {
      const body = readFileSync(new URL(`${file}.txt`, OFFERS), 'latin1');
      const boundary = /^--(\S+)$/m.exec(body)![1]!;
      const invite = `INVITE sip:srs@example.net SIP/2.0\r\nContent-Type: multipart/mixed;boundary=${boundary}\r\n\r\n${body}`;
      const offer = sdpTextOf(parseSipMessage(Buffer.from(invite, 'latin1'))!)!;
      wellFormed(answerSdp(offer, OURS).answer, offer.match(/^m=/gm)!.length);
    });
  }
});
