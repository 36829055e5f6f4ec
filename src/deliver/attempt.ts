/**
 * One try to hand a file to a target over HTTP/1.1: raw body with its length, redirects followed with the same verb and body
 * (design §6.6). Never retries, and never takes a 2xx for success that came before the whole body was taken.
 */
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { request } from 'undici';
import type { ByteSource } from '../core/byte-source.ts';
import { AppError } from '../core/errors.ts';
import { Dialler, type Resolve } from './dialler.ts';
import { FileBody } from './file-body.ts';
import { checkUrl, type TargetPolicy } from './target-address.ts';
import { networkError, statusError } from './target-failure.ts';
import { Watchdog } from './watchdog.ts';

/** What goes out, the same on every try. */
export type Load = {
  readonly url: URL;
  readonly method: 'PUT' | 'POST';
  readonly body: ByteSource;
  /** Of the body, in bytes: so many are sent, and what is shorter by then is never sent whole. */
  readonly size: number;
  /** Without Host, Connection, Content-Length and Authorization, which belong to the single request. */
  readonly headers: Readonly<Record<string, string>>;
};

export type TryLimits = {
  /** Until a connection is open, its name looked up and TLS agreed. */
  readonly connectMs: number;
  /** The longest the target may neither take nor say anything. */
  readonly headersMs: number;
  /** For the whole try, redirects included. */
  readonly tryMs: number;
  /** How long, beyond a round trip, the last byte waits for an answer that must not come yet. */
  readonly graceMs: number;
};

export const DEFAULT_TRY_LIMITS: TryLimits = { connectMs: 10_000, headersMs: 30_000, tryMs: 3_600_000, graceMs: 100 };

export type AttemptOptions = {
  readonly policy: TargetPolicy;
  readonly resolve: Resolve;
  readonly limits: TryLimits;
  readonly signal?: AbortSignal | undefined;
};

export type Outcome =
  | { readonly kind: 'taken'; readonly status: number }
  | {
      readonly kind: 'failed';
      readonly error: AppError;
      readonly status?: number;
      /** The `Retry-After` field as received. */
      readonly retryAfter?: string;
    };

const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 307, 308]);

/** An answer's body has nothing for us; this much of it is read, so that the target can finish writing. */
const ANSWER_LIMIT_BYTES = 65_536;
const ANSWER_LIMIT_MS = 2000;

/** A round trip is never waited for longer than this before the last byte. */
const GRACE_CEILING_MS = 1000;

type Answer = {
  readonly status: number;
  readonly location?: string | undefined;
  readonly retryAfter?: string | undefined;
  /** The whole body had been given to the operating system when the answer came. */
  readonly bodyGone: boolean;
};

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** RFC 7617: what `https://name:password@host/` asks for. Kept out of the request target by the URL parser. */
const basicCredentials = (url: URL): Record<string, string> => {
  if (url.username === '' && url.password === '') return {};
  // By bytes, since the parser leaves a stray `%` as it was.
  const plain = (part: string): string =>
    part.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const pair = Buffer.from(`${plain(url.username)}:${plain(url.password)}`, 'latin1');
  return { Authorization: `Basic ${pair.toString('base64')}` };
};

const send = async (
  load: Load,
  url: URL,
  credentials: Record<string, string>,
  watchdog: Watchdog,
  { policy, resolve, limits }: AttemptOptions,
): Promise<Answer> => {
  const dialler = new Dialler({ policy, resolve, connectMs: limits.connectMs });
  const ended = new AbortController();
  let beganMs: number | undefined;
  const body = await FileBody.open(load.body, load.size, {
    onProgress: () => {
      beganMs ??= performance.now();
      watchdog.progress();
    },
    beforeLastByte: async () => {
      const graceMs = Math.min(dialler.connectMs, GRACE_CEILING_MS) + limits.graceMs;
      await delay(graceMs - (performance.now() - (beganMs ?? 0)), undefined, { signal: ended.signal });
    },
  });
  try {
    const response = await request(url, {
      dispatcher: dialler.agent,
      method: load.method,
      headers: { ...load.headers, ...credentials, 'Content-Length': String(load.size) },
      body,
      signal: watchdog.signal,
      reset: true,
    });
    // What was written in this very turn counts as gone once the system has said so.
    if (!dialler.flushed) await setImmediate();
    const bodyGone = body.handedOver && dialler.flushed;
    watchdog.rest();
    // The status is the answer, whatever becomes of the text after it.
    await response.body
      .dump({
        limit: ANSWER_LIMIT_BYTES,
        signal: AbortSignal.any([watchdog.signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]),
      })
      .catch(() => {});
    return {
      status: response.statusCode,
      location: single(response.headers.location),
      retryAfter: single(response.headers['retry-after']),
      bodyGone,
    };
  } finally {
    ended.abort();
    body.destroy();
    await dialler.close();
  }
};

/** @throws TARGET_REDIRECTS, TARGET_FORBIDDEN */
const redirectTarget = (answer: Answer, from: URL, visited: ReadonlySet<string>, policy: TargetPolicy): URL => {
  const refuse = (why: string): AppError =>
    new AppError('TARGET_REDIRECTS', `${from.host} answered ${answer.status} ${why}`);
  if (answer.location === undefined || !URL.canParse(answer.location, from.href)) {
    throw refuse('without a usable Location');
  }
  const next = checkUrl(new URL(answer.location, from), policy);
  next.hash = '';
  if (visited.has(next.href)) throw refuse('and leads in a circle');
  if (visited.size > MAX_REDIRECTS) throw refuse(`after ${MAX_REDIRECTS} redirects, which is the limit`);
  if (from.protocol === 'https:' && next.protocol === 'http:') throw refuse('and leads from https to http');
  return next;
};

const judge = (answer: Answer, host: string): Outcome => {
  const { status, retryAfter } = answer;
  if (status >= 200 && status < 300) {
    if (answer.bodyGone) return { kind: 'taken', status };
    const error = new AppError('TARGET_INCOMPLETE', `${host} answered ${status} before it had taken the whole file`);
    return { kind: 'failed', error, status };
  }
  const failed = { kind: 'failed', error: statusError(status, host), status } as const;
  return retryAfter === undefined ? failed : { ...failed, retryAfter };
};

/** Rejects only with the reason of `options.signal`; everything else is an outcome. */
export const attempt = async (load: Load, options: AttemptOptions): Promise<Outcome> => {
  const { policy, limits, signal } = options;
  const watchdog = new Watchdog({ tryMs: limits.tryMs, idleMs: limits.headersMs }, load.url.host, signal);
  const visited = new Set<string>();
  let url = load.url;
  try {
    for (;;) {
      visited.add(url.href);
      watchdog.blame(url.host);
      // Credentials were given for one origin and go to no other.
      const credentials = url.origin === load.url.origin ? basicCredentials(load.url) : {};
      const answer = await send(load, url, credentials, watchdog, options);
      if (!REDIRECTS.has(answer.status)) return judge(answer, url.host);
      url = redirectTarget(answer, url, visited, policy);
    }
  } catch (error) {
    signal?.throwIfAborted();
    return { kind: 'failed', error: networkError(error, url.host) };
  } finally {
    watchdog.close();
  }
};
