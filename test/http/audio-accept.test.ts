import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentDisposition, wantedBy } from '../../src/http/audio-accept.ts';

describe('Accept', () => {
  for (const { accept, query, is } of [
    { accept: undefined, is: 'document' },
    { accept: '', is: 'document' },
    { accept: '*/*', is: 'document' },
    { accept: 'application/json', is: 'document' },
    { accept: 'audio/mpeg', is: 'audio' },
    { accept: 'audio/mp3', is: 'audio' },
    { accept: 'audio/wav', is: 'audio' },
    { accept: 'audio/x-wav', is: 'audio' },
    { accept: 'audio/*', is: 'audio' },
    { accept: 'Audio/MPEG; q=1', is: 'audio' },
    { accept: 'audio/mpeg, application/json', is: 'audio' },
    { accept: 'application/json, audio/mpeg', is: 'document' },
    { accept: 'application/json;q=0.5, audio/mpeg', is: 'audio' },
    { accept: 'audio/mpeg;q=0.1, */*;q=0.2', is: 'document' },
    { accept: 'audio/mpeg;q=0', is: 'document' },
    { accept: 'audio/ogg', is: 'document' },
    { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', is: 'document' },
    // What Firefox sends for an audio element.
    { accept: 'audio/webm,audio/ogg,audio/wav,audio/*;q=0.9,video/*;q=0.6,*/*;q=0.5', is: 'audio' },
    { accept: 'application/json', query: 'audio/mpeg', is: 'audio' },
    { accept: 'audio/mpeg', query: 'application/json', is: 'document' },
    { accept: `${'text/x,'.repeat(10_000)}audio/mpeg`, is: 'document' },
  ]) {
    test(`${accept?.slice(0, 40)}${query === undefined ? '' : ` and ?accept=${query}`}: ${is}`, () =>
      expect(wantedBy(accept, query)).toBe(is));
  }
});

describe('the name of a download', () => {
  for (const { name, is } of [
    { name: 'call.mp3', is: 'attachment; filename="call.mp3"' },
    { name: '../../etc/passwd', is: 'attachment; filename="__.._etc_passwd"' },
    { name: 'a"; x="b', is: 'attachment; filename="a___x__b"' },
    { name: 'a\r\nSet-Cookie: x', is: 'attachment; filename="a__Set-Cookie__x"' },
    { name: '', is: 'attachment; filename="recording"' },
  ]) {
    test(JSON.stringify(name), () => expect(contentDisposition(name, 'attachment')).toBe(is));
  }

  test('is one plain word, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        expect(contentDisposition(name, 'inline')).toMatch(/^inline; filename="[A-Za-z0-9_-][A-Za-z0-9_.-]*"$/);
      }),
    );
  });
});
