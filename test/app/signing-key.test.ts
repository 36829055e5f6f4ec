/** The signing key: made once, private, and never replaced by itself once it was in use. */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { installedSigningKey, readSigningKey, signingKeyPath } from '../../src/app/signing-key.ts';
import { publicKeyDocument } from '../../src/finalize/signature.ts';
import { IN_MEMORY } from '../../src/store/sqlite-file.ts';
import { Store } from '../../src/store/store.ts';
import { hasProgram } from '../support/has.ts';
import { scratchDir } from '../support/scratch.ts';

const NOW_US = Date.UTC(2026, 0, 15) * 1000;

const openStore = async (): Promise<Store> => {
  const store = await Store.open(IN_MEMORY);
  onTestFinished(() => store.close());
  return store;
};

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const write = (path: string, text: string | Buffer, mode = 0o600): string => {
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
};
const idOf = (key: KeyObject): string => publicKeyDocument(key).key_id;

describe('the key of an installation', () => {
  test('is made at the first start, for its owner alone, and is the same ever after', async () => {
    const [folder, store] = [scratchDir(), await openStore()];
    const first = await installedSigningKey(folder, store, NOW_US);
    expect(first.use).toBe('first');
    const path = signingKeyPath(folder);
    expect([readdirSync(folder), statSync(path).mode & 0o777]).toEqual([['signing.key'], 0o600]);
    expect(readFileSync(path, 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    const again = await installedSigningKey(folder, store, NOW_US + 1);
    expect([again.use, again.key.equals(first.key)]).toEqual(['known', true]);
    const { key_id: keyId, public_key: publicKey } = publicKeyDocument(first.key);
    expect(await store.signingKeys.list()).toEqual([{ keyId, publicKey, firstUs: NOW_US }]);
  });

  test('is made private whatever the umask, and what a crash left of one is no key', async () => {
    const [folder, store] = [scratchDir(), await openStore()];
    write(`${signingKeyPath(folder)}.part`, 'half a key', 0o644);
    const umask = process.umask(0);
    onTestFinished(() => void process.umask(umask));
    await installedSigningKey(folder, store, NOW_US);
    expect(statSync(signingKeyPath(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['signing.key']);
  });

  test('that is gone is not replaced: nothing is made, and the message says what to do', async () => {
    const [folder, store] = [scratchDir(), await openStore()];
    const { key } = await installedSigningKey(folder, store, NOW_US);
    const path = signingKeyPath(folder);
    const kept = join(scratchDir(), 'copy');
    renameSync(path, kept);
    await expect(installedSigningKey(folder, store, NOW_US)).rejects.toMatchObject({
      code: 'KEY_UNUSABLE',
      message: `${path} is gone, and manifests were signed with it (key ${idOf(key)}): put it back from a copy, or make another yourself (openssl genpkey -algorithm ed25519 -out ${path})`,
    });
    expect(readdirSync(folder)).toEqual([]);
    renameSync(kept, path);
    expect((await installedSigningKey(folder, store, NOW_US)).use).toBe('known');
  });

  test('that its owner has put in place of another is taken, and told', async () => {
    const [folder, store] = [scratchDir(), await openStore()];
    await installedSigningKey(folder, store, NOW_US);
    const { privateKey } = generateKeyPairSync('ed25519');
    write(signingKeyPath(folder), pemOf(privateKey));
    const found = await installedSigningKey(folder, store, NOW_US + 1);
    expect([found.use, found.key.equals(privateKey)]).toEqual(['another', true]);
    // A start that fails before it was told tells it again.
    expect((await installedSigningKey(folder, store, NOW_US + 2)).use).toBe('another');
    await found.remember();
    expect((await installedSigningKey(folder, store, NOW_US + 3)).use).toBe('known');
    expect(await store.signingKeys.list()).toHaveLength(2);
  });

  test('that is broken is left as it is', async () => {
    const [folder, store] = [scratchDir(), await openStore()];
    const path = write(signingKeyPath(folder), '');
    await expect(installedSigningKey(folder, store, NOW_US)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
    expect(readFileSync(path, 'utf8')).toBe('');
    rmSync(path);
    mkdirSync(path);
    await expect(installedSigningKey(folder, store, NOW_US)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
    expect(await store.signingKeys.list()).toEqual([]);
  });

  test('that can not be written ends the start', async () => {
    const store = await openStore();
    const folder = join(scratchDir(), 'missing');
    await expect(installedSigningKey(folder, store, NOW_US)).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
    expect(await store.signingKeys.list()).toEqual([]);
  });
});

describe('a key file', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

  test('is read', async () => {
    const path = write(join(scratchDir(), 'k.pem'), pemOf(privateKey));
    expect((await readSigningKey(path)).equals(privateKey)).toBe(true);
    write(path, pemOf(privateKey), 0o400);
    expect((await readSigningKey(path)).equals(privateKey)).toBe(true);
  });

  test.skipIf(!hasProgram('openssl'))('of openssl is read', async () => {
    const path = join(scratchDir(), 'k.pem');
    execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path], { stdio: 'ignore' });
    expect((await readSigningKey(path)).asymmetricKeyType).toBe('ed25519');
  });

  for (const mode of [0o640, 0o604, 0o620, 0o601, 0o666])
    test(`with mode ${mode.toString(8)} is refused: others may read or change it`, async () => {
      const path = write(join(scratchDir(), 'k.pem'), pemOf(privateKey), mode);
      await expect(readSigningKey(path)).rejects.toMatchObject({
        code: 'KEY_UNUSABLE',
        message: `others may read the signing key ${path}: chmod 600 it, or take another`,
      });
    });

  for (const { name, text } of [
    { name: 'that is empty', text: '' },
    { name: 'that is no PEM', text: 'a letter' },
    { name: 'of a public key', text: publicKey.export({ type: 'spki', format: 'pem' }) },
    { name: 'of another kind', text: pemOf(rsa) },
    { name: 'with a password', text: encrypted },
    { name: 'that is cut', text: pemOf(privateKey).slice(0, 60) },
    { name: 'that is larger than any', text: `${pemOf(privateKey)}${'\n'.repeat(20_000)}` },
  ])
    test(`${name} is refused without a word of what is in it`, async () => {
      const path = write(join(scratchDir(), 'k.pem'), text.toString());
      await expect(readSigningKey(path)).rejects.toMatchObject({
        code: 'KEY_UNUSABLE',
        message: `${path} is no private Ed25519 key in PEM without a password; openssl genpkey -algorithm ed25519 makes one`,
      });
    });

  test('that is not there is an input that is missing', async () => {
    await expect(readSigningKey(join(scratchDir(), 'none'))).rejects.toMatchObject({
      code: 'INPUT_MISSING',
      message: expect.stringMatching(/can't read the signing key .*none \(ENOENT\)/),
    });
  });
});
