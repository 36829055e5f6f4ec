/**
 * A whole audit as lines of JSON, for whoever keeps it elsewhere or checks it (`record-call verify --audit`): first the head, which says from
 * where to where it goes and is signed, then each entry, oldest first. Read a page at a time, as fast as it is taken.
 */
import type { KeyObject } from 'node:crypto';
import { AppError } from '../../core/errors.ts';
import { type Signature, signed } from '../../finalize/signature.ts';
import { CHAIN_BEGIN, chainedEntry } from '../../store/audit-chain.ts';
import type { AuditTable } from '../../store/audit-table.ts';
import type { ChainEnd } from '../../store/rows.ts';

const PAGE = 200;

export type AuditHead = {
  readonly account_id: string;
  /** Number of the first entry that is kept. */
  readonly first: number;
  /** The last that was written, and its hash; 0 when there is none. */
  readonly last: number;
  readonly hash: string;
  /** When this was said: ISO 8601, UTC. */
  readonly at: string;
  readonly signature: Signature | null;
};

export type ExportOptions = {
  readonly audit: Pick<AuditTable, 'chain' | 'end'>;
  readonly accountId: string;
  readonly nowUs: number;
  /** Ed25519, private; the head is not signed without. */
  readonly signingKey: KeyObject | undefined;
};

/** @returns the lines, each with its line feed, the head first. @throws STORE_FAILED; so may the lines */
export const exportChain = async (options: ExportOptions): Promise<AsyncIterable<string>> => {
  const { audit, accountId, nowUs, signingKey } = options;
  const end = (await audit.end(accountId)) ?? CHAIN_BEGIN;
  const first = await firstOf(options, end);
  const said = {
    account_id: accountId,
    first,
    last: end.entry,
    hash: end.hash,
    at: new Date(nowUs / 1000).toISOString(),
  };
  const head: AuditHead = signingKey === undefined ? { ...said, signature: null } : signed(said, signingKey);
  return lines(options, head);
};

async function* lines(options: ExportOptions, head: AuditHead): AsyncGenerator<string> {
  yield `${JSON.stringify(head)}\n`;
  for (let after = head.first - 1; after < head.last; ) {
    const rows = await options.audit.chain(options.accountId, { after, limit: PAGE });
    if (rows.length === 0) return;
    await judgeGap(options, after, rows[0]!.entry);
    const text = rows.filter(({ entry }) => entry <= head.last).map((row) => `${JSON.stringify(chainedEntry(row))}\n`);
    if (text.length > 0) yield text.join('');
    after = rows.at(-1)!.entry;
  }
}

/** What is missing is told as it is; but not what was removed for its age while this was read. */
const judgeGap = async (options: ExportOptions, after: number, next: number): Promise<void> => {
  if (next === after + 1) return;
  if ((await firstOf(options, CHAIN_BEGIN)) === next)
    throw new AppError('STORE_FAILED', 'entries were removed for their age while they were read: ask again');
};

const firstOf = async ({ audit, accountId }: ExportOptions, end: ChainEnd): Promise<number> => {
  const [first] = await audit.chain(accountId, { after: 0, limit: 1 });
  return first?.entry ?? end.entry + 1;
};
