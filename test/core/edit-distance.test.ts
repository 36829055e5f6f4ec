import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editDistance, likelyMeant } from '../../src/core/edit-distance.ts';

describe('the distance of two words', () => {
  for (const [one, other, want] of [
    ['', '', 0],
    ['', 'ab', 2],
    ['abc', 'abc', 0],
    ['abc', 'acb', 2],
    ['kitten', 'sitting', 3],
    ['call_recordng', 'call_recording', 1],
  ] as const)
    test(`${one} and ${other}: ${want}`, () => expect(editDistance(one, other, 9)).toBe(want));

  test('is the same both ways, and within the longer length', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (one, other) => {
        const distance = editDistance(one, other, 40);
        expect(distance).toBe(editDistance(other, one, 40));
        expect(distance).toBeLessThanOrEqual(Math.max(one.length, other.length));
        expect(distance === 0).toBe(one === other);
      }),
    );
  });

  test('of words too far apart in length is not worked out', () =>
    expect(editDistance('x'.repeat(1_000_000), 'abc', 2)).toBe(3));
});

test('what was meant is near, and nearer the shorter it is', () => {
  const known = ['name', 'metaflows'];
  expect(['nam', 'note', 'metaflow', 'metaflo', 'metadata', 'name'].map((word) => likelyMeant(word, known))).toEqual([
    'name',
    undefined,
    'metaflows',
    'metaflows',
    undefined,
    undefined,
  ]);
});
