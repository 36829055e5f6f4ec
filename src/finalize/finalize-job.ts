/** What a finalizer is told, and what it answers. */
import type { KeyObject } from 'node:crypto';
import type { SealKey } from '../spool/seal/seal-key.ts';
import type { EncoderChoice } from './encoder-choice.ts';
import type { AuditMark, Manifest } from './manifest.ts';

export type FinalizeJob = {
  readonly journalPath: string;
  /** What the journal is sealed under, if it is. */
  readonly journalKey?: SealKey;
  /** Folder of the artefact and the manifest; it exists. */
  readonly directory: string;
  /** What the recording is called in its manifest. */
  readonly mediaName: string;
  /** File name of the artefact where that is another; the manifest's is this with `.json` behind it. An older file of that name is replaced. */
  readonly fileName?: string;
  readonly encoder: EncoderChoice;
  /** Seals the artefact; it stays plain without. What the manifest says of it is of its content either way. */
  readonly artefactKey?: SealKey;
  /** Makes an artefact of what there is, however short: it is known not to be all. */
  readonly keepShort?: boolean;
  /** Ed25519, private: signs the manifest; it stays unsigned without. */
  readonly signingKey?: KeyObject;
  /** Where the account's audit stands. */
  readonly audit?: AuditMark | null;
};

/** What is known of it while the call still runs. */
export type FollowJob = Pick<FinalizeJob, 'journalPath' | 'journalKey' | 'directory' | 'encoder' | 'artefactKey'>;

export type FinalizeResult =
  | { readonly state: 'stored'; readonly path: string; readonly manifestPath: string; readonly manifest: Manifest }
  /** Shorter than `record_min_sec`: there is no artefact. */
  | { readonly state: 'discarded'; readonly durationMs: number; readonly minSeconds: number };
