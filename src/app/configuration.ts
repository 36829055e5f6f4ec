/** Settings from the environment, read once. One table in the README lists them. */
import { AppError } from '../core/errors.ts';
import { type AllowList, parseAllowList } from '../deliver/allow-list.ts';
import { ENCODER_CHOICES, type EncoderChoice } from '../finalize/encoder-choice.ts';

export type Configuration = {
  /** Targets that `url` fields may have besides public ones: names, addresses, networks, comma-separated. */
  readonly allowTargets: AllowList;
  readonly mp3Encoder: EncoderChoice;
};

const KNOWN = ['RECORD_CALL_ALLOW_TARGETS', 'RECORD_CALL_MP3_ENCODER'];

/** @throws AppError CONFIG_INVALID: a value that can't be, or a RECORD_CALL_ variable nobody knows. */
export const readConfiguration = (env: Readonly<Record<string, string | undefined>>): Configuration => {
  const unknown = Object.keys(env).find((name) => name.startsWith('RECORD_CALL_') && !KNOWN.includes(name));
  if (unknown !== undefined)
    throw new AppError('CONFIG_INVALID', `${unknown} is no setting; there are ${KNOWN.join(', ')}`);
  const choice = env['RECORD_CALL_MP3_ENCODER'] ?? 'auto';
  const mp3Encoder = ENCODER_CHOICES.find((each) => each === choice);
  if (mp3Encoder === undefined) {
    throw new AppError(
      'CONFIG_INVALID',
      `RECORD_CALL_MP3_ENCODER takes ${ENCODER_CHOICES.join(', ')}, not "${choice}"`,
    );
  }
  return { allowTargets: parseAllowList(env['RECORD_CALL_ALLOW_TARGETS'] ?? ''), mp3Encoder };
};
