/** Journals with anything changed: what is read of them is a beginning of what was written, or nothing. */

import { createSecretKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readJournal } from '../../src/spool/journal-reader.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { SAMPLE_HEAD } from '../support/sample-journal.ts';

const KEY = createSecretKey(Buffer.alloc(32, 7));
const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const written = async (name: string, key?: typeof KEY): Promise<Uint8Array> => {
  const path = join(folder, name);
  const journal = new JournalWriter(path, SAMPLE_HEAD, key === undefined ? {} : { key });
  for (let i = 0; i < 5; i++) {
    journal.frame(0, i * 20_000, i * 160, Buffer.alloc(160, i), 0, 160);
    await journal.sync();
  }
  await journal.close();
  return readFileSync(path);
};

export const journalSeeds: readonly Uint8Array[] = [await written('plain'), await written('sealed', KEY)];

export const runJournal = (bytes: Uint8Array): void => {
  const path = join(folder, 'fuzzed');
  writeFileSync(path, bytes);
  let records = 0;
  for (const _ of readJournal(path, { bytes: 0, torn: false }, KEY)) records++;
  if (records > 1000) throw new Error('more than was written');
};
