/** kysely's SQLite dialect with transactions that take the write lock at once, and whose failures are the ones that are told. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';

export class WritingSqliteDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): Driver {
    return new WritingSqliteDriver(this.#config);
  }
}

class WritingSqliteDriver extends SqliteDriver {
  /** All of ours write after they have read; with a plain `begin` another process' commit in between fails them, however long they would wait. */
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await connection.executeQuery(CompiledQuery.raw('rollback'));
    } catch {
      // SQLite has done so itself, as it does when the disk is full; kysely goes on to throw what led here.
    }
  }
}
