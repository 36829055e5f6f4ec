/** Merges documents of an account, a device and a user into the one that counts (kazoo-contract §5.1), and patches one. Pure. */
import type { JsonObject } from '../store/rows.ts';

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Key by key, however deep: the first level that has a value for a leaf wins. Lists are leaves. Empty values say nothing, so they never
 * override: null, empty texts and lists, and objects with nothing else in them. `false` and 0 do say something.
 *
 * Two nodes with different `module`s are not merged: data of Kazoo's `transfer` in a `record_call` would spoil the code that masks.
 * @param levels the most specific first. Its keys come first, too: the first of a document's patterns that matches wins.
 */
export const mergeLevels = (levels: readonly JsonObject[]): JsonObject =>
  levels.map(said).reduceRight((below, above) => merge(above, below), {});

const isEmpty = (value: unknown): boolean =>
  value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0);

/** Without what is empty. */
const said = (value: JsonObject): JsonObject => {
  const full = Object.entries(value).map(([key, below]) => [key, isObject(below) ? said(below) : below] as const);
  // fromEntries, not assignment: a key may be `__proto__`.
  return Object.fromEntries(full.filter(([, below]) => !isEmpty(below)));
};

const merge = (above: JsonObject, below: JsonObject): JsonObject => {
  const merged = new Map(Object.entries(above));
  for (const [key, under] of Object.entries(below)) {
    const over = merged.get(key);
    if (over === undefined) merged.set(key, under);
    else if (isObject(over) && isObject(under) && isOneKind(over, under)) merged.set(key, merge(over, under));
  }
  return Object.fromEntries(merged);
};

const isOneKind = (one: JsonObject, other: JsonObject): boolean =>
  !Object.hasOwn(one, 'module') || !Object.hasOwn(other, 'module') || one.module === other.module;

/** Kazoo's PATCH, which is RFC 7396: objects are patched key by key, null removes, everything else replaces. */
export const patched = (document: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const to = new Map<string, unknown>(isObject(document) ? Object.entries(document) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) to.delete(key);
    else to.set(key, patched(to.get(key), value));
  }
  return Object.fromEntries(to);
};
