/** The survey alone: a capture's datagrams from memory, and the plan at their end. */
import type { Datagram } from '../../../src/ingest/datagram.ts';
import { built } from './built.ts';
import type { Loop } from './loop.ts';
import { repeated } from './stopwatch.ts';

export const loop: Loop = async ({ call, leastSeconds }) => {
  const { CaptureReader } = await built('ingest/capture/capture-reader');
  const { Survey } = await built('ingest/survey/survey');
  const datagrams: Datagram[] = [];
  for await (const batch of new CaptureReader(call.capture).batches()) {
    for (const datagram of batch) datagrams.push({ ...datagram, payload: Buffer.from(datagram.payload) });
  }
  const packets = await repeated(leastSeconds, () => {
    const survey = new Survey();
    for (const datagram of datagrams) survey.push(datagram);
    const { calls } = survey.finish();
    if (calls.length !== 1) throw new Error(`the survey found ${calls.length} calls, not one`);
    return datagrams.length;
  });
  return { packets };
};
