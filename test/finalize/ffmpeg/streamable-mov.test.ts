import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../../src/core/byte-source.ts';
import { ByteStream } from '../../../src/core/byte-stream.ts';
import { streamableMov } from '../../../src/finalize/ffmpeg/streamable-mov.ts';
import { hasFfmpeg, scratch } from '../encode/listening.ts';

const place = scratch();

/** @param closed told when it was closed */
const sourceOf = (bytes: Buffer, closed: () => void = () => {}): ByteSource => ({
  open: async () => ({
    size: bytes.length,
    read: async (into, position) => bytes.copy(into, 0, position, position + into.length),
    close: async () => closed(),
  }),
});

const given = async (bytes: Buffer): Promise<Buffer> =>
  buffer(new ByteStream(await streamableMov(sourceOf(bytes)).open()));

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: number): Buffer => Buffer.concat([u32(Math.floor(value / 2 ** 32)), u32(value % 2 ** 32)]);
const box = (type: string, ...content: Buffer[]): Buffer => {
  const body = Buffer.concat(content);
  return Buffer.concat([u32(8 + body.length), Buffer.from(type, 'latin1'), body]);
};
const longBox = (type: string, body: Buffer): Buffer =>
  Buffer.concat([u32(1), Buffer.from(type, 'latin1'), u64(16 + body.length), body]);
const index = (...tables: Buffer[]): Buffer =>
  box(
    'moov',
    box('mvhd', Buffer.alloc(20)),
    ...tables.map((each) => box('trak', box('mdia', box('minf', box('stbl', each))))),
  );
const stco = (...offsets: number[]): Buffer => box('stco', u32(0), u32(offsets.length), ...offsets.map(u32));
const co64 = (...offsets: number[]): Buffer => box('co64', u32(0), u32(offsets.length), ...offsets.map(u64));

const FTYP = box('ftyp', Buffer.from('M4A \0\0\0\0'));
const SOUND = Buffer.from('the sound itself');
const AT = FTYP.length + 8;

describe('an index behind the sound is brought before it, and says where the sound is then', () => {
  for (const { name, table, moved } of [
    { name: 'offsets of four bytes', table: stco, moved: (by: number) => stco(AT + by, AT + 4 + by) },
    { name: 'offsets of eight', table: co64, moved: (by: number) => co64(AT + by, AT + 4 + by) },
  ])
    test(name, async () => {
      const moov = index(table(AT, AT + 4));
      const rest = box('free', Buffer.alloc(9));
      const out = await given(Buffer.concat([FTYP, box('mdat', SOUND), moov, rest]));
      const expected = index(moved(moov.length));
      expect(expected.length).toBe(moov.length);
      expect(out.equals(Buffer.concat([FTYP, expected, box('mdat', SOUND), rest]))).toBe(true);
    });

  test('several tracks, a sound of a 64-bit size, and a last box that goes to the end', async () => {
    const at = FTYP.length + 16;
    const moov = index(stco(at), co64(at + 3));
    const end = Buffer.concat([u32(0), Buffer.from('free'), Buffer.alloc(5)]);
    const out = await given(Buffer.concat([FTYP, longBox('mdat', SOUND), moov, end]));
    const by = moov.length;
    expect(
      out.equals(Buffer.concat([FTYP, index(stco(at + by), co64(at + 3 + by)), longBox('mdat', SOUND), end])),
    ).toBe(true);
  });

  test('QuickTime’s own, which says nothing of what it is', async () => {
    const wide = Buffer.concat([u32(8), Buffer.from('wide')]);
    const moov = index(stco(16));
    const out = await given(Buffer.concat([wide, box('mdat', SOUND), moov]));
    expect(out.equals(Buffer.concat([index(stco(16 + moov.length)), wide, box('mdat', SOUND)]))).toBe(true);
  });

  test('an offset behind the index stays', async () => {
    const moov = index(stco(AT, 10_000));
    const out = await given(Buffer.concat([FTYP, box('mdat', SOUND), moov, box('mdat', SOUND)]));
    expect(out.includes(stco(AT + moov.length, 10_000))).toBe(true);
  });
});

describe('as it is', () => {
  const late = (moov: Buffer): Buffer => Buffer.concat([FTYP, box('mdat', SOUND), moov]);
  for (const { name, bytes } of [
    { name: 'index first', bytes: Buffer.concat([FTYP, index(stco(500)), box('mdat', SOUND)]) },
    { name: 'fragments', bytes: Buffer.concat([FTYP, index(), box('moof', SOUND), box('mdat', SOUND)]) },
    { name: 'no index', bytes: Buffer.concat([FTYP, box('mdat', SOUND)]) },
    { name: 'no sound', bytes: Buffer.concat([FTYP, index(stco(9))]) },
    { name: 'another format', bytes: Buffer.from('RIFF and whatever follows it, moov and mdat among it') },
    { name: 'nothing', bytes: Buffer.alloc(0) },
    { name: 'an index that is packed', bytes: late(box('moov', box('cmov', Buffer.alloc(30)))) },
    { name: 'an index that is cut', bytes: late(index(stco(AT))).subarray(0, -3) },
    { name: 'a table that says more than it has', bytes: late(index(box('stco', u32(0), u32(1000), u32(AT)))) },
    { name: 'a table without a count', bytes: late(index(box('stco', u32(0)))) },
  ])
    test(name, async () => expect((await given(bytes)).equals(bytes)).toBe(true));
});

test('whatever it is, it is as long as it was, never throws, and is closed', async () => {
  const type = fc.constantFrom('ftyp', 'moov', 'mdat', 'trak', 'mdia', 'stbl', 'minf', 'stco', 'co64', 'free');
  const some = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(type, fc.uint8Array({ maxLength: 60 })).map(([name, body]) => box(name, Buffer.from(body))),
    fc
      .tuple(type, fc.nat(), fc.nat())
      .map(([name, size, long]) => Buffer.concat([u32(size % 300), Buffer.from(name), u64(long)])),
    fc.array(fc.nat({ max: 4000 }), { maxLength: 5 }).map((offsets) => index(stco(...offsets))),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(some, { maxLength: 6 }), fc.boolean(), async (parts, begins) => {
      const bytes = Buffer.concat(begins ? [FTYP, box('mdat', SOUND), ...parts] : parts);
      let closed = 0;
      const out = await buffer(new ByteStream(await streamableMov(sourceOf(bytes, () => closed++)).open()));
      expect(out.length).toBe(bytes.length);
      expect(closed).toBe(1);
    }),
    { numRuns: 500 },
  );
});

describe.skipIf(!hasFfmpeg)('ffmpeg', () => {
  const decoded = (input: string, bytes?: Buffer): Buffer =>
    execFileSync('ffmpeg', ['-v', 'error', '-i', input, '-f', 's16le', '-'], {
      maxBuffer: 2 ** 28,
      stdio: 'pipe',
      ...(bytes === undefined ? {} : { input: bytes }),
    });

  for (const { name, args } of [
    { name: 'a.m4a', args: ['-c:a', 'aac'] },
    { name: 'b.mov', args: ['-c:a', 'pcm_s16le', '-ac', '2'] },
    { name: 'c.mp4', args: ['-f', 'lavfi', '-i', 'testsrc=d=20:s=64x64:r=5', '-c:a', 'aac', '-shortest'] },
  ])
    test(`${name}: hears from a pipe what it hears in the file, and without this hears nothing`, async () => {
      const path = place(name);
      const sound = 'aevalsrc=sin(500*t*t):d=20:s=44100';
      execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', sound, ...args, path]);
      const bytes = readFileSync(path);
      expect(bytes.indexOf('moov')).toBeGreaterThan(bytes.indexOf('mdat'));
      expect(decoded('pipe:0', await given(bytes)).equals(decoded(path))).toBe(true);
      expect(decoded('pipe:0', bytes).length).toBe(0);
    });
});
