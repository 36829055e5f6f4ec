/** The vault: keys that are durable before they are used, found again, refused to whoever has other master keys, destroyed for good. */
import { createSecretKey, randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { MasterKeys, WRAPPED_KEY_BYTES } from '../../../src/spool/seal/master-keys.ts';
import { fileKey, newSealKey, type SealKey, sealKeyOf } from '../../../src/spool/seal/seal-key.ts';
import { openShared, Vault } from '../../../src/spool/seal/vault.ts';
import { findInFiles, scratchDir } from '../../support/scratch.ts';

const [OLD, NEW, OTHER] = [1, 2, 3].map((byte) => createSecretKey(Buffer.alloc(32, byte))) as [
  SealKey,
  SealKey,
  SealKey,
];
const ID = `202601-${'a'.repeat(32)}`;
const [ACCOUNT, ACCOUNT2] = ['acme', 'other'];

const openVault = (keys: string, ...masters: SealKey[]): Promise<Vault> =>
  Vault.open({ keys, master: new MasterKeys(masters.length === 0 ? [OLD] : masters) });

const made = async (vault: Vault, accountId = ACCOUNT, id = ID): Promise<SealKey> => {
  const key = vault.create(accountId, id);
  await vault.durable(id);
  return key;
};

const folderOf = (): string => join(scratchDir(), 'keys');
const pathOf = (keys: string, accountId = ACCOUNT, id = ID): string => join(keys, accountId, `${id}.key`);
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'none',
    (error) => error.code,
  );

describe('keys', () => {
  test('of a file differ by salt, by purpose and by recording', () => {
    const [one, other] = [newSealKey(randomBytes), newSealKey(randomBytes)];
    const [salt, salt2] = [randomBytes(32), randomBytes(32)];
    const keys = [
      fileKey(one, salt, 'journal'),
      fileKey(one, salt2, 'journal'),
      fileKey(one, salt, 'artefact'),
      fileKey(other, salt, 'journal'),
    ].map((key) => key.export().toString('hex'));
    expect(new Set(keys).size).toBe(4);
    expect(fileKey(one, salt, 'journal').export().toString('hex')).toBe(keys[0]);
    expect(() => fileKey(one, salt.subarray(1), 'journal')).toThrow(RangeError);
  });

  test('leave nothing in the bytes that they came from, and show nothing of themselves', () => {
    const bytes = randomBytes(32);
    const hex = bytes.toString('hex');
    const key = newSealKey(() => bytes);
    expect(key.export().toString('hex')).toBe(hex);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(inspect(key, { depth: 9 }) + JSON.stringify({ key })).not.toContain(hex.slice(0, 8));
    const short = Buffer.alloc(31, 7);
    expect(() => sealKeyOf(short)).toThrow(RangeError);
    expect(short.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a vault', () => {
  test('gives a key at once, keeps it for its owner alone, and finds it again', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    const key = await made(vault);
    expect((await vault.keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
    expect((await (await openVault(keys)).keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
    for (const path of [pathOf(keys), join(keys, 'store.key')]) expect(statSync(path).mode & 0o777).toBe(0o600);
    for (const path of [keys, dirname(pathOf(keys))]) expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const secret of [key, OLD])
      for (const bytes of [secret.export(), Buffer.from(secret.export().toString('hex'))])
        expect(findInFiles(keys, bytes)).toEqual([]);
  });

  test('answers with the key while it is on its way to disk; durable means both the file and its folders', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    const synced: string[] = [];
    const { restore } = await watchSyncs(keys, (isFolder) => synced.push(isFolder ? 'folder' : 'file'));
    onTestFinished(restore);
    const key = vault.create(ACCOUNT, ID);
    expect(existsSync(pathOf(keys))).toBe(false);
    expect((await vault.keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
    await vault.durable(ID);
    expect(synced).toEqual(['folder', 'file', 'folder']);
  });

  test('has none of a recording that it made none for, in that account', async () => {
    const vault = await openVault(folderOf());
    await made(vault);
    expect(await vault.keyOf(ACCOUNT2, ID)).toBeUndefined();
    expect(await vault.keyOf(ACCOUNT, ID.replace('a', 'b'))).toBeUndefined();
  });

  test("does not take one recording's key for another's, by name or by account", async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    await made(vault);
    mkdirSync(join(keys, ACCOUNT2));
    for (const path of [pathOf(keys, ACCOUNT2), pathOf(keys, ACCOUNT, 'x')]) copyFileSync(pathOf(keys), path);
    expect(await codeOf(vault.keyOf(ACCOUNT2, ID))).toBe('KEY_UNUSABLE');
    expect(await codeOf(vault.keyOf(ACCOUNT, 'x'))).toBe('KEY_UNUSABLE');
  });

  test('refuses a key file that is damaged or longer, wherever; one that is cut, or blank, is none', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    await made(vault);
    const whole = readFileSync(pathOf(keys));
    expect(whole).toHaveLength(WRAPPED_KEY_BYTES);
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.constantFrom('flip', 'cut', 'longer'), async (at, how) => {
        const bytes = Buffer.from(whole);
        bytes[at]! ^= 0x10;
        const longer = Buffer.concat([whole, bytes.subarray(0, at + 1)]);
        writeFileSync(pathOf(keys), how === 'flip' ? bytes : how === 'cut' ? whole.subarray(0, at) : longer);
        if (how === 'cut') expect(await vault.keyOf(ACCOUNT, ID)).toBeUndefined();
        else expect(await codeOf(vault.keyOf(ACCOUNT, ID))).toBe('KEY_UNUSABLE');
      }),
    );
    writeFileSync(pathOf(keys), Buffer.alloc(whole.length));
    expect(await vault.keyOf(ACCOUNT, ID)).toBeUndefined();
    // Neither keeps the vault from being opened, nor a rotation from its end.
    rmSync(join(keys, 'store.key'));
    expect(await (await openVault(keys, NEW)).rewrap()).toEqual({ count: 0, unusable: 0 });
  });

  test.skipIf(process.getuid?.() === 0)(
    'says that a key file can not be read, which is not that there is none',
    async () => {
      const keys = folderOf();
      const vault = await openVault(keys);
      await made(vault);
      chmodSync(pathOf(keys), 0);
      expect(await codeOf(vault.keyOf(ACCOUNT, ID))).toBe('KEY_UNUSABLE');
    },
  );

  for (const { name, prepare } of [
    { name: 'none was made yet but its own', prepare: async () => {} },
    { name: 'it has lost its own', prepare: async (keys: string) => rmSync(join(keys, 'store.key')) },
  ]) {
    test(`is not opened by other master keys, when ${name}`, async () => {
      const keys = folderOf();
      await made(await openVault(keys));
      await prepare(keys);
      const before = readdirSync(keys, { recursive: true });
      const error = await openVault(keys, OTHER).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'KEY_UNUSABLE' });
      expect(error.message).toContain(new MasterKeys([OLD]).id);
      expect(readdirSync(keys, { recursive: true })).toEqual(before);
    });
  }

  test('a key that can not be kept fails whoever waits for it, and leaves nothing', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    rmSync(keys, { recursive: true });
    writeFileSync(keys, 'a file where the folder was');
    vault.create(ACCOUNT, ID);
    const failed = vault.durable(ID);
    await expect(failed).rejects.toMatchObject({
      code: 'JOURNAL_UNWRITABLE',
      message: expect.stringMatching(/E[A-Z]+/),
    });
  });

  test('a sync that fails, of the file or of its folder, is a key that is not there', async () => {
    for (const failing of [false, true]) {
      const keys = folderOf();
      const vault = await openVault(keys);
      await made(vault, ACCOUNT, 'before');
      const { restore } = await watchSyncs(keys, (isFolder) => {
        if (isFolder === failing) throw Object.assign(new Error('no'), { code: 'EIO' });
      });
      vault.create(ACCOUNT, ID);
      await expect(vault.durable(ID)).rejects.toMatchObject({ code: 'JOURNAL_UNWRITABLE' });
      restore();
      expect(await vault.keyOf(ACCOUNT, ID)).toBeUndefined();
      await made(vault, ACCOUNT, 'after');
    }
  });

  test('a thousand at once are all durable, and their folder is synced a few times', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    let folders = 0;
    const { restore } = await watchSyncs(keys, (isFolder) => {
      if (isFolder) folders++;
    });
    onTestFinished(restore);
    const ids = Array.from({ length: 1000 }, (_, n) => `k${n}`);
    for (const id of ids) vault.create(ACCOUNT, id);
    await Promise.all(ids.map((id) => vault.durable(id)));
    expect(readdirSync(join(keys, ACCOUNT))).toHaveLength(1000);
    expect(folders).toBeLessThan(600);
  });

  test('ids that could lead elsewhere are none', async () => {
    const vault = await openVault(folderOf());
    for (const bad of ['..', 'a/b', '', 'x'.repeat(65)]) {
      expect(() => vault.create(bad, ID)).toThrow();
      await expect(vault.keyOf(ACCOUNT, bad)).rejects.toMatchObject({ code: 'INTERNAL' });
    }
  });

  test('is shared with another thread by what can be posted', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    const shared = await openShared(structuredClone(vault.share));
    const key = await made(shared);
    expect((await vault.keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
  });
});

describe('a destroyed key', () => {
  test('is overwritten before it goes, also one that is being made, and is destroyed twice in peace', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    await made(vault);
    const file = await open(pathOf(keys), 'r');
    await vault.destroy(ACCOUNT, ID);
    // Whoever holds the file open sees what is left of it.
    expect(await file.readFile()).toEqual(Buffer.alloc(WRAPPED_KEY_BYTES));
    await file.close();
    expect(await vault.keyOf(ACCOUNT, ID)).toBeUndefined();
    await vault.destroy(ACCOUNT, ID);
    vault.create(ACCOUNT, ID);
    await vault.destroy(ACCOUNT, ID);
    expect(readdirSync(join(keys, ACCOUNT))).toEqual([]);
  });

  test('does not come back by a rotation that is under way', async () => {
    const keys = folderOf();
    const vault = await openVault(keys);
    const ids = Array.from({ length: 40 }, (_, n) => `k${n}`);
    for (const id of ids) await made(vault, ACCOUNT, id);
    const rotated = await openVault(keys, NEW, OLD);
    const rewrapping = rotated.rewrap();
    await Promise.all(ids.map((id) => rotated.destroy(ACCOUNT, id)));
    await rewrapping;
    expect(readdirSync(join(keys, ACCOUNT))).toEqual([]);
  });
});

describe('a rotation', () => {
  test('brings every key under the first, after which the old master key opens nothing and is not needed', async () => {
    const keys = folderOf();
    const vault = await openVault(keys, OLD);
    const key = await made(vault);
    const text = vault.sealText('hook secret');
    const both = await openVault(keys, NEW, OLD);
    const key2 = await made(both, ACCOUNT2, 'new');
    expect((await both.keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
    expect(await both.rewrap()).toEqual({ count: 2, unusable: 0 });
    expect(await both.rewrap()).toEqual({ count: 0, unusable: 0 });
    const after = await openVault(keys, NEW);
    expect((await after.keyOf(ACCOUNT, ID))!.equals(key)).toBe(true);
    expect((await after.keyOf(ACCOUNT2, 'new'))!.equals(key2)).toBe(true);
    expect(after.openText(text)).toBe('hook secret');
    expect(await codeOf(openVault(keys, OLD))).toBe('KEY_UNUSABLE');
    expect(readdirSync(keys, { recursive: true }).filter((name) => String(name).endsWith('.part'))).toEqual([]);
  });

  test('that is broken off asks for the old line still, and is done by the next', async () => {
    const keys = folderOf();
    const vault = await openVault(keys, OLD);
    for (let n = 0; n < 5; n++) await made(vault, ACCOUNT, `k${n}`);
    const both = await openVault(keys, NEW, OLD);
    const stop = new AbortController();
    let seen = 0;
    const { restore } = await watchSyncs(keys, (isFolder) => {
      if (!isFolder && ++seen === 3) stop.abort(new Error('killed'));
    });
    await expect(both.rewrap(stop.signal)).rejects.toThrow('killed');
    restore();
    expect(await codeOf(openVault(keys, NEW))).toBe('KEY_UNUSABLE');
    const again = await openVault(keys, NEW, OLD);
    expect((await again.rewrap()).count).toBe(3);
    await openVault(keys, NEW);
  });

  test('counts what no master key opens, leaves it as it is, and goes on', async () => {
    const keys = folderOf();
    const vault = await openVault(keys, OLD);
    await made(vault);
    writeFileSync(pathOf(keys, ACCOUNT, 'bad'), Buffer.alloc(WRAPPED_KEY_BYTES, 9));
    const both = await openVault(keys, NEW, OLD);
    expect(await both.rewrap()).toEqual({ count: 2, unusable: 1 });
    expect(readFileSync(pathOf(keys, ACCOUNT, 'bad'))).toEqual(Buffer.alloc(WRAPPED_KEY_BYTES, 9));
  });
});

describe('small secrets', () => {
  test('come back for what they were sealed for, and differ each time', async () => {
    const vault = await openVault(folderOf());
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, purpose) => {
        const sealed = vault.sealText(plain, purpose);
        expect(vault.openText(sealed, purpose)).toBe(plain);
        expect(vault.sealText(plain, purpose)).not.toBe(sealed);
        expect(sealed).toMatch(/^sealed1\.[A-Za-z0-9_-]+$/);
        expect(() => vault.openText(sealed, `${purpose}.`)).toThrow(expect.objectContaining({ code: 'KEY_UNUSABLE' }));
      }),
    );
  });

  test('that were changed, cut or never sealed do not open, and are in no message', async () => {
    const vault = await openVault(folderOf());
    const sealed = vault.sealText('hook secret');
    fc.assert(
      fc.property(fc.nat({ max: sealed.length - 1 }), fc.boolean(), (at, isCut) => {
        const other = sealed[at] === 'x' ? 'y' : 'x';
        const changed = isCut ? sealed.slice(0, at) : sealed.slice(0, at) + other + sealed.slice(at + 1);
        // The last digit of base64 may hold bits that are nobody's.
        if (Buffer.from(changed.slice(8), 'base64url').equals(Buffer.from(sealed.slice(8), 'base64url'))) return;
        expect(() => vault.openText(changed)).toThrow(expect.objectContaining({ code: 'KEY_UNUSABLE' }));
      }),
    );
    expect(() => vault.openText('hook secret')).not.toThrow('hook secret');
    expect(() => vault.openText('hook secret')).toThrow();
  });
});

/** Calls `look` at each sync of a file; what it throws is what the sync fails with. */
const watchSyncs = async (folder: string, look: (isFolder: boolean) => void): Promise<{ restore: () => void }> => {
  const probe = await open(folder, 'r');
  const files = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  const whole = files.sync;
  const spy = vi.spyOn(files, 'sync').mockImplementation(async function (this: FileHandle) {
    look((await this.stat()).isDirectory());
    return whole.call(this);
  });
  return { restore: () => spy.mockRestore() };
};
