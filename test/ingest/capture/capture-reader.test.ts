import { once } from 'node:events';
import {
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { AppError, type ErrorCode } from '../../../src/core/errors.ts';
import { CaptureReader } from '../../../src/ingest/capture/capture-reader.ts';
import { pcapFile, pcapngFile, udpPacket } from '../../support/pcap-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'record-call-capture-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const written = (name: string, bytes: Buffer | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

const packet = (index: number, length = 172) =>
  udpPacket({
    source: `10.0.${index & 3}.1`,
    sourcePort: 4000,
    target: '192.0.2.9',
    targetPort: 5000,
    payload: Buffer.alloc(length, index),
  });

const COUNT = 5000;
const call = pcapFile(Array.from({ length: COUNT }, (_, index) => ({ atUs: index * 10_000, data: packet(index) })));

const read = async (path: string) => {
  const reader = new CaptureReader(path);
  const times: number[] = [];
  let right = true;
  let batches = 0;
  for await (const batch of reader.batches()) {
    batches++;
    expect(batch.length).toBeGreaterThan(0);
    for (const { atUs, payload, source } of batch) {
      const index = atUs / 10_000;
      times.push(index);
      right &&= source === `10.0.${index & 3}.1` && payload.every((byte) => byte === (index & 0xff));
    }
  }
  return { times, right, batches, report: reader.report };
};

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('CaptureReader', () => {
  for (const c of [
    { name: 'a pcap', file: () => call },
    { name: 'a gzipped pcap', file: () => gzipSync(call) },
    {
      name: 'a pcap gzipped in two members that meet inside a record',
      file: () => Buffer.concat([gzipSync(call.subarray(0, 99_999)), gzipSync(call.subarray(99_999))]),
    },
    {
      name: 'a pcap gzipped in members of one and two bytes',
      file: () =>
        Buffer.concat([gzipSync(call.subarray(0, 1)), gzipSync(call.subarray(1, 3)), gzipSync(call.subarray(3))]),
    },
  ]) {
    test(`${c.name}: every datagram, in several batches`, async () => {
      const { times, right, batches, report } = await read(written('whole', c.file()));
      expect(times).toEqual(inOrder(COUNT));
      expect(right).toBe(true);
      expect(batches).toBeGreaterThan(2);
      expect(report).toEqual({ packets: COUNT, datagrams: COUNT, cut: 0, warnings: [] });
    });
  }

  test('payloads of a batch stay as they are until the next batch is asked for, however long that takes', async () => {
    const path = written('views.pcap', call);
    for await (const batch of new CaptureReader(path).batches()) {
      const copies = batch.map(({ payload }) => payload.toString('latin1'));
      await new Promise((resolve) => setImmediate(resolve));
      expect(batch.map(({ payload }) => payload.toString('latin1'))).toEqual(copies);
    }
  });

  test('a gzip file that is cut is read as far as it goes', async () => {
    const packed = gzipSync(call, { level: 0 });
    const { times, right, report } = await read(written('cut.pcap.gz', packed.subarray(0, packed.length / 2)));
    expect(times.length).toBeGreaterThan(COUNT / 2 - 20);
    expect(times).toEqual(inOrder(times.length));
    expect(right).toBe(true);
    expect(report.warnings).toEqual([
      `whole packets read: ${times.length}; the gzip data ends early, at byte ${Math.floor(packed.length / 2)} of the file`,
    ]);
  });

  test('a gzip file whose capture is cut says where in what was unpacked', async () => {
    const { report } = await read(written('inner.pcap.gz', gzipSync(call.subarray(0, 24 + 230 + 100))));
    expect(report.warnings).toEqual([
      'whole packets read: 1; the file ends inside a record at byte 254 of the unpacked capture',
    ]);
  });

  test('damage ends the reading: what follows isn’t read from the disk either', async () => {
    const path = written('damaged.pcap', Buffer.concat([call.subarray(0, 24 + 230), Buffer.alloc(4_000_000, 0xff)]));
    let readBytes = 0;
    const reader = new CaptureReader(path, { onProgress: (bytes) => (readBytes = bytes) });
    for await (const batch of reader.batches()) expect(batch).toHaveLength(1);
    expect(readBytes).toBeLessThan(1_000_000);
    expect(reader.report.warnings).toHaveLength(1);
  });

  for (const [name, bytes] of [
    ['plain', call],
    ['packed', gzipSync(call, { level: 0 })],
  ] as const) {
    test(`progress counts the bytes of the file, ${name}`, async () => {
      const seen: [number, number][] = [];
      const reader = new CaptureReader(written('progress', bytes), {
        onProgress: (done, all) => seen.push([done, all]),
      });
      for await (const batch of reader.batches()) expect(reader.report.datagrams).toBeGreaterThanOrEqual(batch.length);
      expect(seen.length).toBeGreaterThan(2);
      expect(seen.every(([done, all], index) => all === bytes.length && done > (seen[index - 1]?.[0] ?? 0))).toBe(true);
      expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
    });
  }

  test('a capture of nothing but headers has no batches', async () => {
    expect(await read(written('empty.pcap', pcapFile([])))).toMatchObject({
      times: [],
      report: { packets: 0, warnings: [] },
    });
    expect(await read(written('empty.pcapng', pcapngFile([])))).toMatchObject({ times: [], report: { warnings: [] } });
  });

  const openFiles = '/proc/self/fd';
  test.skipIf(!existsSync(openFiles))(
    'whoever stops early, or is stopped by an error, leaves no file open',
    async () => {
      const path = written('early.pcap', call);
      const packed = written('early.pcap.gz', gzipSync(call));
      const text = written('early.txt', 'no capture');
      const warnings: Error[] = []; // A handle that is forgotten is closed with a warning, some time later.
      const listen = (warning: Error): number => warnings.push(warning);
      process.on('warning', listen);
      const before = readdirSync(openFiles).length;
      for (let round = 0; round < 50; round++) {
        for await (const _ of new CaptureReader(path).batches()) break;
        for await (const _ of new CaptureReader(packed).batches()) break;
        await expect(read(text)).rejects.toThrow(AppError);
      }
      process.off('warning', listen);
      expect(readdirSync(openFiles).length).toBeLessThanOrEqual(before + 5);
      expect(warnings).toEqual([]);
    },
  );

  test('a symbolic link is followed', async () => {
    symlinkSync(written('target.pcap', call), join(folder, 'link.pcap'));
    expect((await read(join(folder, 'link.pcap'))).times).toHaveLength(COUNT);
  });
});

describe('CaptureReader: files that can’t be read', () => {
  const failure = async (path: string) => {
    const error = await read(path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof AppError)) throw error;
    return { code: error.code, message: error.message.replace(path, 'PATH') };
  };

  const cases: { name: string; path: () => string; code: ErrorCode; says: string }[] = [
    {
      name: 'no such file',
      path: () => join(folder, 'missing'),
      code: 'INPUT_MISSING',
      says: 'there is no such file; check the name',
    },
    {
      name: 'a folder',
      path: () => folder,
      code: 'INPUT_MISSING',
      says: 'this is a folder; name a capture file in it',
    },
    {
      name: 'a file taken for a folder',
      path: () => join(written('file', 'x'), 'x'),
      code: 'INPUT_MISSING',
      says: 'the file cannot be read (ENOTDIR); check the path and the disk',
    },
    {
      name: 'a name that can’t be one',
      path: () => `${folder}/a\0b`,
      code: 'INPUT_MISSING',
      says: 'the file cannot be read (ERR_INVALID_ARG_VALUE); check the path and the disk',
    },
    {
      name: 'an empty file',
      path: () => written('empty', ''),
      code: 'CAPTURE_EMPTY',
      says: 'the file is empty; capture it again',
    },
    {
      name: 'gzip of nothing',
      path: () => written('empty.gz', gzipSync('')),
      code: 'CAPTURE_EMPTY',
      says: 'the gzip file holds nothing; capture it again',
    },
    {
      name: 'a text',
      path: () => written('text', 'v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\n'),
      code: 'CAPTURE_UNREADABLE',
      says: 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    },
    {
      name: 'a gzipped text',
      path: () => written('text.gz', gzipSync('hello')),
      code: 'CAPTURE_UNREADABLE',
      says: 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    },
    {
      name: 'gzip’s first two bytes',
      path: () => written('two.gz', Buffer.from([0x1f, 0x8b])),
      code: 'CAPTURE_UNREADABLE',
      says: 'the gzip data ends early, at byte 2 of the file, before any packet; copy or capture it again',
    },
    {
      name: 'gzip’s first two bytes, then a text',
      path: () => written('not.gz', '\x1f\x8b no, not gzip at all'),
      code: 'CAPTURE_UNREADABLE',
      says: 'this is no pcap or pcapng capture; make one with tcpdump -w, or convert with editcap',
    },
    {
      name: 'gzip in gzip',
      path: () => written('twice.gz', gzipSync(gzipSync(call))),
      code: 'CAPTURE_UNREADABLE',
      says: 'this is gzip data inside gzip; unpack it first',
    },
  ];
  for (const c of cases) {
    test(`${c.name}: ${c.code}`, async () => {
      expect(await failure(c.path())).toEqual({ code: c.code, message: `PATH: ${c.says}` });
    });
  }

  test.skipIf(process.getuid?.() === 0)('a file that may not be read: INPUT_MISSING', async () => {
    const path = written('secret', call);
    chmodSync(path, 0o000);
    expect(await failure(path)).toEqual({
      code: 'INPUT_MISSING',
      message: 'PATH: the file may not be read; check its permissions',
    });
  });

  test('a socket doesn’t hang', async () => {
    mkdirSync(join(folder, 's'));
    const path = join(folder, 's', 'socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    expect(await failure(path)).toEqual({
      code: 'INPUT_MISSING',
      message: 'PATH: this is no regular file; save the capture to one',
    });
    server.close();
  });
});

describe('CaptureReader: a long capture', () => {
  test('a quarter of a gigabyte out of a small gzip file goes through in bounded memory', async () => {
    const records = call.subarray(24);
    const member = gzipSync(Buffer.concat(Array<Buffer>(10).fill(records)));
    const path = join(folder, 'long.pcap.gz');
    const out = createWriteStream(path);
    out.write(gzipSync(call));
    for (let index = 0; index < 20; index++) out.write(member);
    out.end();
    await once(out, 'finish');
    const reader = new CaptureReader(path);
    let datagrams = 0;
    let rssAtStart = 0;
    let most = 0;
    for await (const batch of reader.batches()) {
      datagrams += batch.length;
      const rss = process.memoryUsage.rss();
      if (rssAtStart === 0 && datagrams > 20 * COUNT) rssAtStart = rss;
      most = Math.max(most, rss);
    }
    expect(datagrams).toBe(COUNT * 201);
    expect(reader.report.warnings).toEqual([]);
    expect(most - rssAtStart).toBeLessThan(100 * 2 ** 20);
  });
});
