/** JSON objects in text messages. A server that sends faster than its socket writes joins several to one message. Pure. */
import { AppError } from '../../core/errors.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** UTF-16 code units; metadata of a call, with room for what a customer adds. */
const LONGEST_TEXT = 131_072;

/** @returns one or more, in their order @throws AppError STREAM_INVALID for anything but objects, and for a text that is too long */
export const jsonObjectsIn = (text: string): readonly JsonObject[] => {
  if (text.length > LONGEST_TEXT) throw new AppError('STREAM_INVALID', `a text message of ${text.length} characters`);
  const whole = objectOf(text);
  if (whole !== undefined) return [whole];
  const objects = piecesOf(text).map(objectOf);
  if (objects.length === 0 || objects.includes(undefined)) {
    throw new AppError('STREAM_INVALID', 'a text message that is no JSON object');
  }
  return objects as JsonObject[];
};

/** A field's text; undefined where it is missing, empty or anything else. */
export const textIn = (object: JsonObject, ...names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  }
  return undefined;
};

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objectOf = (text: string): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Cuts where an outermost object ends. What is cut wrongly, because it is no JSON, doesn't parse either. */
const piecesOf = (text: string): string[] => {
  const pieces: string[] = [];
  let depth = 0;
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isQuoted) {
      if (character === '\\') at++;
      else if (character === '"') isQuoted = false;
    } else if (character === '"') isQuoted = true;
    else if (character === '{') depth++;
    else if (character === '}' && --depth === 0) {
      pieces.push(text.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (text.slice(start).trim() !== '') pieces.push(text.slice(start));
  return pieces;
};
