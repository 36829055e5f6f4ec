/** Webhooks of a whole service: a call's events at the account's URL, signed with what was told once, also those of before a restart. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { answer, ScriptedTarget } from '../deliver/scripted-target.ts';
import { filesIn } from '../support/command.ts';
import { eventually } from '../support/live-api.ts';
import { Crowd } from '../support/live-crowd.ts';
import { startLiveService } from '../support/live-service.ts';
import { noteSecret } from '../support/said.ts';
import { scratchDir } from '../support/scratch.ts';

const SPOKEN_MS = 1500;

test('what happens to a call is sent, signed, in order; what was not taken is sent after a restart', async () => {
  const folder = join(scratchDir(), 'data');
  const target = await ScriptedTarget.start(answer(204));
  onTestFinished(() => target.close());
  let service = await startLiveService(folder);
  onTestFinished(() => service.stop());
  const { api } = service;
  const { data: account } = await api.ask('PATCH', '', {
    data: { webhook_url: `${target.url}/in?token=t0ken-of-hook` },
  });
  const secret: string = account.webhook_secret;
  for (const each of [secret, 't0ken-of-hook']) noteSecret(each);

  const call = await api.announce({ call_id: 'c1', record_call: { format: 'wav' } });
  const crowd = await Crowd.speak([{ index: 0, call, isSecret: false }], SPOKEN_MS);
  await eventually(() => target.seen[0], 'recording.started');
  await api.act(call.legs.a.channel_id, 'mask');
  await api.act(call.legs.a.channel_id, 'unmask');
  await crowd.schedule.done;
  await crowd.close();
  await api.ask('DELETE', '/calls/c1');
  await eventually(() => target.seen[3], 'recording.stored');
  const events = target.seen.map(({ body }) => JSON.parse(String(body)));
  expect(events.map(({ type }) => type)).toEqual(['recording.started', 'mask.on', 'mask.off', 'recording.stored']);
  for (const { headers, body } of target.seen) {
    const timestamp = String(headers['x-record-call-timestamp']);
    const wanted = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
    expect(headers['x-record-call-signature']).toBe(`v1=${wanted}`);
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60);
  }
  const { api_key } = JSON.parse(readFileSync(join(folder, 'credentials.json'), 'utf8'));
  const asked = { headers: { authorization: `Bearer ${api_key}` } };
  const metrics = await (await fetch(`${api.url}/metrics`, asked)).text();
  expect(metrics).toContain('record_call_recordings_total{state="stored"} 1');
  expect(metrics).toContain('record_call_webhook_queue 0');

  target.script(answer(503));
  const second = await api.announce({ call_id: 'c2', record_call: { format: 'wav' } });
  const others = await Crowd.speak([{ index: 1, call: second, isSecret: false }], SPOKEN_MS);
  await eventually(() => target.seen[4], 'another try');
  await others.schedule.done;
  await others.close();
  await service.stop();
  const seen = target.seen.length;
  target.script(answer(204));
  service = await startLiveService(folder);
  const late = await eventually(
    () => target.seen.slice(seen).find(({ body }) => String(body).includes('recording.started')),
    'what was not taken',
  );
  expect(JSON.parse(String(late.body)).data.call_id).toBe('c2');
  await eventually(
    async () => ((await service.api.ask('GET', '/webhooks')).data.length === 0 ? true : undefined),
    'all to be taken',
  );
  await service.stop();
  // Neither in the database nor anywhere else.
  for (const file of filesIn(folder).filter((name) => !name.endsWith('/')))
    expect(readFileSync(join(folder, file)).includes(secret)).toBe(false);
});
