/** Writes frames to a journal, 20 ms of G.711 each, and makes them durable at the end. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SAMPLE_HEAD } from '../../support/sample-journal.ts';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

const FRAMES = 100_000;
/** Between turns of the event loop what has gathered is written; see call-packets.ts. */
const TURN_FRAMES = 1024;

export const loop: Loop = async ({ options, folder, leastSeconds }) => {
  const { JournalWriter } = await built('spool/journal-writer');
  const { newSealKey } = await built('spool/seal/seal-key');
  const path = join(folder, 'journal');
  const datagram = Buffer.alloc(172, 0x5a);
  let passBytes = 0;
  const packets = await repeated(leastSeconds, async () => {
    const journal = new JournalWriter(
      path,
      SAMPLE_HEAD,
      options.sealed === true ? { key: newSealKey(randomBytes) } : {},
    );
    for (let frame = 0; frame < FRAMES; frame++) {
      journal.frame(frame & 1, frame * 10_000, frame * 80, datagram, 12, 172);
      if (frame % TURN_FRAMES === 0) await turn();
    }
    await journal.close();
    passBytes = journal.bytes;
    await rm(path);
    return FRAMES;
  });
  return { packets, bytes: { ...packets, work: ((packets.work / FRAMES) * passBytes) / 1e6 } };
};
