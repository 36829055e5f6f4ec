import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { builtUrl } from '../../src/core/built-url.ts';

test('run from its source, what is built lies in the build folder beside it', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  expect(fileURLToPath(builtUrl('finalize/worker.js'))).toBe(`${root}dist/finalize/worker.js`);
});
