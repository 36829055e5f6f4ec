import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue } from '../../../src/app/recordings/fair-queue.ts';

const drained = <T>(queue: FairQueue<T>): T[] => {
  const items: T[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
};

test('accounts take turns, each in its own order', () => {
  const queue = new FairQueue<string>();
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) queue.push(item[0], item);
  expect(drained(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

test('nothing is lost or doubled, and nobody is served twice while another waits', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 60 }), (accounts) => {
      const queue = new FairQueue<{ account: number; n: number }>();
      for (const [n, account] of accounts.entries()) queue.push(String(account), { account, n });
      expect(queue.size).toBe(accounts.length);
      const left = new Map<number, number>();
      for (const account of accounts) left.set(account, (left.get(account) ?? 0) + 1);
      const served = drained(queue);
      const waits = new Map<number, number>();
      for (const { account } of served) {
        expect(waits.get(account) ?? 0).toBeLessThanOrEqual(new Set(accounts).size);
        for (const [other, count] of left)
          waits.set(other, count > 0 && other !== account ? (waits.get(other) ?? 0) + 1 : 0);
        left.set(account, left.get(account)! - 1);
      }
      expect(served.map(({ n }) => n).sort((one, other) => one - other)).toEqual(accounts.map((_, n) => n));
      expect(queue.size).toBe(0);
    }),
  );
});
