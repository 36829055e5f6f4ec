/**
 * Checks an audit that was exported (`GET …/audit?format=jsonl`): its head's signature, its chain, and whether the entry that a manifest names
 * is in it. Reads it once, a line at a time.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { AppError, systemCode } from '../core/errors.ts';
import { repeatsNames } from '../core/json-text.ts';
import type { ChainedEntry } from '../store/audit-chain.ts';
import { ChainCheck } from '../store/chain-check.ts';
import { type Check, failed, passed, unproven } from './check.ts';
import type { AuditMark } from './manifest.ts';
import { signatureCheck } from './signature-check.ts';

type Head = { readonly account_id: string; readonly first: number; readonly last: number; readonly hash: string };

/** What is known of the entry that a manifest names. */
type Sought = { readonly mark: unknown; found: string | undefined; beforeFirst: string | undefined };

/**
 * @param trusted as for `signatureCheck`.
 * @param manifest whose entry is looked for; none: undefined.
 * @throws INPUT_MISSING; ARTEFACT_UNREADABLE when its first line is no head
 */
export const auditChecks = async (
  path: string,
  trusted: readonly string[],
  manifest?: { readonly audit?: unknown },
): Promise<Check[]> => {
  const file = await openAudit(path);
  try {
    const lines = file.readLines()[Symbol.asyncIterator]();
    const head = headIn((await nextLine(lines, path)) ?? '');
    if (head === undefined)
      throw new AppError('ARTEFACT_UNREADABLE', `${path} is no audit as GET …/audit?format=jsonl gives it`);
    const sought: Sought = { mark: manifest?.audit, found: undefined, beforeFirst: undefined };
    const chain = await chainCheck(head, sought, () => nextLine(lines, path));
    const signature = signatureCheck('audit head', head, trusted);
    return [
      // The service signs them all: one that is not was made by somebody else.
      signature.unproven === true ? failed(signature.name, signature.detail) : signature,
      chain,
      ...(manifest === undefined ? [] : [entryCheck(head, sought)]),
    ];
  } finally {
    await file.close();
  }
};

const openAudit = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
};

const unreadable = (path: string, cause: unknown): AppError =>
  new AppError('INPUT_MISSING', `can't read the audit ${path} (${systemCode(cause) ?? 'unknown'})`, { cause });

const nextLine = async (lines: AsyncIterator<string>, path: string): Promise<string | undefined> => {
  try {
    const { done, value } = await lines.next();
    return done === true ? undefined : value;
  } catch (cause) {
    throw unreadable(path, cause);
  }
};

const chainCheck = async (head: Head, sought: Sought, next: () => Promise<string | undefined>): Promise<Check> => {
  const check = new ChainCheck(head.account_id);
  let entries = 0;
  const noEntries: number[] = [];
  for (let line = await next(), number = 2; line !== undefined; line = await next(), number++) {
    const entry = entryIn(line);
    if (entry === undefined) noEntries.push(number);
    else {
      if (entries === 0) sought.beforeFirst = entry.previous;
      if (isMark(sought.mark) && entry.entry === sought.mark.entry) sought.found = entry.hash;
      check.take(entry);
      entries++;
    }
  }
  check.finish({ entry: head.last, hash: head.hash }, head.first);
  const faults = noEntries.length + check.faultCount;
  const first = check.faults[0]?.why ?? `line ${noEntries[0]} is no entry`;
  if (faults > 0) return failed('audit chain', `${first}${faults === 1 ? '' : `; and ${faults - 1} more`}`);
  return passed(
    'audit chain',
    entries === 0 ? 'no entries' : `entries ${head.first} to ${head.last}, none missing or changed`,
  );
};

const NAME = 'audit entry';

/** Whether the chain is the one that the manifest was made beside. */
const entryCheck = (head: Head, { mark, found, beforeFirst }: Sought): Check => {
  if (mark === undefined || mark === null) return unproven(NAME, 'the manifest names none');
  if (!isMark(mark)) return failed(NAME, 'what the manifest names is none');
  const { entry, hash } = mark;
  if (mark.account_id !== head.account_id) return failed(NAME, 'the manifest is of another account');
  if (entry > head.last) return failed(NAME, `the manifest names entry ${entry}, and the audit ends with ${head.last}`);
  // Of the one before the first its hash is known yet.
  const there = entry === head.first - 1 ? beforeFirst : found;
  if (there === undefined && entry < head.first)
    return unproven(NAME, `entry ${entry} is older than the audit that is kept, which begins with ${head.first}`);
  if (there === undefined) return failed(NAME, `entry ${entry}, which the manifest names, is missing`);
  return there === hash
    ? passed(NAME, `entry ${entry} is the one that the manifest names`)
    : failed(NAME, `entry ${entry} is another than the manifest names`);
};

const parsed = (line: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(line);
    const isOne = typeof value === 'object' && value !== null && !Array.isArray(value) && !repeatsNames(line, value);
    return isOne ? value : undefined;
  } catch {
    return undefined;
  }
};

const isText = (...values: unknown[]): boolean => values.every((value) => typeof value === 'string');
const isCount = (...values: unknown[]): boolean =>
  values.every((value) => Number.isSafeInteger(value) && (value as number) >= 0);

const headIn = (line: string): Head | undefined => {
  const head = parsed(line) as Partial<Head> | undefined;
  const isHead = isText(head?.account_id, head?.hash) && isCount(head?.first, head?.last);
  return isHead ? (head as Head) : undefined;
};

const entryIn = (line: string): ChainedEntry | undefined => {
  const entry = parsed(line) as Partial<ChainedEntry> | undefined;
  const { data } = entry ?? {};
  const isEntry =
    isText(entry?.account_id, entry?.action, entry?.previous, entry?.hash) &&
    isCount(entry?.entry) &&
    typeof data === 'object' &&
    data !== null;
  return isEntry ? (entry as ChainedEntry) : undefined;
};

const isMark = (value: unknown): value is AuditMark => {
  const mark = value as Partial<AuditMark> | null | undefined;
  return typeof value === 'object' && isText(mark?.account_id, mark?.hash) && isCount(mark?.entry);
};
