/** Senders that no HTTP library would be: half-open, slow, endless, broken. Real sockets on loopback. */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { ApiOptions } from '../../src/http/api.ts';
import { makeWorld, STUBS, type World } from './api-world.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const listening = async (options: Partial<ApiOptions> = {}): Promise<World & { port: number }> => {
  const world = await makeWorld(options);
  await world.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...world, port: (world.app.server.address() as AddressInfo).port };
};

/** What comes back until the other side closes. */
type Dialled = { readonly socket: Socket; readonly closed: Promise<string> };

const dial = async (port: number, text = ''): Promise<Dialled> => {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let heard = '';
  socket.setEncoding('utf8').on('data', (piece) => {
    heard += piece;
  });
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(heard)));
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return { socket, closed };
};

const request = (head: string, body = ''): string => `${head.split('\n').join('\r\n')}\r\nHost: x\r\n\r\n${body}`;

const statusOf = (heard: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(heard)?.[1]);

describe('a slow sender', () => {
  test('of headers is cut off', async () => {
    const { port } = await listening({ limits: { headersTimeoutMs: 200 } });
    const { closed } = await dial(port, 'GET /healthz HTTP/1.1\r\nX-Slow: ');
    expect(statusOf(await closed)).toBe(408);
  });

  test('of a body is cut off, with a key or without', async () => {
    const { port, admin } = await listening({ limits: { bodyTimeoutMs: 100 } });
    const head = 'PUT /v2/account/users HTTP/1.1\nContent-Type: application/json\nContent-Length: 1000';
    for (const key of ['', `\nX-Auth-Token: ${admin.key}`]) {
      const { closed } = await dial(port, request(head + key, '{"data":'));
      expect(statusOf(await closed)).toBe(408);
    }
  });

  test('is not cut off while it is heard in time', async () => {
    const { port, admin } = await listening({ limits: { bodyTimeoutMs: 5000 } });
    const head = `PUT /v2/account/users HTTP/1.1\nContent-Type: application/json\nContent-Length: 11\nConnection: close`;
    const { socket, closed } = await dial(port, request(`${head}\nX-Auth-Token: ${admin.key}`, '{"da'));
    for (const piece of 'ta":{}}') {
      await new Promise(setImmediate);
      socket.write(piece);
    }
    expect(statusOf(await closed)).toBe(201);
  });
});

describe('a sender who is refused', () => {
  const refused: readonly (readonly [name: string, head: string, status: number])[] = [
    ['without a key', 'PUT /v2/account/recordings HTTP/1.1\nContent-Type: multipart/form-data; boundary=x', 401],
    ['at a wrong path', 'PUT /v2/nowhere HTTP/1.1\nContent-Type: application/octet-stream', 404],
    ['by a wrong method', 'PATCH /v2/account/metaflows HTTP/1.1\nContent-Type: application/octet-stream', 405],
    ['for too large a body', 'PUT /v2/api_auth HTTP/1.1\nContent-Type: application/json', 413],
  ];
  for (const [name, head, status] of refused) {
    test(`${name} is not listened to any longer`, async () => {
      const { port } = await listening();
      const { closed } = await dial(port, request(`${head}\nContent-Length: 1000000000`, 'x'.repeat(1000)));
      const heard = await closed;
      expect([statusOf(heard), /connection: close/i.test(heard)]).toEqual([status, true]);
    });
  }

  test('before a route is found gets a clear answer', async () => {
    const { port } = await listening();
    for (const [text, status] of [
      ['no HTTP at all\r\n\r\n', 400],
      [`GET /healthz HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
      ['PUT /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ] as const) {
      const { closed } = await dial(port, text);
      expect(statusOf(await closed)).toBe(status);
    }
  });

  test('without a body keeps the connection', async () => {
    const { port } = await listening();
    const { socket, closed } = await dial(port, request('GET /v2/nowhere HTTP/1.1'));
    await once(socket, 'data');
    socket.write(request('GET /healthz HTTP/1.1\nConnection: close'));
    const heard = await closed;
    expect([...heard.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual(['404', '200']);
  });
});

describe('thousands of half-open connections', () => {
  test('lock nobody out, and end nobody who is being answered', async () => {
    const events = new EventEmitter();
    const entered = once(events, 'entered');
    const hangUp = async () => {
      events.emit('entered');
      await once(events, 'answer');
      return {} as never;
    };
    const calls = { ...STUBS.calls, get: () => ({ state: 'bridged' }) as never, hangUp };
    const { port, admin } = await listening({ calls, limits: { connections: 100 } });
    const key = `X-Auth-Token: ${admin.key}\nConnection: close`;
    const body = 'Content-Type: application/json\nContent-Length: 2';
    const running = await dial(port, request(`DELETE /v2/account/calls/c1 HTTP/1.1\n${body}\n${key}`, '{}'));
    await entered;

    let open = 0;
    for (let batch = 0; batch < 20; batch++) {
      const dialled = await Promise.all(
        Array.from({ length: 100 }, () => dial(port, 'PUT /v2/account/users HTTP/1.1\r\nX-Slow: ')),
      );
      open += dialled.length;
    }
    expect(open).toBe(2000);
    const late = await dial(port, request(`GET /v2/account HTTP/1.1\n${key}`));
    expect(statusOf(await late.closed)).toBe(200);
    events.emit('answer');
    expect(statusOf(await running.closed)).toBe(200);
  });

  test('do not keep the service from closing', async () => {
    const { app, port } = await listening();
    const dialled = await Promise.all([
      dial(port, 'GET /healthz HTTP/1.1\r\nX-Slow: '),
      dial(port, request('PUT /v2/account/users HTTP/1.1\nContent-Type: application/json\nContent-Length: 9', '{')),
      dial(port),
    ]);
    await app.close();
    expect(await Promise.all(dialled.map(({ closed }) => closed))).toEqual(['', '', '']);
  });

  test('that hold bodies back without a key are no different', async () => {
    const { port, admin } = await listening({ limits: { connections: 50 } });
    const held = 'PUT /v2/account/users HTTP/1.1\nContent-Type: application/json\nContent-Length: 1000';
    for (let batch = 0; batch < 3; batch++) {
      await Promise.all(Array.from({ length: 50 }, () => dial(port, request(held, '{"data":'))));
    }
    const late = await dial(port, request(`GET /v2/account HTTP/1.1\nX-Auth-Token: ${admin.key}\nConnection: close`));
    expect(statusOf(await late.closed)).toBe(200);
  });
});
