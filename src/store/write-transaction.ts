/** How transactions begin and how failed ones end, whoever has the connection: both drivers of ours do it so. */
import { CompiledQuery, type DatabaseConnection } from 'kysely';
import type { Queries } from './schema.ts';

/** Takes the write lock at once: ours write after they have read, and with a plain `begin` another process' commit in between fails them. */
export const beginWriting = async (connection: DatabaseConnection): Promise<void> => {
  await connection.executeQuery(CompiledQuery.raw('begin immediate'));
};

/** Never throws: what led here is the failure that is told. @returns whether nothing is left open */
export const rollBack = async (connection: DatabaseConnection): Promise<boolean> => {
  try {
    await connection.executeQuery(CompiledQuery.raw('rollback'));
    return true;
  } catch (error) {
    // SQLite has done so itself, as it does when the disk is full; kysely goes on to throw what led here.
    return /no transaction is active/.test(String(error));
  }
};

/** In the transaction that is under way, or else in one of its own. */
export const inTransaction = <T>(queries: Queries, work: (queries: Queries) => Promise<T>): Promise<T> =>
  queries.isTransaction ? work(queries) : queries.transaction().execute(work);
