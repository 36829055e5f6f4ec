/** What the pool and its workers tell each other. */
import type { ErrorCode } from '../core/errors.ts';
import type { FinalizeJob, FinalizeResult, FollowJob } from './finalize-job.ts';

export type ToWorker =
  /** Goes before all that is followed. @param number of the job, in the answers to it */
  | { readonly kind: 'run'; readonly number: number; readonly job: FinalizeJob }
  /** Follow that journal until its job comes. */
  | { readonly kind: 'follow'; readonly job: FollowJob }
  /** Answered by `left`. */
  | { readonly kind: 'unfollow'; readonly journalPath: string };

/** Why a journal is followed no longer; `given up`: what it holds can only be placed when all of it is there. */
export type LeftReason = 'asked' | 'given up' | 'failed';

export type FollowError = { readonly code: ErrorCode; readonly message: string };

export type FromWorker =
  | { readonly kind: 'progress'; readonly number: number; readonly share: number }
  | { readonly kind: 'done'; readonly number: number; readonly result: FinalizeResult }
  | { readonly kind: 'failed'; readonly number: number; readonly code: ErrorCode; readonly message: string }
  /** Nothing of it is left: neither memory nor files. @param error what it met where it has failed */
  | { readonly kind: 'left'; readonly journalPath: string; readonly why: LeftReason; readonly error?: FollowError }
  /** How long ago each of them was last at the end of its journal, at most. */
  | { readonly kind: 'abreast'; readonly behindMs: number };
