/** Recordings on their way to their targets: one row each, which survives a restart (design §6.6). Removing the recording removes it. */
import { RowCodec } from './row-codec.ts';
import type { DeliveryRow } from './rows.ts';
import type { Queries } from './schema.ts';

const CODEC = new RowCodec<DeliveryRow>({
  recordingId: 'plain',
  accountId: 'plain',
  target: 'plain',
  state: 'plain',
  tries: 'whole',
  nextUs: 'whole',
  deadlineUs: 'whole',
  lastStatus: 'plain',
  lastError: 'plain',
});

export class DeliveryTable {
  readonly #queries: Queries;

  constructor(queries: Queries) {
    this.#queries = queries;
  }

  /** Makes it or replaces it. @throws CONFLICT when its recording is gone */
  async put(row: DeliveryRow): Promise<void> {
    const { recordingId, ...rest } = CODEC.stored(row);
    await this.#queries
      .insertInto('deliveries')
      .values({ recordingId, ...rest })
      .onConflict((conflict) => conflict.column('recordingId').doUpdateSet(rest))
      .execute();
  }

  async get(recordingId: string): Promise<DeliveryRow | undefined> {
    const stored = await this.#queries
      .selectFrom('deliveries')
      .selectAll()
      .where('recordingId', '=', recordingId)
      .executeTakeFirst();
    return stored && CODEC.row(stored);
  }

  /** The waiting ones whose time has come, the longest due first. @param except targets whose are left out */
  async due(nowUs: number, limit: number, except: readonly string[] = []): Promise<DeliveryRow[]> {
    const all = this.#queries
      .selectFrom('deliveries')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('nextUs', '<=', Math.floor(nowUs));
    const wanted = except.length === 0 ? all : all.where('target', 'not in', except);
    const stored = await wanted.orderBy('nextUs').orderBy('recordingId').limit(limit).execute();
    return stored.map((delivery) => CODEC.row(delivery));
  }

  /** How many wait, and when the first of them is due. */
  async waiting(): Promise<{ readonly count: number; readonly nextUs: number | undefined }> {
    const { count, nextUs } = await this.#queries
      .selectFrom('deliveries')
      .select(({ fn }) => [fn.countAll().as('count'), fn.min('nextUs').as('nextUs')])
      .where('state', '=', 'waiting')
      .executeTakeFirstOrThrow();
    return { count: Number(count), nextUs: nextUs === null ? undefined : Number(nextUs) };
  }

  /** @returns false when there was none */
  async remove(recordingId: string): Promise<boolean> {
    const { numDeletedRows } = await this.#queries
      .deleteFrom('deliveries')
      .where('recordingId', '=', recordingId)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
