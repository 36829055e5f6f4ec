/**
 * A thousand calls while the thread that reads them stands still for two seconds: the native receiver loses none of their packets, though no
 * socket could hold so many. Real sockets on loopback, a process of its own sends; bounded in count. Skipped by name without the native kernel.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { NativeReceiver } from '../../../src/ingest/rtp/native-receiver.ts';
import { nativeModule } from '../../../src/kernel/native-module.ts';

const LEGS = 2000;
const FRAMES = 100;
const STALL_MS = 2000;
/** Even ports from here; away from those of other tests. */
const FIRST_PORT = 50_000;
/** A few packets' worth. */
const SMALL_BUFFER_BYTES = 4096;

test.skipIf(nativeModule === undefined)('a stall of two seconds in a thousand calls loses no packet', async () => {
  const receiver = new NativeReceiver(nativeModule!, systemClock);
  onTestFinished(() => receiver.close());
  const perLeg = new Uint32Array(LEGS);
  let disordered = 0;
  let lastUs = 0;
  for (let leg = 0; leg < LEGS; leg++) {
    await receiver.bind(
      { host: '127.0.0.1', port: FIRST_PORT + 2 * leg, receiveBufferBytes: SMALL_BUFFER_BYTES },
      {
        datagram: (bytes, start, _end, _source, atUs) => {
          const frame = (bytes[start + 2]! << 8) | bytes[start + 3]!;
          if (frame !== perLeg[leg] || atUs < lastUs) disordered++;
          perLeg[leg]!++;
          lastUs = atUs;
        },
        error: (error) => {
          throw error;
        },
      },
    );
  }
  const flood = spawn(
    process.execPath,
    [new URL('../../support/udp-flood.mjs', import.meta.url).pathname, `${FIRST_PORT}`, `${LEGS}`, `${FRAMES}`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void flood.kill());
  await once(flood.stdout, 'data');
  const until = performance.now() + STALL_MS;
  while (performance.now() < until);
  // How much had come by then depends on the machine; that nothing is missing does not.
  const { mostWaitingBytes } = receiver.counts;
  await once(flood, 'exit');
  await receiver.caughtUp();
  expect(mostWaitingBytes).toBeGreaterThan(0);
  expect(receiver.counts).toMatchObject({ received: LEGS * FRAMES, overflowed: 0, waitingBytes: 0 });
  expect([...perLeg].every((count) => count === FRAMES)).toBe(true);
  expect(disordered).toBe(0);
});
