import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { ActionResult } from '../../src/call/action.ts';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import type { RecordAction, RecordCallFields } from '../../src/core/record-call.ts';
import { PUBLIC_ONLY } from '../../src/deliver/allow-list.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { publicKeyDocument } from '../../src/finalize/signature.ts';
import { buildApi } from '../../src/http/api.ts';
import type { ApiLimits } from '../../src/http/api-limits.ts';
import type { AuditNote, AuditPage, AuditService } from '../../src/http/audit.ts';
import type {
  ArtefactFile,
  CallAnnouncement,
  CallDocument,
  CallsService,
  ChannelDocument,
  ChannelsService,
  EventsService,
  JobDocument,
  RecordingDocument,
  RecordingPage,
  RecordingQuery,
  RecordingsService,
  ServiceEvent,
  UploadPlace,
  WebhookDocument,
  WebhookPage,
  WebhooksService,
} from '../../src/http/service.ts';
import { plainFile } from '../../src/spool/plain-file.ts';
import { scratchDir } from './scratch.ts';

export const ACCOUNT = 'a'.repeat(32);
export const OTHER_ACCOUNT = 'b'.repeat(32);
export const TOKEN = 'token-of-a';
export const OTHER_TOKEN = 'token-of-b';
export const KEY_ID = 'key-1';
export const PATH = `/v2/accounts/${ACCOUNT}`;

/** Ids are judged before anything is looked up: one that can't be an id here is a defect, which is answered by 500. */
const mustBe = (pattern: RegExp, id: string): void => {
  if (!pattern.test(id)) throw new Error('an id that can not be one was looked up');
};

const missing = (what: string): AppError => new AppError('NOT_FOUND', `no ${what}`);

/** Knows two accounts by a token each, and in each the user alice and the device desk. */
class FakeDirectory {
  async principalOf(token: string) {
    const accountId = token === TOKEN ? ACCOUNT : token === OTHER_TOKEN ? OTHER_ACCOUNT : undefined;
    return accountId === undefined ? undefined : { accountId, keyId: KEY_ID, isAdmin: false };
  }

  async person(_accountId: string, kind: string, id: string) {
    mustBe(/^[A-Za-z0-9_-]{1,64}$/, id);
    if (`${kind} ${id}` !== 'user alice' && `${kind} ${id}` !== 'device desk') throw missing(kind);
    return {};
  }
}

const leg = (channelId: string, port: number): CallDocument['legs']['a'] => ({
  channel_id: channelId,
  rtp: { host: '127.0.0.1', port },
  user_id: null,
  device_id: null,
  state: 'waiting',
  packets: 0,
  dropped: 0,
});

export class FakeCalls implements CallsService {
  readonly announced: { readonly accountId: string; readonly announcement: CallAnnouncement }[] = [];
  readonly media: CallAnnouncement['media'][] = [];
  readonly #calls = new Map<string, CallDocument>();

  async announce(accountId: string, announcement: CallAnnouncement): Promise<CallDocument> {
    this.announced.push({ accountId, announcement });
    const callId = announcement.call_id ?? 'made-up';
    if (this.#calls.has(`${accountId} ${callId}`)) throw new AppError('CALL_EXISTS', 'such a call is running');
    const call: CallDocument = {
      call_id: callId,
      direction: announcement.direction ?? 'inbound',
      from: announcement.from ?? '',
      to: announcement.to ?? '',
      state: 'announced',
      masked: false,
      announced_at: '2026-11-22T00:00:00.000Z',
      legs: { a: leg('chan-a', 30_000), b: leg('chan-b', 30_002) },
      recordings: [],
    };
    this.#calls.set(`${accountId} ${callId}`, call);
    return call;
  }

  async list(accountId: string): Promise<CallDocument[]> {
    return [...this.#calls].filter(([key]) => key.startsWith(accountId)).map(([, call]) => call);
  }

  async get(accountId: string, callId: string): Promise<CallDocument> {
    mustBe(/^[A-Za-z0-9_.@:+-]{1,128}$/, callId);
    const call = this.#calls.get(`${accountId} ${callId}`);
    if (call === undefined) throw missing('call');
    return call;
  }

  answer = (accountId: string, callId: string) => this.#become(accountId, callId, 'answered');
  bridge = (accountId: string, callId: string) => this.#become(accountId, callId, 'bridged');
  hangUp = (accountId: string, callId: string) => this.#become(accountId, callId, 'ended');

  async announceMedia(accountId: string, callId: string, media: CallAnnouncement['media']): Promise<CallDocument> {
    const call = await this.get(accountId, callId);
    this.media.push(media);
    return call;
  }

  async #become(accountId: string, callId: string, state: CallDocument['state']): Promise<CallDocument> {
    const call = { ...(await this.get(accountId, callId)), state };
    this.#calls.set(`${accountId} ${callId}`, call);
    return call;
  }
}

export const CHANNEL = 'chan-b';

export class FakeChannels implements ChannelsService {
  readonly acts: { readonly accountId: string; readonly uuid: string; readonly fields: object; readonly by: string }[] =
    [];
  readonly asked: unknown[] = [];
  /** Thrown by the next action. */
  fault: AppError | undefined;

  async list(accountId: string, owner?: object): Promise<ChannelDocument[]> {
    this.asked.push(owner);
    return accountId === ACCOUNT ? [this.#channel] : [];
  }

  async get(accountId: string, uuid: string): Promise<ChannelDocument> {
    mustBe(/^[A-Za-z0-9_.@:+-]{1,200}$/, uuid);
    if (accountId !== ACCOUNT || uuid !== CHANNEL) throw missing('channel');
    return this.#channel;
  }

  async act(
    accountId: string,
    uuid: string,
    fields: RecordCallFields & { action: RecordAction },
    by: string,
  ): Promise<ActionResult> {
    await this.get(accountId, uuid);
    if (this.fault !== undefined) throw this.fault;
    this.acts.push({ accountId, uuid, fields, by });
    const masked = fields.action === 'mask';
    const recordings = [{ id: `202611-${'0'.repeat(32)}`, state: 'recording', masked, position_ms: 1234 } as const];
    return { action: fields.action, changed: true, masked, recordings };
  }

  readonly #channel: ChannelDocument = {
    uuid: CHANNEL,
    call_id: 'c1',
    leg: 'b',
    other_leg: 'chan-a',
    direction: 'outbound',
    answered: true,
    authorizing_id: 'desk',
    authorizing_type: 'device',
    owner_id: 'alice',
    username: '',
    destination: '',
    presence_id: '',
    timestamp: 63_931_000_000,
    masked: false,
    recordings: [],
  };
}

export const RECORDING = `202611-${'c'.repeat(32)}`;
/** Without audio yet. */
export const SILENT_RECORDING = `202611-${'d'.repeat(32)}`;
export const AUDIO = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 251));

const recording = (id: string, contentTypes: readonly string[]): RecordingDocument => ({
  id,
  call_id: 'c1',
  state: contentTypes.length === 0 ? 'recording' : 'stored',
  _read_only: { content_types: contentTypes },
});

export class FakeRecordings implements RecordingsService {
  readonly uploadFolder: string;
  readonly queries: { readonly accountId: string; readonly query: RecordingQuery }[] = [];
  readonly replays: (UploadPlace & { readonly name: string; readonly fields: RecordCallFields })[] = [];
  /** Seals uploads. */
  seal: UploadPlace['seal'];
  #uploads = 0;
  readonly removed: string[] = [];
  pointsAsked = 0;
  page: RecordingPage = { recordings: [recording(RECORDING, ['audio/mpeg'])], startKey: 's1', nextStartKey: undefined };
  artefactFile: ArtefactFile;
  readonly artefactPath: string;
  /** Thrown by the next replay. */
  fault: AppError | undefined;

  constructor(folder: string) {
    this.uploadFolder = join(folder, 'uploads');
    mkdirSync(this.uploadFolder);
    this.artefactPath = join(folder, 'artefact');
    writeFileSync(this.artefactPath, AUDIO);
    const source = plainFile(this.artefactPath);
    const sha256 = createHash('sha256').update(AUDIO).digest('hex');
    this.artefactFile = { source, mediaType: 'audio/mpeg', bytes: AUDIO.length, mediaName: 'call.mp3', sha256 };
  }

  async list(accountId: string, query: RecordingQuery): Promise<RecordingPage> {
    this.queries.push({ accountId, query });
    return this.page;
  }

  async get(accountId: string, id: string): Promise<RecordingDocument> {
    mustBe(/^\d{6}-[0-9a-f]{32}$/, id);
    if (accountId !== ACCOUNT || (id !== RECORDING && id !== SILENT_RECORDING)) throw missing('recording');
    return recording(id, id === RECORDING ? ['audio/mpeg'] : []);
  }

  async artefact(accountId: string, id: string): Promise<ArtefactFile> {
    await this.get(accountId, id);
    if (id === SILENT_RECORDING) throw missing('artefact');
    return this.artefactFile;
  }

  async manifest(accountId: string, id: string) {
    await this.get(accountId, id);
    return { id, masks: [] };
  }

  async peaks(accountId: string, id: string, points: number) {
    await this.get(accountId, id);
    this.pointsAsked = points;
    return { points };
  }

  async remove(accountId: string, id: string): Promise<RecordingDocument> {
    const document = await this.get(accountId, id);
    if (id === SILENT_RECORDING) throw new AppError('CONFLICT', 'it is running');
    this.removed.push(id);
    return document;
  }

  async deliver(accountId: string, id: string): Promise<RecordingDocument> {
    return { ...(await this.get(accountId, id)), state: 'delivering' };
  }

  async newUpload(_accountId: string): Promise<UploadPlace> {
    const id = String(++this.#uploads).padStart(32, '0');
    const path = join(this.uploadFolder, `upload-${id}`);
    return { id, path, ...(this.seal === undefined ? {} : { seal: this.seal }) };
  }

  async dropUpload(_accountId: string, { path }: UploadPlace): Promise<void> {
    await rm(path, { force: true });
  }

  async replay(
    _accountId: string,
    upload: UploadPlace & { readonly name: string; readonly fields: RecordCallFields },
  ): Promise<JobDocument> {
    if (this.fault !== undefined) throw this.fault;
    this.replays.push(upload);
    return this.job(ACCOUNT, 'job-1');
  }

  job(accountId: string, id: string): JobDocument {
    mustBe(/^[A-Za-z0-9_.@:+-]{1,200}$/, id);
    if (accountId !== ACCOUNT || id !== 'job-1') throw missing('job');
    return { id, kind: 'replay', state: 'queued', progress: 0, recordings: [], error: null };
  }
}

export class FakeEvents implements EventsService {
  readonly subscriptions: { readonly accountId: string; readonly lastId: string | undefined }[] = [];
  readonly listeners = new Set<(event: ServiceEvent) => void>();

  subscribe(accountId: string, lastId: string | undefined, listener: (event: ServiceEvent) => void): () => void {
    this.subscriptions.push({ accountId, lastId });
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  emit(event: ServiceEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}

export const SIGNING_KEY = publicKeyDocument(generateKeyPairSync('ed25519').publicKey);

export const EVENT = 'run-7';

/** Has one event that failed. */
export class FakeWebhooks implements WebhooksService {
  readonly asked: { readonly accountId: string; readonly pageSize: number; readonly startKey: string | undefined }[] =
    [];
  readonly delivered: string[] = [];
  readonly dropped: string[] = [];

  async list(accountId: string, query: { pageSize: number; startKey: string | undefined }): Promise<WebhookPage> {
    this.asked.push({ accountId, ...query });
    return { webhooks: [this.#event], startKey: '', nextStartKey: '17', dropped: 3 };
  }

  async deliver(accountId: string, id: string): Promise<WebhookDocument> {
    this.delivered.push(this.#found(accountId, id).id);
    return this.#event;
  }

  async drop(accountId: string, id: string): Promise<WebhookDocument> {
    this.dropped.push(this.#found(accountId, id).id);
    return this.#event;
  }

  #found(accountId: string, id: string): WebhookDocument {
    mustBe(/^[A-Za-z0-9_.@:+-]{1,200}$/, id);
    if (accountId !== ACCOUNT || id !== EVENT) throw missing('event');
    return this.#event;
  }

  readonly #event: WebhookDocument = {
    id: EVENT,
    type: 'mask.on',
    at: '2026-11-22T00:00:00.000Z',
    data: { call_id: 'c1' },
    delivery: { state: 'failed', tries: 2, status: 500 },
  };
}

/** Remembers what it is told. */
export class FakeAudit implements AuditService {
  readonly notes: AuditNote[] = [];
  readonly refusals: (string | undefined)[] = [];
  readonly asked: { readonly accountId: string; readonly pageSize: number; readonly startKey: string | undefined }[] =
    [];
  answer: AuditPage = { entries: [], startKey: '', nextStartKey: undefined };

  note(note: AuditNote): void {
    this.notes.push(note);
  }

  refused(accountId: string | undefined): void {
    this.refusals.push(accountId);
  }

  async page(accountId: string, query: { pageSize: number; startKey: string | undefined }): Promise<AuditPage> {
    this.asked.push({ accountId, ...query });
    return this.answer;
  }

  /** What the export of each account is asked for has. */
  lines: AsyncIterable<string> | Iterable<string> = [];
  readonly exported: string[] = [];

  async export(accountId: string): Promise<AsyncIterable<string>> {
    this.exported.push(accountId);
    const { lines } = this;
    return (async function* () {
      yield* lines;
    })();
  }
}

export type ApiUnderTest = {
  readonly app: FastifyInstance;
  readonly calls: FakeCalls;
  readonly channels: FakeChannels;
  readonly recordings: FakeRecordings;
  readonly events: FakeEvents;
  readonly webhooks: FakeWebhooks;
  readonly audit: FakeAudit;
  /** A request of the account's, injected. */
  ask(method: string, path: string, options?: Asked): Promise<Answer>;
  /** Begins to listen on loopback. @returns the address, without a slash at the end */
  listen(): Promise<string>;
};

export type Asked = {
  readonly data?: unknown;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly token?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly raw: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: tests name what they look for in an answer
  readonly json: any;
};

/** The API as it is, the floors above it as fakes; closed when the test is over. */
export const apiUnderTest = async (
  options: { clock?: Clock; limits?: Partial<ApiLimits>; allow?: typeof PUBLIC_ONLY } = {},
): Promise<ApiUnderTest> => {
  const [calls, channels, recordings, events, webhooks, audit] = [
    new FakeCalls(),
    new FakeChannels(),
    new FakeRecordings(scratchDir()),
    new FakeEvents(),
    new FakeWebhooks(),
    new FakeAudit(),
  ];
  const app = await buildApi({
    directory: new FakeDirectory() as unknown as Directory,
    calls,
    channels,
    recordings,
    events,
    webhooks,
    audit,
    health: { readiness: () => [], metrics: async () => ({ contentType: 'text/plain', text: '' }) },
    signingKey: SIGNING_KEY,
    allowTargets: options.allow ?? PUBLIC_ONLY,
    version: '0.0.0',
    logger: pino({ level: 'silent' }),
    clock: options.clock ?? systemClock,
    random: randomBytes,
    limits: options.limits ?? {},
  });
  onTestFinished(() => app.close());

  const ask: ApiUnderTest['ask'] = async (method, path, { data, body, headers = {}, token = TOKEN } = {}) => {
    const payload = data === undefined ? body : { data };
    const request = { method, url: path, headers: { 'x-auth-token': token, ...headers } };
    const response = await app.inject({ ...request, ...(payload === undefined ? {} : { payload }) } as InjectOptions);
    const isJson = /\bjson/.test(String(response.headers['content-type'])) && response.payload !== '';
    return {
      status: response.statusCode,
      headers: response.headers,
      raw: response.rawPayload,
      json: isJson ? response.json() : undefined,
    };
  };
  const listen = (): Promise<string> => app.listen({ host: '127.0.0.1', port: 0 });
  return { app, calls, channels, recordings, events, webhooks, audit, ask, listen };
};
