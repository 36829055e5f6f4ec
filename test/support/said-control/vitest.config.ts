/** A run that has to fail: `said.test.ts` makes it. */
import { defineConfig } from 'vitest/config';
import { SaidReporter } from '../said-reporter.ts';

export default defineConfig({
  test: {
    root: new URL('.', import.meta.url).pathname,
    include: ['*.control.ts'],
    pool: 'forks',
    reporters: [new SaidReporter()],
  },
});
