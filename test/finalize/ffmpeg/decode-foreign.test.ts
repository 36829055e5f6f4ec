import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeForeign } from '../../../src/finalize/ffmpeg/decode-foreign.ts';
import { codecFor } from '../../../src/media/codecs/registry.ts';
import type { WireCodec } from '../../../src/media/wire-codec.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../../src/spool/seal/sealed-file.ts';
import { hasFfmpeg, lag, noise, pcmThroughFfmpeg, same, scratch, sweep, throughFfmpeg } from '../encode/listening.ts';
import { DIES, described, FAILS, pretender } from './pretenders.ts';

const place = scratch();
const KEY = newSealKey(randomBytes);
const SOUND = sweep(8000, 12_000);
const fails = (code: string, ...says: string[]) =>
  expect.objectContaining({ code, message: expect.stringMatching(says.join('.*')) });

const wire = (name: string, clockRate = 8000, fmtp?: string): WireCodec => ({
  name,
  clockRate,
  channels: 1,
  ...(fmtp !== undefined && { fmtp }),
});

const cut = (bytes: Uint8Array, length: number): Uint8Array[] =>
  Array.from({ length: Math.floor(bytes.length / length) }, (_, i) => bytes.subarray(i * length, (i + 1) * length));

const encode = (rate: number, ...options: string[]): Buffer =>
  throughFfmpeg(['-f', 's16le', '-ar', `${rate}`, '-ac', '1'], Buffer.from(SOUND.buffer), options);

const random = (bytes: number): Uint8Array => new Uint8Array(noise(Math.ceil(bytes / 2), 32_767).buffer, 0, bytes);

/** The packets of an Ogg file, its two heads left out. */
const oggPackets = (ogg: Buffer): Buffer[] => {
  const packets: Buffer[] = [];
  let parts: Buffer[] = [];
  for (let at = 0; at < ogg.length; ) {
    const lacing = ogg.subarray(at + 27, at + 27 + ogg[at + 26]);
    at += 27 + lacing.length;
    for (const length of lacing) {
      parts.push(ogg.subarray(at, at + length));
      at += length;
      if (length < 255) {
        packets.push(Buffer.concat(parts));
        parts = [];
      }
    }
  }
  return packets.slice(2);
};

const unsealed = async (path: string): Promise<Buffer> => {
  const file = await sealedFile(path, KEY, 'pcm').open();
  const bytes = Buffer.alloc(file.size);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
};

const decode = async (codec: WireCodec, frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
  const path = place('f.pcm');
  const result = await decodeForeign({ codec, frames, path, key: KEY });
  const bytes = await unsealed(path);
  if (bytes.length > 64) expect(readFileSync(path).includes(bytes.subarray(0, 64))).toBe(false);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  return { ...result, pcm: new Int16Array(Uint8Array.from(bytes).buffer) };
};

/** Random speech bits in both payload forms of RFC 4867 and in storage form. */
const amrFrames = (modes: readonly number[]) => {
  const [aligned, packed, stored]: [Uint8Array[], Uint8Array[], Uint8Array[]] = [[], [], []];
  const source = random(60 * 60);
  for (let i = 0; i < 54; i++) {
    const type = i % modes.length;
    const count = modes[type];
    const speech = Buffer.from(source.subarray(i * 60, i * 60 + Math.ceil(count / 8)));
    const spare = 8 * speech.length - count;
    speech[speech.length - 1] = (speech[speech.length - 1] >> spare) << spare;
    stored.push(Buffer.of((type << 3) | 4), speech);
    aligned.push(Buffer.concat([Buffer.of(0xf0, (type << 3) | 4), speech]));
    const text = [...speech]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
      .slice(0, count);
    const all = `11110${type.toString(2).padStart(4, '0')}1${text}`;
    packed.push(Uint8Array.from(all.match(/.{1,8}/g)!, (byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
  }
  return { aligned, packed, stored: Buffer.concat(stored) };
};

describe.skipIf(!hasFfmpeg)('sounds as ffmpeg makes it from a file', () => {
  const narrow = amrFrames([95, 103, 118, 134, 148, 159, 204, 244]);
  const wide = amrFrames([132, 177, 253, 285, 317, 365, 397, 461, 477]);
  const storage = (head: string, frames: Uint8Array): Buffer => Buffer.concat([Buffer.from(head), frames]);
  const g726 = [2, 3, 4, 5].flatMap((bits) =>
    (['g726le', 'g726'] as const).map((demuxer) => ({
      codec: wire(`${demuxer === 'g726' ? 'AAL2-' : ''}G726-${bits * 8}`),
      make: () => {
        const file = encode(8000, '-c:a', demuxer, '-b:a', `${bits * 8}k`, '-f', demuxer);
        return { frames: cut(file, bits * 20), file, options: ['-f', demuxer, '-code_size', `${bits}`] };
      },
    })),
  );
  const speex = [8000, 16_000, 32_000].flatMap((rate) =>
    [1, 3].map((perPacket) => ({
      codec: wire('SPEEX', rate, `frames=${perPacket}`),
      make: () => {
        const file = encode(rate, '-c:a', 'libspeex', '-frames_per_packet', `${perPacket}`, '-f', 'ogg');
        return { frames: oggPackets(file), file, options: ['-f', 'ogg'] };
      },
    })),
  );
  for (const { codec, make } of [
    ...g726,
    ...speex,
    {
      codec: wire('GSM'),
      make: () => {
        const file = encode(8000, '-c:a', 'libgsm', '-f', 'gsm');
        return { frames: cut(file, 66), file, options: ['-f', 'gsm'] };
      },
    },
    {
      codec: wire('G723'),
      make: () => {
        const file = encode(8000, '-c:a', 'g723_1', '-b:a', '6300', '-f', 'g723_1');
        return { frames: cut(file, 24), file, options: ['-f', 'g723_1'] };
      },
    },
    {
      codec: wire('G729'),
      make: () => ({ frames: cut(random(2000), 20), file: random(2000), options: ['-f', 'g729'] }),
    },
    {
      codec: wire('ILBC', 8000, 'mode=20'),
      make: () => ({
        frames: cut(random(38 * 40), 38),
        file: storage('#!iLBC20\n', random(38 * 40)),
        options: ['-f', 'ilbc'],
      }),
    },
    {
      codec: wire('ILBC'),
      make: () => ({
        frames: cut(random(50 * 40), 100),
        file: storage('#!iLBC30\n', random(50 * 40)),
        options: ['-f', 'ilbc'],
      }),
    },
    {
      codec: wire('AMR'),
      make: () => ({ frames: narrow.packed, file: storage('#!AMR\n', narrow.stored), options: ['-f', 'amr'] }),
    },
    {
      codec: wire('AMR', 8000, 'octet-align=1'),
      make: () => ({ frames: narrow.aligned, file: storage('#!AMR\n', narrow.stored), options: ['-f', 'amr'] }),
    },
    {
      codec: wire('AMR-WB', 16_000),
      make: () => ({ frames: wide.packed, file: storage('#!AMR-WB\n', wide.stored), options: ['-f', 'amr'] }),
    },
    {
      codec: wire('AMR-WB', 16_000, 'octet-align=1'),
      make: () => ({ frames: wide.aligned, file: storage('#!AMR-WB\n', wide.stored), options: ['-f', 'amr'] }),
    },
  ]) {
    test(`${codec.name}/${codec.clockRate} ${codec.fmtp ?? ''}`, async () => {
      const { frames, file, options } = make();
      const { pcm, ...said } = await decode(codec, frames);
      const reference = pcmThroughFfmpeg(options, file);
      const rate = codec.name === 'AMR-WB' ? 16_000 : codec.clockRate;
      const samples = frames.reduce((sum, frame) => sum + codecFor(codec)!.duration(frame), 0);
      expect(said).toEqual({ sampleRate: rate, samples, missing: 0 });
      expect(pcm.length).toBe(samples);
      const length = Math.min(samples, reference.length); // A Speex file's last packet may be cut by its own head.
      expect(samples - length).toBeLessThan(rate / 10);
      expect(same(pcm.subarray(0, length), reference.subarray(0, length))).toBe(true);
    });
  }

  test('G726 is the tone that was encoded, in its place', async () => {
    const file = encode(8000, '-c:a', 'g726le', '-b:a', '32k', '-f', 'g726le');
    const { pcm } = await decode(wire('G726-32'), cut(file, 80));
    expect(lag(SOUND, pcm)).toBe(0);
  });
});

describe.skipIf(!hasFfmpeg)('each payload keeps its place', () => {
  test('silence stands for comfort noise and damaged frames, between frames that sound as if nothing were between', async () => {
    const frames = cut(random(400), 20);
    const whole = (await decode(wire('G729'), frames)).pcm;
    const noisePayload = Uint8Array.of(1, 2);
    const { pcm } = await decode(wire('G729'), [
      noisePayload,
      ...frames.slice(0, 5),
      noisePayload,
      noisePayload,
      ...frames.slice(5),
    ]);
    const silence = new Int16Array(80);
    const expected = [silence, whole.subarray(0, 800), silence, silence, whole.subarray(800)];
    expect(same(pcm, Int16Array.from(expected.flatMap((part) => [...part])))).toBe(true);
  });

  test('nothing but silence needs no ffmpeg', async () => {
    const said = await decode(wire('G729'), Array<Uint8Array>(50).fill(Uint8Array.of(1, 2)));
    expect(said.samples).toBe(4000);
    expect(same(said.pcm, new Int16Array(4000))).toBe(true);
  });

  test('a stream of nothing but damaged frames is silence, and is told', async () => {
    const { samples, missing, pcm } = await decode(wire('SPEEX'), [Uint8Array.of(4, 0)]);
    expect({ samples, missing }).toEqual({ samples: pcm.length, missing: pcm.length });
    expect(pcm.every((sample) => sample === 0)).toBe(true);
  });

  test('no frames make an empty file', async () =>
    expect(await decode(wire('GSM'), [])).toMatchObject({ samples: 0, missing: 0 }));

  test('payloads of any length and content', async () => {
    const codecs = [wire('G729'), wire('GSM'), wire('G723'), wire('ILBC'), wire('G726-24'), wire('AMR'), wire('SPEEX')];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...codecs),
        fc.array(fc.uint8Array({ maxLength: 110 }), { maxLength: 30 }),
        async (codec, frames) => {
          const samples = frames.reduce((sum, frame) => sum + codecFor(codec)!.duration(frame), 0);
          const said = await decode(codec, frames);
          expect(said.samples).toBe(samples);
          expect(said.pcm.length).toBe(samples);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('the source may use one buffer for all its payloads', async () => {
    const frames = cut(random(2000), 20);
    const reused = new Uint8Array(20);
    async function* source() {
      for (const frame of frames) {
        reused.set(frame);
        yield reused;
      }
    }
    expect(same((await decode(wire('G729'), source())).pcm, (await decode(wire('G729'), frames)).pcm)).toBe(true);
  });
});

describe('is refused by name', () => {
  afterEach(() => vi.unstubAllEnvs());

  for (const codec of [wire('QCELP'), wire('G728'), wire('AMR', 8000, 'crc=1'), wire('NOSUCH')]) {
    test(`${codec.name} ${codec.fmtp ?? ''}: no way into ffmpeg`, async () => {
      const decoding = decodeForeign({ codec, frames: [], path: place('x.pcm'), key: KEY });
      await expect(decoding).rejects.toThrow(fails('CODEC_UNSUPPORTED', codec.name, codec.fmtp ?? '', 'PCMU, PCMA'));
    });
  }
  test('iLBC, when this ffmpeg has no decoder for it', async () => {
    const program = described('/usr/bin/ffmpeg');
    const decoding = decodeForeign({ codec: wire('ILBC'), frames: [], path: place('x.pcm'), key: KEY, program });
    await expect(decoding).rejects.toThrow(fails('CODEC_UNSUPPORTED', 'ILBC/8000', 'ilbc or libilbc', 'PCMU'));
  });
  test('G.729, when there is no ffmpeg: FFMPEG_MISSING with codec and remedy', async () => {
    vi.stubEnv('FFMPEG_PATH', '/nowhere/ffmpeg');
    const path = place('x.pcm');
    await expect(decodeForeign({ codec: wire('G729'), frames: [], path, key: KEY })).rejects.toThrow(
      fails('FFMPEG_MISSING', 'G729/8000', '/nowhere/ffmpeg', 'PCMU'),
    );
    expect(() => statSync(path)).toThrow('ENOENT');
  });
});

describe('when it goes wrong, nothing is left behind', () => {
  function* endless(): Generator<Uint8Array> {
    for (;;) yield Buffer.alloc(33 * 100, 0xd5);
  }
  const job = (script: string, frames: Iterable<Uint8Array> | AsyncIterable<Uint8Array> = endless()) => ({
    codec: wire('GSM'),
    frames,
    path: place('y.pcm'),
    key: KEY,
    program: pretender(place('program'), script),
  });
  const gone = (path: string) => expect(() => statSync(path)).toThrow('ENOENT');

  test('ffmpeg is killed half-way', async () => {
    const { path, ...rest } = job(DIES);
    await expect(decodeForeign({ path, ...rest })).rejects.toThrow(fails('FFMPEG_FAILED', 'SIGKILL'));
    gone(path);
  });
  test('ffmpeg fails at once', async () => {
    const { path, ...rest } = job(FAILS);
    await expect(decodeForeign({ path, ...rest })).rejects.toThrow(fails('FFMPEG_FAILED', 'Invalid data found'));
    gone(path);
  });
  test('ffmpeg can not be started', async () => {
    const { path, ...rest } = job('\x7fELF nonsense');
    await expect(decodeForeign({ path, ...rest })).rejects.toThrow(fails('FFMPEG_FAILED'));
    gone(path);
  });
  test('the source of payloads fails', async () => {
    const broken = async function* () {
      yield Buffer.alloc(33, 0xd5);
      throw new Error('journal torn');
    };
    const { path, ...rest } = job('#!/bin/sh\ncat >/dev/null\n', broken());
    await expect(decodeForeign({ path, ...rest })).rejects.toThrow('journal torn');
    gone(path);
  });
  test('somebody stops it', async () => {
    const stop = new AbortController();
    const stopping = function* () {
      for (let count = 0; ; count++) {
        if (count === 50) stop.abort(new Error('enough'));
        yield Buffer.alloc(33 * 100, 0xd5);
      }
    };
    const { path, ...rest } = job('#!/bin/sh\ncat >/dev/null\n', stopping());
    await expect(decodeForeign({ path, ...rest, signal: stop.signal })).rejects.toThrow('enough');
    gone(path);
  });
  test('it was stopped before it began', async () => {
    const { path, ...rest } = job(FAILS);
    await expect(decodeForeign({ path, ...rest, signal: AbortSignal.abort(new Error('never')) })).rejects.toThrow(
      'never',
    );
    gone(path);
  });
  test('the output can not be written', async () => {
    const path = `${place('nowhere')}/z.pcm`;
    await expect(decodeForeign({ ...job(FAILS), path })).rejects.toThrow(fails('OUTPUT_UNWRITABLE'));
  });
});

test('what ffmpeg keeps for itself is silence at the end, and counted', async () => {
  const program = pretender(place('stingy'), '#!/bin/sh\ncat >/dev/null\nhead -c 200 /dev/zero\n');
  const path = place('short.pcm');
  const frames = Array<Uint8Array>(10).fill(Buffer.alloc(33, 0xd5));
  expect(await decodeForeign({ codec: wire('GSM'), frames, path, key: KEY, program })).toEqual({
    sampleRate: 8000,
    samples: 1600,
    missing: 1500,
  });
  expect((await unsealed(path)).length).toBe(3200);
});

test('what ffmpeg adds is dropped', async () => {
  const program = pretender(place('generous'), '#!/bin/sh\ncat >/dev/null\nhead -c 9001 /dev/zero\n');
  const path = place('long.pcm');
  const frames = Array<Uint8Array>(10).fill(Buffer.alloc(33, 0xd5));
  expect(await decodeForeign({ codec: wire('GSM'), frames, path, key: KEY, program })).toEqual({
    sampleRate: 8000,
    samples: 1600,
    missing: 0,
  });
  expect((await unsealed(path)).length).toBe(3200);
});
