/** `webhook_url` and `webhook_secret` of an account: the secret is told once where it was made, and never again. */
import { beforeEach, describe, expect, test } from 'vitest';
import { sharedWorld, type World } from './api-world.ts';

const shared = sharedWorld();
const URL = 'https://hooks.example/in?token=t0ken';
const MADE = /^[0-9a-f]{64}$/;

let world: World;
let tenant: Awaited<ReturnType<World['tenant']>>;
beforeEach(async () => {
  world = shared();
  tenant = await world.tenant();
});

const stored = async () => {
  const { webhookUrl, webhookSecret } = await world.directory.account(tenant.id);
  return [webhookUrl, webhookSecret];
};

describe('a webhook', () => {
  for (const method of ['PATCH', 'POST'] as const)
    test(`set by ${method} without a secret gets one, which is told in that answer alone and kept sealed`, async () => {
      const { status, json } = await tenant.send(method, '/v2/account', { data: { name: 'N', webhook_url: URL } });
      expect([status, json.data.webhook_url]).toEqual([200, URL]);
      expect(json.data.webhook_secret).toMatch(MADE);
      const read = await tenant.send('GET', '/v2/account');
      expect(read.json.data).toEqual({ id: tenant.id, name: 'N', webhook_url: URL });
      expect(await stored()).toEqual([URL, `sealed for ${tenant.id}: 64`]);
      expect(world.log.join('\n')).not.toContain(json.data.webhook_secret);
    });

  test('of a new account has its secret told with its key', async () => {
    const { status, json } = await world.send('PUT', '/v2/accounts', { data: { name: 'New', webhook_url: URL } });
    expect([status, json.data.api_key, json.data.webhook_secret]).toEqual([
      201,
      expect.stringMatching(MADE),
      expect.stringMatching(MADE),
    ]);
  });

  test('with a secret that was given has it told nowhere', async () => {
    const data = { webhook_url: URL, webhook_secret: 'given-by-its-owner' };
    const { json, text } = await tenant.send('PATCH', '/v2/account', { data });
    expect([json.status, text.includes('given-by-its-owner')]).toEqual(['success', false]);
    expect(await stored()).toEqual([URL, `sealed for ${tenant.id}: 18`]);
  });

  test('keeps its secret when other things are said, also by a document that was read before', async () => {
    await tenant.send('PATCH', '/v2/account', { data: { webhook_url: URL, webhook_secret: 'given-by-its-owner' } });
    const before = await stored();
    const read = await tenant.send('GET', '/v2/account');
    for (const [method, data] of [
      ['PATCH', { name: 'Other' }],
      ['POST', { ...read.json.data, name: 'Another' }],
    ] as const) {
      const { json } = await tenant.send(method, '/v2/account', { data });
      expect(json.data.webhook_secret).toBeUndefined();
      expect(await stored()).toEqual(before);
    }
  });

  test('gets a new secret by null, and loses it with its URL', async () => {
    await tenant.send('PATCH', '/v2/account', { data: { webhook_url: URL, webhook_secret: 'given-by-its-owner' } });
    const anew = await tenant.send('PATCH', '/v2/account', { data: { webhook_secret: null } });
    expect(anew.json.data.webhook_secret).toMatch(MADE);
    await tenant.send('PATCH', '/v2/account', { data: { webhook_url: null } });
    expect(await stored()).toEqual([null, null]);
  });
});

describe('refused, and no secret repeated', () => {
  for (const { does, data, at } of [
    { does: 'a private address', data: { webhook_url: 'http://10.0.0.1/in' }, at: 'webhook_url' },
    { does: 'metadata', data: { webhook_url: 'http://[fd00:ec2::254]/' }, at: 'webhook_url' },
    { does: 'no URL', data: { webhook_url: 'hooks.example' }, at: 'webhook_url' },
    { does: 'no text', data: { webhook_url: 5 }, at: 'webhook_url' },
    { does: 'a URL without end', data: { webhook_url: `https://h.example/${'x'.repeat(2048)}` }, at: 'webhook_url' },
    { does: 'a short secret', data: { webhook_url: URL, webhook_secret: 'sh0rt-secret' }, at: 'webhook_secret' },
    { does: 'a secret with spaces', data: { webhook_url: URL, webhook_secret: 'x y'.repeat(9) }, at: 'webhook_secret' },
    { does: 'a secret that is a number', data: { webhook_url: URL, webhook_secret: 1e9 }, at: 'webhook_secret' },
    { does: 'a secret for nothing', data: { webhook_secret: 'given-by-its-owner' }, at: 'webhook_url' },
    { does: 'a letter too many', data: { webhook_urll: URL }, at: 'webhook_urll' },
  ])
    test(does, async () => {
      const { status, json, text } = await tenant.send('PATCH', '/v2/account', { data });
      expect([status, Object.keys(json.data)]).toEqual([400, [at]]);
      if ('webhook_secret' in data) expect(text).not.toContain(String(data.webhook_secret));
      expect(await stored()).toEqual([null, null]);
    });
});

test('users and devices have no webhooks: theirs are properties like any other', async () => {
  const { json } = await tenant.send('PUT', '/v2/account/users/bob', { data: { webhook_url: 'x' } });
  expect(json.data).toEqual({ id: 'bob', webhook_url: 'x' });
});
