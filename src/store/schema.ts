/** The tables as they are stored. What kysely checks queries by. */
import type { Kysely } from 'kysely';
import type { Stored } from './row-codec.ts';
import type {
  AccountRow,
  AuditHeadRow,
  AuditRow,
  DeliveryRow,
  KeyRow,
  PersonRow,
  RecordingRow,
  SigningKeyRow,
  TokenRow,
  WebhookRow,
} from './rows.ts';

/** Names in camel case; kysely's `CamelCasePlugin` makes them `api_keys`, `account_id`. */
export type Tables = {
  accounts: Stored<AccountRow>;
  people: Stored<PersonRow>;
  apiKeys: Stored<KeyRow>;
  tokens: Stored<TokenRow>;
  recordings: Stored<RecordingRow>;
  deliveries: Stored<DeliveryRow>;
  webhooks: Stored<WebhookRow>;
  audit: Stored<AuditRow>;
  auditHeads: Stored<AuditHeadRow>;
  signingKeys: Stored<SigningKeyRow>;
};

/** The database, or a transaction of it. */
export type Queries = Kysely<Tables>;
