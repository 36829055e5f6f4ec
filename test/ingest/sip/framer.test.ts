import { describe, expect, test } from 'vitest';
import { SipFramer } from '../../../src/ingest/sip/framer.ts';

const message = (name: string, body = '', length: string | number = body.length): string =>
  `INFO sip:${name}@x SIP/2.0\r\nCall-ID: ${name}\r\nContent-Length: ${length}\r\n\r\n${body}`;

type Step = string | 'GAP';

/** Each message as `callId=body@us`, `…` when truncated; the steps arrive 1 µs apart, from 1. */
const framed = (...steps: readonly Step[]): string[] => {
  const out: string[] = [];
  const framer = new SipFramer(({ headers, body, truncated }, atUs) => {
    out.push(`${headers.first('call-id')}=${Buffer.from(body).toString()}${truncated ? '…' : ''}@${atUs}`);
  });
  steps.forEach((step, index) => {
    if (step === 'GAP') framer.gap();
    else framer.push(Buffer.from(step), index + 1);
  });
  return out;
};

describe('SipFramer', () => {
  for (const { name, steps, expected } of [
    { name: 'one message in one piece', steps: [message('a', 'xyz')], expected: ['a=xyz@1'] },
    {
      name: 'three messages in one piece, keep-alives between',
      steps: [`\r\n\r\n${message('a')}\r\n\r\n${message('b', 'x')}${message('c')}`],
      expected: ['a=@1', 'b=x@1', 'c=@1'],
    },
    {
      name: 'a message ends in the piece that begins the next',
      steps: [message('a', 'xyz').slice(0, -2), `yz${message('b', 'q').slice(0, 20)}`, message('b', 'q').slice(20)],
      expected: ['a=xyz@2', 'b=q@3'],
    },
    {
      name: 'a body that looks like a message',
      steps: [message('a', message('no'))],
      expected: [`a=${message('no')}@1`],
    },
    {
      name: 'no length: no body, the next start line is found',
      steps: [`INFO sip:a@x SIP/2.0\r\nCall-ID: a\r\n\r\nv=0\r\nm=x\r\n${message('b')}`],
      expected: ['a=@1', 'b=@1'],
    },
    {
      name: 'a length too small: the rest is passed over',
      steps: [message('a', 'v=0\r\nm=x\r\n', 5), message('b')],
      expected: ['a=v=0\r\n@1', 'b=@2'],
    },
    {
      name: 'a length too large swallows into the next, the one after is found',
      steps: [message('a', 'xyz', 33), message('b'), message('c')],
      expected: [`a=xyz${message('b').slice(0, 30)}@2`, 'c=@3'],
    },
    { name: 'a length no one sends', steps: [message('a', '', 99_999_999), message('b')], expected: ['a=@1', 'b=@2'] },
    {
      name: 'a stream picked up in mid-message',
      steps: [`zz: 1\r\nVia: SIP/2.0/TCP h\r\n\r\nv=0\r\n${message('a')}`],
      expected: ['a=@1'],
    },
    {
      name: 'bytes missing inside a head: that message is gone',
      steps: [message('a').slice(0, 30), 'GAP', `ID: x\r\n\r\n${message('b')}`],
      expected: ['b=@3'],
    },
    {
      name: 'bytes missing inside a body: what came is truncated',
      steps: [message('a', 'v=0\r\nm=aud').slice(0, -1), 'GAP', `dio\r\n${message('b')}`],
      expected: ['a=v=0\r\nm=au…@1', 'b=@3'],
    },
    { name: 'another protocol', steps: ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'], expected: [] },
    { name: 'a line that never ends', steps: ['x'.repeat(100_000), `\r\n${message('a')}`], expected: ['a=@2'] },
    {
      name: 'a head that never ends',
      steps: [`INFO sip:q@x SIP/2.0\r\n${'X: y\r\n'.repeat(9000)}`, `\r\n${message('a')}`],
      expected: ['a=@2'],
    },
  ] as { name: string; steps: Step[]; expected: string[] }[]) {
    test(name, () => expect(framed(...steps)).toEqual(expected));
  }

  test('one byte at a time gives the same messages', () => {
    const stream = `\r\n${message('a', 'v=0\r\nm=x\r\n')}${message('b')}garbage\r\n${message('c', 'é')}`;
    const whole = framed(stream).map((one) => one.replace(/@\d+$/, ''));
    expect(framed(...stream).map((one) => one.replace(/@\d+$/, ''))).toEqual(whole);
    expect(whole).toHaveLength(3);
  });

  for (const size of [1, 7, 31, 53, 89, 1460]) {
    test(`a long stream in pieces of ${size} gives each message with its last piece`, () => {
      const messages = Array.from({ length: 300 }, (_, index) => message(`m${index}`, 'b'.repeat(index % 50)));
      const pieces = messages.join('').match(new RegExp(`[^]{1,${size}}`, 'g'))!;
      let end = 0;
      const expected = messages.map((text, index) => {
        end += text.length;
        return `m${index}=${'b'.repeat(index % 50)}@${Math.ceil(end / size)}`;
      });
      expect(framed(...pieces)).toEqual(expected);
    });
  }

  test('a message is dated by the latest of its pieces, even when an earlier one is handed on later', () => {
    const times: number[] = [];
    const framer = new SipFramer((_, atUs) => times.push(atUs));
    const text = message('a', 'xyz');
    framer.push(Buffer.from(text.slice(0, 10)), 50);
    framer.push(Buffer.from(text.slice(10) + message('b').slice(0, 5)), 20); // Had waited for the first piece.
    framer.push(Buffer.from(message('b').slice(5)), 30);
    expect(times).toEqual([50, 30]);
  });

  test('it says when the stream has shown to be SIP', () => {
    const framer = new SipFramer(() => {});
    framer.push(Buffer.from('GET / HTTP/1.1\r\n\r\n'), 1);
    expect(framer.found).toBe(false);
    framer.push(Buffer.from(message('a', '', 5)), 2);
    expect(framer.found).toBe(true);
  });

  test('the longest heads and bodies pass, in many pieces', () => {
    const big = message('a', 'b'.repeat(60_000)).replace('\r\n', `\r\nX: ${'y'.repeat(30_000)}\r\n`);
    const pieces = big.match(/[\s\S]{1,1460}/g)!;
    const times = 5;
    expect(framed(...Array.from({ length: times }, () => pieces).flat())).toHaveLength(times);
  });

  test('a hundred thousand single bytes take no time to speak of', () => {
    const text = message('a', 'b'.repeat(60_000)).repeat(2);
    const began = performance.now();
    expect(framed(...text)).toHaveLength(2);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
