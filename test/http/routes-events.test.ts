import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ACCOUNT, type ApiUnderTest, apiUnderTest, OTHER_TOKEN, PATH, TOKEN } from '../support/api-fakes.ts';
import { HandClock } from '../support/hand-clock.ts';

const EVENTS = `${PATH}/events`;

let api: ApiUnderTest;
let clock: HandClock;
let port: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  clock = new HandClock();
  api = await apiUnderTest({ clock, limits: { listeners: 2 } });
  port = Number(new URL(await api.listen()).port);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

type Listener = { readonly socket: Socket; text: string; closed: boolean };

/** A browser's request for events, byte for byte; what it has got so far. */
const listen = async (headers: Record<string, string> = {}, query = ''): Promise<Listener> => {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  const listener: Listener = { socket, text: '', closed: false };
  socket.on('data', (chunk) => {
    listener.text += chunk.toString();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    listener.closed = true;
  });
  const lines = Object.entries({ 'X-Auth-Token': TOKEN, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${EVENTS}${query} HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`);
  await vi.waitUntil(() => listener.text.includes('\r\n\r\n'));
  return listener;
};

const emit = (number: number, data: Record<string, unknown> = {}): void =>
  api.events.emit({ id: `run-${number}`, type: 'mask.on', at: '2026-11-22T00:00:00.000Z', data });

describe('events', () => {
  test('come as they happen, each with id, event and data', async () => {
    const listener = await listen();
    expect(listener.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(listener.text).toMatch(/content-type: text\/event-stream; charset=utf-8\r\n/i);
    expect(listener.text).toMatch(/cache-control: no-store\r\n/i);
    emit(1, { call_id: 'c1' });
    await vi.waitUntil(() => listener.text.includes('"c1"'));
    expect(listener.text).toContain('retry: 3000\n\n');
    expect(listener.text).toContain('id: run-1\nevent: mask.on\ndata: {"id":"run-1","type":"mask.on",');
    expect(api.events.subscriptions).toEqual([{ accountId: ACCOUNT, lastId: undefined }]);
  });

  for (const { name, headers, query, lastId } of [
    { name: 'the field', headers: { 'Last-Event-ID': 'run-7' }, query: '', lastId: 'run-7' },
    { name: 'the parameter', headers: {}, query: '?last_event_id=run-8', lastId: 'run-8' },
    {
      name: 'the field before the parameter',
      headers: { 'Last-Event-ID': 'run-7' },
      query: '?last_event_id=run-2',
      lastId: 'run-7',
    },
    { name: 'an empty field is none', headers: { 'Last-Event-ID': '' }, query: '', lastId: undefined },
    {
      name: 'one too long to be ours is cut',
      headers: { 'Last-Event-ID': 'x'.repeat(500) },
      query: '',
      lastId: 'x'.repeat(128),
    },
  ]) {
    test(`go on behind the last one: ${name}`, async () => {
      await listen(headers, query);
      expect(api.events.subscriptions).toEqual([{ accountId: ACCOUNT, lastId }]);
    });
  }

  test('a token may be in the URL, where browsers can put it', async () => {
    expect((await listen({ 'X-Auth-Token': '' }, `?auth_token=${TOKEN}`)).text).toMatch(/^HTTP\/1\.1 200/);
  });

  for (const { name, headers, query, status } of [
    { name: 'without a key', headers: { 'X-Auth-Token': '' }, query: '', status: 401 },
    { name: "with another account's", headers: { 'X-Auth-Token': OTHER_TOKEN }, query: '', status: 403 },
    { name: 'with a parameter that is none', headers: {}, query: '?since=5', status: 400 },
  ]) {
    test(`${name}: ${status}`, async () => {
      expect((await listen(headers, query)).text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(api.events.subscriptions).toEqual([]);
    });
  }

  test('the heart beats every 15 s', async () => {
    const listener = await listen();
    await vi.waitUntil(() => clock.sleeping > 0);
    await clock.advance(45_000);
    await vi.waitUntil(() => listener.text.split('\n:\n').length === 4);
  });

  test('more listeners than an account may have are told to come back', async () => {
    const [first] = [await listen(), await listen()];
    const third = await listen();
    expect(third.text).toMatch(/^HTTP\/1\.1 429 /);
    expect(third.text).toMatch(/retry-after: 10\r\n/i);
    first.socket.destroy();
    await vi.waitUntil(() => api.events.listeners.size === 1);
    expect((await listen()).text).toMatch(/^HTTP\/1\.1 200/);
  });

  test('a listener that goes away leaves nothing behind', async () => {
    const { socket } = await listen();
    await vi.waitUntil(() => api.events.listeners.size === 1 && clock.sleeping === 1);
    socket.destroy();
    await vi.waitUntil(() => api.events.listeners.size === 0 && clock.sleeping === 0);
  });

  test('a listener that does not read is let go, and others get everything', async () => {
    const slow = await listen();
    slow.socket.pause();
    const quick = await listen();
    const filler = 'x'.repeat(10_000);
    // 20 MB: more than the kernel takes for a connection on loopback, and what may wait for it here.
    for (let number = 1; number <= 2000; number++) {
      emit(number, { filler });
      if (number % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await vi.waitUntil(() => quick.text.includes('id: run-2000\n'), 10_000);
    expect(quick.closed).toBe(false);
    await clock.advance(5000);
    await vi.waitUntil(() => api.events.listeners.size === 1);
    slow.socket.resume();
    await vi.waitUntil(() => slow.closed, 10_000);
    expect(slow.text).not.toContain('id: run-2000\n');
  });

  test('closing the service ends them, and says so', async () => {
    const listener = await listen();
    const closed = once(listener.socket, 'close');
    await api.app.close();
    await closed;
    expect(listener.text).toContain(': the service is closing\n\n');
    expect(api.events.listeners.size).toBe(0);
  });
});
