import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';

describe('canonical JSON (RFC 8785)', () => {
  for (const { name, text, canonical } of [
    {
      name: 'numbers, strings and literals (§3.2.2)',
      text: String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
        "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
      canonical: String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    },
    {
      name: 'names by their UTF-16 code units (§3.2.3)',
      text: String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`,
      canonical: `{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}`,
    },
    { name: 'a zero that is negative', text: '[-0, 0.0, 1.0]', canonical: '[0,0,1]' },
    {
      name: 'a name that objects have anyway',
      text: '{"__proto__":{"b":1,"a":2}}',
      canonical: '{"__proto__":{"a":2,"b":1}}',
    },
    { name: 'nothing much', text: ' { } ', canonical: '{}' },
  ])
    test(name, () => expect(canonicalJson(JSON.parse(text))).toBe(canonical));

  test('is one for all orders of names, and says what JSON says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('leaves out what JSON leaves out', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
  });

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, { a: [Number.NaN] }, undefined])
    test(`there is none of ${String(value)}`, () => expect(() => canonicalJson(value)).toThrow());
});

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const turned = Object.create(Object.getPrototypeOf(value)) as object;
  for (const [name, each] of Object.entries(value).reverse())
    Object.defineProperty(turned, name, {
      value: reversed(each),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  return turned;
};
