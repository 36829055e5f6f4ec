import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormData, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { deliver } from '../../src/deliver/delivery.ts';
import { startUploadTarget, type UploadTarget, type UploadTargetOptions } from '../../src/http/upload-target.ts';
import type { Received } from '../../src/http/upload-target-intake.ts';
import { plainFile } from '../../src/spool/plain-file.ts';

const BODY = Buffer.from('some audio, or so');
const SHA256 = createHash('sha256').update(BODY).digest('hex');
const digestOf = (bytes: Buffer, algorithm = 'sha256'): string => createHash(algorithm).update(bytes).digest('base64');

let folder: string;
let directory: string;
let received: Received[];
const targets: UploadTarget[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-target-'));
  directory = join(folder, 'uploads');
  received = [];
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const target of targets.splice(0)) await target.close();
  await rm(folder, { recursive: true });
});

const start = async (options: Partial<UploadTargetOptions> = {}): Promise<UploadTarget> => {
  const target = await startUploadTarget({ directory, onReceived: (file) => received.push(file), ...options });
  targets.push(target);
  return target;
};

/** Everything in the folder, hidden files too. */
const stored = async (): Promise<string[]> => (await readdir(directory)).sort();

type Sent = {
  method?: string;
  headers?: Record<string, string>;
  body?: Buffer | string | FormData | AsyncIterable<Buffer>;
};

const send = async (url: string, { method = 'PUT', headers = {}, body = BODY }: Sent = {}) => {
  const response = await request(url, { method: method as 'PUT', headers, body: body as Buffer, reset: true });
  return {
    status: response.statusCode,
    headers: response.headers,
    json: (await response.body.json()) as Record<string, unknown>,
  };
};

/** Writes text as it stands: for requests that no client library would make. */
const dial = (port: number, text: string | Buffer): Socket => {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  sockets.push(socket);
  return socket;
};

const replyTo = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(text));
  });

describe('a raw upload', () => {
  for (const method of ['PUT', 'POST']) {
    test(`by ${method} is stored whole, under the name of its URL`, async () => {
      const { url } = await start({ now: () => 0 });
      const headers = { 'content-type': 'audio/mpeg', 'x-recording-id': 'r1' };
      const { status, json } = await send(`${url}/in/box/call_recording_c1.mp3?from=x`, { method, headers });
      expect([status, json]).toEqual([201, { stored: 'call_recording_c1.mp3', bytes: BODY.length, sha256: SHA256 }]);
      expect(await stored()).toEqual(['call_recording_c1.mp3']);
      expect(await readFile(join(directory, 'call_recording_c1.mp3'))).toEqual(BODY);
      expect(received).toEqual([
        {
          name: 'call_recording_c1.mp3',
          bytes: BODY.length,
          sha256: SHA256,
          contentType: 'audio/mpeg',
          method,
          recordingId: 'r1',
          receivedAt: '1970-01-01T00:00:00.000Z',
        },
      ]);
    });
  }

  for (const [name, headers] of [
    ['no type', {}],
    ['JSON', { 'content-type': 'application/json' }],
    ['text', { 'content-type': 'text/plain; charset=x' }],
    ['form fields', { 'content-type': 'application/x-www-form-urlencoded' }],
  ] as const) {
    test(`with ${name} is stored as it came`, async () => {
      const { url } = await start();
      expect((await send(`${url}/a.bin`, { headers })).status).toBe(201);
      expect(await readFile(join(directory, 'a.bin'))).toEqual(BODY);
    });
  }

  test('of unknown length is taken', async () => {
    const { port } = await start();
    const socket = dial(
      port,
      'POST /a.bin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    );
    expect(await replyTo(socket)).toMatch(/^HTTP\/1\.1 201 /);
    expect((await readFile(join(directory, 'a.bin'))).toString()).toBe('abc');
  });

  test('of many megabytes is the same on disk', async () => {
    const { url } = await start();
    const large = randomBytes(20 * 2 ** 20);
    const headers = { 'content-digest': `sha-256=:${digestOf(large)}:` };
    expect(await send(`${url}/large.wav`, { body: large, headers })).toMatchObject({
      status: 201,
      json: { bytes: large.length },
    });
    expect((await readFile(join(directory, 'large.wav'))).equals(large)).toBe(true);
  });

  test('of nothing is refused', async () => {
    const { url } = await start();
    expect((await send(`${url}/a.bin`, { body: '' })).status).toBe(400);
    expect(await stored()).toEqual([]);
  });

  test('never takes the place of one that differs by its query alone', async () => {
    const { url } = await start();
    for (const id of ['1', '2']) await send(`${url}/a.mp3?recording_id=${id}`, { body: `recording ${id}` });
    expect(await stored()).toEqual(['a-2.mp3', 'a.mp3']);
    expect(await readFile(join(directory, 'a.mp3'), 'utf8')).toBe('recording 1');
    expect(await readFile(join(directory, 'a-2.mp3'), 'utf8')).toBe('recording 2');
  });

  test('never takes the place of another', async () => {
    const { url } = await start();
    const answers = await Promise.all(['one', 'two', 'three'].map((body) => send(`${url}/a.mp3`, { body })));
    expect(answers.map(({ json }) => json.stored).sort()).toEqual(['a-2.mp3', 'a-3.mp3', 'a.mp3']);
    const texts = await Promise.all((await stored()).map((name) => readFile(join(directory, name), 'utf8')));
    expect(texts.sort()).toEqual(['one', 'three', 'two']);
  });

  test('is readable by its owner only', async () => {
    const { url } = await start();
    await send(`${url}/a.mp3`);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
    expect((await stat(join(directory, 'a.mp3'))).mode & 0o777).toBe(0o600);
  });
});

describe('no name leaves the folder', () => {
  for (const { path, want } of [
    { path: '/../../../etc/passwd', want: 'passwd' },
    { path: '/..%2f..%2fetc%2fpasswd', want: '_.._etc_passwd' },
    { path: '/%2e%2e/%2e%2e/x.mp3', want: 'x.mp3' },
    { path: '/%2e%2e', want: 'upload' },
    { path: '/..%5c..%5cx.mp3', want: '_.._x.mp3' },
    { path: '/a%00b.mp3', want: 'a_b.mp3' },
    { path: '/%zz%.mp3', want: '_zz_.mp3' },
    { path: '/%ff%fe.mp3', want: '_ff_fe.mp3' },
    { path: '/.incoming-1', want: 'incoming-1' },
    { path: `/${'x'.repeat(5000)}.mp3`, want: `${'x'.repeat(196)}.mp3` },
    { path: '//evil.example/x.mp3', want: 'x.mp3' },
    { path: 'http://evil.example/in/y.mp3', want: 'y.mp3' },
    { path: '/', want: 'upload' },
    { path: '/con', want: '_con' },
  ]) {
    test(path.slice(0, 40), async () => {
      const { port } = await start();
      const socket = dial(port, `PUT ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`);
      expect(await replyTo(socket)).toMatch(/^HTTP\/1\.1 201 /);
      expect(await stored()).toEqual([want]);
      expect(await readdir(folder)).toEqual(['uploads']);
    });
  }
});

describe('Content-Digest', () => {
  for (const { name, digest, status } of [
    { name: 'the right SHA-256', digest: `sha-256=:${digestOf(BODY)}:`, status: 201 },
    { name: 'the right SHA-512', digest: `sha-512=:${digestOf(BODY, 'sha512')}:`, status: 201 },
    { name: 'both right', digest: `sha-256=:${digestOf(BODY)}:, sha-512=:${digestOf(BODY, 'sha512')}:`, status: 201 },
    { name: 'an algorithm nobody knows', digest: 'crc=:AAAA:', status: 201 },
    { name: 'another SHA-256', digest: `sha-256=:${digestOf(Buffer.from('x'))}:`, status: 400 },
    { name: 'one right, one wrong', digest: `sha-256=:${digestOf(BODY)}:, sha-512=:AAAA:`, status: 400 },
    { name: 'an empty one', digest: 'sha-256=::', status: 400 },
    { name: 'rubbish', digest: 'sha-256=rubbish', status: 400 },
  ]) {
    test(`${name}: ${status}`, async () => {
      const { url } = await start();
      expect((await send(`${url}/a.mp3`, { headers: { 'content-digest': digest } })).status).toBe(status);
      expect(await stored()).toEqual(status === 201 ? ['a.mp3'] : []);
      expect(received).toHaveLength(status === 201 ? 1 : 0);
    });
  }
});

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' };

  test('with the same bytes is answered again and stored once', async () => {
    const { url } = await start();
    const first = await send(`${url}/a.mp3`, { headers });
    const second = await send(`${url}/a.mp3`, { headers });
    expect([first.status, second.status, second.json]).toEqual([201, 200, first.json]);
    expect(await stored()).toEqual(['a.mp3']);
    expect(received).toHaveLength(1);
  });

  test('sent twelve times at once is stored once', async () => {
    const { url } = await start();
    const all = await Promise.all(Array.from({ length: 12 }, () => send(`${url}/a.mp3`, { headers })));
    expect(all.map(({ status }) => status).sort()).toEqual([...Array(11).fill(200), 201]);
    expect(await stored()).toEqual(['a.mp3']);
  });

  test('with other bytes is refused', async () => {
    const { url } = await start();
    await send(`${url}/a.mp3`, { headers });
    expect((await send(`${url}/a.mp3`, { headers, body: 'other' })).status).toBe(422);
    expect(await stored()).toEqual(['a.mp3']);
  });

  test('of a refused upload is free again', async () => {
    const { url } = await start();
    expect((await send(`${url}/a.mp3`, { headers: { ...headers, 'content-digest': 'sha-256=:AAAA:' } })).status).toBe(
      400,
    );
    expect((await send(`${url}/a.mp3`, { headers })).status).toBe(201);
  });

  test('that differs lets the same bytes in twice', async () => {
    const { url } = await start();
    await send(`${url}/a.mp3`, { headers });
    expect((await send(`${url}/a.mp3`, { headers: { 'idempotency-key': 'k2' } })).status).toBe(201);
    expect(await stored()).toEqual(['a-2.mp3', 'a.mp3']);
  });
});

describe('the size limit', () => {
  test('refuses a body that says it is larger', async () => {
    const { url } = await start({ limitBytes: 10 });
    expect(await send(`${url}/a.mp3`)).toMatchObject({ status: 413 });
    expect(await stored()).toEqual([]);
  });

  test('refuses a body that turns out larger', async () => {
    const { port } = await start({ limitBytes: 4 });
    const socket = dial(
      port,
      'PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n',
    );
    expect(await replyTo(socket)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await stored()).toEqual([]);
  });

  test('takes a body of exactly that size', async () => {
    const { url } = await start({ limitBytes: BODY.length });
    expect((await send(`${url}/a.mp3`)).status).toBe(201);
  });
});

describe('a form', () => {
  const BOUNDARY = 'xyz';
  const form = (...parts: string[]): Buffer =>
    Buffer.from(`${parts.map((part) => `--${BOUNDARY}\r\n${part}\r\n`).join('')}--${BOUNDARY}--\r\n`);
  const filePart = (filename: string, text: string, type = 'audio/mpeg'): string =>
    `Content-Disposition: form-data; name="f"; filename="${filename}"\r\nContent-Type: ${type}\r\n\r\n${text}`;
  const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

  test('of a real client has its file stored', async () => {
    const { url } = await start();
    const body = new FormData();
    body.set('metadata', '{"id":"r1"}');
    body.set('audio', new Blob([BODY], { type: 'audio/mpeg' }), 'call.mp3');
    const { status, json } = await send(`${url}/in`, { method: 'POST', body });
    expect([status, json]).toEqual([201, { stored: 'call.mp3', bytes: BODY.length, sha256: SHA256 }]);
    expect(received[0]).toMatchObject({ name: 'call.mp3', contentType: 'audio/mpeg' });
  });

  test('with several files has them all stored', async () => {
    const { url } = await start();
    const body = form(filePart('a.mp3', 'one'), filePart('a.mp3', 'two'), filePart('b', 'three', 'audio/wav'));
    const { status, json } = await send(`${url}/in`, { method: 'POST', headers, body });
    expect([status, (json.files as { stored: string }[]).map((file) => file.stored)]).toEqual([
      201,
      ['a.mp3', 'a-2.mp3', 'b.wav'],
    ]);
    expect(await stored()).toEqual(['a-2.mp3', 'a.mp3', 'b.wav']);
  });

  for (const [filename, want] of [
    ['../../x.mp3', 'x.mp3'],
    ['/etc/x.mp3', 'x.mp3'],
    ['C:\\\\x\\\\y.mp3', 'y.mp3'],
    ['..', 'upload.mp3'],
    ['.hidden', 'hidden.mp3'],
  ] as const) {
    test(`with the file name ${filename} stores ${want}`, async () => {
      const { url } = await start();
      expect((await send(`${url}/in`, { method: 'POST', headers, body: form(filePart(filename, 'x')) })).status).toBe(
        201,
      );
      expect(await stored()).toEqual([want]);
      expect(await readdir(folder)).toEqual(['uploads']);
    });
  }

  for (const { name, right } of [
    { name: 'the right', right: true },
    { name: 'a wrong', right: false },
  ]) {
    test(`with ${name} digest of the whole form`, async () => {
      const { url } = await start();
      const body = form(filePart('a.mp3', 'one'), filePart('b.mp3', randomBytes(200_000).toString('hex')));
      const digest = `sha-256=:${digestOf(right ? body : BODY)}:`;
      const { status } = await send(`${url}/in`, {
        method: 'POST',
        headers: { ...headers, 'content-digest': digest },
        body,
      });
      expect([status, await stored()]).toEqual(right ? [201, ['a.mp3', 'b.mp3']] : [400, []]);
    });
  }

  test('sent again under its key is stored once', async () => {
    const { url } = await start();
    const sent = {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': 'k' },
      body: form(filePart('a.mp3', '1'), filePart('b.mp3', '2')),
    };
    expect([(await send(`${url}/in`, sent)).status, (await send(`${url}/in`, sent)).status]).toEqual([201, 200]);
    expect(await stored()).toEqual(['a.mp3', 'b.mp3']);
  });

  for (const { name, body, type = headers['content-type'], status } of [
    { name: 'without a file', body: form('Content-Disposition: form-data; name="x"\r\n\r\nvalue'), status: 400 },
    { name: 'cut in the middle of a file', body: form(filePart('a.mp3', 'one')).subarray(0, -12), status: 400 },
    {
      name: 'cut after its first file',
      body: form(filePart('a.mp3', 'one'), filePart('b.mp3', 'two')).subarray(0, -20),
      status: 400,
    },
    { name: 'without a boundary', body: form(filePart('a.mp3', 'one')), type: 'multipart/form-data', status: 400 },
    { name: 'that is too large', body: form(filePart('a.mp3', 'x'.repeat(2000))), status: 413 },
    { name: 'of rubbish', body: randomBytes(500), status: 400 },
  ]) {
    test(`${name}: ${status}, and nothing is kept`, async () => {
      const { url } = await start({ limitBytes: 1000 });
      const sent = { method: 'POST', headers: { 'content-type': type }, body };
      expect((await send(`${url}/in`, sent)).status).toBe(status);
      expect(await stored()).toEqual([]);
      expect((await send(`${url}/after.mp3`)).status).toBe(201);
    });
  }

  test('of unknown length that is too large: 413, and nothing is kept', async () => {
    const { url } = await start({ limitBytes: 100_000 });
    async function* chunks() {
      yield Buffer.from(`--${BOUNDARY}\r\n${filePart('a.mp3', 'one')}`);
      for (let count = 0; count < 50; count++) yield Buffer.alloc(10_000, 'x');
    }
    const { status } = await send(`${url}/in`, { method: 'POST', headers, body: chunks() });
    expect([status, await stored()]).toEqual([413, []]);
  });
});

describe('a sender that goes away', () => {
  for (const { name, head } of [
    { name: 'in a raw body', head: 'PUT /a.mp3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n' },
    { name: 'in a chunked body', head: 'PUT /a.mp3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n' },
    {
      name: 'in a form',
      head:
        'POST /in HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n' +
        '--x\r\nContent-Disposition: form-data; name="f"; filename="a.mp3"\r\n\r\n',
    },
  ]) {
    test(`${name} leaves nothing behind, and nothing was ever visible`, async () => {
      const { port } = await start();
      const socket = dial(port, `${head}${'x'.repeat(500)}`);
      await vi.waitFor(async () => expect(await stored()).toEqual([expect.stringMatching(/^\.incoming-/)]));
      socket.resetAndDestroy();
      await vi.waitFor(async () => expect(await stored()).toEqual([]));
      expect(received).toEqual([]);
    });
  }

  test('because the target closes leaves nothing behind', async () => {
    const target = await start();
    dial(target.port, `PUT /a.mp3 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(500)}`);
    await vi.waitFor(async () => expect(await stored()).toHaveLength(1));
    await target.close();
    await vi.waitFor(async () => expect(await stored()).toEqual([]));
    await target.close();
  });
});

describe('what was received is listed', () => {
  test('as JSON', async () => {
    const { url } = await start({ now: () => 0 });
    await send(`${url}/a.mp3`, { headers: { 'content-type': 'audio/mpeg', 'x-recording-id': 'r1' } });
    const response = await request(`${url}/`);
    expect(await response.body.json()).toEqual({
      received: [
        {
          stored: 'a.mp3',
          bytes: BODY.length,
          sha256: SHA256,
          content_type: 'audio/mpeg',
          method: 'PUT',
          recording_id: 'r1',
          received_at: '1970-01-01T00:00:00.000Z',
        },
      ],
    });
  });

  test('as a page, in which nothing a sender wrote is markup', async () => {
    const { url } = await start();
    await send(`${url}/a.mp3`, { headers: { 'x-recording-id': '<img src=x onerror="1">&' } });
    const response = await request(`${url}/`, { headers: { accept: 'text/html,*/*' } });
    const page = await response.body.text();
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page).toContain('&lt;img src=x onerror=&quot;1&quot;&gt;&amp;');
    expect(page).not.toContain('<img');
  });

  test('and other paths hold nothing', async () => {
    const { url } = await start();
    await send(`${url}/a.mp3`);
    for (const path of ['/a.mp3', '/..%2f..%2fetc/passwd', '/%zz']) {
      expect((await request(`${url}${path}`)).statusCode).toBeGreaterThanOrEqual(400);
    }
  });
});

describe('faults', () => {
  test('statuses are answered and nothing is kept; 429 says when to come back', async () => {
    const { url } = await start({ fail: ['503', '429', '404'] });
    const answers = [await send(`${url}/a`), await send(`${url}/a`), await send(`${url}/a`)];
    expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual([
      [503, undefined],
      [429, '1'],
      [404, undefined],
    ]);
    expect(await stored()).toEqual([]);
    expect((await send(`${url}/a`)).status).toBe(201);
  });

  test('reset breaks the connection and keeps nothing', async () => {
    const { url } = await start({ fail: ['reset'] });
    await expect(send(`${url}/a`)).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) });
    expect(await stored()).toEqual([]);
  });

  test('slow takes its time and then the file', async () => {
    const { url } = await start({ fail: ['slow'], slowMs: 80 });
    const beganMs = performance.now();
    expect((await send(`${url}/a`)).status).toBe(201);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(75);
  });

  test('hang answers nobody, and does not keep the target from closing', async () => {
    const target = await start({ fail: ['hang'] });
    const socket = dial(target.port, 'PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc');
    const reply = replyTo(socket);
    expect((await send(`${target.url}/b`)).status).toBe(201);
    await target.close();
    expect(await reply).toBe('');
    expect(await stored()).toEqual(['b']);
  });

  test('early answers before the body', async () => {
    const { port } = await start({ fail: ['early'] });
    const socket = dial(port, 'PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
    expect(await replyTo(socket)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await stored()).toEqual([]);
  });

  test('lost keeps the file and loses the answer', async () => {
    const { url } = await start({ fail: ['lost'] });
    const headers = { 'idempotency-key': 'k' };
    await expect(send(`${url}/a`, { headers })).rejects.toBeDefined();
    expect((await send(`${url}/a`, { headers })).status).toBe(200);
    expect(await stored()).toEqual(['a']);
  });

  test('a delivery survives them one after the other, and the file is stored once', async () => {
    const { url } = await start({ fail: ['503', 'reset', 'early', 'lost', '429', 'slow'], slowMs: 1 });
    const path = join(folder, 'call.mp3');
    const bytes = randomBytes(300_000);
    await writeFile(path, bytes);
    const tries: unknown[] = [];
    const result = await deliver(
      { source: plainFile(path), contentType: 'audio/mpeg', format: 'mp3', recordingId: 'r1', callId: 'c/1' },
      {
        url: `${url}/in`,
        method: 'put',
        policy: 'operator',
        clock: { now: () => 0, sleep: async () => {} },
        random: () => 0,
        maxTries: 10,
        limits: { graceMs: 700 },
        onTry: ({ status, error }) => tries.push(error?.code === 'TARGET_UNREACHABLE' ? error.code : status),
      },
    );
    // What was lost is known to the target by its key, so that the slow one answers 200.
    expect(tries).toEqual([503, 'TARGET_UNREACHABLE', 200, 'TARGET_UNREACHABLE', 429, 200]);
    expect(result).toMatchObject({ state: 'delivered', tries: 6 });
    expect(await stored()).toEqual(['call_recording_c_1.mp3']);
    expect((await readFile(join(directory, 'call_recording_c_1.mp3'))).equals(bytes)).toBe(true);
  });

  test('a small file is not taken for delivered when the answer came early, with the limits as they are', async () => {
    const { url } = await start({ fail: ['early'] });
    const path = join(folder, 'call.wav');
    await writeFile(path, BODY);
    const result = await deliver(
      { source: plainFile(path), contentType: 'audio/wav', format: 'wav', recordingId: 'r1', callId: 'c1' },
      { url, method: 'post', policy: 'operator', clock: { ...systemClock, sleep: async () => {} }, random: () => 0 },
    );
    expect(result).toMatchObject({ state: 'delivered', tries: 2, status: 201 });
  });
});

describe('a target that can not start', () => {
  test('because its port is taken', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      message: expect.stringContaining(String(port)),
    });
  });

  test('because its address is not ours', async () => {
    await expect(start({ host: '203.0.113.1' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('because its folder is a file', async () => {
    await writeFile(directory, 'x');
    await expect(start()).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });

  test.skipIf(process.getuid?.() === 0)('because its folder may not be written', async () => {
    await chmod(folder, 0o500);
    await expect(start()).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    await chmod(folder, 0o700);
  });

  test('because a fault is unknown', async () => {
    await expect(start({ fail: ['maybe'] })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
