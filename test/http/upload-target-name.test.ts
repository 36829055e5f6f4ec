import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastSegment, numberedName, safeName } from '../../src/http/upload-target-name.ts';

describe('the last segment of a request target is the wanted name', () => {
  for (const { target, want } of [
    { target: '/call_recording_c1.mp3?from=a%2Fb', want: 'call_recording_c1.mp3' },
    { target: '/in/box/a.wav', want: 'a.wav' },
    { target: '/in/box/', want: 'box' },
    { target: '/', want: '' },
    { target: '//', want: '' },
    { target: '/?recording=x.mp3', want: '' },
    { target: '/a%2Fb.mp3', want: 'a/b.mp3' },
    { target: '/a%2', want: 'a%2' },
    { target: '/%ff', want: '%ff' },
    { target: '*', want: '*' },
  ]) {
    test(`${target} → ${JSON.stringify(want)}`, () => expect(lastSegment(target)).toBe(want));
  }
});

describe('a wanted name becomes a harmless one', () => {
  for (const { wanted, type = 'audio/mpeg', want } of [
    { wanted: 'call_recording_c1.mp3', want: 'call_recording_c1.mp3' },
    { wanted: 'call_recording_c/1@h.mp3', want: 'call_recording_c_1@h.mp3' },
    { wanted: '../../etc/passwd', want: '_.._etc_passwd.mp3' },
    { wanted: '..\\..\\boot.ini', want: '_.._boot.ini' },
    { wanted: '/etc/passwd', want: '_etc_passwd.mp3' },
    { wanted: 'C:\\windows\\x.wav', want: 'C__windows_x.wav' },
    { wanted: 'a.mp3:stream', want: 'a.mp3_stream.mp3' },
    { wanted: '.', want: 'upload.mp3' },
    { wanted: '..', want: 'upload.mp3' },
    { wanted: '...', want: 'upload.mp3' },
    { wanted: '', want: 'upload.mp3' },
    { wanted: '///', want: 'upload.mp3' },
    { wanted: '.incoming-x', want: 'incoming-x.mp3' },
    { wanted: '.bashrc', want: 'bashrc.mp3' },
    { wanted: '-rf', want: 'rf.mp3' },
    { wanted: 'a\0b.mp3', want: 'a_b.mp3' },
    { wanted: 'a\r\nb.mp3', want: 'a_b.mp3'.replace('_', '__') },
    { wanted: 'a b.mp3', want: 'a_b.mp3' },
    { wanted: '<script>.mp3', want: '_script_.mp3' },
    { wanted: 'gpj\u202e.exe', want: 'gpj_.exe' },
    { wanted: 'Gespräch.wav', want: 'Gespräch.wav' },
    { wanted: 'Gespra\u0308ch.wav', want: 'Gespräch.wav' },
    { wanted: 'CON', want: '_CON.mp3' },
    { wanted: 'nul.mp3', want: '_nul.mp3' },
    { wanted: 'lpt1.tar.gz', want: '_lpt1.tar.gz' },
    { wanted: 'console.mp3', want: 'console.mp3' },
    { wanted: 'name.', want: 'name.mp3' },
    { wanted: 'name', type: 'audio/x-wav', want: 'name.wav' },
    { wanted: 'name', type: 'Audio/WAV; rate=8000', want: 'name.wav' },
    { wanted: 'name', type: '', want: 'name' },
    { wanted: '\ud800.mp3', want: 'upload.mp3' },
    { wanted: `${'x'.repeat(300)}.mp3`, want: `${'x'.repeat(196)}.mp3` },
    { wanted: `${'é'.repeat(300)}.mp3`, want: `${'é'.repeat(98)}.mp3` },
    { wanted: `a.${'y'.repeat(300)}`, want: `a.${'y'.repeat(194)}.mp3` },
  ]) {
    test(JSON.stringify(wanted).slice(0, 40), () => expect(safeName(wanted, type)).toBe(want));
  }

  test('of any text at all', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (wanted) => {
        const name = safeName(wanted, 'audio/mpeg');
        expect(name).toMatch(/^[\p{L}\p{N}_@+=][\p{L}\p{N}._@+=-]*$/u);
        expect(name).not.toMatch(/\.$/);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
      }),
    );
  });
});

test('a number goes before the extension', () => {
  expect([1, 2, 10].map((count) => numberedName('a.b.mp3', count))).toEqual(['a.b.mp3', 'a.b-2.mp3', 'a.b-10.mp3']);
  expect(numberedName('plain', 2)).toBe('plain-2');
});
