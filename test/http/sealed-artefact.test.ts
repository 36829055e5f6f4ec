/** Audio that lies sealed on disk, as a client hears it: as if it were plain, and never a byte of what is not as it was sealed. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { request } from 'undici';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { OutputFile } from '../../src/finalize/encode/output-file.ts';
import { newSealKey } from '../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../src/spool/seal/sealed-file.ts';
import { CHUNK_BYTES, chunkAt } from '../../src/spool/seal/sealed-format.ts';
import { type ApiUnderTest, apiUnderTest, PATH, RECORDING, TOKEN } from '../support/api-fakes.ts';
import { HandClock } from '../support/hand-clock.ts';
import { scratchDir } from '../support/scratch.ts';

const ONE = `${PATH}/recordings/${RECORDING}`;
const AUDIO = randomBytes(3 * CHUNK_BYTES + 777);
const SHA256 = createHash('sha256').update(AUDIO).digest('hex');
const ETAG = `"${SHA256}"`;

let api: ApiUnderTest;
let clock: HandClock;
let path: string;
let origin: string | undefined;

beforeEach(async () => {
  clock = new HandClock();
  api = await apiUnderTest({ clock });
  origin = undefined;
  path = join(scratchDir(), 'artefact');
  const key = newSealKey(randomBytes);
  const file = await OutputFile.create(path, { seal: { key, purpose: 'artefact' } });
  await file.append(AUDIO);
  const { bytes, sha256 } = await file.seal();
  const source = sealedFile(path, key, 'artefact');
  api.recordings.artefactFile = { source, mediaType: 'audio/wav', bytes, sha256, mediaName: 'call.wav' };
});

const ask = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
  api.ask(method, ONE, { headers: { accept: 'audio/wav', ...headers } });

test('whole: its bytes, its length, and its digest as entity tag', async () => {
  const { status, headers, raw } = await ask();
  expect(status).toBe(200);
  expect(raw.equals(AUDIO)).toBe(true);
  expect(headers).toMatchObject({ etag: ETAG, 'content-length': `${AUDIO.length}`, 'accept-ranges': 'bytes' });
});

describe('a range', () => {
  const last = AUDIO.length - 1;
  for (const { range, from, to } of [
    { range: 'bytes=0-0', from: 0, to: 0 },
    { range: 'bytes=0-99', from: 0, to: 99 },
    { range: `bytes=${CHUNK_BYTES - 1}-${CHUNK_BYTES}`, from: CHUNK_BYTES - 1, to: CHUNK_BYTES },
    { range: `bytes=${CHUNK_BYTES}-${2 * CHUNK_BYTES - 1}`, from: CHUNK_BYTES, to: 2 * CHUNK_BYTES - 1 },
    { range: 'bytes=1000-180000', from: 1000, to: 180_000 },
    { range: `bytes=${last}-`, from: last, to: last },
    { range: 'bytes=100000-', from: 100_000, to: last },
    { range: 'bytes=100000-999999999', from: 100_000, to: last },
    { range: 'bytes=-1', from: last, to: last },
    { range: 'bytes=-70000', from: AUDIO.length - 70_000, to: last },
    { range: 'bytes=-999999999', from: 0, to: last },
  ])
    test(range, async () => {
      const { status, headers, raw } = await ask({ range });
      expect([status, headers['content-range']]).toEqual([206, `bytes ${from}-${to}/${AUDIO.length}`]);
      expect(raw.equals(AUDIO.subarray(from, to + 1))).toBe(true);
      const head = await ask({ range }, 'HEAD');
      expect([head.status, head.raw.length, head.headers['content-length']]).toEqual([206, 0, `${to - from + 1}`]);
    });

  test('anywhere', async () => {
    const position = fc.integer({ min: 0, max: last });
    await fc.assert(
      fc.asyncProperty(position, position, async (one, other) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const { status, raw } = await ask({ range: `bytes=${from}-${to}` });
        expect(status).toBe(206);
        expect(raw.equals(AUDIO.subarray(from, to + 1))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('behind the end is 416 and says the length of the content', async () => {
    for (const range of [`bytes=${AUDIO.length}-`, 'bytes=99999999-', 'bytes=-0']) {
      const { status, headers } = await ask({ range });
      expect([status, headers['content-range']]).toEqual([416, `bytes */${AUDIO.length}`]);
    }
  });

  test('with If-Range: of its own tag a part, of another the whole', async () => {
    expect((await ask({ range: 'bytes=5-9', 'if-range': ETAG })).raw.equals(AUDIO.subarray(5, 10))).toBe(true);
    const { status, raw } = await ask({ range: 'bytes=5-9', 'if-range': '"other"' });
    expect([status, raw.length]).toEqual([200, AUDIO.length]);
  });

  test('what the client has is 304, though the file be broken', async () => {
    truncateSync(path, 5);
    expect((await ask({ 'if-none-match': ETAG })).status).toBe(304);
  });
});

describe('not as it was sealed', () => {
  const flip = (at: number): void => {
    const sealed = readFileSync(path);
    sealed[at]! ^= 1;
    writeFileSync(path, sealed);
  };

  /** What arrives over a socket before the connection breaks, or does not. */
  const download = async (headers: Record<string, string> = {}) => {
    const options = { headers: { 'x-auth-token': TOKEN, accept: 'audio/wav', ...headers }, reset: true };
    origin ??= await api.listen();
    const { statusCode, body } = await request(`${origin}${ONE}`, options);
    const pieces: Buffer[] = [];
    let isCut = false;
    try {
      for await (const piece of body) pieces.push(piece as Buffer);
    } catch {
      isCut = true;
    }
    return { statusCode, isCut, bytes: Buffer.concat(pieces) };
  };

  for (const { name, spoil } of [
    { name: 'its head is another', spoil: () => flip(3) },
    { name: 'its first chunk is damaged', spoil: () => flip(chunkAt(0) + 9) },
    { name: 'its last chunk is damaged', spoil: () => flip(chunkAt(3) + 9) },
    { name: 'its last chunk is gone', spoil: () => truncateSync(path, chunkAt(3)) },
    { name: 'its last byte is gone', spoil: () => truncateSync(path, readFileSync(path).length - 1) },
    { name: 'something follows', spoil: () => writeFileSync(path, 'x', { flag: 'a' }) },
    {
      name: 'two chunks changed places',
      spoil: () => {
        const sealed = readFileSync(path);
        const [one, other] = [0, 1].map((n) => Buffer.from(sealed.subarray(chunkAt(n), chunkAt(n + 1))));
        other!.copy(sealed, chunkAt(0));
        one!.copy(sealed, chunkAt(1));
        writeFileSync(path, sealed);
      },
    },
    {
      name: 'it is another recording’s',
      spoil: () => {
        const source = sealedFile(path, newSealKey(randomBytes), 'artefact');
        api.recordings.artefactFile = { ...api.recordings.artefactFile, source };
      },
    },
  ])
    test(`${name}: 500, and nothing of it`, async () => {
      spoil();
      const { status, headers, json, raw } = await ask();
      expect([status, json.message]).toEqual([500, 'unexpected error']);
      expect(headers).not.toHaveProperty('etag');
      expect(raw.includes('artefact')).toBe(false);
      expect((await ask({}, 'HEAD')).status).toBe(name.includes('first') || name.includes('places') ? 200 : 500);
    });

  test('damaged in the middle, the answer is cut off before it, and never completed', async () => {
    flip(chunkAt(2) + 77);
    const { statusCode, isCut, bytes } = await download();
    expect([statusCode, isCut]).toEqual([200, true]);
    expect(bytes.length).toBeLessThanOrEqual(2 * CHUNK_BYTES);
    expect(bytes.equals(AUDIO.subarray(0, bytes.length))).toBe(true);
  });

  test('a range before the damage is given, one that begins in it is refused, one that reaches it is cut off', async () => {
    flip(chunkAt(1) + 77);
    expect(await download({ range: `bytes=0-${CHUNK_BYTES - 1}` })).toMatchObject({ statusCode: 206, isCut: false });
    expect((await ask({ range: `bytes=${CHUNK_BYTES + 500}-${CHUNK_BYTES + 600}` })).status).toBe(500);
    const reaching = await download({ range: `bytes=500-${CHUNK_BYTES + 600}` });
    expect(reaching).toMatchObject({ statusCode: 206, isCut: true });
    expect(reaching.bytes.length).toBeLessThanOrEqual(CHUNK_BYTES - 500);
  });

  test('gone is 404', async () => {
    rmSync(path);
    expect(await ask()).toMatchObject({ status: 404, json: { message: 'bad_identifier' } });
  });

  test('however it ends, the file is closed', async () => {
    const isOpen = (): boolean =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === realpathSync(path);
        } catch {
          return false;
        }
      });
    await ask();
    await ask({}, 'HEAD');
    flip(chunkAt(2) + 1);
    await download();
    flip(chunkAt(0) + 1);
    await ask();
    flip(chunkAt(3) + 1);
    await ask();
    await vi.waitUntil(() => !isOpen());
  });
});

describe('a reader that takes nothing', () => {
  const bytes = 64 * 2 ** 20;

  const stalled = async () => {
    const seen = { isCut: false, closed: 0 };
    const close = async (): Promise<void> => void seen.closed++;
    const open = async () => ({ size: bytes, read: async (into: Uint8Array) => into.length, close });
    api.recordings.artefactFile = { ...api.recordings.artefactFile, bytes, source: { open } };
    await api.listen();
    const socket = connect((api.app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    api.app.server.once('connection', (other) => other.once('close', () => (seen.isCut = true)));
    socket.write(`GET ${ONE} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: ${TOKEN}\r\nAccept: audio/wav\r\n\r\n`);
    socket.pause();
    onTestFinished(() => void socket.destroy());
    await vi.waitUntil(() => clock.sleeping > 0);
    return seen;
  };

  test('is cut off, and the file is closed', async () => {
    const seen = await stalled();
    await vi.waitUntil(async () => {
      await clock.advance(60_000);
      return seen.isCut;
    });
    await vi.waitUntil(() => seen.closed === 1);
    expect(clock.sleeping).toBe(0);
  });

  test('does not keep the service from closing', async () => {
    const seen = await stalled();
    const closed = api.app.close();
    await vi.waitUntil(async () => {
      await clock.advance(5000);
      return seen.isCut;
    });
    await closed;
  });
});
