/** Events on their way into a store that fails for a while, or takes less than comes. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { WriteTurns } from '../../../src/app/recordings/write-turns.ts';
import { WebhookIntake, type WebhookIntakeOptions } from '../../../src/app/webhooks/webhook-intake.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { WebhookRow } from '../../../src/store/rows.ts';
import { account, openStore } from '../../store/sample-rows.ts';
import { HandClock, until } from '../recordings/shelf-kit.ts';

const setUp = async (change: Partial<WebhookIntakeOptions> = {}) => {
  const store = await openStore();
  for (const id of ['a1', 'a2']) await store.accounts.insert(account({ id }));
  const clock = new HandClock();
  const closing = new AbortController();
  onTestFinished(() => closing.abort());
  let fault: AppError | undefined;
  const stored: WebhookRow[] = [];
  const dropped: string[] = [];
  const defects: string[] = [];
  const { webhooks } = store;
  const failing = new Proxy(webhooks, {
    get: (table, name) =>
      name === 'insert' && fault !== undefined
        ? async () => {
            throw fault;
          }
        : Reflect.get(table, name).bind(table),
  });
  const intake = new WebhookIntake({
    store: { webhooks: failing },
    clock,
    turns: new WriteTurns(clock, closing.signal, () => {}),
    onStored: (rows) => void stored.push(...rows),
    onDropped: (accountId) => void dropped.push(accountId),
    onDefect: (sentence) => void defects.push(sentence),
    ...change,
  });
  let last = 0;
  const take = (count: number, accountId = 'a1'): void => {
    for (let n = 0; n < count; n++)
      intake.take(accountId, { id: `run-${++last}`, type: 'mask.on', at: '2026-01-15T00:00:00.000Z', data: {} });
  };
  const fail = (error: AppError | undefined): void => {
    fault = error;
  };
  return { intake, clock, closing, take, fail, stored, dropped, defects, webhooks };
};

const FAILED = new AppError('STORE_FAILED', 'the disk is away');

describe('a store that fails', () => {
  test('for a while: what was told is written when it is back, in order, and until then whoever asks is told', async () => {
    const { intake, clock, take, fail, stored, defects } = await setUp();
    fail(FAILED);
    take(250);
    await expect(intake.caughtUp()).rejects.toMatchObject({ code: 'STORE_FAILED' });
    await until(() => clock.sleepers === 1);
    clock.advance(250);
    await until(() => clock.sleepers === 1);
    expect([intake.unwritten, stored.length]).toEqual([250, 0]);
    fail(undefined);
    clock.advance(500);
    await intake.idle();
    expect(stored.map(({ id }) => id)).toEqual(Array.from({ length: 250 }, (_, n) => `run-${n + 1}`));
    expect([intake.unwritten, intake.dropped, defects]).toEqual([0, 0, []]);
    await intake.caughtUp();
  });

  test('while more comes than memory takes: the newest are dropped, counted and told of once', async () => {
    const { intake, clock, take, fail, stored, dropped } = await setUp({ mostUnwritten: 100 });
    fail(FAILED);
    take(150);
    take(20, 'a2');
    expect([intake.unwritten, intake.dropped]).toEqual([100, 70]);
    expect([intake.droppedOf('a1'), intake.droppedOf('a2'), dropped]).toEqual([50, 20, ['a1', 'a2']]);
    await until(() => clock.sleepers === 1);
    fail(undefined);
    clock.advance(250);
    await intake.idle();
    expect(stored.length).toBe(100);
  });

  test('when the service ends: what could not be written is counted, and that is said', async () => {
    const { intake, clock, closing, take, fail, stored, defects } = await setUp();
    fail(FAILED);
    take(3);
    await until(() => clock.sleepers === 1);
    closing.abort(new Error('the end'));
    await intake.idle();
    expect([stored, intake.dropped, defects.length]).toEqual([[], 3, 1]);
  });

  test('for good: those are lost, and the next are written', async () => {
    const { intake, take, fail, stored, dropped, defects } = await setUp();
    fail(new AppError('CONFLICT', 'never'));
    take(3);
    await intake.idle();
    fail(undefined);
    take(2);
    await intake.idle();
    expect([stored.map(({ id }) => id), intake.droppedOf('a1'), dropped.length, defects.length]).toEqual([
      ['run-4', 'run-5'],
      3,
      1,
      1,
    ]);
  });
});

test('no two of them happened at once: so they have an order', async () => {
  const { intake, take, stored } = await setUp();
  take(50);
  take(50, 'a2');
  await intake.idle();
  expect(new Set(stored.map(({ createdUs }) => createdUs)).size).toBe(100);
  expect(new Set(stored.map(({ nextUs }) => nextUs)).size).toBe(1);
});

test('events of an account that is gone by then are no more', async () => {
  const { intake, take, stored, webhooks } = await setUp();
  take(5, 'gone');
  take(1);
  await intake.idle();
  expect(stored.map(({ accountId }) => accountId)).toEqual(['a1']);
  expect(await webhooks.counts()).toEqual(new Map([['a1', 1]]));
});
