/** What gathers in a journal in half a second of a call, made durable: by the journal, or by nothing but the file system. */
import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SAMPLE_HEAD } from '../../support/sample-journal.ts';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

/** Two legs, 25 frames each. */
const FRAMES = 50;
const FRAME_BYTES = 172;

export const loop: Loop = async ({ options, folder, leastSeconds }) => {
  const datagram = Buffer.alloc(FRAME_BYTES, 0x5a);
  const path = join(folder, 'journal');
  if (options.bare === true) {
    const file = await open(path, 'wx', 0o600);
    const bytes = Buffer.alloc(FRAMES * FRAME_BYTES, 0x5a);
    const actions = await repeated(leastSeconds, async () => {
      await file.appendFile(bytes);
      await file.datasync();
      return 1;
    });
    await file.close();
    return { actions };
  }
  const { JournalWriter } = await built('spool/journal-writer');
  const { newSealKey } = await built('spool/seal/seal-key');
  const journal = new JournalWriter(path, SAMPLE_HEAD, options.sealed === true ? { key: newSealKey(randomBytes) } : {});
  let written = 0;
  const actions = await repeated(leastSeconds, async () => {
    for (let frame = 0; frame < FRAMES; frame++, written++)
      journal.frame(frame & 1, written * 10_000, written * 80, datagram, 12, FRAME_BYTES);
    await journal.sync();
    return 1;
  });
  await journal.close();
  return { actions };
};
