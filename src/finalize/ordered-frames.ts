/**
 * A journal's frames in the order their audio was captured, however late each came: the finalizer has the whole call in view, so no
 * jitter buffer loses any. Memory holds what the survey found the journal to be out of order by.
 */
import { type JournalFile, readJournal } from '../spool/journal-reader.ts';
import type { LineFit } from '../spool/journal-record.ts';
import { FrameOrder } from './frame-order.ts';
import type { JournalSurvey, SurveyedTrack } from './survey.ts';

/** At most so many frames wait, whatever the journal: then the earliest goes on. */
const MOST_WAITING = 200_000;

export type PlacedFrame = {
  track: SurveyedTrack;
  fit: LineFit;
  /** Start on the call's clock, µs. */
  startUs: number;
  ticks: number;
  /** Valid until the next frame is asked for. */
  payload: Uint8Array;
};

/** @param onRead told the bytes of payload read so far, now and then. */
export function* orderedFrames(
  { path, key }: JournalFile,
  survey: JournalSurvey,
  wanted: (track: SurveyedTrack) => boolean = () => true,
  onRead: (frames: number) => void = () => {},
): Generator<PlacedFrame> {
  const order = new FrameOrder();
  const tracks = new Map(survey.tracks.map((track) => [track.track, track]));
  const placed: Partial<PlacedFrame> = {};
  let read = 0;

  const next = (): PlacedFrame => {
    const frame = order.shift()!;
    const track = tracks.get(frame.track)!;
    placed.track = track;
    placed.fit = survey.lines.get(track.line)!;
    placed.startUs = frame.startUs;
    placed.ticks = frame.ticks;
    placed.payload = frame.payload.subarray(0, frame.length);
    order.release(frame);
    return placed as PlacedFrame;
  };

  for (const record of readJournal(path, undefined, key)) {
    if (record.kind !== 'frame') continue;
    const { frame } = record;
    const track = tracks.get(frame.track);
    if (track === undefined || !wanted(track)) continue;
    const fit = survey.lines.get(track.line)!;
    const startUs = fit.originUs + ((frame.ticks * 1e6) / track.codec.clockRate) * fit.scale;
    order.push(startUs, frame.track, frame.ticks, frame.payload);
    const settledUs = frame.arrivalUs - survey.horizonUs;
    while (order.firstUs < settledUs || order.length > MOST_WAITING) yield next();
    if (++read % 1000 === 0) onRead(read);
  }
  while (order.length > 0) yield next();
  onRead(read);
}
