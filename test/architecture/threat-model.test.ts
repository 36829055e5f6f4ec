/** Every test that the threat model names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const MODEL = readFileSync(join(ROOT, 'src/threat-model.md'), 'utf8');
/** Two pages. */
const MOST_LINES = 100;

test('the threat model names tests that are there, one for each threat', () => {
  const threats = MODEL.slice(MODEL.indexOf('## Threats'), MODEL.indexOf('## What is not stopped'));
  const rows = threats.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat'));
  expect(rows.length).toBeGreaterThan(15);
  for (const row of rows) {
    const named = [
      ...row
        .split('|')
        .at(-2)!
        .matchAll(/`([^`]+)`/g),
    ].map((match) => match[1]!);
    expect(named, row).not.toEqual([]);
    for (const path of named) expect(existsSync(join(ROOT, 'test', path)), path).toBe(true);
  }
});

test('it has two pages at most', () => expect(MODEL.split('\n').length).toBeLessThanOrEqual(MOST_LINES));
