/** What can be wrong with the surroundings and would only show with the first call: found at the start instead. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { AppError, asAppError, systemCode } from '../core/errors.ts';
import { type FfmpegEnvironment, findFfmpeg } from '../finalize/ffmpeg/ffmpeg-program.ts';
import { type Settings, variableOf } from './settings.ts';

/** @param resolve rejects for a name that has no address. @throws CONFIG_INVALID naming the variable */
export const checkRtpHosts = async (
  settings: Pick<Settings, 'rtp_host' | 'rtp_bind'>,
  resolve: (name: string) => Promise<unknown> = lookup,
): Promise<void> => {
  for (const key of ['rtp_host', 'rtp_bind'] as const) {
    const host = settings[key];
    if (host === '' || isIP(host) > 0) continue;
    await resolve(host).catch((cause: unknown) => {
      const why = systemCode(cause) ?? 'unknown';
      const message = `${variableOf(key)} takes an IP address or a name that has one, and "${host}" has none (${why})`;
      throw new AppError('CONFIG_INVALID', message, { cause });
    });
  }
};

/** What to warn of when an operator names an ffmpeg that can't be run: recordings that need it will fail. */
export const ffmpegWarning = async (environment: FfmpegEnvironment = process.env): Promise<string | undefined> => {
  if (!environment.FFMPEG_PATH) return undefined;
  return findFfmpeg(environment).then(
    () => undefined,
    (error: unknown) => `${asAppError(error).message}: recordings that need ffmpeg will fail`,
  );
};
