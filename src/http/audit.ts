/**
 * The audit of an account: what was done to it and its calls, by whom, when. Routes note what they have done and tell what was kept;
 * `app/` keeps it. Never holds digits, keys, tokens, audio, what is in a document, or more of a URL than its host: whoever notes sees to it.
 */
import type { Trigger } from '../spool/journal-record.ts';
import type { JsonObject } from '../store/rows.ts';

export const AUDIT_ACTIONS = [
  'account.create',
  'account.replace',
  'account.change',
  'account.remove',
  'user.create',
  'user.replace',
  'user.change',
  'user.remove',
  'device.create',
  'device.replace',
  'device.change',
  'device.remove',
  'metaflows.replace',
  'metaflows.remove',
  /** A token for a key; requests without a valid one, counted. */
  'key.exchange',
  'key.refuse',
  'call.announce',
  'call.answer',
  'call.bridge',
  'call.media',
  'call.end',
  /** A media server's stream was announced, has joined the call, has left it. */
  'stream.announce',
  'stream.open',
  'stream.close',
  /** What codes, the API and policies ask of a running call; `data` says what came of it. */
  'recording.start',
  'recording.stop',
  'recording.toggle',
  'recording.mask',
  'recording.unmask',
  'recording.remove',
  'recording.deliver',
  'webhook.deliver',
  'webhook.drop',
  /** Its audio was asked for and sent. */
  'recording.fetch',
  'replay.begin',
  /** Manifests are signed with another key from now on. */
  'signing_key.begin',
  /** So many entries could not be kept. */
  'audit.gap',
  /** Of the chain itself: entries up to `through` were removed for their age, or are older than it; it does not hold at `entry`. */
  'audit.prune',
  'audit.chain',
  'audit.broken',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export type AuditNote = {
  readonly accountId: string;
  /** A key by its id, the leg whose code it was, or a policy by its name. */
  readonly by: Trigger;
  readonly action: AuditAction;
  /** What it was done to, as a path would name it: `user/bob`, `call/c1`. */
  readonly subject: string;
  readonly data?: JsonObject;
  /** When, µs since the Unix epoch; now unless said. */
  readonly atUs?: number;
};

export type AuditDocument = {
  /** Its number among the account's. */
  readonly entry: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly by: Trigger;
  readonly action: string;
  readonly subject: string;
  readonly data: JsonObject;
  /** Over all of it and the hash of the one before: the export has what it takes to check it. */
  readonly hash: string;
};

export type AuditPage = {
  readonly entries: readonly AuditDocument[];
  readonly startKey: string;
  readonly nextStartKey: string | undefined;
};

export interface AuditService {
  /** Returns at once and never throws: what is noted is written behind whoever notes it, in order. */
  note(note: AuditNote): void;
  /** A request without a valid key or token. @param accountId in whose path it was, whether there is such an account or not */
  refused(accountId: string | undefined): void;
  /** Newest first; what was noted before is in it. @throws STORE_FAILED, FIELDS_INVALID for a start key that is none */
  page(
    accountId: string,
    query: { readonly pageSize: number; readonly startKey: string | undefined },
  ): Promise<AuditPage>;
  /**
   * The whole chain as lines of JSON: its signed head, then every entry, oldest first; what was noted before is in it.
   * @throws STORE_FAILED; so may the lines
   */
  export(accountId: string): Promise<AsyncIterable<string>>;
}
