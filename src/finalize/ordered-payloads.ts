/**
 * A journal's frames in the order their audio was captured, however late each came, with the whole call in view: for a decoder that
 * takes a track as a whole.
 */
import { type JournalFile, readJournal } from '../spool/journal-reader.ts';
import { FrameOrder } from './frame-order.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

/** At most so many frames wait, whatever the journal: then the earliest goes on. */
const MOST_WAITING = 200_000;

/** Yields the payloads of one track; each is valid until the next is asked for. */
export function* orderedPayloads(
  { path, key }: JournalFile,
  survey: JournalSurvey,
  wanted: SurveyedTrack,
): Generator<Uint8Array> {
  const order = new FrameOrder();
  const line = survey.lines.get(wanted.line)!.path!;

  const next = (): Uint8Array => {
    const frame = order.shift()!;
    order.release(frame);
    return frame.payload.bytes;
  };

  for (const record of readJournal(path, undefined, key)) {
    if (record.kind !== 'frame' || record.frame.track !== wanted.track) continue;
    const { arrivalUs, ticks } = record.frame;
    order.push(line.onCall((ticks * 1e6) / wanted.codec.clockRate), wanted.ticks.of(record.frame), record.frame);
    const settledUs = arrivalUs - survey.horizonUs;
    while (order.firstUs < settledUs || order.length > MOST_WAITING) yield next();
  }
  while (order.length > 0) yield next();
}
