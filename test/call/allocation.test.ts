import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Call } from '../../src/call/call.ts';
import { blankPacket } from '../../src/call/intake.ts';
import { STATIC_PAYLOAD_TYPES } from '../../src/media/wire-codec.ts';
import { JournalWriter } from '../../src/spool/journal-writer.ts';
import { SAMPLE_HEAD } from '../support/sample-journal.ts';
import { scratchDir } from '../support/scratch.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const START_US = 1.7e15;
const FRAME_BYTES = 160;
/** Until what is run often has been compiled. */
const WARM_PACKETS = 100_000;
const PACKETS = 100_000;
const BATCH = 500;
/**
 * A number that is no small integer takes 16 when it is handed from one function to another, which Node.js 22 does once more than 20; a view
 * of a payload takes 100.
 */
const NUMBER_BYTES = 16;

/** Bytes that the heap has grown by for each packet, whatever was collected meanwhile. */
const allocatedFor = async (take: () => void, between: () => Promise<unknown>): Promise<number> => {
  let grown = 0;
  let counted = 0;
  for (let done = 0; done < WARM_PACKETS + PACKETS; done += BATCH) {
    if (done === WARM_PACKETS) collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < BATCH; n++) take();
    const growth = process.memoryUsage().heapUsed - before;
    if (done >= WARM_PACKETS && growth >= 0) {
      grown += growth;
      counted += BATCH;
    }
    await between();
  }
  // Else it was collected in the midst of nearly every batch.
  expect(counted).toBeGreaterThan(PACKETS / 2);
  return grown / counted;
};

for (const { name, fields, mostNumbers } of [
  { name: 'a packet of a call that is recorded', fields: {}, mostNumbers: 11 },
  // Placed twice: when it comes, and when it is let go.
  { name: 'a packet that waits for a lookback', fields: { mask_lookback_ms: 2000 }, mostNumbers: 21 },
])
  test(`${name} allocates no object, from the wire's fields to its journal`, { timeout: 60_000 }, async () => {
    const folder = scratchDir();
    const parties = { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' };
    const call = new Call({
      identity: { callId: 'c', parties },
      startUs: START_US,
      journalPath: (id) => join(folder, id),
      random: randomBytes,
    });
    call.recordFromFirstFrame({ format: 'wav', ...fields }, 'test');
    const legs = [blankPacket('a'), blankPacket('b')];
    const bytes = Buffer.alloc(2048, 0x5a);
    for (const [ssrc, packet] of legs.entries()) {
      packet.ssrc = ssrc;
      packet.codec = STATIC_PAYLOAD_TYPES.get(0);
      packet.bytes = bytes;
      packet.start = 52;
      packet.end = 52 + FRAME_BYTES;
    }
    let count = 0;
    const take = (): void => {
      const packet = legs[count & 1]!;
      const frame = count >> 1;
      packet.sequence = frame & 0xffff;
      packet.timestamp = (0xf000_0000 + frame * FRAME_BYTES) >>> 0;
      packet.arrivalUs = START_US + count * 10_000 + 0.25;
      call.packet(packet);
      count++;
    };
    const each = await allocatedFor(take, () => call.drained());
    expect(call.recorders[0]!.frames).toBeGreaterThan(WARM_PACKETS);
    await call.end();
    expect(each).toBeLessThan(mostNumbers * NUMBER_BYTES);
  });

test('a frame that is appended to a journal allocates no object', { timeout: 60_000 }, async () => {
  const journal = new JournalWriter(join(scratchDir(), 'j.journal'), SAMPLE_HEAD);
  const bytes = Buffer.alloc(2048, 0x5a);
  let count = 0;
  const take = (): void => {
    journal.frame(count & 1, START_US + count * 10_000.25, count * 160, bytes, 52, 52 + FRAME_BYTES);
    count++;
  };
  const each = await allocatedFor(take, () => journal.drained());
  await journal.close();
  expect(each).toBeLessThan(3 * NUMBER_BYTES);
});
