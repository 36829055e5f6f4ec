import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { LARGEST_LIST, recordingQueryOf, LONGEST_SPAN_SECONDS as SPAN } from '../../src/http/recording-query.ts';

const NOW = 63_931_000_000;

const faultsOf = (query: Record<string, unknown>): string[] => {
  try {
    recordingQueryOf(query, NOW);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe('FIELDS_INVALID');
    return Object.keys((error as AppError).details as object);
  }
  return [];
};

describe('a list of recordings', () => {
  test('is the newest fifty of the last 31 days and an hour', () => {
    expect(recordingQueryOf({}, NOW, 'alice')).toEqual({
      createdFrom: NOW - SPAN,
      createdTo: NOW,
      ascending: false,
      paginated: true,
      pageSize: 50,
      startKey: undefined,
      ownerId: 'alice',
      filters: [],
    });
  });

  for (const { name, query, from, to } of [
    { name: 'both ends', query: { created_from: '100', created_to: '200' }, from: 100, to: 200 },
    { name: 'the end alone', query: { created_to: `${SPAN + 5}` }, from: 5, to: SPAN + 5 },
    { name: 'an end near the epoch', query: { created_to: '7' }, from: 0, to: 7 },
    { name: 'a beginning long ago', query: { created_from: '100' }, from: 100, to: 100 + SPAN },
    { name: 'a recent beginning ends now', query: { created_from: `${NOW - 60}` }, from: NOW - 60, to: NOW },
    { name: 'a beginning to come', query: { created_from: `${NOW + 9}` }, from: NOW + 9, to: NOW + 9 },
    { name: 'the longest', query: { created_from: '0', created_to: `${SPAN}` }, from: 0, to: SPAN },
  ]) {
    test(`window: ${name}`, () =>
      expect(recordingQueryOf(query, NOW)).toMatchObject({ createdFrom: from, createdTo: to }));
  }

  test('a window of a second more than 31 days and an hour is too large', () => {
    const query = { created_from: '0', created_to: `${SPAN + 1}` };
    expect(() => recordingQueryOf(query, NOW)).toThrow(expect.objectContaining({ code: 'RANGE_TOO_LARGE' }));
  });

  for (const { query, is } of [
    { query: { ascending: 'true' }, is: { ascending: true } },
    { query: { descending: 'false' }, is: { ascending: true } },
    { query: { ascending: 'false', descending: 'false' }, is: { ascending: false } },
    { query: { page_size: '1000' }, is: { pageSize: 1000 } },
    { query: { paginate: 'false', page_size: '7' }, is: { pageSize: LARGEST_LIST, paginated: false } },
    { query: { start_key: 'g24FAPch18wO' }, is: { startKey: 'g24FAPch18wO' } },
    { query: { auth_token: 'x', _: '1', is_chunked: 'true', accept: 'application/json' }, is: { filters: [] } },
  ]) {
    test(JSON.stringify(query), () => expect(recordingQueryOf(query, NOW)).toMatchObject(is));
  }

  test('filters, in the order in which they are written', () => {
    const query = {
      filter_call_id: 'c1',
      filter_not_direction: 'inbound',
      'filter_custom_channel_vars.account_id': ['x', 'y'],
      has_key: 'url',
      key_missing: 'owner_id',
      has_value: 'origin',
      missing_value: 'label',
    };
    expect(recordingQueryOf(query, NOW).filters).toEqual([
      { kind: 'is', key: 'call_id', value: 'c1' },
      { kind: 'is-not', key: 'direction', value: 'inbound' },
      { kind: 'is', key: 'custom_channel_vars.account_id', value: 'x' },
      { kind: 'is', key: 'custom_channel_vars.account_id', value: 'y' },
      { kind: 'has-key', key: 'url', value: '' },
      { kind: 'key-missing', key: 'owner_id', value: '' },
      { kind: 'has-value', key: 'origin', value: '' },
      { kind: 'missing-value', key: 'label', value: '' },
    ]);
  });

  for (const query of [
    { page_size: '0' },
    { page_size: '1001' },
    { page_size: '1e2' },
    { page_size: '' },
    { page_size: '-5' },
    { page_size: ['1', '2'] },
    { paginate: 'no' },
    { ascending: '1' },
    { created_from: 'yesterday' },
    { created_from: '200', created_to: '100' },
    { start_key: 'x'.repeat(2000) },
    { filter_: 'x' },
    { 'filter_../x': 'x' },
    { filter___proto__: 'x'.repeat(2000) },
    { has_key: '' },
    { has_key: 'a..b' },
    { filter_call_id: 'x'.repeat(2000) },
    { created_form: '5' },
    { fliter_call_id: 'c1' },
  ]) {
    const [name] = Object.keys(query);
    test(`refused: ${JSON.stringify(query).slice(0, 60)}`, () =>
      expect(faultsOf(query)).toEqual([name!.replaceAll('.', '%2E')]));
  }

  test('every fault at once', () => {
    expect(faultsOf({ page_size: '0', paginate: 'x', created_to: 'y', nonsense: 'z' }).sort()).toEqual([
      'created_to',
      'nonsense',
      'page_size',
      'paginate',
    ]);
  });

  test('more filters than anybody needs are refused', () => {
    expect(faultsOf({ filter_call_id: Array.from({ length: 33 }, String) })).toEqual(['filter']);
  });

  test('whatever is in it, it is a query or a fault of the caller', () => {
    const name = fc.oneof(
      fc.constantFrom('page_size', 'created_from', 'created_to', 'filter_x', 'has_key', 'start_key', '__proto__'),
      fc.string(),
    );
    const value = fc.oneof(fc.string(), fc.nat().map(String), fc.array(fc.string(), { maxLength: 3 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (entries) => {
        try {
          const query = recordingQueryOf(Object.fromEntries(entries), NOW);
          expect(query.createdTo - query.createdFrom).toBeLessThanOrEqual(SPAN);
          expect(query.createdFrom).toBeLessThanOrEqual(query.createdTo);
        } catch (error) {
          expect((error as AppError).fault).toBe('caller');
        }
      }),
      { numRuns: 500 },
    );
  });
});
