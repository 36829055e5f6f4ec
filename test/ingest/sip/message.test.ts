import { describe, expect, test } from 'vitest';
import { sdpTextOf } from '../../../src/ingest/sip/body.ts';
import { contentLength, parseSipMessage } from '../../../src/ingest/sip/message.ts';

const parse = (text: string, cut = false) => parseSipMessage(Buffer.from(text, 'latin1'), cut);
const message = (...lines: string[]) => parse(lines.join('\r\n'));

describe('header fields', () => {
  // After the short torture message of RFC 4475 §3.1.1.1: the same oddities, other words.
  const odd = message(
    'INVITE sip:bob@example.org SIP/2.0',
    'TO :',
    '  <sip:bob@example.org>  ;   tag    = b1 ',
    'f: "Ann" <sip:ann@example.net>',
    ' ;tag=a1',
    'I: one@two',
    'l: 0',
    'v: first',
    'Via:second',
    'VIA  :  third',
    'no colon here',
    'Subject:',
    '',
    '',
  );

  for (const { name, expected } of [
    { name: 'to', expected: ['<sip:bob@example.org>  ;   tag    = b1'] },
    { name: 'from', expected: ['"Ann" <sip:ann@example.net> ;tag=a1'] },
    { name: 'call-id', expected: ['one@two'] },
    { name: 'via', expected: ['first', 'second', 'third'] },
    { name: 'subject', expected: [''] },
    { name: 'contact', expected: [] },
    { name: '__proto__', expected: [] },
  ]) {
    test(`${name} reads ${JSON.stringify(expected)}`, () => {
      expect(odd?.headers.all(name)).toEqual(expected);
      expect(odd?.headers.first(name)).toBe(expected[0]);
    });
  }

  test('the start line says what it is', () => {
    expect(odd?.start).toEqual({ kind: 'request', method: 'INVITE' });
    expect(message('SIP/2.0 486 Busy Here', '', '')?.start).toEqual({ kind: 'response', status: 486 });
  });

  test('bare line feeds separate lines as well', () => {
    const lone = parse('BYE sip:b@x SIP/2.0\nCall-ID: q\n\nbody');
    expect(lone?.headers.first('call-id')).toBe('q');
    expect(Buffer.from(lone!.body).toString()).toBe('body');
  });

  test('control characters become spaces, other scripts stay', () => {
    const text = 'BYE sip:b@x SIP/2.0\r\nFrom: "\u001b[31mÅse\u0007" <sip:a@b>\r\n\r\n';
    expect(parseSipMessage(Buffer.from(text))?.headers.first('from')).toBe('" [31mÅse " <sip:a@b>');
  });

  test('more fields than any message has, and longer ones, are not kept', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `X-${index}: v`);
    const parsed = message('BYE sip:b@x SIP/2.0', `Long: ${'v'.repeat(9000)}`, ...many, '', '');
    expect(parsed?.headers.first('long')).toHaveLength(8192);
    expect(parsed?.headers.first('x-254')).toBeDefined();
    expect(parsed?.headers.first('x-255')).toBeUndefined();
  });

  test('an endless fold stays bounded', () => {
    const folds = Array.from({ length: 2000 }, () => ` ${'x'.repeat(10)}`);
    expect(message('BYE sip:b@x SIP/2.0', 'Long: v', ...folds, '', '')?.headers.first('long')).toHaveLength(8192);
  });

  for (const { name, text } of [
    { name: 'nothing', text: '' },
    { name: 'only line ends', text: '\r\n\r\n\r\n' },
    { name: 'no start line', text: 'Via: x\r\nFrom: y\r\n\r\n' },
    { name: 'a head without end', text: `BYE sip:b@x SIP/2.0\r\nX: ${'y'.repeat(40_000)}\r\n` },
    { name: 'half a start line of a cut datagram', text: 'INVITE sip:bob@exa' },
  ]) {
    test(`${name} is no message`, () => expect(parse(text)).toBeUndefined());
  }
});

describe('the body', () => {
  const withLength = (length: string | undefined, body: string, cut = false) =>
    parse(
      `INVITE sip:b@x SIP/2.0\r\nContent-Type: application/sdp\r\n${length === undefined ? '' : `Content-Length: ${length}\r\n`}\r\n${body}`,
      cut,
    )!;
  const sdp = 'v=0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n';

  for (const { name, length, body = sdp, cut = false, expected = sdp } of [
    { name: 'right length', length: String(sdp.length) },
    { name: 'no length: the rest of the datagram', length: undefined },
    { name: 'a length that counts line feeds only', length: String(sdp.length - 3) },
    { name: 'a length beyond the datagram', length: '9999' },
    { name: 'a negative length', length: '-999' },
    { name: 'a length that is no number', length: 'many' },
    { name: 'a length of more digits than a number holds', length: '9'.repeat(400) },
    {
      name: 'length 0 and a second message behind it',
      length: '0',
      body: `INVITE sip:x SIP/2.0\r\n\r\n${sdp}`,
      expected: null,
    },
    {
      name: 'cut in the middle of a line: whole lines only',
      length: '99',
      body: 'v=0\r\nm=audio 40',
      cut: true,
      expected: 'v=0\r\n',
    },
  ]) {
    test(name, () => expect(sdpTextOf(withLength(length, body, cut))).toBe(expected ?? undefined));
  }

  test('a datagram cut inside its head loses the half line only', () => {
    const cut = parse('INVITE sip:b@x SIP/2.0\r\nCall-ID: whole\r\nCSeq: 1 INV', true);
    expect(cut?.headers.first('call-id')).toBe('whole');
    expect(cut?.headers.first('cseq')).toBeUndefined();
    expect(contentLength(cut!.headers)).toBeUndefined();
  });
});

describe('the session description in a body', () => {
  const found = (type: string, body: string, ...more: string[]) =>
    sdpTextOf(message('INVITE sip:b@x SIP/2.0', ...(type === '' ? [] : [`Content-Type: ${type}`]), ...more, '', body)!);
  const sdp = 'v=0\r\nm=audio 4000 RTP/AVP 0';
  const part = (type: string, body: string, ...more: string[]) =>
    [`Content-Type: ${type}`, ...more, '', body].join('\r\n');
  const multipart = (boundary: string, ...all: string[]) =>
    [...all.flatMap((one) => [`--${boundary}`, one]), `--${boundary}--`, ''].join('\r\n');

  for (const { name, type, body, more = [], expected } of [
    { name: 'alone', type: 'application/sdp', body: sdp, expected: sdp },
    { name: 'any case, with a parameter', type: 'Application/SDP; charset=utf-8', body: sdp, expected: sdp },
    { name: 'type forgotten', type: '', body: sdp, expected: sdp },
    { name: 'type forgotten, something else', type: '', body: 'Signal=5', expected: undefined },
    { name: 'digits of an INFO', type: 'application/dtmf-relay', body: `Signal=5\r\n${sdp}`, expected: undefined },
    { name: 'packed', type: 'application/sdp', more: ['Content-Encoding: gzip'], body: sdp, expected: undefined },
    { name: 'not packed', type: 'application/sdp', more: ['e: identity'], body: sdp, expected: sdp },
    {
      name: 'first part, quoted boundary',
      type: 'multipart/mixed; boundary="a b"',
      body: multipart('a b', part('application/sdp', sdp), part('application/rs-metadata+xml', '<x/>')),
      expected: `${sdp}\r\n`,
    },
    {
      name: 'after ISUP bytes that hold a boundary inside a line',
      type: 'multipart/mixed;boundary=isup',
      body: multipart(
        'isup',
        part('application/ISUP', '\x01\x00\xff--isup\x00'),
        part('application/sdp', `${sdp}--isup`),
      ),
      expected: `${sdp}--isup\r\n`,
    },
    {
      name: 'a wrong length in the part',
      type: 'multipart/mixed;boundary=p',
      body: multipart('p', part('application/sdp', sdp, 'Content-Length: 3')),
      expected: `${sdp}\r\n`,
    },
    {
      name: 'nested in multipart/alternative',
      type: 'multipart/mixed;boundary=out',
      body: multipart(
        'out',
        part(
          'multipart/alternative;boundary=in',
          multipart('in', part('text/plain', 'no'), part('application/sdp', sdp)),
        ),
      ),
      expected: `${sdp}\r\n`,
    },
    {
      name: 'no closing delimiter',
      type: 'multipart/mixed;boundary=z',
      body: `--z\r\n${part('application/sdp', sdp)}`,
      expected: sdp,
    },
    {
      name: 'no boundary parameter',
      type: 'multipart/mixed',
      body: `preamble\r\n${multipart('guess', part('application/sdp', sdp))}`,
      expected: `${sdp}\r\n`,
    },
    {
      name: 'a part without fields',
      type: 'multipart/mixed;boundary=n',
      body: `--n\r\n\r\n${sdp}\r\n--n--`,
      expected: `${sdp}\r\n`,
    },
    {
      name: 'parts without SDP',
      type: 'multipart/mixed;boundary=n',
      body: multipart('n', part('text/plain', sdp)),
      expected: undefined,
    },
    {
      name: 'after the closing delimiter',
      type: 'multipart/mixed;boundary=n',
      body: `--n--\r\n--n\r\n${part('application/sdp', sdp)}`,
      expected: undefined,
    },
    {
      name: 'a boundary of pattern characters',
      type: 'multipart/mixed;boundary=(.*)+',
      body: multipart('(.*)+', part('application/sdp', sdp)),
      expected: `${sdp}\r\n`,
    },
  ]) {
    test(name, () => expect(found(type, body, ...more)).toBe(expected));
  }

  test('nesting without end stops', () => {
    const deep = (depth: number): string =>
      depth === 0
        ? part('application/sdp', sdp)
        : part(`multipart/mixed;boundary=b${depth}`, multipart(`b${depth}`, deep(depth - 1)));
    const outer = (depth: number) =>
      found(`multipart/mixed;boundary=b${depth}`, multipart(`b${depth}`, deep(depth - 1)));
    expect(outer(3)).toContain('m=audio 4000');
    expect(outer(4)).toBeUndefined();
  });
});
