import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfiguration } from '../../src/app/configuration.ts';
import { checkRtpHosts, ffmpegWarning } from '../../src/app/start-checks.ts';
import { scratchDir } from '../support/scratch.ts';

const lookup = async (name: string): Promise<unknown> => {
  if (name === 'media.example') return { address: '192.0.2.1', family: 4 };
  throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
};

describe('the hosts of RTP', () => {
  for (const { env, want } of [
    { env: {}, want: undefined },
    { env: { RECORD_CALL_RTP_HOST: 'media.example', RECORD_CALL_RTP_BIND: '::' }, want: undefined },
    { env: { RECORD_CALL_RTP_HOST: 'nosuch.invalid' }, want: /^RECORD_CALL_RTP_HOST .*"nosuch\.invalid".*ENOTFOUND/ },
    { env: { RECORD_CALL_RTP_BIND: 'nosuch.invalid' }, want: /^RECORD_CALL_RTP_BIND .*"nosuch\.invalid"/ },
  ]) {
    test(JSON.stringify(env), async () => {
      const checked = checkRtpHosts(readConfiguration(env), lookup);
      if (want === undefined) await expect(checked).resolves.toBeUndefined();
      else
        await expect(checked).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(want) });
    });
  }
});

describe('FFMPEG_PATH', () => {
  test('names a program, or nothing is named: there is nothing to say', async () => {
    const path = join(scratchDir(), 'ffmpeg');
    writeFileSync(path, '');
    chmodSync(path, 0o755);
    expect([await ffmpegWarning({ FFMPEG_PATH: path }), await ffmpegWarning({ PATH: '' })]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('names nothing that can be run: that is said', async () => {
    expect(await ffmpegWarning({ FFMPEG_PATH: '/nowhere/ffmpeg' })).toMatch(/FFMPEG_PATH names \/nowhere\/ffmpeg/);
  });
});
