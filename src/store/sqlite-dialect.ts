/** kysely's SQLite dialect with transactions that take the write lock at once, and whose failures are the ones that are told. */
import { type DatabaseConnection, type Driver, SqliteDialect, type SqliteDialectConfig, SqliteDriver } from 'kysely';
import { beginWriting, rollBack } from './write-transaction.ts';

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
  override beginTransaction(connection: DatabaseConnection): Promise<void> {
    return beginWriting(connection);
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    await rollBack(connection);
  }
}
