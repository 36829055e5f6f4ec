/** The API over a real store in a scratch folder, with an admin's account and one of somebody else; the services above are stubs. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { AppError } from '../../src/core/errors.ts';
import { parseAllowList } from '../../src/deliver/allow-list.ts';
import { checkUrl } from '../../src/deliver/target-address.ts';
import type { NewAccount } from '../../src/directory/accounts.ts';
import { Directory } from '../../src/directory/directory.ts';
import { type ApiOptions, buildApi } from '../../src/http/api.ts';
import { metaflowsFrom } from '../../src/http/metaflow-input.ts';
import { Store } from '../../src/store/store.ts';
import { SIGNING_KEY } from '../support/api-fakes.ts';
import { scratchDir, sharedScratchDir } from '../support/scratch.ts';

/** Moves when a test moves it. */
export class SetClock implements Clock {
  nowUs = Date.UTC(2026, 10, 22, 12) * 1000;
  now(): number {
    return this.nowUs;
  }
  sleep(): Promise<void> {
    return new Promise(() => {});
  }
}

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
  readonly text: string;
};

export type Owner = { readonly id: string; readonly key: string };

export type World = {
  readonly app: FastifyInstance;
  readonly directory: Directory;
  readonly store: Store;
  readonly clock: SetClock;
  readonly admin: Owner;
  readonly other: Owner;
  /** Every line that was logged. */
  readonly log: string[];
  /** As the admin account unless `headers` say otherwise; `body` is sent as JSON, a text as it is. */
  readonly send: Send;
  /** Somebody new, with nothing but an account. */
  tenant(): Promise<Owner & { readonly send: Send }>;
  close(): Promise<void>;
};

type Send = (method: string, url: string, body?: unknown, options?: Partial<InjectOptions>) => Promise<Answer>;

const nothing = (): never => {
  throw new AppError('NOT_FOUND', 'a stub has nothing');
};

/** Services that have nothing and do nothing. */
export const STUBS: Pick<
  ApiOptions,
  'calls' | 'channels' | 'recordings' | 'events' | 'webhooks' | 'audit' | 'health' | 'signingKey'
> = {
  calls: {
    announce: async () => nothing(),
    list: async () => [],
    get: async () => nothing(),
    answer: async () => nothing(),
    bridge: async () => nothing(),
    announceMedia: async () => nothing(),
    hangUp: async () => nothing(),
  },
  channels: { list: async () => [], get: async () => nothing(), act: async () => nothing() },
  recordings: {
    list: async () => ({ recordings: [], startKey: 'start', nextStartKey: undefined }),
    get: async () => nothing(),
    artefact: async () => nothing(),
    manifest: async () => nothing(),
    peaks: async () => nothing(),
    remove: async () => nothing(),
    deliver: async () => nothing(),
    newUpload: async () => nothing(),
    dropUpload: async () => nothing(),
    replay: async () => nothing(),
    job: nothing,
  },
  events: { subscribe: () => () => {} },
  webhooks: {
    list: async () => ({ webhooks: [], startKey: '', nextStartKey: undefined, dropped: 0 }),
    deliver: async () => nothing(),
    drop: async () => nothing(),
  },
  audit: {
    note: () => {},
    refused: () => {},
    page: async () => ({ entries: [], startKey: '', nextStartKey: undefined }),
    export: async () => (async function* () {})(),
  },
  signingKey: SIGNING_KEY,
  health: {
    readiness: () => [],
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'calls 0\n' }),
  },
};

/** One for the running test. */
export const makeWorld = async (options: Partial<ApiOptions> = {}): Promise<World> => {
  const world = await openWorld(scratchDir(), options);
  onTestFinished(() => world.close());
  return world;
};

/** One for all tests of a file, for each of which a minute passes: nobody's failures count against the next. Call it outside of tests. */
export const sharedWorld = (): (() => World) => {
  const folder = sharedScratchDir();
  let world: World;
  beforeAll(async () => {
    world = await openWorld(folder, {});
  });
  beforeEach(() => {
    world.clock.nowUs += 60e6;
  });
  afterAll(() => world.close());
  return () => world;
};

const openWorld = async (folder: string, options: Partial<ApiOptions>): Promise<World> => {
  const clock = new SetClock();
  const allowTargets = parseAllowList('10.1.2.3');
  const store = await Store.open(join(folder, 'record-call.db'), { clock });
  const directory = new Directory(store, {
    clock,
    random: randomBytes,
    judgeUrl: (url) => void checkUrl(url, allowTargets),
    readMetaflows: (value) => metaflowsFrom(value, allowTargets),
    sealSecret: (accountId, secret) => `sealed for ${accountId}: ${secret.length}`,
  });
  const log: string[] = [];
  const app = await buildApi({
    ...STUBS,
    directory,
    allowTargets,
    clock,
    random: randomBytes,
    version: '0.1.0',
    logger: pino({ level: 'trace' }, { write: (line: string) => void log.push(line) }),
    ...options,
  });
  const [first, second] = [await directory.createAccount('operator', true), await directory.createAccount('somebody')];
  const [admin, other] = [ownerOf(first), ownerOf(second)];
  return {
    app,
    directory,
    store,
    clock,
    admin,
    other,
    log,
    send: senderOf(app, admin.key),
    tenant: async () => {
      const owner = ownerOf(await directory.createAccount('tenant'));
      return { ...owner, send: senderOf(app, owner.key) };
    },
    close: async () => {
      await app.close();
      await store.close();
    },
  };
};

const ownerOf = ({ account, apiKey }: NewAccount): Owner => ({ id: account.id, key: apiKey });

const senderOf =
  (app: FastifyInstance, key: string): Send =>
  async (method, url, body, { headers, ...more } = {}) => {
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: {
        ...(headers ?? { 'x-auth-token': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...more,
    });
    const isJson = String(response.headers['content-type']).includes('json');
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.payload,
      json: isJson && response.payload !== '' ? response.json() : undefined,
    };
  };
