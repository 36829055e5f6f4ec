/** Surveys a capture file: the reader's datagrams through a `Survey`, and both their warnings. */
import { CaptureReader, type CaptureReaderOptions } from '../capture/capture-reader.ts';
import type { CapturePlan } from '../plan.ts';
import { Survey } from './survey.ts';

/**
 * @param path of a pcap or pcapng capture, gzip-packed or not.
 * @returns the plan; its `calls` are empty when the capture holds nothing that can be recorded.
 * @throws AppError INPUT_MISSING, CAPTURE_EMPTY, CAPTURE_UNREADABLE
 */
export const planCapture = async (path: string, options: CaptureReaderOptions = {}): Promise<CapturePlan> => {
  const reader = new CaptureReader(path, options);
  const survey = new Survey();
  for await (const batch of reader.batches()) for (const datagram of batch) survey.push(datagram);
  const plan = survey.finish();
  const { packets, warnings } = reader.report;
  return { ...plan, warnings: [...warnings, ...plan.warnings], packets };
};
