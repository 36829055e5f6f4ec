/** Command-line words into values. Whatever is wrong with them is USAGE, one line that names the word. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AppError, systemCode } from '../core/errors.ts';

/** Options whose value is used as it is given; the others' own parsers say what is wrong with an empty one. */
const TAKEN_AS_GIVEN: ReadonlySet<string> = new Set(['audit', 'dir', 'host', 'key', 'metaflows', 'out', 'sign', 'url']);

/** Options whose value may well begin with a dash by mistake, which Node takes for an option: what they take. */
const TAKES = { mask: 'A-B in seconds with A before B, such as 12.5-20' } as const;

const mentions = (error: unknown, name: string): boolean =>
  error instanceof Error &&
  systemCode(error) === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' &&
  new RegExp(`^Option '--${name}[ ']`).test(error.message);

/**
 * `parseArgs` with our error.
 * @param command named in it.
 * @param words whether anything may be named beside the options.
 */
export const parseOptions = <T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: string[],
  options: T,
  words: 'words' | 'no words' = 'words',
) => {
  const parsed = parsedArgs(command, { args, options, allowPositionals: words === 'words' });
  const empty = Object.entries(parsed.values).find(([name, value]) => TAKEN_AS_GIVEN.has(name) && value === '');
  if (empty !== undefined) throw new AppError('USAGE', `${command}: --${empty[0]} is given an empty value`);
  const names: readonly string[] = parsed.positionals;
  if (names.includes('')) throw new AppError('USAGE', `${command}: it is given an empty name`);
  return parsed;
};

const parsedArgs = <T extends ParseArgsConfig>(command: string, config: T) => {
  try {
    return parseArgs(config);
  } catch (error) {
    const takes = Object.entries(TAKES).find(([name]) => mentions(error, name));
    if (takes !== undefined)
      throw new AppError('USAGE', `${command}: --${takes[0]} takes ${takes[1]}`, { cause: error });
    // Node adds advice on how to escape dashes; its first sentence names the word that was wrong.
    const what = error instanceof Error ? error.message.split('. ', 1)[0]! : String(error);
    throw new AppError('USAGE', `${command}: ${what.replaceAll(/\s+/g, ' ')}`, { cause: error });
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
