/** A glance of what `npm run fuzz` does for a minute each; and that a finding would be one. */
import { expect, test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { TARGETS } from './targets.ts';

const INPUTS = 150;

test.each(TARGETS)('$name: nothing but AppErrors', async (target) => {
  const { finding } = await fuzz(target, 1, (inputs) => inputs >= INPUTS);
  expect(finding).toBeUndefined();
});

test('an exception is a finding, with its input', async () => {
  const target = {
    name: 'control',
    seeds: [Buffer.from('good')],
    run: (bytes: Uint8Array): void => {
      if (bytes.length !== 4) throw new TypeError('no');
    },
  };
  const { finding, inputs } = await fuzz(target, 1, (count) => count >= INPUTS);
  expect(finding?.why).toContain('TypeError: no');
  expect(finding?.bytes.length).not.toBe(4);
  expect(inputs).toBeLessThan(INPUTS);
});
