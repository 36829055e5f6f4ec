/** Reads a capture and takes its datagrams apart; nothing is done with them. */
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

export const loop: Loop = async ({ call, leastSeconds }) => {
  const { CaptureReader } = await built('ingest/capture/capture-reader');
  const packets = await repeated(leastSeconds, async () => {
    let datagrams = 0;
    for await (const batch of new CaptureReader(call.capture).batches()) datagrams += batch.length;
    return datagrams;
  });
  return { packets };
};
