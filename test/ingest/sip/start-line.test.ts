import { describe, expect, test } from 'vitest';
import { looksLikeSip, probeStartLine } from '../../../src/ingest/sip/start-line.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('looksLikeSip', () => {
  for (const { name, payload, sip } of [
    { name: 'a request', payload: 'INVITE sip:bob@example.org SIP/2.0\r\n', sip: true },
    { name: 'a response', payload: 'SIP/2.0 200 OK\r\n', sip: true },
    { name: 'a response without a reason', payload: 'SIP/2.0 180\r\n', sip: true },
    { name: 'a version in lower case', payload: 'ACK sip:b@x sip/2.0\r\n', sip: true },
    { name: 'a bare line feed', payload: 'BYE sip:b@x SIP/2.0\n', sip: true },
    { name: 'line ends in front', payload: '\r\n\r\nSIP/2.0 100 Trying\r\n', sip: true },
    { name: 'a method nobody knows yet', payload: "NEW-method!%*_+`'~ sip:b@x SIP/2.0\r\n", sip: true },
    { name: 'spaces inside the URI', payload: 'INVITE sip:a b@x SIP/2.0\r\n', sip: true },
    { name: 'a keep-alive', payload: '\r\n\r\n', sip: false },
    { name: 'nothing', payload: '', sip: false },
    { name: 'no line end', payload: 'SIP/2.0 200 OK', sip: false },
    { name: 'HTTP', payload: 'GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n', sip: false },
    { name: 'RTSP', payload: 'RTSP/1.0 200 OK\r\n', sip: false },
    { name: 'another version', payload: 'INVITE sip:b@x SIP/3.0\r\n', sip: false },
    { name: 'a Via line', payload: 'SIP/2.0/UDP host;branch=z9hG4bK1\r\n', sip: false },
    { name: 'a status out of range', payload: 'SIP/2.0 700 No\r\n', sip: false },
    { name: 'a status of four digits', payload: 'SIP/2.0 2000 No\r\n', sip: false },
    { name: 'no URI', payload: 'INVITE SIP/2.0\r\n', sip: false },
    { name: 'RTP', payload: '\x80\x00\x00\x01\x00\x00\x00\xa0abcdSIP/2.0 200 OK\r\n', sip: false },
    { name: 'an endless first line', payload: `INVITE sip:${'b'.repeat(70_000)} SIP/2.0\r\n`, sip: false },
    { name: 'binary after a word', payload: 'INVITE \x00\x01\x02 SIP/2.0\r\n', sip: false },
  ]) {
    test(`${name}: ${sip}`, () => expect(looksLikeSip(bytes(payload))).toBe(sip));
  }

  test('every beginning of a start line may still become one', () => {
    for (const line of ['INVITE sip:bob@example.org SIP/2.0\r\n', 'SIP/2.0 200 OK\r\n']) {
      for (let length = 0; length < line.length; length++) {
        expect(probeStartLine(bytes(line.slice(0, length)))).toBe('partial');
      }
      expect(probeStartLine(bytes(line))).toBe('start');
      expect(probeStartLine(bytes(`xx${line}`), 2)).toBe('start');
    }
  });
});
