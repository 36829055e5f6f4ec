/** A recording as the command line and the API tell it (design §6.1). */
import type { ErrorCode } from '../core/errors.ts';
import type { Format, MaskMode } from '../core/record-call.ts';

export type RecordingState =
  | 'recording'
  | 'finalizing'
  | 'delivering'
  | 'delivered'
  | 'stored'
  | 'discarded'
  | 'failed';

export type RecordingDocument = {
  readonly id: string;
  readonly call_id: string;
  readonly media_name: string;
  /** Null when there is no artefact: discarded, or failed before there was one. A failed delivery leaves it. */
  readonly path: string | null;
  readonly manifest: string | null;
  readonly format: Format;
  readonly sample_rate: number | null;
  readonly channels: 1 | 2;
  readonly duration_ms: number;
  readonly state: RecordingState;
  readonly masks: readonly { readonly start_ms: number; readonly end_ms: number; readonly mode: MaskMode }[];
  readonly sha256: string | null;
  readonly started_at: string;
  readonly from: string;
  readonly to: string;
  readonly delivery: { readonly tries: number; readonly status: number | null; readonly host: string } | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
};
