/** What holds for every WebSocket: who is let in, what is too much, what a connection that breaks leaves behind; other calls go on. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientOptions, WebSocket } from 'ws';
import { isOpen, openSocket } from '../../samples/clients/client-socket.ts';
import { eventually } from '../support/live-api.ts';
import { filesWith } from '../support/live-judge.ts';
import { sharedScratchDir } from '../support/scratch.ts';
import { StreamWorld } from '../support/stream-world.ts';

const FRAME = 320;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('WebSockets of media servers', () => {
  let world: StreamWorld;
  let key = '';

  beforeAll(async () => {
    world = await StreamWorld.open(sharedScratchDir());
    key = new URL(world.url('x')).searchParams.get('token') ?? '';
  }, 60_000);

  afterAll(() => world?.close());

  const bare = (path: string): string => world.url('x').replace(/x\?.*/, path);
  const callOf = async (callId: string) =>
    ((await world.api.ask('GET', '/calls')).data as { call_id: string; state: string; masked: boolean }[]).find(
      ({ call_id }) => call_id === callId,
    );
  const streamsOf = async (callId: string): Promise<object[]> =>
    (await world.api.ask('GET', '/streams')).data.filter(({ call_id }: { call_id: string }) => call_id === callId);
  const begin = async (callId: string, query: Record<string, string> = {}, options: ClientOptions = {}) => {
    const opened = await openSocket(world.url('audio-fork', { call_id: callId, ...query }), [], options);
    opened.socket.send(JSON.stringify({ sampleRate: 8000, mixType: 'mono' }));
    return opened;
  };
  /** Frames at the pace of speech. */
  const speak = async (socket: WebSocket, frames: number, frame: () => Uint8Array = () => Buffer.alloc(FRAME, 1)) => {
    const began = performance.now();
    for (let n = 0; n < frames && isOpen(socket); n++) {
      socket.send(frame());
      await sleep(Math.max(0, began + (n + 1) * 20 - performance.now()));
    }
  };

  describe('are let in', () => {
    for (const c of [
      { name: 'by a header', path: 'vonage', headers: () => ({ 'X-Auth-Token': key }) },
      { name: 'as a bearer', path: 'vonage', headers: () => ({ Authorization: `Bearer ${key}` }) },
      {
        name: "by Basic's password",
        path: 'vonage',
        headers: () => ({ Authorization: `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}` }),
      },
    ]) {
      test(c.name, async () => {
        const { socket, closed } = await openSocket(bare(c.path), [], { headers: c.headers() });
        socket.close(1000);
        expect((await closed).code).toBe(1000);
      });
    }

    test('by the path, and by a UUID that was announced', async () => {
      const { data } = await world.api.ask('PUT', '/streams/vonage', { data: { call_id: 'announced', leg: 'b' } });
      for (const path of [`vonage/${key}`, `vonage?uuid=${data.uuid}`]) {
        const { socket, closed } = await openSocket(bare(path), []);
        socket.close(1000);
        await closed;
      }
      expect(data).toMatchObject({
        kind: 'vonage',
        call_id: 'announced',
        leg: 'b',
        url: expect.stringContaining(data.uuid),
      });
    });

    test.each([
      ['no key at all', 'vonage', '401'],
      ['another key', `vonage?token=${'f'.repeat(64)}`, '401'],
      ['a UUID that nobody announced', 'vonage?uuid=40325ec2-5efd-4bd3-805f-53576e581d13', '401'],
      ['a kind that there is not', 'carrier-pigeon', '404'],
      ['a kind that is no WebSocket', 'audiosocket', '404'],
    ])('not with %s', async (_, path, status) => {
      await expect(openSocket(bare(path), [])).rejects.toThrow(status);
    });

    test('not into another account', async () => {
      const url = bare(`vonage?token=${key}`).replace(world.api.accountId, 'f'.repeat(32));
      await expect(openSocket(url, [])).rejects.toThrow(/401|403/);
    });
  });

  test('the preferred of the subprotocols that are offered is chosen, or none', async () => {
    for (const [offered, chosen] of [
      [['audio.drachtio.org', 'audio.jambonz.org'], 'audio.jambonz.org'],
      [['audio.drachtio.org'], 'audio.drachtio.org'],
    ] as const) {
      const { socket, closed } = await openSocket(world.url('audio-fork'), offered);
      expect(socket.protocol).toBe(chosen);
      socket.close(1000);
      await closed;
    }
  });

  test('another connection for a leg that is heard is refused, and the first goes on', async () => {
    const first = await begin('one-leg');
    await speak(first.socket, 10);
    const second = await begin('one-leg');
    expect(await second.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('CONFLICT') });
    await speak(first.socket, 5);
    expect(isOpen(first.socket)).toBe(true);
    first.socket.close(1000);
    await first.closed;
    await eventually(async () => (await callOf('one-leg'))?.state === 'ended' || undefined, 'the call to end');
    const late = await begin('one-leg');
    expect(await late.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('ended') });
  });

  test('a late second leg joins; the call ends with the last of them', async () => {
    const a = await begin('late-leg', { leg: 'a' });
    await speak(a.socket, 10);
    const b = await begin('late-leg', { leg: 'b' });
    await Promise.all([speak(a.socket, 10), speak(b.socket, 10)]);
    expect((await callOf('late-leg'))?.state).toBe('bridged');
    a.socket.close(1000);
    await a.closed;
    await speak(b.socket, 10);
    expect((await callOf('late-leg'))?.state).toBe('bridged');
    b.socket.close(1000);
    await b.closed;
    await eventually(async () => (await callOf('late-leg'))?.state === 'ended' || undefined, 'the call to end');
  });

  test('a call that was announced without ports is joined by its streams, and outlives them', async () => {
    const { data: call } = await world.api.ask('PUT', '/calls', {
      data: { call_id: 'without', media: { kind: 'stream' } },
    });
    expect(call.legs.a).not.toHaveProperty('rtp');
    const { socket, closed } = await begin('without', { leg: 'b' });
    await speak(socket, 20);
    expect(await streamsOf('without')).toMatchObject([{ kind: 'audio-fork', legs: ['b'], bytes: 20 * FRAME }]);
    socket.close(1000);
    await closed;
    const { data } = await world.api.ask('GET', '/calls/without');
    expect(data).toMatchObject({ state: 'announced', legs: { a: { state: 'waiting' }, b: { state: 'silent' } } });
    const { closed: hungUp } = await begin('without', { leg: 'b' });
    await eventually(async () => ((await streamsOf('without')).length > 0 ? true : undefined), 'the stream to join');
    await world.api.ask('DELETE', '/calls/without');
    expect(await hungUp).toMatchObject({ code: 1000 });
  });

  test('a service that is stopped says so, and keeps what it has', async () => {
    const other = await StreamWorld.open(sharedScratchDir());
    const { socket, closed } = await openSocket(other.url('audio-fork', { record_call: '{"format":"wav"}' }), []);
    const waiting = await openSocket(other.url('vonage'), []);
    socket.send('{"sampleRate":8000,"mixType":"mono"}');
    await speak(socket, 30);
    await other.close();
    expect((await closed).code).toBe(1001);
    expect((await waiting.closed).code).toBe(1001);
  });

  test('one that breaks and comes back in mid-call finds the call masked as it was', async () => {
    const secret = randomBytes(FRAME);
    const first = await begin('broken', { record_call: '{"format":"wav"}' });
    await speak(first.socket, 50);
    const { legs } = (await world.api.ask('GET', '/calls/broken')).data;
    await world.api.act(legs.a.channel_id, 'mask');
    first.socket.terminate();
    await sleep(200);
    const second = await begin('broken', { record_call: '{"format":"wav"}' });
    await speak(second.socket, 60, () => Uint8Array.from(secret));
    expect(await callOf('broken')).toMatchObject({ masked: true, state: 'answered' });
    await world.api.act(legs.a.channel_id, 'unmask');
    await speak(second.socket, 60, () => Buffer.alloc(FRAME, 3));
    second.socket.close(1000);
    await second.closed;
    const document = await eventually(
      async () =>
        (await world.api.recordings()).find(({ call_id, state }) => call_id === 'broken' && state === 'stored'),
      'the recording',
    );
    const manifest = (await world.api.ask('GET', `/recordings/${document.id}/manifest`)).data;
    expect(manifest.masks).toHaveLength(1);
    expect(filesWith(world.folder, secret.subarray(0, 32))).toEqual([]);
    expect((await world.api.recordings()).filter(({ call_id }) => call_id === 'broken')).toHaveLength(1);
  });

  test('compressed messages are taken, and one that grows beyond the bound is not', async () => {
    const small = await begin('deflated', {}, { perMessageDeflate: { threshold: 0 } });
    await speak(small.socket, 10);
    expect(small.socket.extensions).toContain('permessage-deflate');
    expect(isOpen(small.socket)).toBe(true);
    small.socket.close(1000);
    expect((await small.closed).code).toBe(1000);
    const bomb = await begin('bomb', {}, { perMessageDeflate: { threshold: 0 } });
    bomb.socket.send(Buffer.alloc(16 * 2 ** 20));
    expect((await bomb.closed).code).toBe(1009);
  });

  test('what is too much, or nonsense, closes that stream and no other', async () => {
    const well = await begin('well');
    const speaking = speak(well.socket, 150);
    const flood = await begin('flood');
    flood.socket.send(Buffer.alloc(2));
    const tiny = Buffer.alloc(2);
    for (let n = 0; n < 100_000 && isOpen(flood.socket); n++) {
      flood.socket.send(tiny);
      if (n % 2000 === 0) await sleep(1);
    }
    expect(await flood.closed).toMatchObject({ code: 1008, reason: expect.stringContaining('RATE_LIMITED') });
    const json = await openSocket(world.url('vonage'), []);
    json.socket.send('{"event":');
    expect(await json.closed).toMatchObject({ code: 1007 });
    const utf8 = await openSocket(world.url('vonage'), []);
    // A text frame that is no UTF-8, masked with zeros.
    (utf8.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.of(0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28),
    );
    expect((await utf8.closed).code).toBe(1007);
    await speaking;
    expect(isOpen(well.socket)).toBe(true);
    well.socket.close(1000);
    await well.closed;
  });

  test('a peer that asks and never reads is cut off', async () => {
    const url = new URL(world.url('audiohook'));
    const socket = connect(Number(url.port), url.hostname);
    let hasClosed = false;
    socket.on('close', () => {
      hasClosed = true;
    });
    socket.on('error', () => {});
    socket.write(
      [
        `GET ${url.pathname}${url.search} HTTP/1.1`,
        `Host: ${url.host}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        '\r\n',
      ].join('\r\n'),
    );
    await new Promise((resolve) => socket.once('readable', resolve));
    // Pings, each of which is to be answered, and never a byte read.
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => Buffer.concat([Buffer.of(0x89, 0xfd, 0, 0, 0, 0), Buffer.alloc(125, 1)])),
    );
    await eventually(
      () => {
        if (!hasClosed && socket.writableLength < 2 ** 20) for (let n = 0; n < 20; n++) socket.write(pings);
        return hasClosed || socket.destroyed || undefined;
      },
      'the peer that never reads to be cut off',
      40_000,
    );
    expect((await world.api.ask('GET', '/calls')).status).toBe('success');
  });

  test('requests that are no WebSocket are answered as before, whatever they would upgrade to', async () => {
    const url = new URL(world.api.url);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(url.port), url.hostname);
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk;
      });
      socket.on('close', () => resolve(heard));
      socket.write(
        `GET /healthz HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});
