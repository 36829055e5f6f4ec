import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sdpTextOf } from '../../../src/ingest/sip/body.ts';
import { parseSipMessage } from '../../../src/ingest/sip/message.ts';
import { parseSdp, type SdpMedia } from '../../../src/ingest/sip/sdp.ts';
import { formatWireCodec } from '../../../src/media/wire-codec.ts';

const SESSION = ['v=0', 'o=- 1 1 IN IP4 203.0.113.9', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const only = (...lines: string[]): SdpMedia => {
  const media = parseSdp([...SESSION, ...lines, ''].join('\r\n'));
  expect(media).toHaveLength(1);
  return media![0]!;
};
const codecs = (media: SdpMedia): string =>
  [...media.codecs]
    .map(([type, codec]) => `${type} ${formatWireCodec(codec)}${codec.fmtp === undefined ? '' : ` ${codec.fmtp}`}`)
    .join(', ');

describe('codecs', () => {
  for (const { name, lines, expected } of [
    {
      name: 'static types need no rtpmap',
      lines: ['m=audio 4000 RTP/AVP 8 0 9 18 13'],
      expected: '8 PCMA/8000, 0 PCMU/8000, 9 G722/8000, 18 G729/8000, 13 CN/8000',
    },
    {
      name: '101 is telephone-event by habit',
      lines: ['m=audio 4000 RTP/AVP 0 101'],
      expected: '0 PCMU/8000, 101 TELEPHONE-EVENT/8000',
    },
    {
      name: 'an rtpmap of 101 wins',
      lines: ['m=audio 4000 RTP/AVP 101', 'a=rtpmap:101 opus/48000/2'],
      expected: '101 OPUS/48000/2',
    },
    {
      name: 'a single format, which the library makes a number',
      lines: ['m=audio 4000 RTP/AVP 0'],
      expected: '0 PCMU/8000',
    },
    {
      name: 'names in upper case, parameters as written',
      lines: [
        'm=audio 4000 RTP/AVP 97 96',
        'a=rtpmap:97 iLBC/8000',
        'a=fmtp:97 mode=20',
        'a=rtpmap:96 telephone-event/8000',
        'a=fmtp:96 16',
      ],
      expected: '97 ILBC/8000 mode=20, 96 TELEPHONE-EVENT/8000 16',
    },
    {
      name: 'L16 on a static type keeps its own rate',
      lines: ['m=audio 4000 RTP/AVP 10', 'a=rtpmap:10 L16/8000'],
      expected: '10 L16/8000',
    },
    {
      name: 'L16 in stereo',
      lines: ['m=audio 4000 RTP/AVP 99', 'a=rtpmap:99 L16/16000/2'],
      expected: '99 L16/16000/2',
    },
    {
      name: 'G722 at 16000 ticks at 8000',
      lines: ['m=audio 4000 RTP/AVP 9', 'a=rtpmap:9 G722/16000'],
      expected: '9 G722/8000',
    },
    {
      name: 'a dynamic type without rtpmap is left out',
      lines: ['m=audio 4000 RTP/AVP 0 118'],
      expected: '0 PCMU/8000',
    },
    {
      name: 'an rtpmap of a type that is not offered is left out',
      lines: ['m=audio 4000 RTP/AVP 0', 'a=rtpmap:8 PCMA/8000'],
      expected: '0 PCMU/8000',
    },
    {
      name: 'a clock rate of 0 or none describes nothing',
      lines: ['m=audio 4000 RTP/AVP 98 99 0', 'a=rtpmap:98 X/0', 'a=rtpmap:99 Y', 'a=rtpmap:0 PCMU'],
      expected: '0 PCMU/8000',
    },
    {
      name: 'a name the library cuts at its plus sign describes nothing',
      lines: ['m=audio 4000 RTP/AVP 98', 'a=rtpmap:98 AMR-WB+/72000'],
      expected: '',
    },
    {
      name: 'formats that are no payload type are left out',
      lines: ['m=audio 4000 RTP/AVP 0 128 999 x -1'],
      expected: '0 PCMU/8000',
    },
    { name: 'static video', lines: ['m=video 4002 RTP/AVP 34 0'], expected: '34 H263/90000' },
    { name: 'T.38 has none', lines: ['m=image 4000 udptl t38', 'a=T38FaxVersion:0'], expected: '' },
    {
      name: 'extra spaces and capital attribute names',
      lines: ['m=audio  4000   RTP/AVP  0  96 ', 'A=x', 'a=RTPMAP:96   speex/16000'],
      expected: '0 PCMU/8000, 96 SPEEX/16000',
    },
    {
      name: 'one of many channels too many',
      lines: ['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 L16/8000/999'],
      expected: '96 L16/8000',
    },
  ]) {
    test(name, () => expect(codecs(only(...lines))).toBe(expected));
  }
});

describe('the media line', () => {
  const AUDIO = 'm=audio 4000 RTP/AVP 0';
  for (const { name, lines, expected } of [
    {
      name: 'session-level address',
      lines: [AUDIO],
      expected: {
        kind: 'audio',
        protocol: 'RTP/AVP',
        address: '192.0.2.1',
        port: 4000,
        direction: 'sendrecv',
        held: false,
        secure: false,
        rtcpMux: false,
      },
    },
    {
      name: 'media-level address over session level',
      lines: [AUDIO, 'c=IN IP4 192.0.2.77'],
      expected: { address: '192.0.2.77' },
    },
    { name: 'a multicast scope', lines: [AUDIO, 'c=IN IP4 233.252.0.1/127'], expected: { address: '233.252.0.1' } },
    {
      name: 'IPv6 in any spelling',
      lines: [AUDIO, 'c=IN IP6 2001:DB8:0:0:0::1'],
      expected: { address: '2001:db8::1' },
    },
    {
      name: 'an IPv4-mapped address',
      lines: [AUDIO, 'c=IN IP6 ::FFFF:192.0.2.1'],
      expected: { address: '::ffff:192.0.2.1' },
    },
    { name: 'a host name', lines: [AUDIO, 'c=IN IP4 Media.Example.NET'], expected: { address: 'media.example.net' } },
    { name: 'two spaces in c=', lines: [AUDIO, 'c=IN  IP4  192.0.2.5'], expected: { address: '192.0.2.5' } },
    {
      name: 'a port count',
      lines: ['m=audio 49170/2 RTP/AVP 0'],
      expected: { port: 49170, kind: 'audio', protocol: 'RTP/AVP' },
    },
    { name: 'port 0: refused', lines: ['m=audio 0 RTP/AVP 0'], expected: { port: 0 } },
    { name: 'a port that is none', lines: ['m=audio 70000 RTP/AVP 0'], expected: { port: 0 } },
    {
      name: 'a line that can not be read keeps its place',
      lines: ['m=audio'],
      expected: { kind: '', port: 0, protocol: '' },
    },
    {
      name: 'hold by address',
      lines: [AUDIO, 'c=IN IP4 0.0.0.0'],
      expected: { held: true, direction: 'sendrecv', port: 4000 },
    },
    { name: 'hold by IPv6 address', lines: [AUDIO, 'c=IN IP6 0:0:0:0:0:0:0:0'], expected: { held: true } },
    {
      name: 'no address yet because of ICE',
      lines: [AUDIO, 'c=IN IP4 0.0.0.0', 'a=candidate:1 1 UDP 1 192.0.2.1 4000 typ host'],
      expected: { held: false },
    },
    { name: 'direction', lines: [AUDIO, 'a=SendOnly'], expected: { direction: 'sendonly', held: false } },
    {
      name: 'session direction under media direction',
      lines: [AUDIO, 'a=recvonly'],
      expected: { direction: 'recvonly' },
    },
    {
      name: 'label, ptime, rtcp-mux',
      lines: [AUDIO, 'a=label:16777227', 'a=ptime:30', 'a=rtcp-mux'],
      expected: { label: '16777227', ptimeMs: 30, rtcpMux: true },
    },
    { name: 'a ptime that is none', lines: [AUDIO, 'a=ptime:x'], expected: { kind: 'audio' } },
    { name: 'a=direction is no direction', lines: [AUDIO, 'a=direction:both'], expected: { direction: 'sendrecv' } },
    { name: 'SAVP', lines: ['m=audio 4000 RTP/SAVP 0'], expected: { secure: true } },
    {
      name: 'DTLS',
      lines: ['m=audio 4000 UDP/TLS/RTP/SAVPF 0'],
      expected: { secure: true, protocol: 'UDP/TLS/RTP/SAVPF' },
    },
    { name: 'AVPF', lines: ['m=audio 4000 RTP/AVPF 0'], expected: { secure: false } },
    {
      name: 'a key under a plain profile',
      lines: [AUDIO, 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:xxxx'],
      expected: { secure: true },
    },
    { name: 'a key that does not parse', lines: [AUDIO, 'a=crypto:oops'], expected: { secure: true } },
    { name: 'a fingerprint', lines: [AUDIO, 'a=fingerprint:SHA-256 00:11'], expected: { secure: true } },
    { name: 'ZRTP', lines: [AUDIO, 'a=zrtp-hash:1.10 abc'], expected: { secure: true } },
    { name: 'MIKEY', lines: [AUDIO, 'a=key-mgmt:mikey abc'], expected: { secure: true } },
  ]) {
    test(name, () => expect(only(...lines)).toMatchObject(expected));
  }

  test('session-level direction and fingerprint hold for every line', () => {
    const media = parseSdp(
      [...SESSION, 'a=inactive', 'a=fingerprint:sha-1 00', AUDIO, 'm=video 4002 RTP/AVP 96', ''].join('\n'),
    );
    expect(media).toMatchObject([
      { kind: 'audio', direction: 'inactive', secure: true },
      { kind: 'video', direction: 'inactive', secure: true },
    ]);
  });

  test('absent attributes are absent, not undefined', () => {
    expect(Object.keys(only(AUDIO))).not.toContain('label');
    expect(Object.keys(only(AUDIO, 'a=ptime:0'))).not.toContain('ptimeMs');
  });

  test('control characters of a label do not reach a terminal', () => {
    expect(only(AUDIO, 'a=label:\u001b[2Jx').label).toBe('[2Jx');
  });

  test('without any c= line the address is empty', () => {
    expect(parseSdp('v=0\r\nm=audio 4000 RTP/AVP 0\r\n')).toMatchObject([{ address: '', held: false }]);
  });

  for (const { name, text, expected } of [
    { name: 'no media', text: 'v=0\r\ns=-\r\n', expected: [] },
    { name: 'nothing', text: '', expected: undefined },
    { name: 'digits', text: 'Signal=5\r\nDuration=160\r\n', expected: undefined },
    { name: 'more text than any description has', text: `v=0\r\n${'a=x\r\n'.repeat(20_000)}`, expected: undefined },
  ]) {
    test(`${name} → ${JSON.stringify(expected)}`, () => expect(parseSdp(text)).toEqual(expected));
  }

  test('thousands of media lines are bounded', () => {
    expect(parseSdp(`v=0\r\n${'m=audio 1 RTP/AVP 0\r\n'.repeat(2500)}`)).toHaveLength(64);
  });
});

const OFFERS = new URL('../../../../shared/captures/siprec-invites/', import.meta.url);
describe.skipIf(!existsSync(OFFERS))('the ten vendors of captures/siprec-invites', () => {
  const PCMU_DTMF = '0 PCMU/8000, 101 TELEPHONE-EVENT/8000 0-16';
  for (const { file, lines } of [
    {
      file: 'acme-siprec-offer',
      lines: [
        '16777227 192.168.50.140:20106 sendonly 0 PCMU/8000',
        '16777228 192.168.50.140:20110 sendonly 0 PCMU/8000',
      ],
    },
    {
      file: 'broadworks-offer',
      lines: [
        '1 x.x.x.x:22294 sendonly 8 PCMA/8000, 101 TELEPHONE-EVENT/8000 0-15, 0 PCMU/8000, 9 G722/8000, 18 G729/8000',
      ],
    },
    {
      file: 'broadworks-offer-2',
      lines: [
        '10 10.201.1.168:38606 sendonly 8 PCMA/8000, 97 TELEPHONE-EVENT/8000',
        '20 10.201.1.168:35744 sendonly 8 PCMA/8000, 97 TELEPHONE-EVENT/8000',
      ],
    },
    {
      file: 'cisco-siprec-offer',
      lines: [`1 172.31.93.236:10292 sendonly ${PCMU_DTMF}`, `2 172.31.93.236:10294 sendonly ${PCMU_DTMF}`],
    },
    ...['connectel-offer', 'connectel-offer2', 'connectel-offer3'].map((file) => ({
      file, // These have no c= line at all.
      lines: [
        '1 :35011 sendonly 0 PCMU/8000, 8 PCMA/8000, 3 GSM/8000, 101 TELEPHONE-EVENT/8000 0-16',
        '2 :35012 sendonly 8 PCMA/8000, 0 PCMU/8000, 101 TELEPHONE-EVENT/8000 0-16',
      ],
    })),
    {
      file: 'inactive-sdp-offer',
      lines: [
        `1 192.168.1.2:19254 inactive ${PCMU_DTMF}, 19 CN/8000`,
        `2 192.168.1.2:19236 inactive ${PCMU_DTMF}, 19 CN/8000`,
      ],
    },
    {
      file: 'procomm-siprec-offer',
      lines: ['a_leg 89.185.131.7:12654 sendonly 8 PCMA/8000', 'b_leg 89.185.131.7:12686 sendonly 8 PCMA/8000'],
    },
    {
      file: 'sonus-siprec-offer',
      lines: ['1 172.16.169.132:48932 sendonly 0 PCMU/8000', '2 172.16.169.132:48926 sendonly 0 PCMU/8000'],
    },
  ]) {
    test(file, () => {
      const body = readFileSync(new URL(`${file}.txt`, OFFERS), 'latin1');
      const boundary = /^--(\S+)$/m.exec(body)![1]!;
      // The files hold bodies; the type is what the INVITE around them says.
      const invite = `INVITE sip:srs@example.net SIP/2.0\r\nContent-Type: multipart/mixed;boundary=${boundary}\r\n\r\n${body}`;
      const media = parseSdp(sdpTextOf(parseSipMessage(Buffer.from(invite, 'latin1'))!) ?? '');
      expect(
        media?.map((line) => `${line.label} ${line.address}:${line.port} ${line.direction} ${codecs(line)}`),
      ).toEqual(lines);
      expect(
        media?.every((line) => line.kind === 'audio' && line.protocol === 'RTP/AVP' && !line.secure && !line.held),
      ).toBe(true);
    });
  }
});
