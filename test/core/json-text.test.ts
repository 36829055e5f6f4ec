import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonText, repeatsNames } from '../../src/core/json-text.ts';

for (const { name, text, at } of [
  { name: 'nothing', text: '', at: [1, 1] },
  { name: 'blanks', text: ' \n ', at: [2, 2] },
  { name: 'a word', text: 'nonsense', at: [1, 1] },
  { name: 'a word that begins like one of JSON', text: '[truest]', at: [1, 2] },
  { name: 'an end that is missing', text: '{"a":1', at: [1, 7] },
  { name: 'a comma too many in an object', text: '{\n  "a": 1,\n}', at: [3, 1] },
  { name: 'a comma too many in a list', text: '[1,]', at: [1, 4] },
  { name: 'a comma that is missing', text: '{"a":1\n "b":2}', at: [2, 2] },
  { name: 'a colon that is missing', text: '{"a" 1}', at: [1, 6] },
  { name: 'a key without quotes', text: '{a:1}', at: [1, 2] },
  { name: 'single quotes', text: "{'a':1}", at: [1, 2] },
  { name: 'a comment', text: '{} // done', at: [1, 4] },
  { name: 'two values', text: '1 2', at: [1, 3] },
  { name: 'the wrong bracket', text: '[1}', at: [1, 3] },
  { name: 'a bracket too many', text: '{}}', at: [1, 3] },
  { name: 'a string without an end', text: '["ab', at: [1, 2] },
  { name: 'a line end in a string', text: '["a\nb"]', at: [1, 2] },
  { name: 'an escape that JSON has not', text: '["\\x"]', at: [1, 2] },
  { name: 'a leading zero', text: '[01]', at: [1, 2] },
  { name: 'a fraction without digits', text: '[1.]', at: [1, 2] },
  { name: 'a value that is missing', text: '{"a":,}', at: [1, 6] },
]) {
  test(`says where it stops being JSON: ${name}`, () =>
    expect(parseJsonText(text)).toEqual({ ok: false, line: at[0], column: at[1] }));
}

test('a byte order mark is passed over', () =>
  expect(parseJsonText('\uFEFF{"a":1}')).toEqual({ ok: true, value: { a: 1 } }));

test('very long strings and deep nesting are no trouble', () => {
  expect(parseJsonText(`["${'\\n'.repeat(1 << 19)}",]`)).toMatchObject({ ok: false, line: 1 });
  expect(parseJsonText('['.repeat(100_000))).toEqual({ ok: false, line: 1, column: 100_001 });
});

test('JSON is read, and JSON with one place spoilt is located no later than there', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), (value, n) => {
      const text = JSON.stringify(value, null, 1);
      expect(parseJsonText(text)).toEqual({ ok: true, value: JSON.parse(text) });
      const place = n % (text.length + 1);
      // U+0000 may be nowhere in JSON.
      const spoilt = parseJsonText(`${text.slice(0, place)}\0${text.slice(place)}`);
      if (spoilt.ok) throw new Error('was accepted');
      const before = text
        .split('\n')
        .slice(0, spoilt.line - 1)
        .join('\n').length;
      expect(before + (spoilt.line > 1 ? 1 : 0) + spoilt.column - 1).toBeLessThanOrEqual(place);
    }),
  );
});

describe('a name that an object has twice', () => {
  for (const [text, repeats] of [
    ['{"a":1,"a":1}', true],
    ['{"a":1,"\\u0061":2}', true],
    ['[{"b":{"a":1 ,\n"a" : []}}]', true],
    ['{"__proto__":1,"__proto__":2}', true],
    ['{"a":{"a":[{"a":1},{"a":1}]},"b":"a"}', false],
    ['{"a":"\\":,\\"a\\":","b":["a:","\\\\"]}', false],
    ['"a"', false],
    ['{}', false],
  ] as const)
    test(`${text}: ${repeats}`, () => expect(repeatsNames(text, JSON.parse(text))).toBe(repeats));

  test('is found wherever it is, and never where there is none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 3 }), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(repeatsNames(text, JSON.parse(text))).toBe(false);
        const twice = `{"x":${text},"y":0,"x":${text}}`;
        expect(repeatsNames(twice, JSON.parse(twice))).toBe(true);
      }),
    );
  });
});
