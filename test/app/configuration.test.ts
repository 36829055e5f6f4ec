/** Settings from the environment: what is known, what its values can be. */
import { describe, expect, test } from 'vitest';
import { readConfiguration } from '../../src/app/configuration.ts';

describe('what is taken', () => {
  for (const { name, env, encoder, allowed } of [
    { name: 'nothing set', env: {}, encoder: 'auto', allowed: [] },
    {
      name: 'other programs’ variables',
      env: { PATH: '/bin', RECORD: '1', record_call_x: '1' },
      encoder: 'auto',
      allowed: [],
    },
    { name: 'an encoder', env: { RECORD_CALL_MP3_ENCODER: 'lamejs' }, encoder: 'lamejs', allowed: [] },
    {
      name: 'targets',
      env: { RECORD_CALL_ALLOW_TARGETS: 'Uploads.Internal,,10.0.0.0/8' },
      encoder: 'auto',
      allowed: ['uploads.internal'],
    },
    { name: 'empty targets', env: { RECORD_CALL_ALLOW_TARGETS: '' }, encoder: 'auto', allowed: [] },
    {
      name: 'a variable that is not there',
      env: { RECORD_CALL_ALLOW_TARGETS: undefined },
      encoder: 'auto',
      allowed: [],
    },
  ]) {
    test(name, () => {
      const { mp3Encoder, allowTargets } = readConfiguration(env);
      expect(mp3Encoder).toBe(encoder);
      expect([...allowTargets.names]).toEqual(allowed);
    });
  }
});

describe('what is refused, by its name', () => {
  for (const { env, want } of [
    { env: { RECORD_CALL_MP3_ENCODER: '' }, want: /RECORD_CALL_MP3_ENCODER takes auto, lamejs, ffmpeg/ },
    { env: { RECORD_CALL_MP3_ENCODER: 'LAMEJS' }, want: /not "LAMEJS"/ },
    { env: { RECORD_CALL_MP3ENCODER: 'lamejs' }, want: /RECORD_CALL_MP3ENCODER is no setting/ },
    { env: { RECORD_CALL_ALLOW_TARGETS: 'http://x/' }, want: /RECORD_CALL_ALLOW_TARGETS: "http:\/\/x\/"/ },
  ]) {
    test(JSON.stringify(env), () => {
      expect(() => readConfiguration(env)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', exit: 2, message: expect.stringMatching(want) }),
      );
    });
  }
});
