/** A shelf whose recordings are sealed on disk: the same to whoever asks it, and nothing that could be heard to whoever reads the disk. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ByteStream } from '../../../src/core/byte-stream.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { verifyArtefact } from '../../../src/finalize/verify-artefact.ts';
import { MasterKeys } from '../../../src/spool/seal/master-keys.ts';
import { newSealKey } from '../../../src/spool/seal/seal-key.ts';
import { chunkAt } from '../../../src/spool/seal/sealed-format.ts';
import { Vault } from '../../../src/spool/seal/vault.ts';
import { answer, ScriptedTarget } from '../../deliver/scripted-target.ts';
import { findInFiles, scratchDir } from '../../support/scratch.ts';
import { artefactPath, HeldPool, type Kit, openShelf, recordCall, until } from './shelf-kit.ts';

const openVault = (): Promise<Vault> =>
  Vault.open({ keys: join(scratchDir(), 'keys'), master: new MasterKeys([newSealKey(randomBytes)]) });

const sealedShelf = async (change: Parameters<typeof openShelf>[0] = {}): Promise<Kit & { vault: Vault }> => {
  const vault = await openVault();
  return { ...(await openShelf({ vault, ...change })), vault };
};

/** Long enough for several chunks. */
const LONG_MS = 8000;

const contentOf = async (kit: Kit, id: string): Promise<Buffer> =>
  buffer(new ByteStream(await (await kit.shelf.artefact('acme', id)).source.open()));

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Stretches of both legs' sound as a wav holds it. */
const sounds = (content: Buffer): Buffer[] =>
  [0.2, 0.5, 0.9].map((share) => {
    const at = Math.floor(share * content.length) & ~3;
    return content.subarray(at, at + 64);
  });

const isSealed = (path: string): boolean => readFileSync(path).toString('latin1', 0, 8) === 'RCSEAL01';
const broken = expect.objectContaining({ code: 'SEAL_BROKEN' });

for (const format of ['wav', 'mp3'] as const)
  test(`${format}: the artefact is what it would be without a seal, to the byte, and its numbers are those of the content`, async () => {
    const fields = { format } as const;
    const [sealed, plain] = [await sealedShelf(), await openShelf()];
    const ids = [await recordCall(sealed, { ms: LONG_MS, fields }), await recordCall(plain, { ms: LONG_MS, fields })];
    await Promise.all([sealed.shelf.settled(), plain.shelf.settled()]);
    const [id, other] = ids as [string, string];
    const content = await contentOf(sealed, id);
    expect(content.equals(readFileSync(await artefactPath(plain, other)))).toBe(true);
    expect(await sealed.shelf.artefact('acme', id)).toMatchObject({ bytes: content.length, sha256: sha256(content) });
    expect(await sealed.shelf.get('acme', id)).toMatchObject({
      state: 'stored',
      sha256: sha256(content),
      bytes: content.length,
    });
    const path = await artefactPath(sealed, id);
    expect(isSealed(path)).toBe(true);
    expect(readFileSync(path).length).toBeGreaterThan(content.length);
    const { artefact } = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
    expect(artefact).toMatchObject({ sha256: sha256(content), bytes: content.length });
    for (const secret of sounds(content)) expect(findInFiles(sealed.folder, secret)).toEqual([]);
    for (const secret of sounds(content)) expect(findInFiles(plain.folder, secret)).not.toEqual([]);
    // What is given out stands up to verification.
    const out = join(scratchDir(), 'out');
    writeFileSync(out, content);
    expect((await verifyArtefact(out, `${path}.json`)).filter(({ ok }) => !ok)).toEqual([]);
  });

test('its target gets the content, with the content’s digest and length', async () => {
  const target = await ScriptedTarget.start(answer(201));
  onTestFinished(() => target.close());
  const kit = await sealedShelf();
  const id = await recordCall(kit, { ms: LONG_MS, fields: { url: `${target.url}/in` } });
  await until(async () => (await kit.shelf.get('acme', id)).state === 'delivered');
  const content = await contentOf(kit, id);
  const [{ body, headers }] = target.seen as [(typeof target.seen)[number]];
  expect(body.equals(content)).toBe(true);
  expect(headers).toMatchObject({
    'content-length': `${content.length}`,
    'content-digest': `sha-256=:${createHash('sha256').update(content).digest('base64')}:`,
  });
});

test('its waveform is the same, and lies sealed beside it', async () => {
  const [sealed, plain] = [await sealedShelf(), await openShelf()];
  const [id, other] = [await recordCall(sealed, { ms: LONG_MS }), await recordCall(plain, { ms: LONG_MS })];
  await Promise.all([sealed.shelf.settled(), plain.shelf.settled()]);
  const peaks = await sealed.shelf.peaks('acme', id, 300);
  expect(peaks).toEqual(await plain.shelf.peaks('acme', other, 300));
  const path = `${await artefactPath(sealed, id)}.peaks.json`;
  expect(isSealed(path)).toBe(true);
  const written = readFileSync(path);
  expect(await sealed.shelf.peaks('acme', id, 300)).toEqual(peaks);
  // Damaged it is measured anew.
  truncateSync(path, 100);
  expect(await sealed.shelf.peaks('acme', id, 300)).toEqual(peaks);
  expect(readFileSync(path).length).toBe(written.length);
});

describe('its key', () => {
  test('is destroyed with the recording, whose audio nobody can read any more, wherever a copy of the file is', async () => {
    const kit = await sealedShelf();
    const id = await recordCall(kit);
    await kit.shelf.settled();
    const copy = join(scratchDir(), 'copy');
    writeFileSync(copy, readFileSync(await artefactPath(kit, id)));
    const path = await artefactPath(kit, id);
    await kit.shelf.remove('acme', id);
    expect(await kit.vault.keyOf('acme', id)).toBeUndefined();
    expect(existsSync(path)).toBe(false);
    expect(kit.files()).toEqual([]);
  });

  test('is gone after a sweep too, and after a recording too short to keep', async () => {
    const kit = await sealedShelf();
    const ids = [await recordCall(kit), await recordCall(kit, { callId: 'c2', fields: { record_min_sec: 60 } })];
    await kit.shelf.settled();
    expect(await kit.vault.keyOf('acme', ids[0]!)).toBeDefined();
    expect(await kit.vault.keyOf('acme', ids[1]!)).toBeUndefined();
    kit.clock.advance(31 * 86_400_000);
    await kit.shelf.sweep();
    expect(await kit.vault.keyOf('acme', ids[0]!)).toBeUndefined();
  });

  test('destroyed by a removal that came no further: the audio is gone, and can be removed to the end', async () => {
    const kit = await sealedShelf();
    const id = await recordCall(kit);
    await kit.shelf.settled();
    await kit.vault.destroy('acme', id);
    const gone = expect.objectContaining({ code: 'NOT_FOUND' });
    await expect(kit.shelf.artefact('acme', id)).rejects.toThrow(gone);
    await expect(kit.shelf.peaks('acme', id, 10)).rejects.toThrow(gone);
    await kit.shelf.remove('acme', id);
    expect(kit.files()).toEqual([]);
  });

  test('of another recording opens nothing, nor does a plain file in a sealed one’s place', async () => {
    const kit = await sealedShelf();
    const [one, other] = [await recordCall(kit), await recordCall(kit, { callId: 'c2' })];
    await kit.shelf.settled();
    const path = await artefactPath(kit, one!);
    const content = await contentOf(kit, one!);
    writeFileSync(path, readFileSync(await artefactPath(kit, other!)));
    await expect(contentOf(kit, one!)).rejects.toThrow(broken);
    writeFileSync(path, content);
    await expect(contentOf(kit, one!)).rejects.toThrow(broken);
  });
});

describe('a plain file in a sealed one’s place, whose key is gone', () => {
  const swapped = async (kit: Kit & { vault: Vault }, id: string, content: Buffer): Promise<void> => {
    await kit.vault.destroy('acme', id);
    writeFileSync(await artefactPath(kit, id), content);
  };

  test('opens only when it is what was recorded', async () => {
    const kit = await sealedShelf();
    const id = await recordCall(kit);
    await kit.shelf.settled();
    const content = await contentOf(kit, id);
    const other = Buffer.from(content);
    other[100]! ^= 1;
    for (const wrong of [other, content.subarray(1), Buffer.concat([content, Buffer.alloc(1)])]) {
      await swapped(kit, id, wrong);
      await expect(contentOf(kit, id)).rejects.toMatchObject({ code: 'ARTEFACT_MISMATCH' });
    }
    await swapped(kit, id, content);
    expect(await contentOf(kit, id)).toEqual(content);
  });

  test('is not delivered', async () => {
    const target = await ScriptedTarget.start(answer(503), answer(201));
    onTestFinished(() => target.close());
    const kit = await sealedShelf();
    const id = await recordCall(kit, { fields: { url: `${target.url}/in` } });
    await until(() => target.seen.length === 1 && kit.shelf.counts.deliveriesInFlight === 0);
    await swapped(kit, id, Buffer.alloc(700));
    kit.clock.advance(60_000);
    await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
    expect(await kit.shelf.get('acme', id)).toMatchObject({ error: { code: 'ARTEFACT_MISMATCH' } });
    expect(target.seen).toHaveLength(1);
  });
});

test('damaged it is not delivered, and says why', async () => {
  const target = await ScriptedTarget.start(answer(503), answer(201));
  onTestFinished(() => target.close());
  const kit = await sealedShelf();
  const id = await recordCall(kit, { ms: LONG_MS, fields: { url: `${target.url}/in` } });
  await until(() => target.seen.length === 1 && kit.shelf.counts.deliveriesInFlight === 0);
  const path = await artefactPath(kit, id);
  const sealed = readFileSync(path);
  sealed[chunkAt(1) + 100]! ^= 4;
  writeFileSync(path, sealed);
  kit.clock.advance(60_000);
  await until(async () => (await kit.shelf.get('acme', id)).state === 'failed');
  expect(await kit.shelf.get('acme', id)).toMatchObject({ error: { code: 'SEAL_BROKEN' } });
  expect(target.seen).toHaveLength(1);
});

test('sealed and plain recordings lie side by side, whatever the setting is now', async () => {
  const kit = await openShelf();
  const older = await recordCall(kit);
  await kit.shelf.settled();
  await kit.shelf.close();
  const vault = await openVault();
  const sealing = await openShelf({ vault }, kit);
  await sealing.shelf.recover();
  const sealed = await recordCall(sealing, { callId: 'c2' });
  await sealing.shelf.settled();
  await sealing.shelf.close();
  const off = await openShelf({ vault, encryption: 'off' }, { ...kit, vault: undefined });
  await off.shelf.recover();
  const newer = await recordCall({ ...off, vault: undefined }, { callId: 'c3' });
  await off.shelf.settled();
  const kinds = await Promise.all([older, sealed, newer].map(async (id) => isSealed(await artefactPath(off, id))));
  expect(kinds).toEqual([false, true, false]);
  for (const id of [older, sealed, newer]) {
    const { chunks: _, ...head } = await decodeArtefact((await off.shelf.artefact('acme', id)).source);
    expect(head).toMatchObject({ format: 'wav', samples: 3200 });
    expect(await off.shelf.peaks('acme', id, 7)).toMatchObject({ points: 7 });
  }
});

describe('a service that died', () => {
  test('after the artefact was there, before anybody noted it: it is found, not made again', async () => {
    const pool = new HeldPool();
    const kit = await sealedShelf({ pool });
    const id = await recordCall(kit);
    await until(() => pool.held.length === 1);
    // As the finalizer leaves it.
    const other = await openShelf({ vault: kit.vault }, { ...kit, folder: join(scratchDir(), 'data') });
    const journal = join(kit.folder, `journals/acme/${id}.journal`);
    const kept = readFileSync(journal);
    mkdirSync(dirname(join(other.folder, `journals/acme/${id}.journal`)), { recursive: true });
    writeFileSync(join(other.folder, `journals/acme/${id}.journal`), kept);
    await other.shelf.recover();
    await other.shelf.settled();
    const directory = join(kit.folder, 'recordings/acme/202601');
    mkdirSync(dirname(directory), { recursive: true });
    renameSync(join(other.folder, 'recordings/acme/202601'), directory);
    await kit.store.recordings.update(id, {
      state: 'finalizing',
      artefactPath: null,
      manifestPath: null,
      bytes: null,
      sha256: null,
    });
    const before = sha256(readFileSync(join(directory, `${id}.wav`)));
    const again = await openShelf({ vault: kit.vault }, kit);
    await again.shelf.recover();
    await again.shelf.settled();
    expect(await again.shelf.get('acme', id)).toMatchObject({ state: 'stored' });
    expect(sha256(readFileSync(await artefactPath(again, id)))).toBe(before);
    expect((await contentOf(again, id)).length).toBeGreaterThan(1000);
  });

  test('in the middle of the work: the part goes, the recording is whole', async () => {
    const pool = new HeldPool();
    const kit = await sealedShelf({ pool });
    const id = await recordCall(kit, { ms: LONG_MS });
    await until(() => pool.held.length === 1);
    const directory = join(kit.folder, 'recordings/acme/202601');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `.${id}.part`), Buffer.concat([Buffer.from('RCSEAL01'), Buffer.alloc(100_000)]));
    await kit.shelf.close();
    const again = await openShelf({ vault: kit.vault }, kit);
    await again.shelf.recover();
    await again.shelf.settled();
    expect(again.files()).toEqual([`recordings/acme/202601/${id}.wav`, `recordings/acme/202601/${id}.wav.json`]);
    expect((await contentOf(again, id)).length).toBe(80 + 4 * 8 * LONG_MS);
  });
});

test('a master key that is another: nothing opens, and nothing is taken for gone', async () => {
  const kit = await sealedShelf();
  const id = await recordCall(kit);
  await kit.shelf.settled();
  const path = await artefactPath(kit, id);
  const unusable = {
    ...kit.vault,
    keyOf: () => Promise.reject(Object.assign(new Error('no'), { code: 'KEY_UNUSABLE' })),
  };
  const other = await openShelf({ vault: unusable as unknown as Vault }, kit);
  await expect(other.shelf.artefact('acme', id)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
  await expect(other.shelf.peaks('acme', id, 5)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
  expect(existsSync(path)).toBe(true);
});
