/** What a command does and answers (design §4 rule 6, §6.7 "Answers to actions"). */
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import type { Trigger } from '../spool/journal-record.ts';

export type Command = {
  readonly action: RecordAction;
  readonly fields: RecordCallFields;
  readonly trigger: Trigger;
  /** Of a mask: since when it holds, where its trigger says so; what was let go before stays gone. µs. */
  readonly fromUs?: number;
  /** When it was asked for; now, unless given. What was asked before the last mask takes nothing of it back. µs. */
  readonly askedUs?: number;
};

export type ActionResult = {
  /** What was done: `toggle` answers the action it came to. */
  readonly action: RecordAction;
  /** False for a repeat, and when there was nothing to act on. */
  readonly changed: boolean;
  /** Whether the call is masked now. */
  readonly masked: boolean;
  /** The recordings it touched; empty when nothing was recording, and then a mask is still remembered. */
  readonly recordings: readonly RecordingStatus[];
};

export type RecordingStatus = {
  readonly id: string;
  readonly state: 'recording' | 'finalizing';
  readonly masked: boolean;
  /** The effective position, ms from the recording's start on the call's clock. */
  readonly position_ms: number;
};
