/**
 * An account's audit as a chain: each entry has the next number and names the hash of the one before, so that one that is removed,
 * changed, moved or put in between shows. What was removed because its time was up, an entry `audit.prune` of the chain itself says. A chain
 * can be made anew from its beginning by whoever may write it: that shows where one of its hashes is kept elsewhere, as manifests keep them.
 * Pure.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import type { AuditEntry, AuditRow, ChainEnd, JsonObject } from './rows.ts';

/** Entries up to a number were removed: `data` has `through` and the `hash` of that one. */
export const PRUNED = 'audit.prune';
/** Entries up to `data.through` are older than the chain and were chained afterwards. */
export const CHAINED = 'audit.chain';
/** The chain does not hold; `data.entry` says where. */
export const BROKEN = 'audit.broken';

/** What the first entry of all has as its `previous`. */
export const CHAIN_BEGIN: ChainEnd = { entry: 0, hash: '0'.repeat(64) };

/** An entry as it is hashed, exported and checked. `hash` is the SHA-256 of the rest of it in canonical form (RFC 8785). */
export type ChainedEntry = {
  readonly account_id: string;
  readonly entry: number;
  /** ISO 8601, UTC, to the microsecond. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly data: JsonObject;
  readonly previous: string;
  readonly hash: string;
};

export const chainedEntry = ({ accountId, atUs, hash, ...row }: AuditRow): ChainedEntry => {
  const { entry, actor, action, subject, data, previous } = row;
  return { account_id: accountId, entry, at: isoTime(atUs), actor, action, subject, data, previous, hash };
};

/** @throws TypeError, RangeError for data that no JSON is or that are nested too deep */
export const hashOf = (entry: Omit<ChainedEntry, 'hash'>): string => {
  const { hash: _, ...content } = entry as ChainedEntry;
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
};

/** An entry's data from its column. What is no JSON is told as it stands: no check shall fail over it, and none will take it for whole. */
export const auditDataIn = (text: string): JsonObject => {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return { damaged: text };
  }
};

/** The entry that comes behind `end`. */
export const chained = (entry: AuditEntry, end: ChainEnd): AuditRow => {
  const row = {
    ...entry,
    atUs: Math.round(entry.atUs),
    // As it will be read back: what is hashed has to be what is stored.
    data: JSON.parse(JSON.stringify(entry.data)) as JsonObject,
    entry: end.entry + 1,
    previous: end.hash,
    hash: '',
  };
  return { ...row, hash: hashOf(chainedEntry(row)) };
};

/** `2026-01-15T09:30:00.000001Z`; a time that no calendar has, which only a damaged row has, as its number. */
const isoTime = (us: number): string => {
  const ms = Math.floor(us / 1000);
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(us);
  return `${date.toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, '0')}Z`;
};
