import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { passes, type RecordingFilter } from '../../src/store/recording-query.ts';

const DOCUMENT = {
  call_id: 'c1',
  duration: 12,
  is_it: false,
  empty: '',
  nothing: null,
  list: [],
  custom_channel_vars: { account_id: 'a1', inner: { x: 0 } },
  _read_only: { content_types: ['audio/mpeg'] },
};

describe('a filter', () => {
  for (const { kind, key, value = '', passes: wanted } of [
    { kind: 'is', key: 'call_id', value: 'c1', passes: true },
    { kind: 'is', key: 'call_id', value: 'C1', passes: false },
    { kind: 'is', key: 'duration', value: '12', passes: true },
    { kind: 'is', key: 'duration', value: '12.0', passes: false },
    { kind: 'is', key: 'is_it', value: 'false', passes: true },
    { kind: 'is', key: 'nothing', value: 'null', passes: false },
    { kind: 'is', key: 'missing', value: '', passes: false },
    { kind: 'is', key: 'missing', value: 'undefined', passes: false },
    { kind: 'is', key: 'custom_channel_vars', value: '[object Object]', passes: false },
    { kind: 'is', key: 'custom_channel_vars.inner.x', value: '0', passes: true },
    { kind: 'is', key: 'call_id.length', value: '2', passes: false },
    { kind: 'is-not', key: 'call_id', value: 'c1', passes: false },
    { kind: 'is-not', key: 'missing', value: 'c1', passes: true },
    { kind: 'has-key', key: 'nothing', passes: true },
    { kind: 'has-key', key: 'custom_channel_vars.account_id', passes: true },
    { kind: 'has-key', key: 'constructor', passes: false },
    { kind: 'has-key', key: '__proto__', passes: false },
    { kind: 'key-missing', key: 'constructor.name', passes: true },
    { kind: 'key-missing', key: 'empty', passes: false },
    { kind: 'has-value', key: 'is_it', passes: true },
    { kind: 'has-value', key: 'empty', passes: false },
    { kind: 'has-value', key: 'list', passes: false },
    { kind: 'missing-value', key: 'nothing', passes: true },
    { kind: 'missing-value', key: 'missing', passes: true },
    { kind: 'missing-value', key: 'duration', passes: false },
  ] as const) {
    test(`${kind} ${key} ${value}: ${wanted}`, () => expect(passes(DOCUMENT, [{ kind, key, value }])).toBe(wanted));
  }

  test('has to be passed with all the others', () => {
    const filters: RecordingFilter[] = [
      { kind: 'is', key: 'call_id', value: 'c1' },
      { kind: 'has-key', key: 'missing', value: '' },
    ];
    expect([passes(DOCUMENT, filters), passes(DOCUMENT, filters.slice(0, 1)), passes(DOCUMENT, [])]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('and its opposite never agree', () =>
    fc.assert(
      fc.property(fc.object(), fc.string(), fc.string(), (document, key, value) => {
        const is = (kind: RecordingFilter['kind']) => passes(document, [{ kind, key, value }]);
        expect([is('is'), is('has-key'), is('has-value')]).toEqual([
          !is('is-not'),
          !is('key-missing'),
          !is('missing-value'),
        ]);
      }),
    ));
});
