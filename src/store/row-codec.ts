/** Rows as columns and back: JSON is text in the database, truth is 0 or 1, a time is a whole number. */
import { AppError } from '../core/errors.ts';
import type { JsonObject } from './rows.ts';

/** A column's type for what a row has: null stays null. */
type Column<T> = T extends null
  ? null
  : T extends boolean
    ? number
    : T extends JsonObject | readonly unknown[]
      ? string
      : T;

export type Stored<Row> = { [Name in keyof Row]: Column<Row[Name]> };

/** `whole`: rounded, because a strict integer column takes nothing else. Null passes through each of them. */
export type ColumnKind = 'plain' | 'whole' | 'truth' | 'json';

/** A row's columns, all of them: whatever else an object has is not written. */
export class RowCodec<Row extends object> {
  readonly #columns: readonly (readonly [name: string, kind: ColumnKind])[];

  constructor(columns: Readonly<Record<keyof Row, ColumnKind>>) {
    this.#columns = Object.entries(columns) as [string, ColumnKind][];
  }

  stored(row: Row): Stored<Row> {
    return this.patch(row) as Stored<Row>;
  }

  /** The same for a part of a row: only the properties that are there. */
  patch(part: Partial<Row>): Partial<Stored<Row>> {
    return this.#each(part, write) as Partial<Stored<Row>>;
  }

  /** @throws STORE_FAILED for text that is no JSON, which we can't have written */
  row(stored: Stored<Row>): Row {
    return this.#each(stored, read) as Row;
  }

  #each(from: object, change: (value: unknown, kind: ColumnKind) => unknown): object {
    const values = from as Readonly<Record<string, unknown>>;
    const to: Record<string, unknown> = {};
    for (const [name, kind] of this.#columns) {
      const value = values[name];
      if (value !== undefined) to[name] = value === null ? null : change(value, kind);
    }
    return to;
  }
}

const write = (value: unknown, kind: ColumnKind): unknown => {
  switch (kind) {
    case 'plain':
      return value;
    case 'whole':
      return Math.round(value as number);
    case 'truth':
      return value ? 1 : 0;
    case 'json':
      return JSON.stringify(value);
    default:
      return kind satisfies never;
  }
};

const read = (value: unknown, kind: ColumnKind): unknown => {
  switch (kind) {
    case 'plain':
    case 'whole':
      return value;
    case 'truth':
      return value === 1;
    case 'json':
      return parsed(value as string);
    default:
      return kind satisfies never;
  }
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('STORE_FAILED', 'the database is damaged: a column holds no JSON', { cause });
  }
};
