import { configDefaults, defineConfig } from 'vitest/config';
import { HAS_SQLITE } from './support/has-sqlite.ts';
import { SaidReporter } from './support/said-reporter.ts';

/** What keeps rows. */
const NEED_SQLITE = [
  'test/app/audit/*.test.ts',
  'test/app/webhooks/*.test.ts',
  'test/app/recordings/{audio-import,background,deliveries,following,hostile-targets,incomplete,peaks,recovery,replay-jobs,sealed-journals,sealed-shelf,sealed-uploads,shelf-life,signed-manifests}.test.ts',
  'test/app/signing-key.test.ts',
  'test/cli/{doctor-service,verify-signed}.test.ts',
  'test/crash/crash.test.ts',
  'test/directory/{directory,document-fields,sessions,stream-keys}.test.ts',
  'test/http/{api-*,audit-notes}.test.ts',
  'test/live/*.test.ts',
  'test/store/{audit-chain,audit-migration,migrations,recording-page,sqlite-binding,store,tables,threaded-store,webhook-table}.test.ts',
];
if (!HAS_SQLITE)
  process.stderr.write(
    `no SQLite (Node.js 22.13 or later, or better-sqlite3): skipped are ${NEED_SQLITE.join(', ')}\n`,
  );

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(HAS_SQLITE ? [] : NEED_SQLITE)],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Many of them wait: for a call in real time, for another process.
    maxWorkers: 2,
    reporters: ['default', new SaidReporter()],
  },
});
