/**
 * The database: accounts, people, keys, tokens, recordings, deliveries, webhooks, audit, in one SQLite file. Every query goes through kysely, so that
 * PostgreSQL can serve the same ones. SQLite answers at once; the promises are for what comes after it.
 */
import { CamelCasePlugin, Kysely } from 'kysely';
import { type Clock, systemClock } from '../core/clock.ts';
import { AccountTable } from './account-table.ts';
import { AuditTable } from './audit-table.ts';
import { DeliveryTable } from './delivery-table.ts';
import { KeyTable } from './key-table.ts';
import { migrate } from './migrations.ts';
import { PeopleTable } from './people-table.ts';
import { RecordingTable } from './recording-table.ts';
import type { Queries, Tables } from './schema.ts';
import { SigningKeyTable } from './signing-key-table.ts';
import { findSqlite, type SqliteBinding } from './sqlite-binding.ts';
import { WritingSqliteDialect } from './sqlite-dialect.ts';
import { openSqliteFile } from './sqlite-file.ts';
import { ThreadedDatabase, ThreadedDialect } from './threaded-database.ts';
import { TokenTable } from './token-table.ts';
import { WebhookTable } from './webhook-table.ts';

/** The tables, of the database or within a transaction. */
export class StoreTables {
  readonly accounts: AccountTable;
  readonly people: PeopleTable;
  readonly keys: KeyTable;
  readonly tokens: TokenTable;
  readonly recordings: RecordingTable;
  readonly deliveries: DeliveryTable;
  readonly webhooks: WebhookTable;
  readonly audit: AuditTable;
  readonly signingKeys: SigningKeyTable;

  constructor(queries: Queries) {
    this.accounts = new AccountTable(queries);
    this.people = new PeopleTable(queries);
    this.keys = new KeyTable(queries);
    this.tokens = new TokenTable(queries);
    this.recordings = new RecordingTable(queries);
    this.deliveries = new DeliveryTable(queries);
    this.webhooks = new WebhookTable(queries);
    this.audit = new AuditTable(queries);
    this.signingKeys = new SigningKeyTable(queries);
  }
}

export class Store extends StoreTables {
  readonly #queries: Queries;
  readonly #database: { close(): void | Promise<void> };
  #closing: Promise<void> | undefined;

  private constructor(queries: Queries, database: { close(): void | Promise<void> }) {
    super(queries);
    this.#queries = queries;
    this.#database = database;
  }

  /**
   * Opens the file, made with mode 0600 when it is missing, and brings its tables up to date. Its folder must be there.
   * @throws STORE_MISSING when this Node.js has no SQLite; STORE_FAILED when the file can't be used, saying why
   */
  static async open(path: string, options: { clock?: Clock; binding?: SqliteBinding } = {}): Promise<Store> {
    const { clock = systemClock, binding = await findSqlite() } = options;
    const database = await openSqliteFile(path, binding, (opened, what) => migrate(opened, clock.now(), what));
    const dialect = new WritingSqliteDialect({ database });
    return new Store(new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] }), database);
  }

  /** The same on a thread of its own: commits wait for the disk, and nobody here for them. @throws as `open` */
  static async openThreaded(path: string, clock: Clock = systemClock): Promise<Store> {
    const database = await ThreadedDatabase.open({ path, nowUs: clock.now() });
    const dialect = new ThreadedDialect(database);
    return new Store(new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] }), database);
  }

  /**
   * All of what `work` does, or none of it when it throws. Everyone else waits: `work` uses the tables it is given, and nothing slow.
   * Using this store's own tables in it would wait for ever.
   */
  atomically<T>(work: (tables: StoreTables) => Promise<T>): Promise<T> {
    return this.#queries.transaction().execute((transaction) => work(new StoreTables(transaction)));
  }

  /** After what is under way. Whatever is asked for later fails with STORE_FAILED. */
  close(): Promise<void> {
    this.#closing ??= this.#queries.connection().execute(async () => this.#database.close());
    return this.#closing;
  }
}
