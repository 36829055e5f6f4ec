import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { readWavFormat } from '../../../src/finalize/decode/wav-format.ts';
import { hear, noise, scratch } from '../encode/listening.ts';

const place = scratch();
const PCM = noise(100, 20_000);
const AUDIO = Buffer.from(PCM.buffer);

const chunk = (id: string, content: Uint8Array, said = content.length): Buffer => {
  const head = Buffer.alloc(8);
  head.write(id, 'latin1');
  head.writeUInt32LE(said, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
};

const format = ({ tag = 1, channels = 1, rate = 8000, bits = 16, more = '' } = {}): Buffer => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(tag, 0);
  bytes.writeUInt16LE(channels, 2);
  bytes.writeUInt32LE(rate, 4);
  bytes.writeUInt32LE(((rate * channels * bits) / 8) >>> 0, 8);
  bytes.writeUInt16LE((channels * bits) / 8, 12);
  bytes.writeUInt16LE(bits, 14);
  return chunk('fmt ', Buffer.concat([bytes, Buffer.from(more, 'hex')]));
};

/** After WAVE_FORMAT_EXTENSIBLE: 22 more bytes, valid bits, speakers, and the GUID that begins with the real format. */
const extended = (bits: number, real: number): string =>
  `1600${bits === 16 ? '1000' : '1800'}04000000${real.toString(16).padStart(2, '0')}00000000001000800000aa00389b71`;

const ds64 = (dataBytes: number): Buffer => {
  const sizes = Buffer.alloc(28);
  sizes.writeBigUInt64LE(BigInt(dataBytes), 8);
  return chunk('ds64', sizes);
};

const file = (form: string, ...chunks: Buffer[]): Buffer => {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk(form, body, form === 'RF64' ? 0xffff_ffff : body.length);
};

const save = (bytes: Uint8Array): string => {
  const path = place('x.wav');
  writeFileSync(path, bytes);
  return path;
};

describe('is read', () => {
  for (const { name, bytes, pcm = PCM } of [
    { name: 'a plain wav', bytes: file('RIFF', format(), chunk('data', AUDIO)) },
    {
      name: 'chunks before the format, which the package wav refuses',
      bytes: file('RIFF', chunk('JUNK', Buffer.alloc(28)), format(), chunk('data', AUDIO)),
    },
    {
      name: 'an empty chunk, on which the package wav throws',
      bytes: file('RIFF', format(), chunk('LIST', Buffer.alloc(0)), chunk('data', AUDIO)),
    },
    {
      name: 'a chunk of odd length, after which a byte is left out',
      bytes: file('RIFF', format(), chunk('LIST', Buffer.alloc(7)), chunk('data', AUDIO)),
    },
    {
      name: 'chunks after the data',
      bytes: file('RIFF', format(), chunk('data', AUDIO), chunk('LIST', Buffer.alloc(99))),
    },
    {
      name: 'garbage after the data',
      bytes: Buffer.concat([file('RIFF', format(), chunk('data', AUDIO)), Buffer.from('trailing')]),
    },
    {
      name: 'the extensible format of 16-bit PCM',
      bytes: file('RIFF', format({ tag: 0xfffe, more: extended(16, 1) }), chunk('data', AUDIO)),
    },
    {
      name: 'a size that a writer to a pipe left open, as the package wav does',
      bytes: file('RIFF', format(), chunk('data', AUDIO, 4_294_967_195)),
    },
    { name: 'a size that ffmpeg left open', bytes: file('RIFF', format(), chunk('data', AUDIO, 0xffff_ffff)) },
    { name: 'no samples', bytes: file('RIFF', format(), chunk('data', Buffer.alloc(0))), pcm: new Int16Array(0) },
    {
      name: 'half a sample at the end, which is left out',
      bytes: file('RIFF', format(), chunk('data', AUDIO.subarray(0, 9))),
      pcm: PCM.subarray(0, 4),
    },
    {
      name: 'half a stereo frame at the end, which is left out',
      bytes: file('RIFF', format({ channels: 2 }), chunk('data', AUDIO.subarray(0, 10))),
      pcm: PCM.subarray(0, 4),
    },
    { name: 'RF64', bytes: file('RF64', ds64(AUDIO.length), format(), chunk('data', AUDIO, 0xffff_ffff)) },
    { name: 'RF64 whose data is short enough to say', bytes: file('RF64', ds64(0), format(), chunk('data', AUDIO)) },
  ]) {
    test(name, async () => expect((await hear(save(bytes))).pcm).toEqual(pcm));
  }
});

describe('is ARTEFACT_UNREADABLE', () => {
  for (const { name, bytes, says } of [
    { name: 'nothing', bytes: Buffer.alloc(0), says: 'is empty' },
    { name: 'text', bytes: Buffer.from('hello, this is no audio'), says: 'neither mp3 nor wav' },
    { name: 'the first four bytes only', bytes: Buffer.from('RIFF'), says: 'no RIFF head' },
    { name: 'RIFF of another kind', bytes: Buffer.from('RIFF\x04\0\0\0AVI LIST'), says: 'no RIFF head' },
    { name: 'no data', bytes: file('RIFF', format()), says: 'ends before its data' },
    { name: 'data before the format', bytes: file('RIFF', chunk('data', AUDIO), format()), says: 'no format' },
    {
      name: 'a format chunk of 14 bytes',
      bytes: file('RIFF', chunk('fmt ', Buffer.alloc(14)), chunk('data', AUDIO)),
      says: 'too short',
    },
    {
      name: 'a chunk that reaches beyond the file',
      bytes: file('RIFF', format(), chunk('LIST', Buffer.alloc(4), 4_000_000)),
      says: 'ends before',
    },
    {
      name: 'data that reaches beyond the file',
      bytes: file('RIFF', format(), chunk('data', AUDIO, 4_000_000)),
      says: `cut: ${AUDIO.length} of 4000000`,
    },
    {
      name: 'RF64 without ds64',
      bytes: file('RF64', format(), chunk('data', AUDIO, 0xffff_ffff)),
      says: 'without ds64',
    },
    {
      name: 'RF64 of more bytes than can be counted',
      bytes: file('RF64', chunk('ds64', Buffer.alloc(28, 0xff)), format(), chunk('data', AUDIO, 0xffff_ffff)),
      says: 'can not be',
    },
    { name: 'RF64 that ends in ds64', bytes: file('RF64', chunk('ds64', Buffer.alloc(9), 28)), says: 'cut ds64' },
    { name: '24 bits', bytes: file('RIFF', format({ bits: 24 }), chunk('data', AUDIO)), says: '24 bits' },
    {
      name: 'extensible 24 bits',
      bytes: file('RIFF', format({ tag: 0xfffe, bits: 24, more: extended(24, 1) }), chunk('data', AUDIO)),
      says: '24 bits',
    },
    {
      name: 'extensible floats',
      bytes: file('RIFF', format({ tag: 0xfffe, more: extended(16, 3) }), chunk('data', AUDIO)),
      says: 'format 3',
    },
    { name: 'µ-law', bytes: file('RIFF', format({ tag: 7, bits: 8 }), chunk('data', AUDIO)), says: 'format 7' },
    { name: 'six channels', bytes: file('RIFF', format({ channels: 6 }), chunk('data', AUDIO)), says: '6 channels' },
    { name: 'no rate', bytes: file('RIFF', format({ rate: 0 }), chunk('data', AUDIO)), says: 'no sample rate' },
    {
      name: 'ten thousand chunks',
      bytes: file('RIFF', ...Array<Buffer>(10_000).fill(chunk('JUNK', Buffer.alloc(0)))),
      says: 'more than 1000 chunks',
    },
  ]) {
    test(name, async () => {
      const path = save(bytes);
      const error = await decodeArtefact(path).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'ARTEFACT_UNREADABLE', message: expect.stringContaining(says) });
      expect((error as Error).message).toContain(path);
    });
  }
  test('a folder', async () => {
    const path = place('folder');
    mkdirSync(path);
    await expect(decodeArtefact(path)).rejects.toThrow(expect.objectContaining({ code: 'ARTEFACT_UNREADABLE' }));
  });
  test.skipIf(process.platform === 'win32')('a named pipe that nobody writes to', async () => {
    const path = place('pipe');
    execFileSync('mkfifo', [path]);
    await expect(decodeArtefact(path)).rejects.toThrow(expect.objectContaining({ code: 'ARTEFACT_UNREADABLE' }));
  });
});

test('a file that is not there is INPUT_MISSING', async () => {
  await expect(decodeArtefact(place('nothing'))).rejects.toThrow(expect.objectContaining({ code: 'INPUT_MISSING' }));
});

test('the audio can be read twice, and reading can stop at any time', async () => {
  const path = save(file('RIFF', format(), chunk('data', Buffer.alloc(500_000, 1))));
  const { chunks } = await decodeArtefact(path);
  for await (const first of chunks) {
    expect(first.length).toBeGreaterThan(0);
    break;
  }
  let samples = 0;
  for await (const piece of chunks) samples += piece.length;
  expect(samples).toBe(250_000);
});

test('chunks of any bytes are read or refused, never thrown at', async () => {
  const ids = fc.constantFrom('RIFF', 'fmt ', 'data', 'ds64', 'LIST', 'JUNK');
  const chunks = fc.array(fc.tuple(ids, fc.uint8Array({ maxLength: 60 }), fc.option(fc.nat(0xffff_ffff))), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('RIFF', 'RF64'), chunks, async (form, parts) => {
      const path = save(file(form, ...parts.map(([id, content, said]) => chunk(id, content, said ?? content.length))));
      const heard = await hear(path).catch((error: unknown) => error);
      if (heard instanceof Error) expect(heard).toMatchObject({ code: 'ARTEFACT_UNREADABLE' });
    }),
    { numRuns: 500 },
  );
});

test('a format chunk of any bytes is understood or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 40 }), fc.boolean(), (bytes, plausible) => {
      const fmt = Buffer.from(bytes);
      if (plausible) format({ rate: fmt.readUInt32LE(4) }).copy(fmt, 0, 8, 24);
      try {
        expect([1, 2]).toContain(readWavFormat(fmt).channels);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ARTEFACT_UNREADABLE' });
      }
    }),
    { numRuns: 500 },
  );
});
