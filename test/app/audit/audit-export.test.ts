/** The export of an audit: whole, signed, in order, a page at a time, and never silently less than there is. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { exportChain } from '../../../src/app/audit/audit-export.ts';
import { checkSignature } from '../../../src/finalize/signature.ts';
import type { AuditTable } from '../../../src/store/audit-table.ts';
import { auditEntry, NOON_US, openStore } from '../../store/sample-rows.ts';

const KEY = generateKeyPairSync('ed25519').privateKey;

const linesOf = async (parts: AsyncIterable<string>): Promise<Record<string, unknown>[]> => {
  let text = '';
  for await (const part of parts) text += part;
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
};

const filled = async (count: number) => {
  const { audit } = await openStore();
  const entries = Array.from({ length: count }, (_, n) => auditEntry({ atUs: NOON_US + n, subject: `call/c${n}` }));
  for (let n = 0; n < count; n += 100) await audit.append(...entries.slice(n, n + 100));
  const chain = audit.chain.bind(audit);
  return { audit, chain, options: { accountId: 'a1', nowUs: NOON_US + 1e6, signingKey: KEY } };
};

test('it is all that there is, oldest first, under a head that is signed', async () => {
  const { audit, options } = await filled(450);
  const [head, ...entries] = await linesOf(await exportChain({ audit, ...options }));
  const end = (await audit.end('a1'))!;
  expect(head).toMatchObject({ account_id: 'a1', first: 1, last: 450, hash: end.hash, at: '2023-11-14T22:13:21.000Z' });
  expect(checkSignature(head!).state).toBe('good');
  expect(entries.map(({ entry }) => entry)).toEqual(Array.from({ length: 450 }, (_, n) => n + 1));
});

test('it ends where its head says, whatever comes meanwhile', async () => {
  const { audit, options } = await filled(250);
  const parts = await exportChain({ audit, ...options });
  await audit.append(auditEntry());
  expect(await linesOf(parts)).toHaveLength(251);
});

test('of an account that has none it is a head alone; without a key that is not signed', async () => {
  const { audit, options } = await filled(0);
  const head = { account_id: 'a9', first: 1, last: 0, hash: '0'.repeat(64), signature: null };
  const parts = await exportChain({ audit, ...options, accountId: 'a9', signingKey: undefined });
  expect(await linesOf(parts)).toMatchObject([head]);
});

test('entries that are missing are missing in it, and its head says that they were there', async () => {
  const { audit, chain, options } = await filled(450);
  const gone = async (...asked: Parameters<AuditTable['chain']>) =>
    (await chain(...asked)).filter(({ entry }) => entry < 150 || (entry > 320 && entry < 440));
  const [head, ...entries] = await linesOf(
    await exportChain({ audit: { chain: gone, end: audit.end.bind(audit) }, ...options }),
  );
  expect(head).toMatchObject({ first: 1, last: 450 });
  expect(entries.map(({ entry }) => entry)).not.toContain(200);
});

test('entries that are pruned while it is read break it off: it would seem that somebody took them', async () => {
  const { audit, options } = await filled(450);
  const parts = await exportChain({ audit, ...options });
  const iterator = parts[Symbol.asyncIterator]();
  await iterator.next();
  await iterator.next();
  await audit.prune(NOON_US + 300, NOON_US + 2e6);
  await expect(
    (async () => {
      while (!(await iterator.next()).done);
    })(),
  ).rejects.toMatchObject({ code: 'STORE_FAILED' });
  onTestFinished(() => void iterator.return?.());
});
