/** What a replay is to do, and whom it tells. Types only. */
import type { KeyObject } from 'node:crypto';
import type { MetaflowsDocument } from '../control/metaflow-document.ts';
import type { Clock } from '../core/clock.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import type { TryReport } from '../deliver/delivery.ts';
import type { EncoderChoice } from '../finalize/encoder-choice.ts';
import type { CapturePlan } from '../ingest/plan.ts';
import type { RecordingDocument } from './recording-document.ts';

export type ReplayOptions = {
  readonly captures: readonly string[];
  readonly metaflows: MetaflowsDocument | undefined;
  /** Whose the metaflows are; both parties', as an account's are, when undefined. */
  readonly holder: Leg | undefined;
  readonly fields: RecordCallFields;
  /** By position in each call's first recording. */
  readonly masks: readonly { readonly startMs: number; readonly endMs: number }[];
  /** Withhold audible key tones outside masks too (rule 10). */
  readonly redactTones: boolean;
  readonly directory: string;
  /** The operator's own target; goes before any `url` field. */
  readonly url: string | undefined;
  readonly allow: AllowList;
  /** Times real time; infinite: as fast as it goes. */
  readonly speed: number;
  readonly encoder: EncoderChoice;
  /** Ed25519, private: signs the manifests. */
  readonly signingKey?: KeyObject;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal?: AbortSignal;
  readonly listener?: ReplayListener;
};

export type ReplayListener = {
  /** Reading `capture`, pass 1 or 2. */
  onReading?(capture: string, pass: 1 | 2, bytes: number, total: number): void;
  onPlan?(capture: string, plan: CapturePlan): void;
  onWarning?(message: string): void;
  onFinalizing?(id: string, share: number): void;
  onTry?(id: string, report: TryReport): void;
  onRecording?(document: RecordingDocument): void;
};
