/** Command-line words into values. Whatever is wrong with them is USAGE, one line that names the word. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AppError } from '../core/errors.ts';

/** `parseArgs` with our error. @param command named in it. */
export const parseOptions = <T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: string[],
  options: T,
) => {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    // Node adds advice on how to escape dashes; its first sentence names the word that was wrong.
    const what = error instanceof Error ? error.message.split('. ', 1)[0] : String(error);
    throw new AppError('USAGE', `${command}: ${what}`);
  }
};

/** `12.5-20`, in seconds of the recording. */
export const parseMaskSpan = (text: string): { startMs: number; endMs: number } => {
  const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  const startMs = Number(match?.[1]) * 1000;
  const endMs = Number(match?.[2]) * 1000;
  if (match === null || !(endMs > startMs)) {
    throw new AppError('USAGE', `replay: --mask takes seconds as A-B with A before B, such as 12.5-20, not "${text}"`);
  }
  return { startMs, endMs };
};

/** `max`, or how many times real time. */
export const parseSpeed = (command: string, text: string): number => {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(text);
  if (text.trim() === '' || !Number.isFinite(speed) || speed <= 0) {
    throw new AppError('USAGE', `${command}: --speed takes max or a number above 0, not "${text}"`);
  }
  return speed;
};
