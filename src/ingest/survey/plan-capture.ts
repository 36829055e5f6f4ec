/** Surveys a capture file: the reader's datagrams through a `Survey`, and both their warnings. */
import { CaptureReader, type CaptureReaderOptions } from '../capture/capture-reader.ts';
import type { CapturePlan } from '../plan.ts';
import { Survey } from './survey.ts';

/**
 * @param path of a pcap or pcapng capture, gzip-packed or not.
 * @returns the plan; its `calls` are empty when the capture holds nothing that can be recorded.
 * @throws AppError INPUT_MISSING, CAPTURE_EMPTY, CAPTURE_UNREADABLE; the reason of the options' signal
 */
export const planCapture = async (path: string, options: CaptureReaderOptions = {}): Promise<CapturePlan> => {
  const reader = new CaptureReader(path, options);
  const survey = new Survey();
  for await (const batch of reader.batches()) for (const datagram of batch) survey.push(datagram);
  const plan = survey.finish();
  const { packets, warnings, cut } = reader.report;
  const lines = [...warnings, ...cutShort(cut, survey.cut), ...plan.warnings];
  return { ...plan, warnings: lines, packets };
};

/** What was cut besides audio, of which the survey itself tells. @param cut packets; @param audio those of them that were audio. */
const cutShort = (cut: number, audio: number): string[] => {
  if (cut <= audio) return [];
  const packets = audio === 0 ? 'packets' : 'packets without audio';
  return [`${packets} cut short when they were captured (snap length): ${cut - audio}`];
};
