/** Webhooks over a store in memory, with time in a test's hands, to a target on loopback. */
import { onTestFinished } from 'vitest';
import { EventLog } from '../../../src/app/event-log.ts';
import type { WebhookQueueOptions } from '../../../src/app/webhooks/webhook-queue.ts';
import { Webhooks } from '../../../src/app/webhooks/webhooks.ts';
import { parseAllowList } from '../../../src/deliver/allow-list.ts';
import { Directory } from '../../../src/directory/directory.ts';
import { IN_MEMORY } from '../../../src/store/sqlite-file.ts';
import { Store } from '../../../src/store/store.ts';
import { ScriptedTarget, type Step } from '../../deliver/scripted-target.ts';
import { seeded } from '../../support/tones.ts';
import { HandClock } from '../recordings/shelf-kit.ts';

export type WebhookKit = {
  readonly store: Store;
  readonly clock: HandClock;
  readonly directory: Directory;
  readonly events: EventLog;
  readonly webhooks: Webhooks;
  readonly logged: string[];
  /** Types of events, with their data, that were published to `accountId`. */
  told(accountId: string): { readonly type: string; readonly data: Readonly<Record<string, unknown>> }[];
  /** An account whose webhook is `url`. */
  account(url: string): Promise<{ readonly id: string; readonly secret: string }>;
};

/** @param earlier another kit whose store and clock are gone on with, as after a restart */
export const openWebhooks = async (
  change: Partial<WebhookQueueOptions> = {},
  earlier?: WebhookKit,
): Promise<WebhookKit> => {
  const store = earlier?.store ?? (await Store.open(IN_MEMORY));
  const clock = earlier?.clock ?? new HandClock();
  const logged: string[] = [];
  const next = seeded(earlier === undefined ? 1 : 2);
  const random = (bytes: number) => Uint8Array.from({ length: bytes }, () => Math.floor(next() * 256));
  const note = (fields: object, sentence: string): void => void logged.push(`${sentence} ${JSON.stringify(fields)}`);
  const events = new EventLog(earlier === undefined ? 'run' : 'next', () => clock.now() / 1000);
  const told = new Map<string, { type: string; data: Readonly<Record<string, unknown>> }[]>();
  const webhooks = new Webhooks({
    ...{ store, clock, events, allow: parseAllowList('127.0.0.1') },
    // The longest that full jitter gives.
    random: (bytes) => new Uint8Array(bytes).fill(255),
    openSecret: (accountId, sealed) => sealed.replace(`sealed for ${accountId}: `, ''),
    log: { info: note, warn: note, error: note },
    ...change,
  });
  events.follow((accountId, { type, data }) => {
    told.set(accountId, [...(told.get(accountId) ?? []), { type, data }]);
  });
  events.follow((accountId, event) => webhooks.take(accountId, event));
  const directory = new Directory(store, {
    clock,
    random,
    sealSecret: (accountId, secret) => `sealed for ${accountId}: ${secret}`,
    onWebhook: (accountId, stored) => webhooks.changed(accountId, stored),
  });
  await webhooks.start();
  onTestFinished(async () => {
    await webhooks.close();
    await store.close();
  });
  const account = async (url: string) => {
    const { account } = await directory.createAccount('Acme');
    const { madeSecret } = await directory.updateAccount(account.id, { webhook_url: url });
    return { id: account.id, secret: madeSecret! };
  };
  return { store, clock, directory, events, webhooks, logged, told: (id) => told.get(id) ?? [], account };
};

export const targetOf = async (...steps: Step[]): Promise<ScriptedTarget> => {
  const target = await ScriptedTarget.start(...steps);
  onTestFinished(() => target.close());
  return target;
};
