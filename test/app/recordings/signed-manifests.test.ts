/** What the shelf gives to the finalizer's threads for a manifest: the key to sign it with, and where the account's audit stands. */
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { checkSignature, publicKeyDocument } from '../../../src/finalize/signature.ts';
import { HeldPool, type Kit, openShelf, recordCall, until } from './shelf-kit.ts';

const KEY = generateKeyPairSync('ed25519').privateKey;
const { key_id: ID } = publicKeyDocument(KEY);
const MARK = { account_id: 'acme', entry: 7, hash: 'ab'.repeat(32) };

const manifestOf = async ({ shelf }: Kit, id: string) => {
  await shelf.settled();
  const manifest = (await shelf.manifest('acme', id)) as { audit: unknown };
  return { verdict: checkSignature(manifest), audit: manifest.audit };
};

test('every manifest is signed, and names where the audit of its own account stood', async () => {
  const asked: string[] = [];
  const auditMark = async (accountId: string) => {
    asked.push(accountId);
    return MARK;
  };
  const kit = await openShelf({ signingKey: KEY, auditMark });
  const id = await recordCall(kit, {});
  expect(await manifestOf(kit, id)).toMatchObject({ verdict: { state: 'good', keyId: ID }, audit: MARK });
  expect(asked).toEqual(['acme']);
});

test('an audit that can not be asked for a while holds it up, and does not get left out', async () => {
  let asked = 0;
  const auditMark = async () => {
    if (asked++ < 2) throw new AppError('STORE_FAILED', 'the disk is full');
    return MARK;
  };
  const kit = await openShelf({ signingKey: KEY, auditMark });
  const id = await recordCall(kit, {});
  for (const times of [1, 2]) {
    await until(() => asked === times && kit.clock.sleepers > 0);
    expect(await kit.shelf.get('acme', id)).toMatchObject({ state: 'finalizing' });
    kit.clock.advance(1000);
  }
  expect(await manifestOf(kit, id)).toMatchObject({ verdict: { state: 'good' }, audit: MARK });
});

test('without a key, and without an audit, it says so', async () => {
  const kit = await openShelf();
  const id = await recordCall(kit, {});
  expect(await manifestOf(kit, id)).toEqual({ verdict: { state: 'unsigned' }, audit: null });
});

for (const { name, isGone, state } of [
  { name: 'is made again, signed', isGone: false, state: 'good' },
  { name: 'is kept as it is where its journal is gone', isGone: true, state: 'unsigned' },
]) {
  test(`an artefact that a crash left unnoted before there was a key ${name}`, async () => {
    const held = new HeldPool();
    const dead = await openShelf({ pool: held });
    const id = await recordCall(dead, {});
    await until(() => held.held.length === 1);
    const journal = join(dead.folder, `journals/acme/${id}.journal`);
    const row = (await dead.store.recordings.get('acme', id))!;
    copyFileSync(journal, `${journal}.kept`);
    const older = await openShelf({}, dead);
    await older.shelf.recover();
    await older.shelf.settled();
    await older.shelf.close();
    await dead.store.recordings.update(id, row);
    if (!isGone) copyFileSync(`${journal}.kept`, journal);
    rmSync(`${journal}.kept`);
    const again = await openShelf({ signingKey: KEY }, dead);
    await again.shelf.recover();
    expect((await manifestOf(again, id)).verdict.state).toBe(state);
    expect(await again.shelf.get('acme', id)).toMatchObject({ state: 'stored' });
  });
}
