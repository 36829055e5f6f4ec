import { expect, test } from 'vitest';
import { cellsOf, fitted } from '../../src/cli/terminal-text.ts';

test.each([
  ['Alice', 5],
  ['', 0],
  ['Zoë', 3],
  ['Zoe\u0308', 3],
  ['山田', 4],
  ['한국', 4],
  ['📞', 2],
])('%j takes %i cells', (text, cells) => {
  expect(cellsOf(text)).toBe(cells);
});

test.each([
  ['fits', 'Alice', 5, 'Alice'],
  ['is cut', 'Alice Liddell', 8, 'Alice L…'],
  ['is cut before a wide character that would not fit', '山田太郎', 6, '山田…'],
  ['loses its escape sequence', '\u001b[31mred', 20, '[31mred'],
  ['loses line breaks and reversals', 'a\r\nb\u2028c\u202ed', 20, 'abcd'],
])('a text %s', (_, text, cells, result) => {
  expect(fitted(text, cells, '…')).toBe(result);
});
