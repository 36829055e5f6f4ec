/**
 * The query string of a list of recordings (kazoo-contract §7): window, paging, order, filters. What is misspelt is refused, because
 * a filter that is overlooked answers with other people's calls. Pure.
 */
import { AppError } from '../core/errors.ts';
import { FieldErrorList, quoted, renderFieldErrors } from '../core/field-errors.ts';
import type { RecordingFilter } from '../store/recording-query.ts';
import type { RecordingQuery } from './service.ts';

/** Kazoo's widest window: 31 days and an hour. */
export const LONGEST_SPAN_SECONDS = 31 * 86_400 + 3600;
export const DEFAULT_PAGE_SIZE = 50;
export const LARGEST_PAGE_SIZE = 1000;
/** What `paginate=false` gives at most. */
export const LARGEST_LIST = 10_000;

const MOST_FILTERS = 32;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 1024;

/** Kazoo's of every request, with which we have nothing to do here. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'accept',
  'auth_token',
  'chunk_size',
  'is_chunked',
  'pretty_print',
  'verb',
  // Against caches, as browsers' libraries add it.
  '_',
]);

const KEY_FILTERS: ReadonlyMap<string, RecordingFilter['kind']> = new Map([
  ['has_key', 'has-key'],
  ['key_missing', 'key-missing'],
  ['has_value', 'has-value'],
  ['missing_value', 'missing-value'],
]);

/** What a query can be before it is judged; a parameter given twice is a list. */
export type QueryParameters = Readonly<Record<string, unknown>>;

/**
 * @param nowGregorian the end of the window when none is given, Gregorian seconds.
 * @throws FIELDS_INVALID with every fault by its parameter; RANGE_TOO_LARGE for a window of more than 31 days and an hour
 */
export const recordingQueryOf = (
  query: QueryParameters,
  nowGregorian: number,
  ownerId?: string,
): RecordingQuery & { readonly paginated: boolean } => {
  const reader = new QueryReader(query);
  const paginated = reader.boolean('paginate') ?? true;
  const pageSize = reader.integer('page_size', 1, LARGEST_PAGE_SIZE) ?? DEFAULT_PAGE_SIZE;
  const descending = reader.boolean('descending') ?? true;
  const ascending = reader.boolean('ascending') ?? !descending;
  const startKey = reader.text('start_key');
  const from = reader.integer('created_from', 0, Number.MAX_SAFE_INTEGER);
  const to = reader.integer('created_to', 0, Number.MAX_SAFE_INTEGER);
  const filters = reader.filters();
  const createdTo =
    to ?? (from === undefined ? nowGregorian : Math.min(from + LONGEST_SPAN_SECONDS, Math.max(from, nowGregorian)));
  const createdFrom = from ?? Math.max(0, createdTo - LONGEST_SPAN_SECONDS);
  if (createdFrom > createdTo) reader.refuse('created_from', 'created_from must not be later than created_to');
  reader.throwFaults();
  if (createdTo - createdFrom > LONGEST_SPAN_SECONDS) {
    throw new AppError(
      'RANGE_TOO_LARGE',
      `created_from and created_to are more than ${LONGEST_SPAN_SECONDS} seconds apart`,
    );
  }
  return {
    createdFrom,
    createdTo,
    ascending,
    paginated,
    pageSize: paginated ? pageSize : LARGEST_LIST,
    startKey,
    ownerId,
    filters,
  };
};

/** Reads parameters one by one and remembers which were read: the others are faults. */
export class QueryReader {
  readonly #query: QueryParameters;
  readonly #read = new Set<string>(ELSEWHERE);
  readonly #errors = new FieldErrorList();

  constructor(query: QueryParameters) {
    this.#query = query;
  }

  refuse(name: string, message: string): void {
    this.#errors.add([name], 'error', { message });
  }

  text(name: string): string | undefined {
    this.#read.add(name);
    const value = Object.hasOwn(this.#query, name) ? this.#query[name] : undefined;
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.length <= LONGEST_VALUE) return value;
    if (typeof value !== 'string') this.refuse(name, 'can be given once');
    else this.#errors.add([name], 'maxLength', tooLong(LONGEST_VALUE));
    return undefined;
  }

  boolean(name: string): boolean | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (text !== 'true' && text !== 'false') this.#wrongType(name, 'boolean', text);
    return text === 'true';
  }

  integer(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text)) this.#wrongType(name, 'integer', text);
    else if (value < least) this.#outside(name, 'minimum', `Value must be at least ${least}`, least, value);
    else if (value > most) this.#outside(name, 'maximum', `Value must be at most ${most}`, most, value);
    return value;
  }

  filters(): RecordingFilter[] {
    const filters = Object.entries(this.#query).flatMap(([name, value]) => this.#filtersOf(name, value));
    if (filters.length > MOST_FILTERS) this.refuse('filter', `more than ${MOST_FILTERS} filters`);
    return filters;
  }

  /** @throws FIELDS_INVALID when there were any, or a parameter that nobody read */
  throwFaults(): void {
    for (const name of Object.keys(this.#query)) {
      if (!this.#read.has(name)) this.refuse(name, 'unknown parameter');
    }
    if (this.#errors.empty) return;
    const details = this.#errors.toJSON();
    throw new AppError('FIELDS_INVALID', `query: ${renderFieldErrors(details)}`, { details });
  }

  #filtersOf(name: string, value: unknown): RecordingFilter[] {
    const values = [value].flat();
    const keyKind = KEY_FILTERS.get(name);
    if (keyKind !== undefined) return values.flatMap((key) => this.#filter(name, keyKind, key, ''));
    if (name.startsWith('filter_not_'))
      return values.flatMap((one) => this.#filter(name, 'is-not', name.slice(11), one));
    if (name.startsWith('filter_')) return values.flatMap((one) => this.#filter(name, 'is', name.slice(7), one));
    return [];
  }

  #filter(name: string, kind: RecordingFilter['kind'], key: unknown, value: unknown): RecordingFilter[] {
    this.#read.add(name);
    // Dots for depth; no key of a document has anything else in it that a filter could be after.
    if (typeof key !== 'string' || key.length > LONGEST_KEY || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(key)) {
      this.refuse(name, 'no key of a document');
    } else if (typeof value !== 'string' || value.length > LONGEST_VALUE) {
      this.#errors.add([name], 'maxLength', tooLong(LONGEST_VALUE));
    } else {
      return [{ kind, key, value }];
    }
    return [];
  }

  #wrongType(name: string, type: string, found: string): void {
    const value = quoted(found);
    const message = `Value did not match type(s): ${type}`;
    this.#errors.add([name], 'type', { message, target: type, ...(value === undefined ? {} : { value }) });
  }

  #outside(name: string, code: string, message: string, target: number, value: number): void {
    this.#errors.add([name], code, { message, target, value });
  }
}

const tooLong = (limit: number) => ({ message: `String must not be more than ${limit} characters`, target: limit });
