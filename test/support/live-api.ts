/** A client of the service as a media server or an owner has one: real HTTP, the first account's key, a token of its own. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { CallAnnouncement, CallDocument, ServiceEvent } from '../../src/http/service.ts';
import { noteSecret } from './said.ts';

const WAIT_MS = 20_000;
const REST_MS = 20;

/**
 * Looks again and again until something is there, with a rest in between that is no part of what is tested.
 * @throws when it does not come in time
 */
export const eventually = async <T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  waitMs = WAIT_MS,
): Promise<T> => {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > endMs) throw new Error(`waited ${waitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
};

// biome-ignore lint/suspicious/noExplicitAny: tests name what they look for in an answer
export type Envelope = { readonly data: any; readonly status: string; readonly [field: string]: any };

export class LiveApi {
  readonly url: string;
  readonly accountId: string;
  readonly keyId: string | undefined;
  readonly #token: string;

  private constructor(url: string, accountId: string, token: string) {
    this.url = url;
    this.accountId = accountId;
    this.#token = token;
  }

  /** Exchanges the key of `credentials.json` for a token. */
  static async enter(url: string, credentials: string): Promise<LiveApi> {
    const { account_id, api_key } = JSON.parse(readFileSync(credentials, 'utf8')) as Record<string, string>;
    const response = await fetch(`${url}/v2/api_auth`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: { api_key } }),
    });
    const { auth_token } = (await response.json()) as { auth_token: string };
    expect(response.status).toBe(201);
    for (const secret of [api_key, auth_token]) noteSecret(secret);
    return new LiveApi(url, account_id, auth_token);
  }

  /** @param path below the account's, such as `/calls`. */
  fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}/v2/accounts/${this.accountId}${path}`, {
      ...init,
      method,
      headers: { 'x-auth-token': this.#token, ...init.headers },
    });
  }

  /** A request that must succeed. @param body the whole envelope. */
  async ask(method: string, path: string, body?: object): Promise<Envelope> {
    const response = await this.fetch(
      method,
      path,
      body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
    );
    const answer = (await response.json()) as Envelope;
    expect(answer, `${method} ${path}: ${response.status} ${answer.message}`).toMatchObject({ status: 'success' });
    return answer;
  }

  async announce(announcement: Omit<CallAnnouncement, 'media'>): Promise<CallDocument> {
    const { data } = await this.ask('PUT', '/calls', { data: { media: { kind: 'rtp' }, ...announcement } });
    return data;
  }

  /** What the channel was asked to do, and what came of it. */
  async act(uuid: string, action: string, fields: object = {}): Promise<Envelope> {
    return (await this.ask('POST', `/channels/${uuid}`, { data: { action, ...fields } })).data;
  }

  /** All recordings' documents, oldest first. */
  async recordings(): Promise<Envelope['data'][]> {
    return (await this.ask('GET', '/recordings?paginate=false&ascending=true')).data;
  }

  /** The account's events from now on; `end` stops listening. */
  async listen(): Promise<{ readonly events: readonly ServiceEvent[]; end(): Promise<void> }> {
    const abort = new AbortController();
    const response = await this.fetch('GET', '/events', { signal: abort.signal });
    expect(response.status).toBe(200);
    const events: ServiceEvent[] = [];
    const reading = readEvents(response.body!, events).catch((error: unknown) => {
      if (!abort.signal.aborted) throw error;
    });
    const end = async (): Promise<void> => {
      abort.abort();
      await reading;
    };
    return { events, end };
  }
}

const readEvents = async (body: ReadableStream<Uint8Array>, events: ServiceEvent[]): Promise<void> => {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) events.push(JSON.parse(data.slice('data: '.length)));
    }
  }
};
