import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import lamejs from 'lamejs';
import { afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { mp3Start } from '../../../src/finalize/decode/mp3-frames.ts';
import { infoFrame } from '../../../src/finalize/encode/info-tag.ts';
import { LameEncoder } from '../../../src/finalize/encode/lame-encoder.ts';
import { parseMp3Frame } from '../../../src/finalize/encode/mp3-frame.ts';
import { WavEncoder } from '../../../src/finalize/encode/wav-encoder.ts';
import { encodeAll, hear, lag, same, scratch, sweep } from '../encode/listening.ts';

const place = scratch();
const LENGTH = 6000;
const SOUND = sweep(LENGTH);
let artefact: Buffer;
let wav: Buffer;

const save = (...parts: Uint8Array[]): string => {
  const path = place('x.mp3');
  writeFileSync(path, Buffer.concat(parts));
  return path;
};

/** Frames of `mp3`, cut apart. */
const framesOf = (mp3: Uint8Array): Uint8Array[] => {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < mp3.length; at += frames.at(-1)!.length) {
    frames.push(mp3.subarray(at, at + parseMp3Frame(mp3, at)!.bytes));
  }
  return frames;
};

/** An ID3v2 tag of `bytes` bytes of content, which hold the sync of a frame. */
const id3v2 = (bytes: number): Buffer => {
  const head = Buffer.from([0x49, 0x44, 0x33, 4, 0, 0, 0, 0, bytes >> 7, bytes & 0x7f]);
  return Buffer.concat([head, Buffer.alloc(bytes, Buffer.from([0xff, 0xe3, 0x68, 0xc0]))]);
};

beforeAll(async () => {
  const [mp3Path, wavPath] = [place('y.mp3'), place('y.wav')];
  await encodeAll(await LameEncoder.create({ path: mp3Path, sampleRate: 8000, channels: 1 }), SOUND, 1);
  await encodeAll(await WavEncoder.create({ path: wavPath, sampleRate: 8000, channels: 1 }), SOUND, 1);
  artefact = readFileSync(mp3Path);
  wav = readFileSync(wavPath);
});

/** mpg123-decoder prints what it dislikes; a command prints one line of its own. */
let printed: MockInstance;
beforeEach(() => {
  printed = vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  expect(printed).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

describe('is read', () => {
  test('behind an ID3v2 tag and before an ID3v1 tag', async () => {
    const plain = (await hear(save(artefact))).pcm;
    const tail = Buffer.alloc(128);
    tail.write('TAG');
    expect(same((await hear(save(id3v2(700), artefact, tail))).pcm, plain)).toBe(true);
  });
  test('before an APE tag', async () => {
    expect((await hear(save(artefact, Buffer.from('APETAGEX'), Buffer.alloc(300)))).pcm.length).toBe(LENGTH);
  });
  test('without any tag: everything that is decoded, as late as lamejs makes it', async () => {
    const encoder = new lamejs.Mp3Encoder(1, 8000, 24);
    const mp3 = Buffer.concat([encoder.encodeBuffer(SOUND, SOUND), encoder.flush()].map((part) => Buffer.from(part)));
    const heard = await hear(save(mp3));
    expect(heard.samples).toBeUndefined();
    expect(heard.pcm.length).toBe(framesOf(mp3).length * 576);
    expect(lag(SOUND, heard.pcm)).toBe(1105);
  });
  test('with a Xing tag that knows no delay: all frames but the tag', async () => {
    const frames = framesOf(artefact);
    const tag = Buffer.from(frames[0]);
    tag.fill(0, parseMp3Frame(tag, 0)!.sideInfoEnd + 120);
    const heard = await hear(save(tag, ...frames.slice(1)));
    expect(heard.pcm.length).toBe((frames.length - 1) * 576);
  });
  test('by its content, whatever its name', async () => {
    const path = place('really.wav');
    writeFileSync(path, artefact);
    expect((await hear(path)).format).toBe('mp3');
  });
  test('twice, and left half-way, with nothing left open', async () => {
    const path = save(...Array<Uint8Array>(40).fill(Buffer.concat(framesOf(artefact).slice(1))));
    const { chunks } = await decodeArtefact(path);
    let first = 0;
    for await (const chunk of chunks) {
      first = chunk.length;
      break;
    }
    const heard = await hear(path);
    expect(first).toBeLessThan(heard.pcm.length);
    expect(heard.pcm.length).toBe(40 * (framesOf(artefact).length - 1) * 576);
  });
});

describe('is ARTEFACT_UNREADABLE', () => {
  const unreadable = (says: string) =>
    expect.objectContaining({ code: 'ARTEFACT_UNREADABLE', message: expect.stringContaining(says) });

  for (const { name, make, says } of [
    { name: 'cut inside a frame', make: () => [artefact.subarray(0, artefact.length - 5)], says: 'cut inside a frame' },
    { name: 'cut inside the tag', make: () => [artefact.subarray(0, 100)], says: 'cut inside a frame' },
    { name: 'cut between frames', make: () => framesOf(artefact).slice(0, -1), says: 'frames and its tag says' },
    {
      name: 'longer than its tag says',
      make: () => [artefact, framesOf(artefact).at(-1)!],
      says: 'frames and its tag says',
    },
    {
      name: 'with garbage between frames',
      make: () => [artefact, Buffer.from('garbage'), artefact],
      says: 'no frame at byte',
    },
    { name: 'with zeros after the frames', make: () => [artefact, Buffer.alloc(5000)], says: 'no frame at byte' },
    { name: 'an ID3v2 tag and nothing else', make: () => [id3v2(300)], says: 'no frame' },
    { name: 'an ID3v2 tag that claims more than there is', make: () => [id3v2(300).subarray(0, 50)], says: 'no frame' },
    { name: 'sync and nothing else', make: () => [Buffer.from([0xff, 0xfb])], says: 'no frame at byte 0' },
    {
      name: 'AAC, which begins alike',
      make: () => [Buffer.from('fff15080043ffcde02004c61766335392e', 'hex')],
      says: 'no frame at byte 0',
    },
    {
      name: 'of changing rate',
      make: () => [
        artefact,
        infoFrame(
          { sampleRate: 16_000, channels: 1, kbps: 40 },
          { frames: 0, bytes: 0, delay: 0, padding: 0, encoder: '', musicCrc: 0 },
        ),
      ],
      says: 'changes its rate',
    },
    {
      name: 'of changing channels',
      make: () => [
        artefact,
        infoFrame(
          { sampleRate: 8000, channels: 2, kbps: 48 },
          { frames: 0, bytes: 0, delay: 0, padding: 0, encoder: '', musicCrc: 0 },
        ),
      ],
      says: 'changes its channels',
    },
  ]) {
    test(name, async () => expect(hear(save(...make()))).rejects.toThrow(unreadable(says)));
  }
  test('a tag that promises more samples than its frames can hold', async () => {
    const format = { sampleRate: 8000, channels: 1, kbps: 24 } as const;
    const said = { frames: 1, bytes: 0, delay: 0, padding: 0, encoder: 'LAME', musicCrc: 0 };
    await expect(hear(save(infoFrame(format, said), framesOf(artefact)[1]))).rejects.toThrow(
      unreadable('before its tag says'),
    );
  });
});

test('ID3v2 sizes have seven bits a byte, and a footer counts', () => {
  expect(mp3Start(Buffer.from('49443304000000000201', 'hex'))).toBe(10 + 257);
  expect(mp3Start(Buffer.from('49443304001000000201', 'hex'))).toBe(20 + 257);
  expect(mp3Start(Buffer.from('fffb9064000000000000', 'hex'))).toBe(0);
});

describe('bytes at random are read or refused, without a word on the console', () => {
  const readOrRefused = async (bytes: Uint8Array): Promise<void> => {
    const heard = await hear(save(bytes)).catch((error: unknown) => error);
    if (heard instanceof Error) expect(heard).toMatchObject({ code: 'ARTEFACT_UNREADABLE' });
  };
  const mutations = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
  const mutate = (original: Uint8Array, changes: readonly (readonly [number, number])[]): Buffer => {
    const bytes = Buffer.from(original);
    for (const [at, value] of changes) bytes[at % bytes.length] = value;
    return bytes;
  };

  test('noise, with and without a beginning that looks right', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.constantFrom('', 'fffb9064', 'ffe368c0', '494433', '52494646', '52463634'),
        (bytes, head) => readOrRefused(Buffer.concat([Buffer.from(head, 'hex'), bytes])),
      ),
      { numRuns: 200 },
    ));
  test('an mp3 with some bytes changed', () =>
    fc.assert(
      fc.asyncProperty(mutations, (changes) => readOrRefused(mutate(artefact, changes))),
      { numRuns: 100 },
    ));
  test('a wav with some bytes of its head changed', () =>
    fc.assert(
      fc.asyncProperty(mutations, (changes) =>
        readOrRefused(Buffer.concat([mutate(wav.subarray(0, 80), changes), wav.subarray(80)])),
      ),
      { numRuns: 100 },
    ));
  test('frames whose headers are right and whose content is not', () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 3000, maxLength: 3000 }), async (content) => {
        const frames = framesOf(artefact).map((frame, index) => {
          if (index === 0) return frame;
          const broken = Buffer.from(frame);
          broken.set(content.subarray(index * 100, index * 100 + frame.length - 4), 4);
          return broken;
        });
        await readOrRefused(Buffer.concat(frames));
      }),
      { numRuns: 60 },
    ));
});
