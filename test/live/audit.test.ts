/** The audit of a whole service, over HTTP: what was done is there at once, newest first, and still there after a restart. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startLiveService } from '../support/live-service.ts';
import { scratchDir } from '../support/scratch.ts';

type Entry = { readonly action: string; readonly by: object; readonly subject: string; readonly data: object };

test('what was done through a service is in its audit, also after it has been started anew', async () => {
  const folder = join(scratchDir(), 'data');
  const first = await startLiveService(folder);
  const { api } = first;
  const call = await api.announce({ call_id: 'c1', caller: {}, callee: {} });
  await api.ask('POST', '/calls/c1', { data: { action: 'media', media: { kind: 'rtp', codecs: { b: {} } } } });
  await api.act(call.legs.a.channel_id, 'mask');
  for (let n = 0; n < 3; n++) await fetch(`${api.url}/v2/accounts/${api.accountId}/users`);
  const { data } = await api.ask('GET', '/audit');
  const key = { kind: 'api', by: expect.stringMatching(/^[0-9a-f]{32}$/) };
  expect(data).toMatchObject([
    { action: 'key.refuse', by: { kind: 'policy', by: 'authentication' }, data: { count: 3 } },
    { action: 'recording.mask', by: key, subject: 'call/c1', data: { changed: true, masked: true, recordings: [] } },
    { action: 'call.media', by: key, subject: 'call/c1', data: { legs: ['b'] } },
    { action: 'call.announce', by: key, subject: 'call/c1', data: { direction: 'inbound', records: false } },
    { action: 'key.exchange', by: key, data: {} },
    { action: 'signing_key.begin', by: { kind: 'policy', by: 'start' }, subject: 'service' },
  ]);
  await first.stop();
  const second = await startLiveService(folder);
  const seen: Entry[] = [];
  let startKey: string | undefined = '';
  while (startKey !== undefined) {
    const more: string = startKey === '' ? '' : `&start_key=${startKey}`;
    const page = await second.api.ask('GET', `/audit?page_size=2${more}`);
    expect(page.page_size).toBe(page.data.length);
    seen.push(...page.data);
    startKey = page.next_start_key;
  }
  expect(seen.map(({ action }) => action)).toEqual([
    'key.exchange',
    'call.end',
    ...data.map(({ action }: Entry) => action),
  ]);
  expect(seen[1]).toMatchObject({ by: { kind: 'policy', by: 'shutdown' }, subject: 'call/c1' });
  await second.stop();
});
