/** What the store and its thread say to each other. */

export type StoreThreadData = {
  readonly path: string;
  /** When migrations are noted as taken. */
  readonly nowUs: number;
};

/** A statement; without `sql`: close. Ids grow from 1. */
export type ToStore = { readonly id: number; readonly sql?: string; readonly parameters: readonly unknown[] };

export type StoreResult = { readonly rows: readonly unknown[]; readonly changes?: bigint; readonly insertId?: bigint };

/** Answers in the order of the questions; id 0 says that the database is open, or why it isn't. */
export type FromStore = {
  readonly id: number;
  readonly result?: StoreResult;
  readonly error?: { readonly code: string; readonly message: string };
};
