import { once } from 'node:events';
import { readdirSync, readlinkSync, realpathSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { request } from 'undici';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ProvenFiles } from '../../src/app/recordings/proven-files.ts';
import { systemClock } from '../../src/core/clock.ts';
import { plainFile } from '../../src/spool/plain-file.ts';
import {
  ACCOUNT,
  type ApiUnderTest,
  AUDIO,
  apiUnderTest,
  OTHER_ACCOUNT,
  OTHER_TOKEN,
  PATH,
  RECORDING,
  SILENT_RECORDING,
  TOKEN,
} from '../support/api-fakes.ts';
import { HandClock } from '../support/hand-clock.ts';

const ALL = `${PATH}/recordings`;
const ONE = `${ALL}/${RECORDING}`;
/** Undefined for one that was closed meanwhile. */
const linkOf = (fd: string): string | undefined => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
};

const AUDIO_TYPE = { accept: 'audio/mpeg' };

let api: ApiUnderTest;

beforeEach(async () => {
  api = await apiUnderTest({ clock: new HandClock() });
});

describe('the list', () => {
  test("is a page in Kazoo's words", async () => {
    api.recordings.page = { ...api.recordings.page, nextStartKey: 's2' };
    const { status, json } = await api.ask('GET', ALL);
    expect(status).toBe(200);
    expect(json).toMatchObject({ page_size: 1, start_key: 's1', next_start_key: 's2', status: 'success' });
    expect(json.data).toMatchObject([{ id: RECORDING, _read_only: { content_types: ['audio/mpeg'] } }]);
  });

  test('the last page has no next one', async () => {
    expect((await api.ask('GET', ALL)).json).not.toHaveProperty('next_start_key');
  });

  test('what is asked for reaches the service', async () => {
    const query =
      'start_key=s2&page_size=7&ascending=true&filter_call_id=c1&created_from=63931000000&created_to=63931000060';
    await api.ask('GET', `${ALL}?${query}`);
    expect(api.recordings.queries).toMatchObject([
      {
        accountId: ACCOUNT,
        query: {
          startKey: 's2',
          pageSize: 7,
          ascending: true,
          createdFrom: 63_931_000_000,
          createdTo: 63_931_000_060,
          filters: [{ kind: 'is', key: 'call_id', value: 'c1' }],
        },
      },
    ]);
  });

  test('without a window it is the last 31 days and an hour by the clock of the service', async () => {
    await api.ask('GET', ALL);
    // 2026-11-22, in seconds since the year 0.
    const now = 63_962_524_800;
    expect(now - 62_167_219_200).toBe(Date.UTC(2026, 10, 22) / 1000);
    expect(api.recordings.queries[0]!.query).toMatchObject({ createdTo: now, createdFrom: now - 2_682_000 });
  });

  test('of a user', async () => {
    expect((await api.ask('GET', `${PATH}/users/alice/recordings`)).status).toBe(200);
    expect(api.recordings.queries[0]!.query.ownerId).toBe('alice');
  });

  for (const id of ['carol', '%2e%2e%2falice', '..%2falice']) {
    test(`of ${id}, who is nobody`, async () => {
      expect((await api.ask('GET', `${PATH}/users/${id}/recordings`)).status).toBe(404);
      expect(api.recordings.queries).toEqual([]);
    });
  }

  test('paginate=false is all of it, without keys', async () => {
    const { json } = await api.ask('GET', `${ALL}?paginate=false`);
    expect(json).not.toHaveProperty('page_size');
    expect(json.data).toHaveLength(1);
    expect(api.recordings.queries[0]!.query.pageSize).toBe(10_000);
  });

  test('paginate=false of more than can be is 416', async () => {
    api.recordings.page = { ...api.recordings.page, nextStartKey: 's2' };
    const { status, json } = await api.ask('GET', `${ALL}?paginate=false`);
    expect([status, json.message]).toEqual([416, 'range not satisfiable']);
  });

  test('a window that is too wide is 416', async () => {
    const { status, json } = await api.ask('GET', `${ALL}?created_from=1&created_to=9999999`);
    expect([status, json.message]).toEqual([416, 'range not satisfiable']);
  });

  test('every misspelt parameter is told at once', async () => {
    const { status, json } = await api.ask('GET', `${ALL}?page_size=x&fliter_call_id=c1`);
    expect([status, json.message]).toEqual([400, 'validation error']);
    expect(Object.keys(json.data).sort()).toEqual(['fliter_call_id', 'page_size']);
  });
});

describe('a recording', () => {
  test('is its document unless audio is asked for', async () => {
    const { status, headers, json } = await api.ask('GET', ONE, { headers: { accept: '*/*' } });
    expect([status, json.data.id]).toEqual([200, RECORDING]);
    expect(headers.vary).toBe('Accept');
  });

  test('a document that the client has is 304', async () => {
    const { headers } = await api.ask('GET', ONE);
    const again = await api.ask('GET', ONE, { headers: { 'if-none-match': headers.etag as string } });
    expect([again.status, again.raw.length]).toEqual([304, 0]);
  });

  for (const id of [
    'nonsense',
    `202611-${'C'.repeat(32)}`,
    `202611-${'c'.repeat(31)}`,
    `2026-${'c'.repeat(32)}`,
    `202611-${'c'.repeat(32)}%0a`,
    '..%2f..%2fetc%2fpasswd',
    '%2e%2e%5c%2e%2e',
    `202611-${'c'.repeat(32)}.mp3`,
    `202611-${'e'.repeat(32)}`,
  ]) {
    test(`${id}: a bad identifier for every verb`, async () => {
      for (const [method, below, body] of [
        ['GET', '', undefined],
        ['GET', '?accept=audio/mpeg', undefined],
        ['GET', '/manifest', undefined],
        ['GET', '/peaks', undefined],
        ['DELETE', '', undefined],
        ['POST', '', { data: { action: 'deliver' } }],
      ] as const) {
        const { status, json } = await api.ask(method, `${ALL}/${id}${below}`, { body });
        expect([status, json.message, json.data]).toEqual([404, 'bad identifier', [decodeURIComponent(id)]]);
      }
      expect(api.recordings.removed).toEqual([]);
    });
  }

  test("another account's is not there", async () => {
    const path = `/v2/accounts/${OTHER_ACCOUNT}/recordings/${RECORDING}`;
    expect((await api.ask('GET', path, { token: OTHER_TOKEN, headers: AUDIO_TYPE })).status).toBe(404);
    expect((await api.ask('GET', ONE, { token: OTHER_TOKEN, headers: AUDIO_TYPE })).status).toBe(403);
  });

  test('has a manifest', async () => {
    expect((await api.ask('GET', `${ONE}/manifest`)).json.data).toEqual({ id: RECORDING, masks: [] });
  });

  for (const { query, points } of [
    { query: '', points: 1000 },
    { query: '?points=1', points: 1 },
    { query: '?points=20000', points: 20_000 },
  ]) {
    test(`peaks${query}: ${points}`, async () => {
      expect((await api.ask('GET', `${ONE}/peaks${query}`)).status).toBe(200);
      expect(api.recordings.pointsAsked).toBe(points);
    });
  }

  for (const query of ['points=0', 'points=20001', 'points=1.5', 'points=-1', 'points=1&points=2', 'pionts=5']) {
    test(`peaks?${query}: refused`, async () => {
      const { status, json } = await api.ask('GET', `${ONE}/peaks?${query}`);
      expect([status, json.message]).toEqual([400, 'validation error']);
      expect(api.recordings.pointsAsked).toBe(0);
    });
  }

  test('is deleted, and answered once more', async () => {
    const { status, json } = await api.ask('DELETE', ONE);
    expect([status, json.data.id]).toEqual([200, RECORDING]);
    expect(api.recordings.removed).toEqual([RECORDING]);
  });

  test('one that is running is not', async () => {
    const { status, json } = await api.ask('DELETE', `${ALL}/${SILENT_RECORDING}`);
    expect([status, json.message]).toEqual([409, 'datastore_conflict']);
  });

  test('is delivered again', async () => {
    const { status, json } = await api.ask('POST', ONE, { data: { action: 'deliver' } });
    expect([status, json.data.state]).toEqual([200, 'delivering']);
  });

  for (const { data, message } of [
    { data: { action: 'destroy' }, message: 'invalid data' },
    { data: {}, message: 'invalid data' },
    { data: { action: 'deliver', url: 'http://x/' }, message: 'validation error' },
  ]) {
    test(`POST ${JSON.stringify(data)}: refused`, async () => {
      const { status, json } = await api.ask('POST', ONE, { data });
      expect([status, json.message]).toEqual([400, message]);
    });
  }
});

describe('the audio', () => {
  for (const accept of ['audio/mpeg', 'audio/mp3', 'audio/wav', 'audio/x-wav', 'audio/*']) {
    test(`${accept} gives it, with its true type and a name`, async () => {
      const { status, headers, raw } = await api.ask('GET', ONE, { headers: { accept } });
      expect(status).toBe(200);
      expect(raw.equals(AUDIO)).toBe(true);
      expect(headers).toMatchObject({
        'content-type': 'audio/mpeg',
        'content-length': '1000',
        'content-disposition': 'attachment; filename="call.mp3"',
        'accept-ranges': 'bytes',
        'cache-control': 'no-store',
        etag: `"${api.recordings.artefactFile.sha256}"`,
      });
    });
  }

  test('?accept= does as the field does', async () => {
    const { raw } = await api.ask('GET', `${ONE}?accept=audio/mpeg`, { headers: { accept: 'application/json' } });
    expect(raw.equals(AUDIO)).toBe(true);
  });

  test('?inline=true is to be played', async () => {
    const { headers } = await api.ask('GET', `${ONE}?inline=true`, { headers: AUDIO_TYPE });
    expect(headers['content-disposition']).toBe('inline; filename="call.mp3"');
  });

  test('?inline=perhaps is refused', async () => {
    expect((await api.ask('GET', `${ONE}?inline=perhaps`, { headers: AUDIO_TYPE })).status).toBe(400);
  });

  test('HEAD says how long it is', async () => {
    const { status, headers, raw } = await api.ask('HEAD', ONE, { headers: AUDIO_TYPE });
    expect([status, raw.length, headers['content-length']]).toEqual([200, 0, '1000']);
  });

  for (const { range, first, last } of [
    { range: 'bytes=0-99', first: 0, last: 99 },
    { range: 'bytes=990-', first: 990, last: 999 },
    { range: 'bytes=-1', first: 999, last: 999 },
    { range: 'bytes=5-5', first: 5, last: 5 },
    { range: 'bytes=900-4000', first: 900, last: 999 },
  ]) {
    test(`Range: ${range}`, async () => {
      const { status, headers, raw } = await api.ask('GET', ONE, { headers: { ...AUDIO_TYPE, range } });
      expect(status).toBe(206);
      expect(headers['content-range']).toBe(`bytes ${first}-${last}/1000`);
      expect(headers['content-length']).toBe(`${last - first + 1}`);
      expect(raw.equals(AUDIO.subarray(first, last + 1))).toBe(true);
    });
  }

  test('a range behind the end is 416, and says where the end is', async () => {
    const { status, headers, json } = await api.ask('GET', ONE, { headers: { ...AUDIO_TYPE, range: 'bytes=1000-' } });
    expect([status, json.message]).toEqual([416, 'range not satisfiable']);
    expect(headers['content-range']).toBe('bytes */1000');
    expect(headers).not.toHaveProperty('content-disposition');
  });

  test('If-Range with its tag keeps the range, with another gives the whole', async () => {
    const { headers } = await api.ask('HEAD', ONE, { headers: AUDIO_TYPE });
    for (const [tag, status] of [
      [headers.etag as string, 206],
      ['"another"', 200],
    ] as const) {
      const asked = { ...AUDIO_TYPE, range: 'bytes=0-9', 'if-range': tag };
      expect((await api.ask('GET', ONE, { headers: asked })).status).toBe(status);
    }
  });

  test('what the client has is 304', async () => {
    const tag = `"${api.recordings.artefactFile.sha256}"`;
    const { status, raw } = await api.ask('GET', ONE, { headers: { ...AUDIO_TYPE, 'if-none-match': tag } });
    expect([status, raw.length]).toEqual([304, 0]);
  });

  test('of a recording without audio is 404, in other words than of an unknown one', async () => {
    const { status, json } = await api.ask('GET', `${ALL}/${SILENT_RECORDING}`, { headers: AUDIO_TYPE });
    expect([status, json.message]).toEqual([404, 'bad_identifier']);
    expect((await api.ask('GET', `${ALL}/${SILENT_RECORDING}`)).status).toBe(200);
  });

  for (const { name, spoil, is } of [
    { name: 'a file that is gone', spoil: unlinkSync, is: [404, 'bad_identifier'] },
    { name: 'a file that was cut', spoil: (path: string) => truncateSync(path, 10), is: [409, 'artefact_mismatch'] },
  ]) {
    test(`${name} is told, as JSON of its own length`, async () => {
      spoil(api.recordings.artefactPath);
      const { status, headers, json, raw } = await api.ask('GET', ONE, { headers: AUDIO_TYPE });
      expect([status, json.message]).toEqual(is);
      expect(headers['content-length']).toBe(`${raw.length}`);
      expect(headers).not.toHaveProperty('accept-ranges');
    });
  }

  for (const { method, headers } of [
    { method: 'GET', headers: {} },
    { method: 'GET', headers: { range: 'bytes=0-9' } },
    { method: 'HEAD', headers: {} },
  ] as const)
    test(`a file of another content is told before its first byte: ${method} ${JSON.stringify(headers)}`, async () => {
      const { artefactPath: path, artefactFile: file } = api.recordings;
      const other = Buffer.from(AUDIO);
      other[900]! ^= 1;
      writeFileSync(path, other);
      api.recordings.artefactFile = { ...file, source: new ProvenFiles(systemClock).source(path, file) };
      const {
        status,
        json,
        raw,
        headers: answered,
      } = await api.ask(method, ONE, {
        headers: { ...AUDIO_TYPE, ...headers },
      });
      expect([status, json.message]).toEqual([409, 'artefact_mismatch']);
      expect(answered).not.toHaveProperty('etag');
      expect(raw.includes(path)).toBe(false);
      expect(readdirSync('/proc/self/fd').some((fd) => linkOf(fd) === realpathSync(path))).toBe(false);
    });

  test('an error of the disk says nothing of the path', async () => {
    const source = plainFile(`${api.recordings.artefactPath}/below-a-file`);
    api.recordings.artefactFile = { ...api.recordings.artefactFile, source };
    const { status, raw } = await api.ask('GET', ONE, { headers: AUDIO_TYPE });
    expect(status).toBe(500);
    expect(raw.toString()).not.toContain('artefact');
  });

  test('a name that is not plain can neither climb nor end the field', async () => {
    api.recordings.artefactFile = { ...api.recordings.artefactFile, mediaName: '../"x\r\ny.mp3' };
    const { headers } = await api.ask('GET', ONE, { headers: AUDIO_TYPE });
    expect(headers['content-disposition']).toBe('attachment; filename="___x__y.mp3"');
  });

  test('over a socket: whole, in parts that fit together, and its length alone', async () => {
    const url = `${await api.listen()}${ONE}`;
    const ask = async (method: 'GET' | 'HEAD', range?: string) => {
      const headers = { 'x-auth-token': TOKEN, ...AUDIO_TYPE, ...(range === undefined ? {} : { range }) };
      const { statusCode, headers: found, body } = await request(url, { method, headers });
      return { statusCode, length: found['content-length'], body: Buffer.from(await body.arrayBuffer()) };
    };
    expect((await ask('GET')).body.equals(AUDIO)).toBe(true);
    const parts = [await ask('GET', 'bytes=0-399'), await ask('GET', 'bytes=400-')];
    expect(parts.map(({ statusCode }) => statusCode)).toEqual([206, 206]);
    expect(Buffer.concat(parts.map(({ body }) => body)).equals(AUDIO)).toBe(true);
    expect(await ask('HEAD')).toMatchObject({ statusCode: 200, length: '1000', body: Buffer.alloc(0) });
    expect(await ask('HEAD', 'bytes=0-9')).toMatchObject({ statusCode: 206, length: '10' });
  });

  for (const path of [
    `${ALL}/../../../../etc/passwd`,
    `${ALL}/%2e%2e/%2e%2e/etc/passwd`,
    `${ALL}/..%2f..%2fartefact`,
    `${ONE}/../../artefact`,
    `${ALL}/%252e%252e%252fartefact`,
  ]) {
    test(`over a socket, byte for byte: ${path.slice(PATH.length)} leads nowhere`, async () => {
      const socket = connect(Number(new URL(await api.listen()).port), '127.0.0.1');
      socket.end(
        `GET ${path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${TOKEN}\r\nAccept: audio/mpeg\r\nConnection: close\r\n\r\n`,
      );
      const text = (await socket.toArray()).join('');
      expect(text).toMatch(/^HTTP\/1\.1 404 /);
      expect(text).toContain('"status":"error"');
    });
  }

  test('a listener that goes away in the middle leaves no file open', async () => {
    const bytes = 50_000_000;
    truncateSync(api.recordings.artefactPath, bytes);
    api.recordings.artefactFile = { ...api.recordings.artefactFile, bytes };
    const isOpen = (): boolean =>
      readdirSync('/proc/self/fd').some((fd) => linkOf(fd) === realpathSync(api.recordings.artefactPath));
    const { body } = await request(`${await api.listen()}${ONE}`, {
      headers: { 'x-auth-token': TOKEN, ...AUDIO_TYPE },
    });
    await once(body, 'readable');
    await vi.waitUntil(isOpen);
    body.on('error', () => {});
    body.destroy();
    await vi.waitUntil(() => !isOpen());
  });
});
