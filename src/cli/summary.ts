/** A recording's document as people read it. */
import type { RecordingDocument } from '../app/recording-document.ts';
import type { ErrorCode } from '../core/errors.ts';
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

/** What failed of a run, in a sentence: recordings that are lost, and deliveries of such as are there. Undefined: nothing. */
export const summarizeFailures = (
  recordings: readonly RecordingDocument[],
): { readonly code: ErrorCode; readonly message: string } | undefined => {
  const failed = recordings.filter(({ state }) => state === 'failed');
  const lost = failed.filter(({ path }) => path === null);
  const kept = failed.flatMap(({ path }) => path ?? []);
  const parts: string[] = [];
  if (lost.length > 0) parts.push(`${lost.length} of ${recordings.length} recordings failed: ${reasonsOf(lost)}`);
  if (kept.length > 0) {
    const recorded = recordings.filter(({ path }) => path !== null).length;
    const deliveries = kept.length === 1 ? '1 delivery' : `${kept.length} deliveries`;
    const what = recorded === 1 ? 'its delivery' : deliveries;
    const more = kept.length > MOST_NAMED ? ` and ${kept.length - MOST_NAMED} more` : '';
    const where = kept.slice(0, MOST_NAMED).join(', ') + more;
    const why = reasonsOf(failed.filter(({ path }) => path !== null));
    parts.push(`${recorded} recorded, ${what} failed: kept at ${where} (${why})`);
  }
  const [worst] = [...lost, ...failed];
  return worst === undefined ? undefined : { code: worst.error?.code ?? 'INTERNAL', message: parts.join('; ') };
};

const reasonsOf = (documents: readonly RecordingDocument[]): string =>
  [...new Set(documents.map(({ error }) => error?.message ?? 'no reason given'))].join('; ');

/** Paths in one line. */
const MOST_NAMED = 3;
const TENTHS_MS = 100;

const clock = (ms: number): string => formatTime(ms, ms, TENTHS_MS);

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const maskedText = (masks: RecordingDocument['masks']): string =>
  masks.length === 0
    ? 'not masked'
    : `masked ${masks.map(({ start_ms, end_ms, mode }) => `${clock(start_ms)}–${clock(end_ms)} (${mode})`).join(', ')}`;
