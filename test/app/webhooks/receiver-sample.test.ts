/** The receiver in `samples/` as whoever copies it will have it: a process of its own that takes what is genuine and nothing else. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { request } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { signatureOf } from '../../../src/app/webhooks/signature.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { until } from '../recordings/shelf-kit.ts';
import { openWebhooks } from './webhook-kit.ts';

const SAMPLE = join(import.meta.dirname, '../../../samples/webhook-receiver.js');

const startReceiver = async (secret: string): Promise<{ readonly url: string; readonly printed: string[] }> => {
  const child: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, [SAMPLE, '0'], {
    env: { ...process.env, WEBHOOK_SECRET: secret },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  const printed: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => printed.push(line));
  await until(() => printed.length === 1, 'the receiver');
  return { url: `http://127.0.0.1:${printed.shift()!.split(' ').at(-1)}/hook`, printed };
};

test('the sample takes an event of ours and prints it', async () => {
  const secret = 'a-secret-that-was-typed';
  const { url, printed } = await startReceiver(secret);
  const kit = await openWebhooks({ clock: systemClock });
  const { id } = await kit.account(url);
  await kit.directory.updateAccount(id, { webhook_secret: secret });
  kit.events.publish(id, 'mask.on', { call_id: 'c1' });
  await until(() => printed.length === 1);
  expect(JSON.parse(printed[0]!)).toEqual({ id: 'run-1', type: 'mask.on', data: { call_id: 'c1' } });
  await until(() => kit.webhooks.counts.waiting === 0);
});

test('it takes neither another body, nor an old time, nor another’s signature', async () => {
  const { url, printed } = await startReceiver('the-right-secret');
  const now = String(Math.floor(Date.now() / 1000));
  const old = String(Number(now) - 3600);
  const body = '{"id":"e1","type":"mask.on","data":{}}';
  const post = async (timestamp: string, signature: string, sent = body): Promise<number> => {
    const headers = { 'x-record-call-timestamp': timestamp, 'x-record-call-signature': signature };
    const { statusCode, body: text } = await request(url, { method: 'POST', headers, body: sent });
    await text.dump();
    return statusCode;
  };
  const signature = signatureOf('the-right-secret', now, body);
  expect(await post(now, signature)).toBe(204);
  expect(await post(now, signature, body.replace('on', 'off'))).toBe(401);
  expect(await post(old, signatureOf('the-right-secret', old, body))).toBe(401);
  expect(await post(old, signature)).toBe(401);
  expect(await post('soon', signatureOf('the-right-secret', 'soon', body))).toBe(401);
  expect(await post(now, signatureOf('another-secret', now, body))).toBe(401);
  expect(await post(now, 'v1=')).toBe(401);
  expect(printed).toHaveLength(1);
});
