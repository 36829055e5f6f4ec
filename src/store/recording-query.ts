/** What a list of recordings can be asked for (kazoo-contract §7), and whether a document passes its filters. Pure. */
import type { JsonObject, RecordingRow } from './rows.ts';

export type RecordingFilter = {
  readonly kind: 'is' | 'is-not' | 'has-key' | 'key-missing' | 'has-value' | 'missing-value';
  /** Of the document, dots for depth. */
  readonly key: string;
  readonly value: string;
};

export type RecordingQuery = {
  readonly accountId: string;
  /** Gregorian seconds; both ends included. */
  readonly createdFrom: number;
  readonly createdTo: number;
  /** Else the newest come first. */
  readonly ascending: boolean;
  /** Undefined: all of them. */
  readonly pageSize: number | undefined;
  /** The `nextStartKey` of the page before. */
  readonly startKey: string | undefined;
  readonly ownerId: string | undefined;
  readonly filters: readonly RecordingFilter[];
  /** What filters look at; the row's `document` unless said. */
  readonly documentOf?: (row: RecordingRow) => JsonObject;
};

export const passes = (document: JsonObject, filters: readonly RecordingFilter[]): boolean =>
  filters.every((filter) => passesOne(document, filter));

const passesOne = (document: JsonObject, { kind, key, value }: RecordingFilter): boolean => {
  const found = valueAt(document, key);
  switch (kind) {
    case 'is':
      return isSpelled(found, value);
    case 'is-not':
      return !isSpelled(found, value);
    case 'has-key':
      return found !== undefined;
    case 'key-missing':
      return found === undefined;
    case 'has-value':
      return !isEmpty(found);
    case 'missing-value':
      return isEmpty(found);
    default:
      return kind satisfies never;
  }
};

/** Own properties only: a filter must not find `constructor`. */
const valueAt = (document: JsonObject, key: string): unknown => {
  let value: unknown = document;
  for (const name of key.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
};

/** A query string has only text: numbers and truth are compared as they are written. */
const isSpelled = (found: unknown, value: string): boolean =>
  (typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean') && String(found) === value;

const isEmpty = (found: unknown): boolean =>
  found === undefined ||
  found === null ||
  found === '' ||
  (typeof found === 'object' && Object.keys(found).length === 0);
