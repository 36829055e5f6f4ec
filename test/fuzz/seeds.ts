/** Good inputs of the parsers that read text. */

export const textSeeds = (...texts: readonly string[]): Uint8Array[] => texts.map((each) => Buffer.from(each, 'utf8'));

const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 4000 RTP/AVP 0 8 111 101',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=ptime:20',
  'a=sendrecv',
  '',
].join('\r\n');

export const SDP = textSeeds(OFFER, OFFER.replace('RTP/AVP', 'RTP/SAVP'), OFFER.replaceAll('IP4 127.0.0.1', 'IP6 ::1'));

export const SIP = textSeeds(
  [
    'INVITE sip:bob@example.invalid SIP/2.0',
    'Via: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK1',
    'From: "A" <sip:alice@example.invalid>;tag=1',
    'To: <sip:bob@example.invalid>',
    'Call-ID: 1@127.0.0.1',
    'CSeq: 1 INVITE',
    'Content-Type: application/sdp',
    `Content-Length: ${OFFER.length}`,
    '',
    OFFER,
  ].join('\r\n'),
  'SIP/2.0 200 OK\r\nv: SIP/2.0/UDP x\r\nf: <sip:a@b>;tag=1\r\nt: <sip:b@b>;tag=2\r\ni: 1\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n',
);

export const METAFLOW_SEEDS = textSeeds(
  '{"binding_digit":"*","listen_on":"both","numbers":{"71":{"module":"record_call","data":{"action":"start"}}}}',
  '{"patterns":{"^7([1-4])$":{"module":"record_call","data":{"action":"mask"},"children":{"_":{"module":"hangup"}}}}}',
);
