/**
 * What the store keeps, as the floors above see it: plain values, and JSON already parsed. Times named `…Us` are microseconds since the
 * Unix epoch; fractions are rounded away when written. No row ever holds a key or a token, only their hashes.
 */
import type { Format } from '../core/record-call.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export type AccountRow = {
  readonly id: string;
  readonly name: string;
  readonly metaflows: JsonObject | null;
  /** Kazoo's `{account, endpoint}` (kazoo-contract §1.5). */
  readonly callRecording: JsonObject | null;
  /** Where its events go besides; null: nowhere. */
  readonly webhookUrl: string | null;
  /** What they are signed with, sealed by whoever wrote it. */
  readonly webhookSecret: string | null;
  /** The keys of its voice servers' streams, sealed by whoever wrote them; null: none. */
  readonly streamKeys: string | null;
  /** Properties that mean nothing to us, kept because Kazoo keeps them. */
  readonly extra: JsonObject;
  readonly createdUs: number;
};

export type PersonKind = 'user' | 'device';

export type PersonRow = {
  readonly accountId: string;
  /** Unique among the account's users, or among its devices. */
  readonly id: string;
  readonly kind: PersonKind;
  /** Empty when none was given. */
  readonly name: string;
  /** A device's user, who need not exist; null for users. */
  readonly ownerId: string | null;
  readonly metaflows: JsonObject | null;
  /** Kazoo's `{any, inbound, outbound}`. */
  readonly callRecording: JsonObject | null;
  readonly extra: JsonObject;
  readonly createdUs: number;
};

export type KeyRow = {
  readonly id: string;
  readonly accountId: string;
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string;
  readonly isAdmin: boolean;
  readonly createdUs: number;
};

export type TokenRow = {
  /** SHA-256 of the token, lower-case hex. */
  readonly hash: string;
  /** Removing the key removes its tokens. */
  readonly keyId: string;
  readonly accountId: string;
  readonly isAdmin: boolean;
  readonly expiresUs: number;
};

/** design §2; the first three are on their way to one of the others. */
export type RecordingState =
  | 'recording'
  | 'finalizing'
  | 'delivering'
  | 'delivered'
  | 'stored'
  | 'discarded'
  | 'failed';

export type RecordingRow = {
  readonly id: string;
  readonly accountId: string;
  readonly callId: string;
  /** The user whose recording it is; null when it is the account's or nobody's. */
  readonly ownerId: string | null;
  readonly state: RecordingState;
  readonly startUs: number;
  /** Kazoo's time of the document, in Gregorian seconds: what lists are ordered by. */
  readonly createdGregorian: number;
  readonly mediaName: string;
  readonly format: Format;
  readonly durationMs: number;
  /** Null until it is known. */
  readonly sampleRate: number | null;
  readonly channels: 1 | 2;
  readonly artefactPath: string | null;
  readonly manifestPath: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly journalPath: string | null;
  readonly origin: string;
  readonly url: string | null;
  readonly method: 'put' | 'post';
  /** Kazoo's public fields (kazoo-contract §3.5). */
  readonly document: JsonObject;
  readonly masks: readonly JsonObject[];
  readonly error: { readonly code: string; readonly message: string } | null;
};

/** What may change of a recording. */
export type RecordingPatch = Partial<Omit<RecordingRow, 'id' | 'accountId'>>;

/** One recording on its way to its target. */
export type DeliveryRow = {
  readonly recordingId: string;
  readonly accountId: string;
  /** What it shares its concurrency and its circuit with: never more of a URL than its origin. Empty in rows of an earlier version. */
  readonly target: string;
  readonly state: 'waiting' | 'done' | 'failed';
  readonly tries: number;
  /** When it is to be tried next. */
  readonly nextUs: number;
  /** When it is given up. */
  readonly deadlineUs: number;
  /** The HTTP status of the last try that had an answer. */
  readonly lastStatus: number | null;
  readonly lastError: string | null;
};

/** One event on its way to its account's webhook. */
export type WebhookRow = {
  readonly accountId: string;
  /** The event's, unique within its account. */
  readonly id: string;
  /** When it happened; no two of an account at once, so that they have an order. */
  readonly createdUs: number;
  /** The event as JSON: what is sent, byte for byte. */
  readonly body: string;
  readonly state: 'waiting' | 'failed';
  readonly tries: number;
  readonly nextUs: number;
  readonly deadlineUs: number;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
};

/** What an agenda is made from. */
export type WebhookHead = Pick<WebhookRow, 'accountId' | 'id' | 'createdUs' | 'nextUs' | 'deadlineUs'>;

export type AuditEntry = {
  readonly accountId: string;
  readonly atUs: number;
  /** Who: `api:` and a key's id, `dtmf:` and a leg, `policy:` and its name. */
  readonly actor: string;
  readonly action: string;
  /** What it was done to: a kind and an id. */
  readonly subject: string;
  readonly data: JsonObject;
};

/** Where a chain ends: its last entry. Each account's entries are numbered from 1 in the order they were written. */
export type ChainEnd = { readonly entry: number; readonly hash: string };

/** An entry as it is chained (`audit-chain.ts`); hashes are SHA-256, lower-case hex. */
export type AuditRow = AuditEntry & ChainEnd & { readonly previous: string };

/** A key that manifests were signed with. */
export type SigningKeyRow = {
  readonly keyId: string;
  /** Base64 of the raw public key. */
  readonly publicKey: string;
  /** When it came into use. */
  readonly firstUs: number;
};

/** The last entry that was written for an account, kept apart from it: an end that is cut off shows. */
export type AuditHeadRow = ChainEnd & { readonly accountId: string };
