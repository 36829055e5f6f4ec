import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { FormData, request } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { newSealKey } from '../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../src/spool/seal/sealed-file.ts';
import {
  ACCOUNT,
  type ApiUnderTest,
  apiUnderTest,
  KEY_ID,
  OTHER_ACCOUNT,
  OTHER_TOKEN,
  PATH,
  TOKEN,
} from '../support/api-fakes.ts';
import { HandClock } from '../support/hand-clock.ts';

const RECORDINGS = `${PATH}/recordings`;
const LIMIT = 1_000_000;
const CAPTURE = randomBytes(50_000);

let api: ApiUnderTest;
let clock: HandClock;
let origin: string;
const sockets: Socket[] = [];

beforeEach(async () => {
  clock = new HandClock();
  api = await apiUnderTest({ clock, limits: { uploadBytes: LIMIT, uploads: 2 } });
  origin = await api.listen();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const left = (): string[] => readdirSync(api.recordings.uploadFolder);

type Part = {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
  readonly type?: string;
};

const formOf = (...parts: readonly Part[]): FormData => {
  const form = new FormData();
  for (const { name, value, filename, type } of parts) {
    if (filename === undefined && type === undefined) form.append(name, value.toString());
    else form.append(name, new Blob([value], { type: type ?? '' }), filename ?? '');
  }
  return form;
};

const send = async (
  body: FormData | Buffer | AsyncIterable<Buffer>,
  headers: Record<string, string> = {},
  account = ACCOUNT,
) => {
  const options = { method: 'PUT', headers: { 'x-auth-token': TOKEN, ...headers }, body, reset: true } as const;
  const response = await request(`${origin}/v2/accounts/${account}/recordings`, options as never);
  // biome-ignore lint/suspicious/noExplicitAny: tests name what they look for in an answer
  return { status: response.statusCode, headers: response.headers, json: (await response.body.json()) as any };
};

const FILE: Part = { name: 'file', value: CAPTURE, filename: 'call.pcap', type: 'application/octet-stream' };

const BOUNDARY = 'xYzZY';
const TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const HEAD = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="c.pcap"\r\nContent-Type: application/octet-stream\r\n\r\n`;

/** The beginning of an upload, by hand; its answer comes into `text`. */
const dial = (length: number, body: string | Buffer): { readonly socket: Socket; text: string; closed: boolean } => {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  sockets.push(socket);
  const upload = { socket, text: '', closed: false };
  socket.on('data', (chunk) => {
    upload.text += chunk.toString();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    upload.closed = true;
  });
  socket.write(
    `PUT ${RECORDINGS} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${TOKEN}\r\nContent-Length: ${length}\r\n` +
      `Content-Type: ${TYPE['content-type']}\r\n\r\n`,
  );
  socket.write(body);
  return upload;
};

describe('an upload', () => {
  test('answers 202 with the job, and the file is the one that was sent', async () => {
    const { status, json } = await send(formOf(FILE));
    expect([status, json.status]).toEqual([202, 'success']);
    expect(json.data).toEqual({
      id: 'job-1',
      kind: 'replay',
      state: 'queued',
      progress: 0,
      recordings: [],
      error: null,
    });
    const [{ path, name, fields }] = api.recordings.replays as [(typeof api.recordings.replays)[number]];
    expect({ name, fields }).toEqual({ name: 'call.pcap', fields: {} });
    expect(readFileSync(path).equals(CAPTURE)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(path).toMatch(/\/uploads\/upload-[0-9a-f]{32}$/);
    expect(api.audit.notes).toEqual([
      { accountId: ACCOUNT, by: { kind: 'api', by: KEY_ID }, action: 'replay.begin', subject: 'job/job-1', data: {} },
    ]);
  });

  test('sealed: it comes to disk sealed, of no byte of it that was sent, and opens to the file that was sent', async () => {
    const key = newSealKey(randomBytes);
    api.recordings.seal = { key, purpose: 'upload' };
    const large = randomBytes(LIMIT - 5);
    expect((await send(formOf({ ...FILE, value: large }))).status).toBe(202);
    const [{ path }] = api.recordings.replays as [(typeof api.recordings.replays)[number]];
    const sealed = readFileSync(path);
    expect(sealed.toString('latin1', 0, 8)).toBe('RCSEAL01');
    for (let at = 0; at < large.length; at += 50_000) expect(sealed.includes(large.subarray(at, at + 16))).toBe(false);
    const file = await sealedFile(path, key, 'upload').open();
    const content = Buffer.alloc(file.size);
    await file.read(content, 0);
    await file.close();
    expect(content.equals(large)).toBe(true);
  });

  test('sealed, cut off on its way: nothing is left', async () => {
    api.recordings.seal = { key: newSealKey(randomBytes), purpose: 'upload' };
    const upload = dial(400_000, Buffer.concat([Buffer.from(HEAD), randomBytes(300_000)]));
    await vi.waitUntil(() => left().length === 1);
    upload.socket.destroy();
    await vi.waitUntil(() => left().length === 0);
  });

  for (const { name, parts, fields } of [
    { name: 'before the file', parts: [{ name: 'data', value: '{"format":"wav"}' }, FILE], fields: { format: 'wav' } },
    { name: 'behind it', parts: [FILE, { name: 'data', value: '{"channels":"mono"}' }], fields: { channels: 'mono' } },
    {
      name: 'with text for numbers',
      parts: [FILE, { name: 'data', value: '{"time_limit":"60"}' }],
      fields: { time_limit: 60 },
    },
  ]) {
    test(`takes data ${name}`, async () => {
      expect((await send(formOf(...parts))).status).toBe(202);
      expect(api.recordings.replays[0]!.fields).toEqual(fields);
    });
  }

  test('takes data that says it is JSON', async () => {
    const data = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: application/json\r\n\r\n{"format":"wav"}\r\n`;
    const { status } = await send(Buffer.from(`${data}${HEAD}abc\r\n--${BOUNDARY}--\r\n`), TYPE);
    expect([status, api.recordings.replays[0]!.fields]).toEqual([202, { format: 'wav' }]);
  });

  for (const { filename, name } of [
    { filename: '../../etc/passwd', name: '_.._etc_passwd' },
    { filename: 'a b/c\\d.wav', name: 'd.wav' },
    { filename: '.hidden', name: 'hidden' },
    { filename: 'x'.repeat(500), name: 'x'.repeat(200) },
  ]) {
    test(`calls ${filename.slice(0, 20)} ${name.slice(0, 20)}, and puts it where it belongs`, async () => {
      expect((await send(formOf({ ...FILE, filename }))).status).toBe(202);
      const [replay] = api.recordings.replays;
      expect(replay!.name).not.toMatch(/[/\\]|^\./);
      expect(replay!.name.length).toBeLessThanOrEqual(200);
      expect(left()).toEqual([replay!.path.split('/').at(-1)]);
    });
  }

  for (const { name, parts, message, status = 400, faults } of [
    { name: 'no file', parts: [{ name: 'data', value: '{}' }], message: 'invalid request envelope' },
    { name: 'two files', parts: [FILE, { ...FILE, name: 'other' }], message: 'invalid request envelope' },
    { name: 'an empty file', parts: [{ ...FILE, value: '' }], message: 'capture_empty' },
    { name: 'an unknown field', parts: [FILE, { name: 'format', value: 'wav' }], message: 'invalid request envelope' },
    {
      name: 'data twice',
      parts: [FILE, { name: 'data', value: '{}' }, { name: 'data', value: '{}' }],
      message: 'invalid request envelope',
    },
    { name: 'data that is no JSON', parts: [FILE, { name: 'data', value: '{' }], message: 'invalid request envelope' },
    {
      name: 'data that is large',
      parts: [FILE, { name: 'data', value: `"${'x'.repeat(70_000)}"` }],
      message: 'invalid request envelope',
    },
    {
      name: 'data that is a list',
      parts: [FILE, { name: 'data', value: '[]' }],
      message: 'validation error',
      faults: ['data'],
    },
    {
      name: 'faults in data',
      parts: [{ name: 'data', value: '{"format":"ogg","colour":"red"}' }, FILE],
      message: 'validation error',
      faults: ['colour', 'format'],
    },
    {
      name: 'a mask to begin with',
      parts: [{ name: 'data', value: '{"action":"mask"}' }, FILE],
      message: 'validation error',
      faults: ['action'],
    },
    {
      name: 'a target on loopback',
      parts: [FILE, { name: 'data', value: '{"url":"http://127.0.0.1/"}' }],
      message: 'validation error',
      faults: ['url'],
    },
    {
      name: 'a file of more than is taken',
      parts: [{ ...FILE, value: Buffer.alloc(LIMIT + 1) }],
      message: 'request_too_large',
      status: 413,
    },
  ]) {
    test(`refused: ${name}; nothing is left`, async () => {
      const answer = await send(formOf(...parts));
      expect([answer.status, answer.json.message]).toEqual([status, message]);
      if (faults !== undefined) expect(Object.keys(answer.json.data).sort()).toEqual(faults);
      expect(left()).toEqual([]);
      expect(api.recordings.replays).toEqual([]);
    });
  }

  test('a file of exactly as much as is taken is taken', async () => {
    expect((await send(formOf({ ...FILE, value: Buffer.alloc(LIMIT) }))).status).toBe(202);
  });

  test('a limit within the first bytes holds', async () => {
    api = await apiUnderTest({ limits: { uploadBytes: 10 } });
    origin = await api.listen();
    for (const [bytes, status] of [
      [10, 202],
      [11, 413],
      [60_000, 413],
    ] as const) {
      expect((await send(formOf({ ...FILE, value: CAPTURE.subarray(0, bytes) }))).status).toBe(status);
    }
    expect(left()).toHaveLength(1);
  });

  test('far too much is refused by its length alone', async () => {
    const upload = dial(2 * LIMIT + 300_000, '');
    await vi.waitUntil(() => clock.sleeping > 0);
    await clock.advance(5000);
    await vi.waitUntil(() => upload.closed);
    expect(upload.text).toMatch(/^HTTP\/1\.1 413 /);
    expect(left()).toEqual([]);
  });

  test('a sender that never stops is cut off, and its file is gone', async () => {
    let sent = 0;
    const endless = async function* () {
      yield Buffer.from(HEAD);
      for (; sent < 1000 * LIMIT; sent += 65_536) {
        yield Buffer.alloc(65_536);
        if (sent > 5 * LIMIT) await clock.advance(1000);
      }
    };
    // Cut off while it writes, its client may tell either the answer or the broken connection.
    const status = await send(endless(), TYPE).then(
      (answer) => answer.status,
      () => 'broken off',
    );
    expect([413, 'broken off']).toContain(status);
    expect(sent).toBeLessThan(500 * LIMIT);
    await vi.waitUntil(() => left().length === 0);
  });

  test('a sender that goes away in the middle leaves nothing', async () => {
    const { socket } = dial(100_000, HEAD + 'x'.repeat(1000));
    await vi.waitUntil(() => left().length === 1);
    socket.destroy();
    await vi.waitUntil(() => left().length === 0 && clock.sleeping === 0);
    expect(api.recordings.replays).toEqual([]);
  });

  test('a sender that stands still for half a minute is cut off', async () => {
    const upload = dial(100_000, HEAD + 'x'.repeat(5000));
    await vi.waitUntil(() => left().length === 1);
    await clock.advance(29_999);
    expect([upload.closed, left().length]).toEqual([false, 1]);
    upload.socket.write('y'.repeat(5000));
    await delay(50);
    await clock.advance(20_000);
    await delay(20);
    expect([upload.closed, left().length]).toEqual([false, 1]);
    await clock.advance(20_000);
    await vi.waitUntil(() => upload.closed && left().length === 0);
  });

  test('one byte now and then is standing still', async () => {
    const upload = dial(100_000, HEAD + 'x'.repeat(5000));
    await vi.waitUntil(() => left().length === 1);
    for (let second = 0; second < 90 && !upload.closed; second += 10) {
      upload.socket.write('y');
      await delay(5);
      await clock.advance(10_000);
    }
    await vi.waitUntil(() => upload.closed && left().length === 0);
  });

  for (const { name, body } of [
    { name: 'cut off in the file', body: `${HEAD}abc` },
    { name: 'cut off in the head', body: HEAD.slice(0, 40) },
    { name: 'of another boundary', body: `--other\r\n\r\nabc` },
    { name: 'empty', body: '' },
    {
      name: 'with a field of a prototype',
      body: `--${BOUNDARY}\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n${HEAD}abc\r\n--${BOUNDARY}--`,
    },
    {
      name: 'with data that is no JSON and says so',
      body: `--${BOUNDARY}\r\nContent-Disposition: form-data; name="data"\r\nContent-Type: application/json\r\n\r\n{\r\n--${BOUNDARY}--`,
    },
  ]) {
    test(`a form ${name} is 400, and nothing is left`, async () => {
      const { status, json } = await send(Buffer.from(body), TYPE);
      expect([status, json.status]).toEqual([400, 'error']);
      await vi.waitUntil(() => left().length === 0);
    });
  }

  for (const { type, status } of [
    { type: 'application/json', status: 400 },
    { type: 'application/octet-stream', status: 415 },
    { type: 'multipart/form-data', status: 400 },
    { type: 'multipart/mixed; boundary=x', status: 415 },
  ]) {
    test(`${type}: ${status}`, async () => {
      expect((await send(Buffer.from('{"data":{}}'), { 'content-type': type })).status).toBe(status);
    });
  }

  test('multipart is taken nowhere else', async () => {
    const options = { method: 'PUT', headers: { 'x-auth-token': TOKEN }, body: formOf(FILE), reset: true } as const;
    const { statusCode, body } = await request(`${origin}${PATH}/calls`, options);
    await body.dump();
    expect(statusCode).toBe(415);
  });

  test('more at once than are taken are told to come back', async () => {
    const begun = HEAD + 'x'.repeat(1000);
    const running = [dial(100_000, begun), dial(100_000, begun)];
    await vi.waitUntil(() => left().length === 2);
    const { status, headers } = await send(formOf(FILE));
    expect([status, headers['retry-after']]).toEqual([429, '10']);
    expect((await send(formOf(FILE), { 'x-auth-token': OTHER_TOKEN }, OTHER_ACCOUNT)).status).toBe(202);
    for (const { path } of api.recordings.replays) rmSync(path);
    for (const { socket } of running) socket.destroy();
    await vi.waitUntil(() => left().length === 0);
    for (let upload = 0; upload < 3; upload++) expect((await send(formOf(FILE))).status).toBe(202);
  });

  test('a sender that is refused while it still writes is heard out, and keeps its connection', async () => {
    const faulty = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"colour":"red"}\r\n`;
    const begun = faulty + HEAD + 'x'.repeat(1000);
    const upload = dial(begun.length + 500_000, begun);
    await delay(50);
    expect(upload.text).toBe('');
    upload.socket.write(Buffer.alloc(500_000));
    await vi.waitUntil(() => upload.text.includes('"colour"'));
    expect(upload.text).toMatch(/^HTTP\/1\.1 400 /);
    expect(upload.text).not.toMatch(/connection: close/i);
    expect(upload.closed).toBe(false);
  });

  test('without a key it is refused before anything is read', async () => {
    expect((await send(formOf(FILE), { 'x-auth-token': 'nobody' })).status).toBe(401);
    expect((await send(formOf(FILE), { 'x-auth-token': OTHER_TOKEN })).status).toBe(403);
    expect(left()).toEqual([]);
  });

  test('a job that could not be made leaves no file', async () => {
    api.recordings.fault = new AppError('DISK_LOW', 'too little room');
    const { status, headers } = await send(formOf(FILE));
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    expect(left()).toEqual([]);
  });

  test('a folder that is not there is a defect of ours, and tells no path', async () => {
    rmSync(api.recordings.uploadFolder, { recursive: true });
    const { status, json } = await send(formOf(FILE));
    expect([status, json.message]).toEqual([500, 'unexpected error']);
    expect(JSON.stringify(json)).not.toContain('uploads');
  });

  test('several megabytes in small pieces arrive as they are', async () => {
    api = await apiUnderTest({ limits: { uploadBytes: 20_000_000 } });
    origin = await api.listen();
    const hash = createHash('sha256');
    const pieces = async function* () {
      yield Buffer.from(HEAD);
      for (let piece = 0; piece < 3000; piece++) {
        const bytes = randomBytes(1 + ((piece * 7919) % 3000));
        hash.update(bytes);
        yield bytes;
      }
      yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
    };
    expect((await send(pieces(), TYPE)).status).toBe(202);
    const taken = createHash('sha256').update(readFileSync(api.recordings.replays[0]!.path)).digest('hex');
    expect(taken).toBe(hash.digest('hex'));
  });

  test('whatever is sent as a form, it is taken whole or nothing is left', async () => {
    const line = fc.constantFrom(
      `--${BOUNDARY}\r\n`,
      `--${BOUNDARY}--\r\n`,
      'Content-Disposition: form-data; name="file"; filename="c"\r\n',
      'Content-Disposition: form-data; name="data"\r\n',
      'Content-Type: application/json\r\n',
      '\r\n',
      '{"format":"wav"}\r\n',
    );
    const body = fc.array(fc.oneof(line, fc.string({ maxLength: 20 })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(body, async (lines) => {
        const { status } = await api.ask('PUT', RECORDINGS, { body: lines.join(''), headers: TYPE });
        expect([202, 400]).toContain(status);
        const taken = api.recordings.replays.splice(0).filter(({ path }) => existsSync(path));
        expect(left().length).toBe(status === 202 ? 1 : 0);
        expect(taken.length).toBe(left().length);
        for (const { path } of taken) rmSync(path);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a job', () => {
  test('says how far it is', async () => {
    const { status, json } = await api.ask('GET', `${RECORDINGS}/jobs/job-1`);
    expect([status, json.data.state]).toEqual([200, 'queued']);
  });

  for (const id of ['job-2', '..%2fjob-1', 'a%00']) {
    test(`${id} is none`, async () => {
      const { status, json } = await api.ask('GET', `${RECORDINGS}/jobs/${id}`);
      expect([status, json.message]).toEqual([404, 'bad identifier']);
    });
  }
});
