/** Counts in JSON, which some servers write as numbers and some as text. Pure. */
import type { JsonObject } from './json-message.ts';

/** @returns a safe integer, not negative; undefined for anything else */
export const wholeIn = (object: JsonObject, name: string): number | undefined => {
  const value = Object.hasOwn(object, name) ? object[name] : undefined;
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
};
