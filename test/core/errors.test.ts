import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AppError, asAppError, CATALOGUE, systemCode } from '../../src/core/errors.ts';

const SRC = resolve(import.meta.dirname, '../../src');
const DOCUMENT = readFileSync(resolve(SRC, 'core/errors.md'), 'utf8');

/** The document's table: code, status, fault, retry, exit. */
const documented = [...DOCUMENT.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\w+) \| (yes|no) \| (\d) \| (.+) \|$/gm)].map(
  ([, code, status, fault, retry, exit, meaning]) => ({
    code,
    status: Number(status),
    fault,
    retryable: retry === 'yes',
    exit: Number(exit),
    meaning,
  }),
);

describe('the error catalogue', () => {
  test('and its document list the same codes with the same properties', () => {
    const listed = documented.map(({ meaning, ...rest }) => rest);
    expect(listed).toEqual(Object.entries(CATALOGUE).map(([code, entry]) => ({ code, ...entry })));
    expect(documented.every(({ meaning }) => meaning!.length > 20)).toBe(true);
  });

  test('has no code that nothing uses', () => {
    const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && name !== 'core/errors.ts')
      .map((name) => readFileSync(resolve(SRC, name), 'utf8'))
      .join('\n');
    const unused = Object.keys(CATALOGUE).filter((code) => code !== 'INTERNAL' && !sources.includes(`'${code}'`));
    expect(unused).toEqual([]);
  });

  test('an error carries what its code says', () => {
    const error = new AppError('TARGET_BUSY', 'the target answered 503', { details: { status: 503 } });
    expect([error.status, error.fault, error.retryable, error.exit, error.details]).toEqual([
      502,
      'target',
      true,
      1,
      { status: 503 },
    ]);
  });

  test('anything thrown becomes one, and its system code is found', () => {
    expect(asAppError(new Error('x')).code).toBe('INTERNAL');
    expect(asAppError('x').message).toBe('x');
    expect(systemCode(Object.assign(new Error(), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(systemCode('ENOENT')).toBeUndefined();
  });
});
