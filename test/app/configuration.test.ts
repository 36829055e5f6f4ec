/** Settings from the environment: what is known, what its values can be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfiguration } from '../../src/app/configuration.ts';
import { SETTING_KEYS, SETTINGS, variableOf } from '../../src/app/settings.ts';
import { scratchDir } from '../support/scratch.ts';

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
      const settings = readConfiguration(env);
      expect(settings.mp3_encoder).toBe(encoder);
      expect([...settings.allow_targets.names]).toEqual(allowed);
    });
  }
});

describe('what is refused, by its name', () => {
  for (const { env, want } of [
    { env: { RECORD_CALL_MP3_ENCODER: '' }, want: /RECORD_CALL_MP3_ENCODER takes auto, libmp3lame, ffmpeg, lamejs/ },
    { env: { RECORD_CALL_MP3_ENCODER: 'LAMEJS' }, want: /not "LAMEJS"/ },
    { env: { RECORD_CALL_MP3ENCODER: 'lamejs' }, want: /RECORD_CALL_MP3ENCODER is no setting/ },
    {
      env: { RECORD_CALL_HTTP_PORT: '80000' },
      want: /RECORD_CALL_HTTP_PORT takes a whole number from 0 to 65535, not "80000"/,
    },
    { env: { RECORD_CALL_HTTP_PORT: '8e3' }, want: /RECORD_CALL_HTTP_PORT takes/ },
    { env: { RECORD_CALL_HTTP_HOST: '' }, want: /RECORD_CALL_HTTP_HOST takes an IP address or a host name/ },
    { env: { RECORD_CALL_RTP_PORTS: '40000-30000' }, want: /RECORD_CALL_RTP_PORTS takes FIRST-LAST/ },
    { env: { RECORD_CALL_RTP_PORTS: '30000' }, want: /RECORD_CALL_RTP_PORTS takes FIRST-LAST/ },
    { env: { RECORD_CALL_DATA_DIR: '' }, want: /RECORD_CALL_DATA_DIR takes a folder/ },
    { env: { RECORD_CALL_ALLOW_TARGETS: 'http://x/' }, want: /RECORD_CALL_ALLOW_TARGETS: "http:\/\/x\/"/ },
  ]) {
    test(JSON.stringify(env), () => {
      expect(() => readConfiguration(env)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', exit: 2, message: expect.stringMatching(want) }),
      );
    });
  }
});

describe('a file of settings', () => {
  const file = (text: string): string => {
    const path = join(scratchDir(), 'settings.json');
    writeFileSync(path, text);
    return path;
  };

  test('is read by either name of a setting, and the environment goes before it', () => {
    const path = file(
      JSON.stringify({ http_port: 9000, RECORD_CALL_DATA_DIR: '/srv/calls', retention_days: '7', redact_tones: true }),
    );
    const settings = readConfiguration({ RECORD_CALL_RETENTION_DAYS: '3' }, path);
    expect(settings).toMatchObject({
      http_port: 9000,
      data_dir: '/srv/calls',
      retention_days: 3,
      redact_tones: 'true',
    });
  });

  for (const { name, text, want } of [
    { name: 'no JSON', text: '{"http_port": 80', want: /not JSON at line 1/ },
    { name: 'no object', text: '[]', want: /not a JSON object/ },
    { name: 'a key nobody knows', text: '{"http_prt": 80}', want: /http_prt is no setting; there are data_dir/ },
    { name: 'a value of another kind', text: '{"http_port": {"a":1}}', want: /http_port takes a whole number/ },
    {
      name: 'a value that can’t be',
      text: '{"http_port": -1}',
      want: /settings\.json: http_port takes a whole number.*"-1"/,
    },
  ]) {
    test(`${name} is refused`, () =>
      expect(() => readConfiguration({}, file(text))).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(want) }),
      ));
  }

  test('that is not there is named', () =>
    expect(() => readConfiguration({}, '/nowhere/settings.json')).toThrow(
      expect.objectContaining({ code: 'INPUT_MISSING', message: expect.stringContaining('/nowhere/settings.json') }),
    ));
});

test('README lists every setting with its default', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const told = new Map<string, string | undefined>();
  for (const [, names, defaults] of readme.matchAll(/^\| (`RECORD_CALL_.*?) \| (.*?) \|/gm)) {
    const each = defaults!.split(', ');
    for (const [index, name] of names!.split(', ').entries()) told.set(name.replaceAll('`', ''), each[index]);
  }
  const known = SETTING_KEYS.map((key) => [variableOf(key), SETTINGS[key].fallback] as const);
  expect([...told].sort()).toEqual(known.map(([name, text]) => [name, text === '' ? '—' : `\`${text}\``]).sort());
});
