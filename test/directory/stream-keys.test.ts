import { expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { accountDocument } from '../../src/directory/document-fields.ts';
import { newDirectory } from './new-directory.ts';

const TWILIO = { twilio: { auth_token: 'twilio-auth-token' } };
const AUDIOHOOK = { audiohook: { api_key: 'audiohook-key', client_secret: 'c2VjcmV0LXNlY3JldA==' } };

/** Marks what it seals, and is held to the account. */
const streamKeySeal = {
  seal: (accountId: string, plain: string) => `sealed:${accountId}:${Buffer.from(plain).toString('hex')}`,
  open: (accountId: string, sealed: string) => {
    const [, owner, hex = ''] = sealed.split(':');
    if (owner !== accountId) throw new AppError('KEY_UNUSABLE', 'of another account');
    return Buffer.from(hex, 'hex').toString();
  },
};

const world = async () => {
  const { directory, store } = await newDirectory({ streamKeySeal });
  const { account } = await directory.createAccount('Acme');
  return { directory, store, id: account.id, keys: () => directory.streamKeys(account.id) };
};

test('keys of streams are kept, sealed, and never read back', async () => {
  const { directory, store, id, keys } = await world();
  expect(await keys()).toBeUndefined();
  const changed = await directory.updateAccount(id, { stream_keys: TWILIO });
  expect(await keys()).toEqual(TWILIO);
  for (const row of [changed, await directory.account(id)])
    expect(accountDocument(row)).not.toHaveProperty('stream_keys');
  expect(JSON.stringify(await store.accounts.get(id))).not.toContain('twilio-auth-token');
});

test('a patch changes what it names; null removes one or all', async () => {
  const { directory, id, keys } = await world();
  await directory.updateAccount(id, { stream_keys: { ...TWILIO, ...AUDIOHOOK } });
  await directory.updateAccount(id, { stream_keys: { audiohook: { client_secret: 'b3RoZXItc2VjcmV0' } } });
  expect(await keys()).toEqual({
    ...TWILIO,
    audiohook: { api_key: 'audiohook-key', client_secret: 'b3RoZXItc2VjcmV0' },
  });
  await directory.updateAccount(id, { stream_keys: { twilio: null } });
  expect(Object.keys((await keys())!)).toEqual(['audiohook']);
  await directory.updateAccount(id, { stream_keys: null });
  expect(await keys()).toBeUndefined();
});

test('they stay where a document does not speak of them, patched or replaced', async () => {
  const { directory, id, keys } = await world();
  await directory.updateAccount(id, { stream_keys: TWILIO });
  await directory.updateAccount(id, { name: 'Other' });
  await directory.replaceAccount(id, { name: 'Third', metaflows: null });
  expect(await keys()).toEqual(TWILIO);
  await directory.replaceAccount(id, { name: 'Third', stream_keys: AUDIOHOOK });
  expect(await keys()).toEqual(AUDIOHOOK);
  await directory.replaceAccount(id, { name: 'Third', stream_keys: null });
  expect(await keys()).toBeUndefined();
});

test.each([
  ['a kind that there is none of', { signalwire: { auth_token: 'secret-secret' } }, 'stream_keys.signalwire'],
  ['a key too short', { twilio: { auth_token: 'secret' } }, 'stream_keys.twilio.auth_token'],
  ['a key with spaces', { twilio: { auth_token: 'secret secret' } }, 'stream_keys.twilio.auth_token'],
  ['no key', { twilio: {} }, 'stream_keys.twilio.auth_token'],
  [
    'a field that there is none of',
    { telnyx: { auth_token: 'secret-secret', url: 'wss://x' } },
    'stream_keys.telnyx.url',
  ],
  [
    'a secret that is no base64',
    { audiohook: { api_key: 'secret-secret', client_secret: 'secret!secret' } },
    'stream_keys.audiohook.client_secret',
  ],
  [
    'a URL that is none',
    { twilio: { auth_token: 'secret-secret', url: 'secret.example.com' } },
    'stream_keys.twilio.url',
  ],
  ['text', 'secret-secret', 'stream_keys'],
])('refused, without repeating it: %s', async (_, stream_keys, path) => {
  const { directory, id, keys } = await world();
  const refused = await directory.updateAccount(id, { stream_keys }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'FIELDS_INVALID', details: { [path]: expect.anything() } });
  expect(JSON.stringify([(refused as AppError).message, (refused as AppError).details])).not.toMatch(
    /secret[ !-]secret|"secret"/,
  );
  expect(await keys()).toBeUndefined();
});

test('a name that is all but theirs is refused; of a user they are not kept', async () => {
  const { directory, store, id } = await world();
  await expect(directory.updateAccount(id, { stream_key: TWILIO })).rejects.toMatchObject({ code: 'FIELDS_INVALID' });
  await directory.putPerson(id, 'user', 'alice', { stream_keys: TWILIO });
  expect(JSON.stringify(await store.people.list(id, 'user'))).not.toContain('twilio-auth-token');
});
