/** The tables as they are stored. What kysely checks queries by. */
import type { Generated, Kysely } from 'kysely';
import type { Stored } from './row-codec.ts';
import type { AccountRow, AuditRow, DeliveryRow, KeyRow, PersonRow, RecordingRow, TokenRow } from './rows.ts';

/** Names in camel case; kysely's `CamelCasePlugin` makes them `api_keys`, `account_id`. */
export type Tables = {
  accounts: Stored<AccountRow>;
  people: Stored<PersonRow>;
  apiKeys: Stored<KeyRow>;
  tokens: Stored<TokenRow>;
  recordings: Stored<RecordingRow>;
  deliveries: Stored<DeliveryRow>;
  audit: Omit<Stored<AuditRow>, 'id'> & { id: Generated<number> };
};

/** The database, or a transaction of it. */
export type Queries = Kysely<Tables>;
