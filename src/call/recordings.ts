/**
 * The recordings of one call that are not closed yet: starts them, ends them, closes them when nothing more can come.
 * Times are µs on the call's clock.
 */
import { mediaName, type RandomBytes, recordingId } from '../core/ids.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import { Recorder } from '../record/recorder.ts';
import type { OpenJournal } from '../spool/journal.ts';
import {
  type CloseRecord,
  type Extent,
  emptyTally,
  type Foreseen,
  type LegTally,
  type OpenRecord,
  type Parties,
} from '../spool/journal-record.ts';
import { JournalWriter } from '../spool/journal-writer.ts';

/** Packets captured before a stop may arrive this much later … */
const LATE_GRACE_US = 200_000;
/** … and wait for their line so long. */
const LONGEST_GRACE_US = 1_000_000;

export type CallIdentity = {
  readonly callId: string;
  readonly parties: Parties;
};

export class Recordings {
  readonly #identity: CallIdentity;
  readonly #journalPath: (recordingId: string) => string;
  readonly #openJournal: OpenJournal;
  readonly #foreseen: readonly Foreseen[];
  #started = 0;
  readonly #random: RandomBytes;
  readonly #tallies: () => Record<Leg, LegTally>;
  /** Not closed: running, or draining. */
  readonly open: Recorder[] = [];
  /** The call's packet counts when each began. */
  readonly #before = new Map<Recorder, Record<Leg, LegTally>>();

  constructor(options: {
    identity: CallIdentity;
    journalPath: (recordingId: string) => string;
    /** Default: a file. */
    openJournal?: OpenJournal;
    /** What is known of each recording beforehand, in the order they begin. */
    foreseen?: readonly Foreseen[];
    random: RandomBytes;
    /** The call's packet counts so far. */
    tallies: () => Record<Leg, LegTally>;
  }) {
    this.#identity = options.identity;
    this.#journalPath = options.journalPath;
    this.#openJournal = options.openJournal ?? ((path, head) => new JournalWriter(path, head));
    this.#foreseen = options.foreseen ?? [];
    this.#random = options.random;
    this.#tallies = options.tallies;
  }

  get running(): readonly Recorder[] {
    return this.open.filter((recorder) => recorder.state === 'recording');
  }

  /** The longest `mask_lookback_ms` among the open ones, in µs. */
  get lookbackUs(): number {
    return Math.max(0, ...this.open.map((recorder) => (recorder.fields.mask_lookback_ms ?? 0) * 1000));
  }

  /** The running recording that the same start, or one under the same media name, has already made. */
  findStarted(fields: RecordCallFields, startedBy: string): Recorder | undefined {
    return this.running.find((recorder) =>
      fields.media_name === undefined
        ? recorder.startedBy === startedBy
        : recorder.fields.media_name === fields.media_name,
    );
  }

  /** Newest first (Kazoo: one per stop, last in, first out), or the one with that name. */
  findToStop(mediaNameWanted: string | undefined): Recorder | undefined {
    return this.running.findLast(
      (recorder) => mediaNameWanted === undefined || recorder.head.mediaName === mediaNameWanted,
    );
  }

  /** @param hasFirstFrame whether the call's very first frame is in it. */
  start(
    fields: RecordCallFields,
    startUs: number,
    startsWith: OpenRecord['startsWith'],
    startedBy: string,
    hasFirstFrame: boolean,
  ): Recorder {
    const id = recordingId(startUs, this.#random);
    const format = fields.format ?? 'mp3';
    const foreseen = this.#foreseen[this.#started++];
    const head: OpenRecord = {
      version: 1,
      id,
      callId: this.#identity.callId,
      mediaName: fields.media_name ?? mediaName(format, this.#random),
      format,
      sampleRate: fields.record_sample_rate ?? null,
      channels: fields.channels ?? 'stereo',
      maskMode: fields.mask_mode ?? 'silence',
      minSeconds: fields.record_min_sec ?? 0,
      startUs,
      startsWith,
      origin: fields.origin ?? '',
      label: fields.label ?? '',
      url: fields.url ?? '',
      method: fields.method ?? 'put',
      parties: this.#identity.parties,
      ...(foreseen === undefined ? {} : { extent: extentOf(foreseen) }),
    };
    const journal = this.#openJournal(this.#journalPath(id), head);
    const recorder = new Recorder(journal, head, fields, startedBy, foreseen?.lines);
    this.open.push(recorder);
    // The call's first frames were counted before they were let through.
    this.#before.set(recorder, hasFirstFrame ? { a: emptyTally(), b: emptyTally() } : this.#tallies());
    return recorder;
  }

  /** Ends every running recording. */
  stopAll(endUs: number, endsWith: CloseRecord['endsWith'], reason: CloseRecord['reason']): void {
    for (const recorder of this.running) recorder.stop(endUs, endsWith, reason);
  }

  /** When something here is next to be done: a time limit, or a draining recording that can be closed. */
  get nextDueUs(): number {
    const lookback = this.lookbackUs;
    return Math.min(
      ...this.open.map((each) => (each.state === 'recording' ? each.limitUs : each.endUs + lookback + LATE_GRACE_US)),
    );
  }

  /** Ends what has reached its time limit. */
  enforceLimits(nowUs: number): void {
    for (const recorder of this.running) {
      if (nowUs >= recorder.limitUs) recorder.stop(recorder.limitUs, 'command', 'time-limit');
    }
  }

  /** Takes out the draining ones that nothing more can come for; `nowUs` infinite: all of them. @param isWaiting frames are held. */
  takeDrained(nowUs: number, isWaiting: boolean): { recorder: Recorder; legs: Record<Leg, LegTally> }[] {
    const lookback = this.lookbackUs;
    const taken: { recorder: Recorder; legs: Record<Leg, LegTally> }[] = [];
    for (const recorder of this.open.slice()) {
      const graceUs = isWaiting ? LONGEST_GRACE_US : LATE_GRACE_US;
      if (recorder.state !== 'draining' || nowUs < recorder.endUs + lookback + graceUs) continue;
      const now = this.#tallies();
      this.open.splice(this.open.indexOf(recorder), 1);
      taken.push({ recorder, legs: since(this.#before.get(recorder) ?? now, now) });
      this.#before.delete(recorder);
    }
    return taken;
  }
}

const extentOf = ({ startUs, endUs, horizonUs }: Foreseen): Extent => ({ startUs, endUs, horizonUs });

const since = (before: Record<Leg, LegTally>, now: Record<Leg, LegTally>): Record<Leg, LegTally> => ({
  a: difference(before.a, now.a),
  b: difference(before.b, now.b),
});

const difference = (before: LegTally, now: LegTally): LegTally => {
  const result = { ...now };
  for (const key of Object.keys(result) as (keyof LegTally)[]) result[key] = Math.max(0, now[key] - before[key]);
  return result;
};
