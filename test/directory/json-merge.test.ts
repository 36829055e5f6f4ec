import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBounded } from '../../src/directory/bounded-json.ts';
import { mergeLevels, patched } from '../../src/directory/json-merge.ts';
import type { JsonObject } from '../../src/store/rows.ts';

const node = (action: string, rest: object = {}) => ({ module: 'record_call', data: { action, ...rest } });
const parsed = (text: string): JsonObject => JSON.parse(text) as JsonObject;

describe('levels, the most specific first', () => {
  for (const { name, levels, merged } of [
    { name: 'none', levels: [], merged: {} },
    { name: 'a leaf of the first wins', levels: [{ a: 1 }, { a: 2 }, { a: 3 }], merged: { a: 1 } },
    {
      name: 'what it lacks comes from below',
      levels: [{ a: 1 }, { b: 2 }, { a: 3, c: 3 }],
      merged: { a: 1, b: 2, c: 3 },
    },
    {
      name: 'a code of two levels has its data merged',
      levels: [
        { numbers: { 72: node('mask') } },
        { numbers: { 72: node('stop', { format: 'wav' }), 74: node('stop') } },
      ],
      merged: { numbers: { 72: node('mask', { format: 'wav' }), 74: node('stop') } },
    },
    {
      name: 'a code of another module is not mixed with it',
      levels: [{ numbers: { 72: node('mask') } }, { numbers: { 72: { module: 'transfer', data: { target: '9' } } } }],
      merged: { numbers: { 72: node('mask') } },
    },
    {
      name: 'empty values override nothing',
      levels: [
        { a: '', b: null, c: {}, d: [], e: { f: '' } },
        { a: 1, b: 2, c: 3, d: 4, e: { f: 5 } },
      ],
      merged: { a: 1, b: 2, c: 3, d: 4, e: { f: 5 } },
    },
    {
      name: 'false and nought do',
      levels: [
        { a: false, b: 0 },
        { a: true, b: 1 },
      ],
      merged: { a: false, b: 0 },
    },
    { name: 'lists are leaves', levels: [{ a: [1] }, { a: [2, 3] }], merged: { a: [1] } },
    { name: 'an object and a leaf do not mix', levels: [{ a: { b: 1 } }, { a: 2 }], merged: { a: { b: 1 } } },
    { name: 'nor a leaf and an object', levels: [{ a: 2 }, { a: { b: 1 } }], merged: { a: 2 } },
  ] as { name: string; levels: JsonObject[]; merged: JsonObject }[]) {
    test(name, () => expect(mergeLevels(levels)).toEqual(merged));
  }

  test('the first level keeps the first places: its patterns are tried before those below', () => {
    const merged = mergeLevels([
      { patterns: { '^8': node('stop') } },
      { patterns: { '^7': node('mask'), '^8': node('start') } },
    ]);
    expect(Object.keys(merged.patterns as object)).toEqual(['^8', '^7']);
  });

  test('a key that is no key of an object literal is a key like any other', () => {
    const merged = mergeLevels([
      parsed('{"__proto__":{"a":1}}'),
      parsed('{"__proto__":{"b":2},"constructor":{"c":3}}'),
    ]);
    expect(JSON.stringify(merged)).toBe('{"__proto__":{"a":1,"b":2},"constructor":{"c":3}}');
    expect(({} as Record<string, unknown>).b).toBeUndefined();
  });

  const json = fc.letrec<{ leaf: unknown; tree: JsonObject }>((tie) => ({
    leaf: fc.oneof(fc.integer(), fc.constantFrom('x', 'y', '', true, false, null)),
    tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', '1', '__proto__'), fc.oneof(tie('leaf'), tie('tree')), {
      maxKeys: 4,
      depthIdentifier: 'd',
    }),
  })).tree;

  /** Every leaf that says something, by its path. */
  const leavesOf = (value: unknown, path = ''): Map<string, unknown> => {
    if (typeof value === 'object' && value !== null) {
      return new Map(Object.entries(value).flatMap(([key, below]) => [...leavesOf(below, `${path}/${key}`)]));
    }
    return new Map(value === null || value === '' ? [] : [[path, value]]);
  };

  test('any leaf is the first that says anything at its place, and nothing is invented', () =>
    fc.assert(
      fc.property(fc.array(json, { maxLength: 3 }), (levels) => {
        const leaves = levels.map((level) => leavesOf(level));
        const merged = leavesOf(mergeLevels(levels));
        for (const [path, value] of merged) {
          const first = leaves.find((level) => level.has(path));
          // A level above may have an object there, and then nothing below it counts.
          expect(first?.get(path)).toBe(value);
        }
        for (const [path, value] of leaves[0] ?? []) expect(merged.get(path)).toBe(value);
      }),
    ));

  test('merging a level with itself, or with nothing, changes nothing', () =>
    fc.assert(
      fc.property(json, (level) => {
        const once = mergeLevels([level]);
        expect(mergeLevels([level, level])).toEqual(once);
        expect(mergeLevels([{}, level, {}])).toEqual(once);
        expect(mergeLevels([once])).toEqual(once);
      }),
    ));

  test('does not touch what it is given', () =>
    fc.assert(
      fc.property(json, json, (above, below) => {
        const before = JSON.stringify([above, below]);
        mergeLevels([above, below]);
        patched(above, below);
        expect(JSON.stringify([above, below])).toBe(before);
      }),
    ));
});

describe('a patch', () => {
  // The examples of RFC 7396, appendix A, that have an object to patch with, and our own.
  for (const [document, patch, result] of [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{ a: 1 }, { b: { c: 2 } }, { a: 1, b: { c: 2 } }],
    [{ a: 1 }, 'x', 'x'],
  ]) {
    test(`${JSON.stringify(patch)} makes ${JSON.stringify(document)} ${JSON.stringify(result)}`, () =>
      expect(patched(document, patch)).toEqual(result));
  }

  test('reaches no prototype', () => {
    const result = patched({}, parsed('{"__proto__":{"polluted":1}}'));
    expect(JSON.stringify(result)).toBe('{"__proto__":{"polluted":1}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('bounds', () => {
  const deep = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

  for (const { name, value, bounded } of [
    { name: 'a leaf', value: 1, bounded: true },
    { name: 'as deep as may be', value: deep(5), bounded: true },
    { name: 'one deeper', value: deep(6), bounded: false },
    { name: 'far too deep to walk', value: deep(200_000), bounded: false },
    { name: 'as many as may be', value: Array(9).fill(0), bounded: true },
    { name: 'one more', value: { a: Array(9).fill(0) }, bounded: false },
  ]) {
    test(name, () => expect(isBounded(value, { deepest: 5, mostValues: 10 })).toBe(bounded));
  }
});
