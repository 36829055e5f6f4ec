/** A recording's document as people read it. */
import type { RecordingDocument } from '../app/recording-document.ts';
import { formatTime } from './time-axis.ts';

/** Two or three lines. */
export const summarize = (document: RecordingDocument): string[] => {
  const { state, path, masks } = document;
  if (state === 'discarded')
    return [`discarded  ${document.media_name}: ${seconds(document.duration_ms)} is shorter than record_min_sec`];
  if (path === null) return [`failed     ${document.media_name}: ${document.error?.message ?? 'no reason given'}`];
  const shape = `${document.format}, ${document.sample_rate} Hz, ${document.channels === 2 ? 'stereo' : 'mono'}`;
  const lines = [`recorded   ${path}`, `           ${clock(document.duration_ms)}  ${shape}  ${maskedText(masks)}`];
  const { delivery, error } = document;
  if (delivery !== null) {
    const tries = delivery.tries === 1 ? '1 try' : `${delivery.tries} tries`;
    if (state === 'delivered') lines.push(`delivered  to ${delivery.host} (${delivery.status}, ${tries})`);
    else
      lines.push(
        `not delivered to ${delivery.host} after ${tries}: ${error?.message ?? 'no reason given'}; the file is kept`,
      );
  }
  return lines;
};

const TENTHS_MS = 100;

const clock = (ms: number): string => formatTime(ms, ms, TENTHS_MS);

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const maskedText = (masks: RecordingDocument['masks']): string =>
  masks.length === 0
    ? 'not masked'
    : `masked ${masks.map(({ start_ms, end_ms, mode }) => `${clock(start_ms)}–${clock(end_ms)} (${mode})`).join(', ')}`;
