import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PUBLIC_ONLY, parseAllowList } from '../../src/deliver/allow-list.ts';
import {
  type AttemptOptions,
  attempt,
  DEFAULT_TRY_LIMITS,
  type Load,
  type Outcome,
} from '../../src/deliver/attempt.ts';
import { systemResolve } from '../../src/deliver/dialler.ts';
import { plainFile } from '../../src/spool/plain-file.ts';
import { answer, ScriptedTarget, type Step } from './scripted-target.ts';

const HEADERS = {
  'Content-Type': 'audio/mpeg',
  'Content-Digest': 'sha-256=:AAAA:',
  'Idempotency-Key': 'r1',
  'X-Recording-Id': 'r1',
};
/** More than loopback sockets buffer on both sides together. */
const LARGE_BYTES = 32 * 2 ** 20;

let folder: string;
const files: Record<'small' | 'medium' | 'large' | 'one' | 'none', Buffer> = {
  none: Buffer.alloc(0),
  one: Buffer.from('x'),
  small: randomBytes(10_000),
  medium: randomBytes(65_536 * 3 + 1),
  large: Buffer.alloc(LARGE_BYTES, 7),
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attempt-'));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const scripted = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  closers.push(() => target.close());
  return target;
};

/** A server on bare TCP, for what HTTP libraries will not do. */
const raw = async (onSocket: (socket: Socket) => void): Promise<string> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
};

const loadOf = (url: string, file: keyof typeof files = 'small', changes: Partial<Load> = {}): Load => ({
  url: new URL(url),
  method: 'PUT',
  body: plainFile(join(folder, file)),
  size: files[file].length,
  headers: HEADERS,
  ...changes,
});

/** The grace is long, because it ends with the early answer it waits for; where none comes, tests ask for none. */
const tryOnce = (load: Load, limits: Partial<AttemptOptions['limits']> = {}, options: Partial<AttemptOptions> = {}) =>
  attempt(load, {
    policy: 'operator',
    resolve: systemResolve,
    ...options,
    limits: { ...DEFAULT_TRY_LIMITS, graceMs: 0, ...limits },
  });

const brief = (outcome: Outcome): string =>
  outcome.kind === 'taken' ? `taken ${outcome.status}` : [outcome.error.code, outcome.status].filter(Boolean).join(' ');

describe('what goes over the wire', () => {
  for (const method of ['PUT', 'POST'] as const) {
    for (const file of ['none', 'one', 'small', 'medium'] as const) {
      test(`${method} of ${files[file].length} bytes: the verb, the URL, the length and the bytes`, async () => {
        const target = await scripted(answer(200));
        const outcome = await tryOnce(loadOf(`${target.url}/a%2Fb/c?from=%2B1&to=`, file, { method }));
        expect(outcome).toEqual({ kind: 'taken', status: 200 });
        const [seen] = target.seen;
        expect(target.seen).toHaveLength(1);
        expect([seen!.method, seen!.url]).toEqual([method, '/a%2Fb/c?from=%2B1&to=']);
        expect(seen!.body.equals(files[file])).toBe(true);
        expect(Object.fromEntries(pairs(seen!.rawHeaders))).toEqual({
          host: `127.0.0.1:${target.port}`,
          connection: 'close',
          ...HEADERS,
          'content-length': String(files[file].length),
        });
      });
    }
  }

  test('credentials in the URL become Basic authorization and stay out of the request target', async () => {
    const target = await scripted(answer(201));
    await tryOnce(loadOf(`http://us%65r:p%C3%A4ss%25@127.0.0.1:${target.port}/in`));
    expect(target.seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from('user:päss%').toString('base64')}`);
    expect(target.seen[0]!.url).toBe('/in');
  });
});

const pairs = (flat: readonly string[]): (readonly [string, string])[] =>
  flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]!] as const] : []));

describe('each status has its meaning', () => {
  for (const [status, want] of [
    [200, 'taken 200'],
    [201, 'taken 201'],
    [202, 'taken 202'],
    [204, 'taken 204'],
    [299, 'taken 299'],
    [300, 'TARGET_REJECTED 300'],
    [303, 'TARGET_REJECTED 303'],
    [304, 'TARGET_REJECTED 304'],
    [305, 'TARGET_REJECTED 305'],
    [400, 'TARGET_REJECTED 400'],
    [401, 'TARGET_REJECTED 401'],
    [403, 'TARGET_REJECTED 403'],
    [404, 'TARGET_REJECTED 404'],
    [408, 'TARGET_BUSY 408'],
    [413, 'TARGET_REJECTED 413'],
    [422, 'TARGET_REJECTED 422'],
    [425, 'TARGET_BUSY 425'],
    [429, 'TARGET_BUSY 429'],
    [500, 'TARGET_BUSY 500'],
    [503, 'TARGET_BUSY 503'],
    [599, 'TARGET_BUSY 599'],
  ] as const) {
    test(`${status}: ${want}`, async () => {
      const target = await scripted(answer(status, { Location: '/elsewhere' }));
      expect(brief(await tryOnce(loadOf(target.url)))).toBe(want);
      expect(target.seen).toHaveLength(1);
    });
  }

  test('Retry-After is handed on as it came', async () => {
    const target = await scripted(answer(503, { 'Retry-After': '7' }));
    expect(await tryOnce(loadOf(target.url))).toMatchObject({ kind: 'failed', retryAfter: '7' });
  });
});

describe('redirects', () => {
  for (const status of [301, 302, 307, 308]) {
    test(`${status} repeats verb, headers and body at the other place`, async () => {
      const there = await scripted(answer(201));
      const here = await scripted(answer(status, { Location: `${there.url}/new?x=1#part` }));
      const load = loadOf(`http://name:word@127.0.0.1:${here.port}/in?q=1`, 'medium', { method: 'POST' });
      expect(await tryOnce(load)).toEqual({ kind: 'taken', status: 201 });
      const [seen] = there.seen;
      expect([seen!.method, seen!.url]).toEqual(['POST', '/new?x=1']);
      expect(seen!.body.equals(files.medium)).toBe(true);
      expect(seen!.headers).toMatchObject({ 'idempotency-key': 'r1', 'content-digest': HEADERS['Content-Digest'] });
      expect(here.seen[0]!.headers.authorization).toBeDefined();
      expect(seen!.headers.authorization).toBeUndefined();
    });
  }

  const chain =
    (length: number): Step =>
    async (request, response, note) => {
      const hop = Number(request.url!.slice(1));
      const [status, headers] = hop < length ? [307, { Location: `${hop + 1}` }] : [200, {}];
      await answer(status as number, headers as Record<string, string>)(request, response, note);
    };

  test('ten relative ones are followed', async () => {
    const target = await scripted(chain(10));
    expect(brief(await tryOnce(loadOf(`${target.url}/0`)))).toBe('taken 200');
    expect(target.seen.map(({ url }) => url)).toEqual([
      '/0',
      '/1',
      '/2',
      '/3',
      '/4',
      '/5',
      '/6',
      '/7',
      '/8',
      '/9',
      '/10',
    ]);
  });

  test('the eleventh is not', async () => {
    const target = await scripted(chain(11));
    expect(brief(await tryOnce(loadOf(`${target.url}/0`)))).toBe('TARGET_REDIRECTS');
    expect(target.seen).toHaveLength(11);
  });

  for (const { name, location, want } of [
    { name: 'to itself', location: '/in', want: 'TARGET_REDIRECTS' },
    { name: 'to itself with another fragment', location: '/in#x', want: 'TARGET_REDIRECTS' },
    { name: 'without a Location', location: undefined, want: 'TARGET_REDIRECTS' },
    { name: 'to what is no URL', location: 'http://[', want: 'TARGET_REDIRECTS' },
    { name: 'to another scheme', location: 'ftp://127.0.0.1/in', want: 'TARGET_FORBIDDEN' },
    { name: 'to a file', location: 'file:///etc/passwd', want: 'TARGET_FORBIDDEN' },
  ]) {
    test(`${name}: ${want}`, async () => {
      const target = await scripted(answer(302, location === undefined ? {} : { Location: location }));
      expect(brief(await tryOnce(loadOf(`${target.url}/in`)))).toBe(want);
      expect(target.seen).toHaveLength(1);
    });
  }

  test('a loop over two places is noticed', async () => {
    const target = await scripted(async (request, response, note) =>
      answer(302, { Location: request.url === '/a' ? '/b' : '/a' })(request, response, note),
    );
    expect(brief(await tryOnce(loadOf(`${target.url}/a`)))).toBe('TARGET_REDIRECTS');
    expect(target.seen.map(({ url }) => url)).toEqual(['/a', '/b']);
  });

  test('one that comes before the body was taken is followed, and the body sent whole', async () => {
    const there = await scripted(answer(200));
    const here = await scripted((_request, response) => {
      response.writeHead(307, { Location: `${there.url}/new`, Connection: 'close' }).end();
    });
    expect(brief(await tryOnce(loadOf(here.url, 'large')))).toBe('taken 200');
    expect(there.seen[0]!.body.length).toBe(LARGE_BYTES);
  });

  for (const { name, host } of [
    { name: 'a private literal', host: '127.0.0.1' },
    { name: 'a disguised literal', host: '2130706433' },
    { name: 'localhost', host: 'localhost' },
    { name: 'a name that resolves to it', host: 'rebound.example' },
  ]) {
    test(`to ${name} is refused, and nothing is sent there`, async () => {
      const inside = await scripted(answer(200));
      const outside = await scripted(answer(307, { Location: `http://${host}:${inside.port}/` }));
      const policy = parseAllowList('allowed.example');
      const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
      const outcome = await tryOnce(loadOf(`http://allowed.example:${outside.port}/`), {}, { policy, resolve });
      expect(brief(outcome)).toBe('TARGET_FORBIDDEN');
      expect([outside.seen.length, inside.seen.length]).toEqual([1, 0]);
    });
  }
});

describe('the address that is dialled is the one that was judged', () => {
  test('a name that changes between two look-ups is dialled where the only look-up of the connection said', async () => {
    const target = await scripted(answer(200));
    const answers = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];
    const asked: string[] = [];
    const resolve = async () => {
      asked.push(answers[asked.length]!);
      return [{ address: asked.at(-1)!, family: 4 }];
    };
    const policy = parseAllowList('127.0.0.1');
    const load = loadOf(`http://rebinding.example:${target.port}/`);
    expect(brief(await tryOnce(load, {}, { policy, resolve }))).toBe('taken 200');
    expect(asked).toEqual(['127.0.0.1']);
    // The next try asks anew, and what was public a moment ago counts for nothing.
    expect(brief(await tryOnce(load, {}, { policy, resolve }))).toBe('TARGET_FORBIDDEN');
    expect([asked.length, target.seen.length]).toEqual([2, 1]);
  });

  test('a name that turns private for the redirect is refused', async () => {
    const target = await scripted(answer(308, { Location: '/again' }), answer(200));
    const answers = ['127.0.0.1', '127.0.0.2'];
    const resolve = async () => [{ address: answers.shift()!, family: 4 }];
    const load = loadOf(`http://rebinding.example:${target.port}/`);
    expect(brief(await tryOnce(load, {}, { policy: parseAllowList('127.0.0.1'), resolve }))).toBe('TARGET_FORBIDDEN');
    expect(target.seen).toHaveLength(1);
  });

  test('a literal is judged at the dial too', async () => {
    const target = await scripted(answer(200));
    expect(brief(await tryOnce(loadOf(target.url), {}, { policy: PUBLIC_ONLY }))).toBe('TARGET_FORBIDDEN');
    expect(target.seen).toHaveLength(0);
  });
});

describe('a 2xx before the whole body was taken is no success', () => {
  const onHead =
    (reply: string, after: (socket: Socket) => void = () => {}) =>
    (socket: Socket): void => {
      let head = '';
      socket.on('data', (chunk) => {
        if (head.includes('\r\n\r\n')) return;
        head += chunk.toString('latin1');
        if (!head.includes('\r\n\r\n')) return;
        socket.write(reply);
        after(socket);
      });
    };
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';

  for (const { name, file, limits, serve } of [
    {
      name: 'a small file, all of which fits into buffers',
      file: 'small',
      limits: { graceMs: 5000 },
      serve: onHead(OK),
    },
    {
      name: 'an answer with a text that never ends',
      file: 'small',
      limits: { graceMs: 5000 },
      serve: onHead('HTTP/1.1 200 OK\r\n\r\nx', (s) => s.end()),
    },
    { name: 'a medium file', file: 'medium', limits: { graceMs: 5000 }, serve: onHead(OK) },
    { name: 'a large file that is not read', file: 'large', limits: {}, serve: onHead(OK, (s) => s.pause()) },
    { name: 'a large file, connection closed after it', file: 'large', limits: {}, serve: onHead(OK, (s) => s.end()) },
  ] as const) {
    test(name, async () => {
      expect(brief(await tryOnce(loadOf(await raw(serve), file), limits))).toBe('TARGET_INCOMPLETE 200');
    });
  }

  test('an early no is still a no', async () => {
    const url = await raw(onHead('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
    expect(brief(await tryOnce(loadOf(url, 'medium'), { graceMs: 5000 }))).toBe('TARGET_REJECTED 403');
  });

  test('an informational answer is none', async () => {
    const target = await scripted(async (request, response, note) => {
      response.writeProcessing();
      await answer(200)(request, response, note);
    });
    expect(brief(await tryOnce(loadOf(target.url, 'medium'), { graceMs: 20 }))).toBe('taken 200');
  });
});

/** `text` once, then `more` every few milliseconds, until the other side has gone. */
const drip = (socket: Socket, text: string, more: string): void => {
  socket.write(text);
  const timer = setInterval(() => socket.write(more), 10);
  socket.on('close', () => clearInterval(timer));
};

describe('faults of the network', () => {
  const BAD: readonly {
    name: string;
    serve: (socket: Socket) => void;
    file?: 'small' | 'large';
    limits?: object;
    want: RegExp;
  }[] = [
    { name: 'reset at once', serve: (s) => s.resetAndDestroy(), want: /broke the connection|closed the connection/ },
    { name: 'closed at once', serve: (s) => s.destroy(), want: /broke the connection|closed the connection/ },
    {
      name: 'reset in the middle of the body',
      file: 'large',
      serve: (s) => s.once('data', () => s.resetAndDestroy()),
      want: /broke the connection/,
    },
    {
      name: 'closed after the body',
      serve: (s) => s.once('data', () => setTimeout(() => s.destroy(), 50)),
      want: /without an answer/,
    },
    { name: 'no HTTP', serve: (s) => s.write('220 mail.example ESMTP\r\n'), want: /did not answer in HTTP/ },
    {
      name: 'endless headers',
      serve: (s) => s.once('data', () => s.write(`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(1e6)}`)),
      want: /did not answer in HTTP/,
    },
    {
      name: 'silence after the body',
      serve: (s) => s.resume(),
      limits: { headersMs: 60 },
      want: /said nothing for 0\.06 s/,
    },
    {
      name: 'half a head, then silence',
      serve: (s) => s.resume().write('HTTP/1.1 200 OK\r\nX'),
      limits: { headersMs: 60 },
      want: /said nothing for 0\.06 s/,
    },
    {
      name: 'a head that drips and never ends',
      serve: (s) => drip(s.resume(), 'HTTP/1.1 200 OK\r\nX-Slow: ', 'a'),
      limits: { headersMs: 100 },
      want: /said nothing for 0\.1 s/,
    },
    {
      name: 'informational answers without end',
      serve: (s) => drip(s.resume(), '', 'HTTP/1.1 102 Processing\r\n\r\n'),
      limits: { headersMs: 100 },
      want: /said nothing for 0\.1 s/,
    },
    {
      name: 'a body of which a little is taken now and then',
      file: 'large',
      serve: (s) => void setInterval(() => s.read(1), 20).unref(),
      limits: { headersMs: 100 },
      want: /took nothing/,
    },
    {
      name: 'a body that is not taken',
      file: 'large',
      serve: (s) => s.pause(),
      limits: { headersMs: 60 },
      want: /took nothing/,
    },
    {
      name: 'a whole try that is too long',
      serve: (s) => s.resume(),
      limits: { tryMs: 60 },
      want: /not done within 0\.06 s/,
    },
  ];
  for (const { name, serve, file = 'small', limits = {}, want } of BAD) {
    test(`${name}: unreachable`, async () => {
      const outcome = await tryOnce(loadOf(await raw(serve), file), limits);
      expect(brief(outcome)).toBe('TARGET_UNREACHABLE');
      expect(outcome.kind === 'failed' && outcome.error.message).toMatch(want);
      expect(outcome.kind === 'failed' && outcome.error.message).toMatch(/^127\.0\.0\.1:\d+ /);
    });
  }

  test('a port where nobody listens', async () => {
    const url = await raw(() => {});
    await closers.pop()!();
    const outcome = await tryOnce(loadOf(url));
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(/refused the connection \(ECONNREFUSED\)$/);
  });

  test('a name that nobody knows', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
    };
    const outcome = await tryOnce(loadOf('http://nobody.example/'), {}, { resolve });
    expect(outcome.kind === 'failed' && outcome.error.message).toBe('nobody.example has no address (ENOTFOUND)');
    expect(brief(outcome)).toBe('TARGET_UNREACHABLE');
  });

  test('a look-up that never ends is cut by the connect limit', async () => {
    const outcome = await tryOnce(
      loadOf('http://slow.example/'),
      { connectMs: 60 },
      { resolve: () => new Promise(() => {}) },
    );
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(/did not accept a connection in time/);
  });

  test('a server that speaks no TLS', async () => {
    const url = await raw((s) => s.once('data', () => s.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const outcome = await tryOnce(loadOf(url.replace('http:', 'https:')));
    expect(brief(outcome)).toBe('TARGET_UNTRUSTED');
    expect(outcome.kind === 'failed' && outcome.error.message).toMatch(/TLS/);
  });

  test('an answer text that drips without end is dropped in time, and the status counts', async () => {
    const url = await raw((socket) =>
      socket.once('data', () => drip(socket.resume(), 'HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n', 'x')),
    );
    const beganMs = performance.now();
    expect(brief(await tryOnce(loadOf(url)))).toBe('TARGET_BUSY 503');
    expect(performance.now() - beganMs).toBeLessThan(4000);
  });

  test('a long answer text, or one that never ends, is dropped and the status counts', async () => {
    for (const length of [10_000_000, 1e12]) {
      const url = await raw((socket) => {
        let request = Buffer.alloc(0);
        socket.on('data', (chunk) => {
          request = Buffer.concat([request, chunk]);
          if (!request.subarray(-files.small.length).equals(files.small)) return;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${'a'.repeat(1e5)}`);
        });
      });
      expect(brief(await tryOnce(loadOf(url), { graceMs: 0 }))).toBe('taken 200');
    }
  });
});

describe('the file', () => {
  test('is missing: nothing is sent', async () => {
    const target = await scripted(answer(200));
    expect(brief(await tryOnce(loadOf(target.url, 'small', { body: plainFile(join(folder, 'absent')) })))).toBe(
      'INPUT_MISSING',
    );
    expect(target.seen).toHaveLength(0);
  });

  test('became shorter: the target never gets a whole request', async () => {
    const target = await scripted(answer(200));
    const outcome = await tryOnce(loadOf(target.url, 'small', { size: files.small.length + 1 }));
    expect(brief(outcome)).toBe('INTERNAL');
    expect(target.seen).toHaveLength(0);
  });

  test('became longer: only what was measured is sent', async () => {
    const target = await scripted(answer(200));
    expect(brief(await tryOnce(loadOf(target.url, 'small', { size: 5000 })))).toBe('taken 200');
    expect(target.seen[0]!.body.equals(files.small.subarray(0, 5000))).toBe(true);
  });
});

test('the caller can stop a try, which rejects with the reason', async () => {
  const stop = new AbortController();
  const url = await raw((socket) => socket.once('data', () => stop.abort(new Error('enough'))));
  await expect(tryOnce(loadOf(url), {}, { signal: stop.signal })).rejects.toThrow('enough');
});
