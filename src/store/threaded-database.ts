/** The database of another thread, as kysely's driver asks it: one connection, whose statements are answered in order. */
import { Worker } from 'node:worker_threads';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  SqliteDialect,
  type SqliteDialectConfig,
} from 'kysely';
import { builtUrl } from '../core/built-url.ts';
import { AppError, CATALOGUE, type ErrorCode } from '../core/errors.ts';
import type { FromStore, StoreResult, StoreThreadData } from './store-messages.ts';
import { beginWriting, rollBack } from './write-transaction.ts';

const THREAD_URL = builtUrl('store/store-thread.js');

type Waiting = { resolve(result: StoreResult): void; reject(error: AppError): void };

export class ThreadedDatabase implements DatabaseConnection {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #gone: AppError | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: FromStore) => this.#hear(message));
    worker.on('error', (error) => this.#lose(`its thread failed: ${error.message}`));
    worker.on('exit', () => this.#lose('it is closed'));
  }

  /** @throws STORE_MISSING, STORE_FAILED */
  static async open(data: StoreThreadData): Promise<ThreadedDatabase> {
    const worker = new Worker(THREAD_URL, { workerData: data });
    const database = new ThreadedDatabase(worker);
    try {
      await new Promise<unknown>((resolve, reject) => database.#waiting.set(0, { resolve, reject }));
      return database;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes, insertId } = await this.#ask(sql, parameters);
    return {
      rows: rows as R[],
      ...(changes === undefined ? {} : { numAffectedRows: changes }),
      ...(insertId === undefined ? {} : { insertId }),
    };
  }

  // biome-ignore lint/correctness/useYield: nothing here streams rows.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new AppError('INTERNAL', 'the store reads rows in pages, not as a stream');
  }

  /** After what was asked before it. Idempotent. */
  async close(): Promise<void> {
    if (this.#gone !== undefined) return;
    await this.#ask(undefined, []);
    await this.#worker.terminate();
  }

  #ask(sql: string | undefined, parameters: readonly unknown[]): Promise<StoreResult> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(this.#gone);
      const id = ++this.#last;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, sql, parameters });
    });
  }

  #hear({ id, result, error }: FromStore): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (result !== undefined) waiting?.resolve(result);
    else if (error !== undefined) waiting?.reject(new AppError(codeOf(error.code), error.message));
  }

  #lose(why: string): void {
    this.#gone ??= new AppError('STORE_FAILED', `the database can't be asked: ${why}`);
    for (const { reject } of this.#waiting.values()) reject(this.#gone);
    this.#waiting.clear();
  }
}

const codeOf = (code: string): ErrorCode => (Object.hasOwn(CATALOGUE, code) ? (code as ErrorCode) : 'STORE_FAILED');

/** kysely's SQLite dialect, whose one connection is the thread's. */
export class ThreadedDialect extends SqliteDialect {
  readonly #database: ThreadedDatabase;

  constructor(database: ThreadedDatabase) {
    // Used for nothing: the driver that would open it is ours.
    super({} as SqliteDialectConfig);
    this.#database = database;
  }

  override createDriver(): Driver {
    return new ThreadedDriver(this.#database);
  }
}

class ThreadedDriver implements Driver {
  readonly #database: ThreadedDatabase;
  /** Whoever has the connection, and whoever waits for it. */
  #turn: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;
  /** A transaction failed and could not be rolled back. */
  #isOpen = false;

  constructor(database: ThreadedDatabase) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#turn;
    let release = (): void => {};
    this.#turn = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    // What is written now must not end up in a transaction that nobody will commit.
    if (this.#isOpen) this.#isOpen = !(await rollBack(this.#database));
    if (this.#isOpen) {
      release();
      throw new AppError('STORE_FAILED', 'the database can not undo a transaction that failed');
    }
    return this.#database;
  }

  beginTransaction(connection: DatabaseConnection): Promise<void> {
    return beginWriting(connection);
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    this.#isOpen = !(await rollBack(connection));
  }

  async releaseConnection(): Promise<void> {
    this.#release?.();
  }

  async destroy(): Promise<void> {
    await this.#database.close();
  }
}
