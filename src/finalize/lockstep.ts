/**
 * A journal read twice at one pace: the survey goes ahead, and behind it each frame is placed, in the order in which their audio was
 * captured, when the survey has seen the next 30 s. What is decided on what was known then stays; what turns out otherwise is a
 * contradiction. Both depend on the journal's records alone, never on when they were read: a recording that was followed while it was
 * made, its replay and its recovery come out the same. With an infinite lookahead the survey first reads all, and nothing contradicts it.
 */

import type { JournalRecord } from '../spool/journal-cursor.ts';
import type { JournalEnd } from '../spool/journal-reader.ts';
import type { FrameRecord } from '../spool/journal-record.ts';
import { artefactRate } from './artefact-rate.ts';
import { Contradiction } from './contradiction.ts';
import { FrameOrder } from './frame-order.ts';
import type { HeldPayload } from './held-payload.ts';
import type { LinePath } from './line-path.ts';
import { VIEW_US } from './line-steering.ts';
import { MaskCover } from './mask-cover.ts';
import { type JournalSurvey, JournalSurveyor, type SurveyedTrack } from './survey.ts';

/** More than a mask's longest lookback, and than what a call takes to close a journal after its end. */
export const LOOKAHEAD_US = 30e6;
/** Sound up to this long before what is settled may still change: resamplers' tails, runs that overlap. */
export const SETTLING_US = 1e6;
/** Instants are rounded to samples. */
const ROUNDING_US = 1000;
/** Lines that begin so soon after the first frame are settled with it: one of them is position 0. */
const TOGETHER_US = 1e6;
/** At most so many frames wait, whatever the journal: then the earliest goes on. */
const MOST_WAITING = 200_000;

/** Records one after another; undefined when there is none yet. */
export interface Records {
  next(): JournalRecord | undefined;
}

/** How long a frame is, in ticks; by its payload, where that was kept. */
export type DurationOf = (frame: FrameRecord, track: SurveyedTrack) => number;

const byPayload: DurationOf = (frame, { ticks }) => ticks.of(frame);

/** Valid, as its payload is, until the next frame is asked for. */
export type PlacedFrame = {
  track: SurveyedTrack;
  path: LinePath;
  /** Start on the call's clock, µs. */
  startUs: number;
  ticks: number;
  /** How long it is, in ticks. */
  duration: number;
  payload: HeldPayload;
};

/** Known before the first frame is placed. */
export type Beginning = { readonly startUs: number; readonly sampleRate: number };

export class Lockstep {
  readonly survey: JournalSurveyor;
  /** Spans of masks in the artefact; from the beginning on. */
  cover: MaskCover | undefined;
  beginning: Beginning | undefined;
  /** All that the journal holds, once it has been read to its end. */
  result: JournalSurvey | undefined;
  /** Everything that begins before this, on the call's clock, has been given out; it never falls. */
  settledUs = Number.NEGATIVE_INFINITY;
  readonly #ahead: Records;
  readonly #behind: Records;
  readonly #lookaheadUs: number;
  readonly #durationOf: DurationOf;
  readonly #order = new FrameOrder();
  /** Used again. */
  #placed: PlacedFrame | undefined;
  /** Read behind, and not due. */
  #held: FrameRecord | undefined;
  /** Frames read ahead, and behind. */
  #surveyed = 0;
  #read = 0;
  /** What begins before this may be given out. */
  #dueUs = Number.NEGATIVE_INFINITY;
  #end: (() => JournalEnd) | undefined;

  constructor(ahead: Records, behind: Records, lookaheadUs: number, durationOf: DurationOf = byPayload) {
    this.#ahead = ahead;
    this.#behind = behind;
    this.#lookaheadUs = lookaheadUs;
    this.#durationOf = durationOf;
    this.survey = new JournalSurveyor(this.#mayContradict ? VIEW_US : Number.POSITIVE_INFINITY);
  }

  /** Nothing is written to the journal any more. @param end how it ends, asked for when it has been read. */
  close(end: () => JournalEnd): void {
    this.#end = end;
  }

  /** Frames that were placed or wait for it. */
  get read(): number {
    return this.#read;
  }

  /** Whether that is all that there are. */
  get isRead(): boolean {
    return this.result !== undefined && this.#read === this.#surveyed;
  }

  /** The frame that was read last and is not due was only lent: it is read again. */
  rest(): void {
    if (this.#held !== undefined) this.#held = { ...this.#held, payload: Buffer.from(this.#held.payload) };
  }

  /** @returns the next frame; `abreast` when the journal has to grow first. @throws Contradiction; CODEC_UNSUPPORTED */
  next(): PlacedFrame | 'abreast' | 'end' {
    for (;;) {
      if (this.#order.firstUs < this.#dueUs || this.#order.length > MOST_WAITING) return this.#give();
      if (this.#readBehind()) continue;
      const dueUs = this.#limitUs - this.survey.horizonUs;
      if (dueUs > this.#dueUs) {
        this.#dueUs = dueUs;
        continue;
      }
      if (this.result !== undefined) return 'end';
      this.#settle(Math.min(this.#order.firstUs, this.#dueUs));
      const record = this.#ahead.next();
      if (record !== undefined) this.#take(record);
      else if (this.#end === undefined) return 'abreast';
      else this.#conclude(this.#end());
    }
  }

  /** Frames that came before this are placed. */
  get #limitUs(): number {
    return this.result === undefined ? this.survey.clockUs - this.#lookaheadUs : Number.POSITIVE_INFINITY;
  }

  get #mayContradict(): boolean {
    return this.#lookaheadUs < Number.POSITIVE_INFINITY;
  }

  /** Samples that may have been rendered. */
  get #rendered(): number {
    if (this.beginning === undefined) return 0;
    const { startUs, sampleRate } = this.beginning;
    return Math.max(0, Math.ceil(((this.settledUs - SETTLING_US - startUs) * sampleRate) / 1e6));
  }

  #settle(us: number): void {
    if (this.beginning !== undefined && us > this.settledUs) this.settledUs = us;
  }

  #take(record: JournalRecord): void {
    this.survey.take(record);
    if (!this.#mayContradict) {
      if (record.kind === 'frame') this.#surveyed++;
      return;
    }
    if (record.kind === 'frame') {
      this.#surveyed++;
      const track = this.survey.tracks.get(record.frame.track);
      if (track?.frames === 1) this.#meet(track);
    } else if (record.kind === 'mask' && this.beginning !== undefined) {
      this.#check(this.survey.startUs);
      this.cover!.note(record.mask, this.#rendered);
    }
  }

  /** A track's first frame. */
  #meet(track: SurveyedTrack): void {
    if (track.decoding.createDecoder === undefined) throw new Contradiction('a track is decoded as a whole');
    const { beginning, survey } = this;
    if (beginning !== undefined && artefactRate(survey.open, [track]) > beginning.sampleRate)
      throw new Contradiction('a track has a higher rate');
  }

  #readBehind(): boolean {
    const limitUs = this.#limitUs;
    if (limitUs === Number.NEGATIVE_INFINITY) return false;
    while (this.#held === undefined) {
      // Never ahead of the survey: what it has not read is not known.
      if (this.#read === this.#surveyed) return false;
      const record = this.#behind.next();
      if (record === undefined) return false;
      if (record.kind !== 'frame') continue;
      this.#read++;
      if (this.survey.tracks.has(record.frame.track)) this.#held = record.frame;
    }
    if (this.#held.arrivalUs > limitUs) return false;
    this.#begin(limitUs);
    this.#push(this.#held);
    this.#held = undefined;
    return true;
  }

  #push(frame: FrameRecord): void {
    const { track: number, arrivalUs, ticks } = frame;
    const track = this.survey.tracks.get(number)!;
    const line = this.survey.lines.get(track.line)!;
    const isNew = line.path === undefined;
    const path = this.survey.settle(line);
    const rate = track.codec.clockRate;
    const mediaUs = (ticks * 1e6) / rate;
    const startUs = path.onCall(mediaUs);
    if (this.#mayContradict) {
      if (isNew || startUs < this.beginning!.startUs) this.#check(this.survey.startUs);
      if (startUs < this.settledUs - SETTLING_US + ROUNDING_US || startUs < this.#givenUs)
        throw new Contradiction('a frame begins before what has been placed');
    }
    const duration = this.#durationOf(frame, track);
    const endUs = mediaUs + (duration * 1e6) / rate;
    if (endUs > line.placedUs) line.placedUs = endUs;
    this.#order.push(startUs, duration, frame);
    this.#dueUs = arrivalUs - this.survey.horizonUs;
  }

  /** Start of the frame that was given out last. */
  #givenUs = Number.NEGATIVE_INFINITY;

  #give(): PlacedFrame {
    const frame = this.#order.shift()!;
    this.#givenUs = frame.startUs;
    this.#settle(frame.startUs);
    const track = this.survey.tracks.get(frame.track)!;
    track.placed++;
    const path = this.survey.lines.get(track.line)!.path!;
    const { startUs, ticks, duration, payload } = frame;
    this.#order.release(frame);
    const placed = this.#placed;
    if (placed === undefined) {
      this.#placed = { track, path, startUs, ticks, duration, payload };
      return this.#placed;
    }
    placed.track = track;
    placed.path = path;
    placed.startUs = startUs;
    placed.ticks = ticks;
    placed.duration = duration;
    placed.payload = payload;
    return placed;
  }

  /** Says what has to be known before anything is placed. */
  #begin(limitUs: number): void {
    if (this.beginning !== undefined) return;
    const { survey } = this;
    for (const line of survey.lines.values()) if (line.firstArrivalUs <= limitUs + TOGETHER_US) survey.settle(line);
    const sampleRate = artefactRate(survey.open, survey.tracks.values());
    this.beginning = { startUs: survey.startUs, sampleRate };
    this.cover = new MaskCover(survey.masks, this.beginning.startUs, sampleRate);
  }

  #conclude(end: JournalEnd): void {
    const result = this.survey.result(end);
    this.#begin(Number.POSITIVE_INFINITY);
    const { startUs, sampleRate } = this.beginning!;
    this.#check(result.startUs);
    if (result.endUs < this.settledUs + this.survey.longestUs)
      throw new Contradiction('the recording ends before what has been placed');
    const totalSamples = Math.round(((result.endUs - startUs) * sampleRate) / 1e6);
    this.cover!.conclude(totalSamples, this.#rendered);
    this.result = result;
  }

  #check(startUs: number): void {
    if (startUs !== this.beginning!.startUs) throw new Contradiction('the recording begins elsewhere');
  }
}
