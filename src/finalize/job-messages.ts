/** What the pool and its workers tell each other. */
import type { ErrorCode } from '../core/errors.ts';
import type { FinalizeJob, FinalizeResult } from './finalize-recording.ts';

export type ToWorker = { readonly job: FinalizeJob };

export type FromWorker =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'done'; readonly result: FinalizeResult }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };
