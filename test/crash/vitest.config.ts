/** `npm run test:crash`: the crash test in full. */
import { defineConfig } from 'vitest/config';
import { SaidReporter } from '../support/said-reporter.ts';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    include: ['test/crash/*.test.ts'],
    env: { CRASH_KILLS: process.env.CRASH_KILLS ?? '200' },
    pool: 'forks',
    reporters: ['default', new SaidReporter()],
  },
});
