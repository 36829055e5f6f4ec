import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AuditEventType } from '../../src/app/audit/audit-watch.ts';
import type { CallEventType } from '../../src/app/live/call-events.ts';
import type { JobEventType, RecordingEventType, TargetEventType } from '../../src/app/recordings/teller.ts';
import type { StreamEventType } from '../../src/app/streams/live-streams.ts';
import type { WebhookEventType } from '../../src/app/webhooks/webhook-teller.ts';
import { EVENTS, type EventType } from '../../src/http/event-catalogue.ts';
import { apiUnderTest } from '../support/api-fakes.ts';

type Published =
  | AuditEventType
  | CallEventType
  | RecordingEventType
  | JobEventType
  | TargetEventType
  | WebhookEventType
  | StreamEventType
  | 'resync';
// The compiler holds them equal, both ways.
const published = (type: EventType): Published => type;
const catalogued = (type: Published): EventType => type;

const APP = join(import.meta.dirname, '../../src/app');
const sources = readdirSync(APP, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(join(APP, name), 'utf8').replaceAll(/\/\*.*?\*\//gs, ''));

/** What is named in a union of event types, or where one is published. */
const named = (source: string): string[] => [
  ...[...source.matchAll(/type \w*EventType =([^;]*);/g)].flatMap(([, union = '']) =>
    [...union.matchAll(/'([^']+)'/g)].map(([, type]) => type!),
  ),
  ...[...source.matchAll(/publish\((?:[\w.]+, )?'([^']+)'/g)].map(([, type]) => type!),
  ...[...source.matchAll(/type: '(resync)'/g)].map(([, type]) => type!),
];

test('the catalogue of events has those that are published, and no other', () => {
  const types = [...new Set(sources.flatMap(named))].sort();
  expect(types.length).toBeGreaterThan(20);
  expect(Object.keys(EVENTS).sort()).toEqual(types);
  expect(types.map((type) => catalogued(published(type as EventType)))).toEqual(types);
});

test('it names every field that is published with one', () => {
  const calls = sources.flatMap((source) => [
    ...source.matchAll(/(?:publish|tell)\((?:[^'()]*, )?'([^']+)',\s*\{([^{}]*)\}/g),
  ]);
  expect(calls.length).toBeGreaterThan(12);
  for (const [, type = '', data = ''] of calls) {
    const known = EVENTS[type as EventType].fields.map((field) => field.replace('?', ''));
    const keys = [...data.matchAll(/(?:^|,)\s*([a-z_]+)\s*(?=[:,]|$)/g)].map(([, key]) => key!);
    for (const key of keys) expect(known, type).toContain(key);
  }
});

test('the description of …/events has each with when it comes and what is in it', async () => {
  const api = await apiUnderTest();
  const { paths } = (await api.ask('GET', '/openapi.json')).json;
  const { description } = paths['/v2/accounts/{accountId}/events'].get;
  for (const [type, { when, fields }] of Object.entries(EVENTS)) {
    const row = description.split('\n').find((line: string) => line.startsWith(`| \`${type}\` |`));
    expect(row).toContain(when);
    for (const field of fields) expect(row).toContain(`\`${field}\``);
  }
  const page = String((await api.ask('GET', '/docs')).raw);
  expect(page).toContain('<td><code>mask.overdue</code></td>');
});
