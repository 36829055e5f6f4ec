import { expect, test } from 'vitest';
import { MediaNames } from '../../src/app/media-names.ts';

const started = (names: MediaNames, ...mediaNames: readonly string[]): { id: string; mediaName: string }[] =>
  mediaNames.map((mediaName, index) => {
    const recording = { id: `${index}`, mediaName };
    names.started(recording);
    return recording;
  });

for (const { name, given, expected } of [
  { name: 'each its own', given: ['a.mp3', 'b.mp3'], expected: ['a.mp3', 'b.mp3'] },
  {
    name: 'one for several',
    given: ['a.mp3', 'a.mp3', 'b.mp3', 'a.mp3'],
    expected: ['a.mp3', 'a-2.mp3', 'b.mp3', 'a-3.mp3'],
  },
  { name: 'without an extension', given: ['a', 'a'], expected: ['a', 'a-2'] },
  {
    name: 'a numbered one that is there',
    given: ['a-2.mp3', 'a.mp3', 'a.mp3'],
    expected: ['a-2.mp3', 'a.mp3', 'a-3.mp3'],
  },
  {
    name: 'the name of another’s manifest',
    given: ['a.wav', 'a.wav.json', 'b.wav.json', 'b.wav'],
    expected: ['a.wav', 'a.wav-2.json', 'b.wav.json', 'b-2.wav'],
  },
]) {
  test(`${name}: ${expected.join(', ')}, in the order of their start, whichever ends first`, () => {
    const names = new MediaNames();
    const recordings = started(names, ...given);
    expect(recordings.toReversed().map((each) => names.of(each))).toEqual(expected.toReversed());
    expect(recordings.map((each) => names.of(each))).toEqual(expected);
  });
}

test('one whose start was not told gets its name when it is asked for', () => {
  const names = new MediaNames();
  started(names, 'a.mp3');
  expect(names.of({ id: 'late', mediaName: 'a.mp3' })).toBe('a-2.mp3');
});
