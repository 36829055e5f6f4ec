import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kindTable } from '../../../src/ingest/streams/kind-table.ts';
import { STREAM_KINDS } from '../../../src/ingest/streams/stream-kinds.ts';

const CLIENTS = join(import.meta.dirname, '../../../samples/clients');

test('the table of what can be connected is made of the registry', () => {
  expect(readFileSync(join(CLIENTS, 'README.md'), 'utf8')).toContain(`\n${kindTable()}\n`);
});

test.each([...STREAM_KINDS.keys()])('%s has a client, and a page with the lines of its server', (name) => {
  expect(existsSync(join(CLIENTS, `${name}.ts`))).toBe(true);
  expect(readFileSync(join(CLIENTS, `${name}.md`), 'utf8').length).toBeGreaterThan(200);
});
