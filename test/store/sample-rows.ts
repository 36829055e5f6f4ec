/** Rows to put into a store, and a store to put them into. */
import { onTestFinished } from 'vitest';
import type {
  AccountRow,
  AuditEntry,
  DeliveryRow,
  KeyRow,
  PersonRow,
  RecordingRow,
  TokenRow,
} from '../../src/store/rows.ts';
import { findSqlite } from '../../src/store/sqlite-binding.ts';
import { IN_MEMORY } from '../../src/store/sqlite-file.ts';
import { Store } from '../../src/store/store.ts';

/** Closed when the running test ends. */
export const openStore = async (
  path: string = IN_MEMORY,
  options: Parameters<typeof Store.open>[1] = {},
): Promise<Store> => {
  const store = await Store.open(path, options);
  onTestFinished(() => store.close());
  return store;
};

export const NOON_US = 1_700_000_000_000_000;

export const account = (row: Partial<AccountRow> = {}): AccountRow => ({
  id: 'a1',
  name: 'Acme',
  metaflows: null,
  callRecording: null,
  webhookUrl: null,
  webhookSecret: null,
  streamKeys: null,
  extra: {},
  createdUs: NOON_US,
  ...row,
});

export const person = (row: Partial<PersonRow> = {}): PersonRow => ({
  accountId: 'a1',
  id: 'alice',
  kind: 'user',
  name: 'Alice',
  ownerId: null,
  metaflows: null,
  callRecording: null,
  extra: {},
  createdUs: NOON_US,
  ...row,
});

export const key = (row: Partial<KeyRow> = {}): KeyRow => ({
  id: 'k1',
  accountId: 'a1',
  hash: 'aa',
  isAdmin: false,
  createdUs: NOON_US,
  ...row,
});

export const token = (row: Partial<TokenRow> = {}): TokenRow => ({
  hash: 'bb',
  keyId: 'k1',
  accountId: 'a1',
  isAdmin: false,
  expiresUs: NOON_US,
  ...row,
});

export const recording = (row: Partial<RecordingRow> = {}): RecordingRow => ({
  id: '202311-1',
  accountId: 'a1',
  callId: 'c1',
  ownerId: null,
  state: 'recording',
  startUs: NOON_US,
  createdGregorian: 63_867_000_000,
  mediaName: 'one.mp3',
  format: 'mp3',
  durationMs: 0,
  sampleRate: null,
  channels: 2,
  artefactPath: null,
  manifestPath: null,
  bytes: null,
  sha256: null,
  journalPath: '/j/1',
  origin: 'metaflow',
  url: null,
  method: 'put',
  document: { call_id: 'c1' },
  masks: [],
  error: null,
  ...row,
});

export const delivery = (row: Partial<DeliveryRow> = {}): DeliveryRow => ({
  recordingId: '202311-1',
  accountId: 'a1',
  target: 'a1 https://target.example',
  state: 'waiting',
  tries: 0,
  nextUs: NOON_US,
  deadlineUs: NOON_US + 72 * 3_600_000_000,
  lastStatus: null,
  lastError: null,
  ...row,
});

export const auditEntry = (row: Partial<AuditEntry> = {}): AuditEntry => ({
  accountId: 'a1',
  atUs: NOON_US,
  actor: 'k1',
  action: 'mask',
  subject: 'c1',
  data: { leg: 'a' },
  ...row,
});

/** Clones a file's only recording: `r1`, `r2`, … made at 1, 2, … */
export const cloneRecording = async (path: string, count: number): Promise<void> => {
  const database = (await findSqlite()).open(path);
  const columns = (database.prepare('pragma table_info(recordings)').all([]) as { name: string }[]).map(
    ({ name }) => name,
  );
  const values = columns.map((name) => (name === 'id' ? `'r' || n` : name === 'created_gregorian' ? 'n' : name));
  database.exec(
    `with recursive counter (n) as (select 1 union all select n + 1 from counter where n < ${count})
     insert into recordings (${columns}) select ${values} from recordings, counter`,
  );
  database.close();
};
