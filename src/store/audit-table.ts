/** Who did what, in the order it was done. Never holds digits, keys or audio: whoever appends sees to that. */
import { RowCodec } from './row-codec.ts';
import type { AuditEntry, AuditRow } from './rows.ts';
import type { Queries } from './schema.ts';

const ENTRY_COLUMNS = {
  accountId: 'plain',
  atUs: 'whole',
  actor: 'plain',
  action: 'plain',
  subject: 'plain',
  data: 'json',
} as const;

const ENTRY = new RowCodec<AuditEntry>(ENTRY_COLUMNS);
const ROW = new RowCodec<AuditRow>({ id: 'plain', ...ENTRY_COLUMNS });

export class AuditTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** All of them or none, in this order. @param entries a few hundred at most */
  async append(...entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#queries
      .insertInto('audit')
      .values(entries.map((entry) => ENTRY.stored(entry)))
      .execute();
  }

  /** Newest first. @param options.before only what came before the entry of that id */
  async page(accountId: string, options: { readonly limit: number; readonly before?: number }): Promise<AuditRow[]> {
    const all = this.#queries.selectFrom('audit').selectAll().where('accountId', '=', accountId);
    const wanted = options.before === undefined ? all : all.where('id', '<', options.before);
    const stored = await wanted.orderBy('id', 'desc').limit(options.limit).execute();
    return stored.map((entry) => ROW.row(entry));
  }

  /** @returns how many there were */
  async removeBefore(atUs: number): Promise<number> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('audit')
      .where('atUs', '<', Math.round(atUs))
      .executeTakeFirst();
    return Number(numDeletedRows);
  }
}
