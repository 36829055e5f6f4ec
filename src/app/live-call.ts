/** A call on its way through a replay: the call, its parties' metaflows, and what its recordings become. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Call } from '../call/call.ts';
import type { MetaflowsDocument } from '../control/metaflow-document.ts';
import type { AppError } from '../core/errors.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import type { PlannedCall } from '../ingest/plan.ts';
import type { Recorder } from '../record/recorder.ts';
import type { OpenJournal } from '../spool/journal.ts';
import type { Foreseen } from '../spool/journal-record.ts';
import { CallControl } from './call-control.ts';

export type LiveCallOptions = {
  readonly journals: string;
  /** Whose metaflows drive the call; none: it is recorded from its first frame to its last. */
  readonly metaflows: Partial<Record<Leg, MetaflowsDocument>> | undefined;
  /** What codes may ask for; default: whatever they hold. */
  readonly obeys?: (action: RecordAction) => boolean;
  /** Fields of every recording; they go before a code's own. */
  readonly fields: RecordCallFields;
  /** By position in the call's first recording, ms; they need what a rehearsal has foreseen. */
  readonly masks: readonly { readonly startMs: number; readonly endMs: number }[];
  readonly foreseen?: readonly Foreseen[];
  /** Default: files in `journals`. */
  readonly openJournal?: OpenJournal;
  readonly redactTones: boolean;
  readonly onUnwatched?: (codec: string) => void;
  readonly onClosed?: (recorder: Recorder, failure: AppError | undefined) => void;
  readonly onFailure?: (error: AppError) => void;
  readonly onNotRun?: (module: string) => void;
};

export class LiveCall {
  readonly planned: PlannedCall;
  readonly call: Call;
  readonly control: CallControl;
  #answered = false;

  /** @param startUs when its first packet came, on the clock of the replay. */
  constructor(planned: PlannedCall, startUs: number, options: LiveCallOptions) {
    const { fields, masks, foreseen, openJournal } = options;
    this.planned = planned;
    const { from, to } = planned;
    this.call = new Call({
      identity: {
        callId: planned.callId,
        parties: {
          from: from.address,
          to: to.address,
          callerIdName: from.name,
          callerIdNumber: from.number,
          calleeIdName: to.name,
          calleeIdNumber: to.number,
        },
      },
      startUs,
      journalPath: (id) => join(options.journals, `${id}.journal`),
      ...(foreseen === undefined ? {} : { foreseen }),
      ...(openJournal === undefined ? {} : { openJournal }),
      random: randomBytes,
      redactTones: options.redactTones,
      listener: {
        onDigit: (leg, digit, atUs) => this.control.digit(leg, digit, atUs),
        ...(options.onClosed === undefined ? {} : { onClosed: options.onClosed }),
        ...(options.onUnwatched === undefined ? {} : { onUnwatched: options.onUnwatched }),
        onMaskOverdue: (expiry, atUs, recorder) => this.control.maskOverdue(expiry, atUs, recorder),
      },
    });
    this.control = new CallControl(this.call, options.metaflows ?? {}, {
      ...(options.obeys === undefined ? {} : { obeys: options.obeys }),
      ...(options.onFailure === undefined ? {} : { onFailure: options.onFailure }),
      ...(options.onNotRun === undefined ? {} : { onNotRun: options.onNotRun }),
      overriding: fields,
    });
    this.call.maskPositions(masks);
    if (options.metaflows === undefined) this.call.recordFromFirstFrame(fields, 'replay');
  }

  /** Brings the call's clock, and what has timed out on the way, to `atUs`. */
  async advance(atUs: number): Promise<void> {
    this.#answer(atUs);
    if (this.control.deadlineUs > atUs) return;
    this.control.advance(atUs);
    await this.control.run();
  }

  /** Whether `advance` has something to do before a packet of `atUs`. */
  isDue(atUs: number): boolean {
    return !this.#answered || this.control.deadlineUs <= atUs;
  }

  /** Without signalling a call counts as answered when it is first heard. */
  #answer(atUs: number): void {
    if (this.#answered || (this.planned.signalled && atUs < (this.planned.answeredAtUs ?? Number.POSITIVE_INFINITY)))
      return;
    this.#answered = true;
    this.call.answered();
  }
}
