/** Finalized under a key: the same recording as without one, of which the disk never has a sample that can be heard. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemCode } from '../../src/core/errors.ts';
import { decodeArtefact } from '../../src/finalize/decode/artefact-decoder.ts';
import type { EncoderChoice } from '../../src/finalize/encoder-choice.ts';
import { type FinalizeResult, finalizeRecording } from '../../src/finalize/finalize-recording.ts';
import { verifyArtefact } from '../../src/finalize/verify-artefact.ts';
import type { WireCodec } from '../../src/media/wire-codec.ts';
import { newSealKey, type SealKey } from '../../src/spool/seal/seal-key.ts';
import { sealedFile } from '../../src/spool/seal/sealed-file.ts';
import { hasProgram } from '../support/has.ts';
import { bytesOf, Pipeline } from '../support/pipeline.ts';
import { scratchDir } from '../support/scratch.ts';
import { noise, seeded } from '../support/tones.ts';
import { throughFfmpeg } from './encode/listening.ts';

const SECONDS = 20;
const FRAMES = SECONDS * 50;
const PATTERN_BYTES = 48;

type Said = { readonly codec: WireCodec; readonly frame: (n: number) => Uint8Array; readonly clockPerFrame: number };

const L16: Said = {
  codec: { name: 'L16', clockRate: 8000, channels: 1 },
  frame: (() => {
    const pcm = Buffer.from(noise(SECONDS * 1000, 8000, -12).buffer).swap16();
    return (n) => pcm.subarray(n * 320, (n + 1) * 320);
  })(),
  clockPerFrame: 160,
};

const gsm = (): Said => {
  const sound = Buffer.from(noise(SECONDS * 1000, 8000, -12).buffer);
  const coded = throughFfmpeg(['-f', 's16le', '-ar', '8000', '-ac', '1'], sound, ['-c:a', 'libgsm', '-f', 'gsm']);
  return {
    codec: { name: 'GSM', clockRate: 8000, channels: 1 },
    frame: (n) => coded.subarray(n * 33, (n + 1) * 33),
    clockPerFrame: 160,
  };
};

/** Of ten bytes each, whatever they say. */
const g729 = (): Said => {
  const random = seeded(729);
  const coded = Buffer.from(Array.from({ length: FRAMES * 20 }, () => Math.floor(random() * 256)));
  return {
    codec: { name: 'G729', clockRate: 8000, channels: 1 },
    frame: (n) => coded.subarray(n * 20, (n + 1) * 20),
    clockPerFrame: 160,
  };
};

/** @returns the journal of a recording of two legs that say the same */
const recorded = async (folder: string, said: Said, format: 'wav' | 'mp3'): Promise<string> => {
  const pipeline = new Pipeline(folder);
  pipeline.call.recordFromFirstFrame({ format }, 'test');
  for (let n = 0; n < FRAMES; n++) {
    for (const [index, leg] of (['a', 'b'] as const).entries()) {
      pipeline.packet({
        ...{ leg, ssrc: index + 1, sequence: n & 0xffff, timestamp: n * said.clockPerFrame, codec: said.codec },
        arrivalUs: (n + 1) * 20_000,
        bytes: Uint8Array.from(said.frame(n)),
      });
    }
    if (n % 200 === 0) await pipeline.call.drained();
  }
  await pipeline.call.end();
  return pipeline.closed[0]!.path;
};

type Stored = Extract<FinalizeResult, { state: 'stored' }>;

/** @param look sees the folder's files at every step of the work, and as often as the loop comes round */
const finalized = async (
  journalPath: string,
  directory: string,
  { encoder, key, look = () => {} }: { encoder: EncoderChoice; key?: SealKey; look?: () => void },
): Promise<Stored> => {
  mkdirSync(directory, { recursive: true });
  const looking = setInterval(look, 5);
  try {
    const job = { journalPath, directory, mediaName: 'x', fileName: 'x.audio', encoder } as const;
    const result = await finalizeRecording({ ...job, ...(key === undefined ? {} : { artefactKey: key }) }, look);
    look();
    if (result.state !== 'stored') throw new Error(`it was ${result.state}`);
    return result;
  } finally {
    clearInterval(looking);
  }
};

const unsealed = async (path: string, key: SealKey): Promise<Buffer> => {
  const file = await sealedFile(path, key, 'artefact').open();
  const bytes = Buffer.alloc(file.size);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
};

const samplesOf = async (from: Parameters<typeof decodeArtefact>[0]): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of (await decodeArtefact(from)).chunks)
    chunks.push(Buffer.from(Int16Array.from(chunk).buffer));
  return Buffer.concat(chunks);
};

/** Names of the files below `folder`, without their recording's, that hold one of `secrets`; files come and go. */
const holders = (folder: string, secrets: readonly Buffer[], onFile: (name: string) => void = () => {}): string[] =>
  readdirSync(folder).filter((name) => {
    try {
      const bytes = readFileSync(join(folder, name));
      onFile(name);
      return secrets.some((secret) => bytes.includes(secret));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  });

/** A few spans of `bytes`. Silence is none: a file that is not whole yet begins with zeros. */
const spansOf = (bytes: Buffer): Buffer[] =>
  [0.01, 0.1, 0.35, 0.5, 0.8, 0.98]
    .map((share) => {
      const at = Math.floor(share * bytes.length) & ~1;
      return bytes.subarray(at, at + PATTERN_BYTES);
    })
    .filter((span) => new Set(span).size > PATTERN_BYTES / 3);

for (const { name, said, format, encoder, program } of [
  { name: 'PCM, as wav', said: () => L16, format: 'wav', encoder: 'auto', program: undefined },
  { name: 'PCM, as mp3 by lamejs', said: () => L16, format: 'mp3', encoder: 'lamejs', program: undefined },
  { name: 'PCM, as mp3 by ffmpeg', said: () => L16, format: 'mp3', encoder: 'ffmpeg', program: 'ffmpeg' },
  { name: 'GSM, decoded by ffmpeg, as wav', said: gsm, format: 'wav', encoder: 'auto', program: 'ffmpeg' },
  { name: 'GSM, decoded by ffmpeg, as mp3 by ffmpeg', said: gsm, format: 'mp3', encoder: 'ffmpeg', program: 'ffmpeg' },
  { name: 'G.729, decoded by ffmpeg, as wav', said: g729, format: 'wav', encoder: 'auto', program: 'ffmpeg' },
] as const)
  describe.skipIf(program !== undefined && !hasProgram(program))(name, () => {
    test('sealed, it is the same, and at no moment does a file hold any of it', { timeout: 60_000 }, async () => {
      const [journals, data] = [scratchDir(), scratchDir()];
      const journal = await recorded(journals, said(), format);
      const plain = await finalized(journal, join(data, 'plain'), { encoder });
      const content = readFileSync(plain.path);
      const samples = await samplesOf(plain.path);
      // Of the file that is to be; of the sound in it, both legs woven and each for itself, as ffmpeg gives it back.
      const leg = Buffer.from(
        Int16Array.from({ length: samples.length / 4 }, (_, n) => samples.readInt16LE(4 * n)).buffer,
      );
      const secrets = [content, samples, leg].flatMap(spansOf);
      expect(secrets.length).toBeGreaterThan(12);
      expect(holders(join(data, 'plain'), secrets.slice(0, 1))).toEqual(['x.audio']);

      const key = newSealKey(randomBytes);
      const directory = join(data, 'sealed');
      const seen = new Set<string>();
      const leaks: string[] = [];
      const look = (): void =>
        void leaks.push(...holders(directory, secrets, (file) => seen.add(file.split('.').at(-1)!)));
      const sealed = await finalized(journal, directory, { encoder, key, look });
      expect(leaks).toEqual([]);
      expect(seen.has('part')).toBe(true);
      expect(seen.has('pcm')).toBe(name.includes('decoded by ffmpeg'));

      const { created_at: _, ...facts } = sealed.manifest as unknown as Record<string, unknown>;
      const { created_at: __, ...same } = plain.manifest as unknown as Record<string, unknown>;
      expect(facts).toEqual(same);
      expect((await unsealed(sealed.path, key)).equals(content)).toBe(true);
      expect((await samplesOf(sealedFile(sealed.path, key, 'artefact'))).equals(samples)).toBe(true);
      expect(JSON.parse(readFileSync(sealed.manifestPath, 'utf8'))).toEqual(sealed.manifest);
      expect(readdirSync(directory).sort()).toEqual(['x.audio', 'x.audio.json']);
      expect(bytesOf(sealed.path).length).toBeGreaterThan(content.length);
    });
  });

test('not sealed, the same look finds it while it is being made', async () => {
  const data = scratchDir();
  const journal = await recorded(scratchDir(), L16, 'wav');
  const once = await finalized(journal, join(data, 'one'), { encoder: 'auto' });
  const secret = spansOf(readFileSync(once.path))[3]!;
  const directory = join(data, 'two');
  const found: string[] = [];
  const look = (): void => void found.push(...holders(directory, [secret]));
  await finalized(journal, directory, { encoder: 'auto', look });
  expect(found.some((name) => name.endsWith('.part'))).toBe(true);
});

test('verify says of a sealed file what it is and where to get it, before it looks for a manifest', async () => {
  const directory = scratchDir();
  const key = newSealKey(randomBytes);
  const { path } = await finalized(await recorded(scratchDir(), L16, 'wav'), directory, { encoder: 'auto', key });
  await expect(verifyArtefact(path, join(directory, 'no manifest'))).rejects.toMatchObject({
    code: 'ARTEFACT_UNREADABLE',
    exit: 2,
    message: `${path} is sealed: a service's own file, encrypted at rest; fetch the recording through its API and verify that`,
  });
});
