import { describe, expect, test } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { ensureFirstAccount } from '../../src/directory/first-account.ts';
import type { JsonObject } from '../../src/store/rows.ts';
import { newDirectory } from './new-directory.ts';

const NOT_FOUND = (id: string) => ({ code: 'NOT_FOUND', message: 'bad identifier', details: [id] });
const CODE = (action: string): JsonObject => ({ module: 'record_call', data: { action } });

const withAccount = async (...rules: Parameters<typeof newDirectory>) => {
  const made = await newDirectory(...rules);
  return { ...made, A: (await made.directory.createAccount('Acme')).account.id };
};

describe('accounts', () => {
  test('are made, told, changed, replaced and removed', async () => {
    const { directory, clock } = await newDirectory();
    const { account, keyId } = await directory.createAccount('Acme');
    expect(account).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      name: 'Acme',
      metaflows: null,
      callRecording: null,
      webhookUrl: null,
      webhookSecret: null,
      streamKeys: null,
      extra: {},
      createdUs: clock.us,
    });
    expect(keyId).toMatch(/^[0-9a-f]{32}$/);
    expect(await directory.account(account.id)).toEqual(account);
    const settings = { account: { any: { any: { enabled: true } } } };
    const changed = await directory.updateAccount(account.id, { call_recording: settings, realm: 'acme.example' });
    expect(changed).toEqual({ ...account, callRecording: settings, extra: { realm: 'acme.example' } });
    expect(await directory.updateAccount(account.id, { call_recording: { account: { any: null } } })).toEqual({
      ...changed,
      callRecording: { account: {} },
    });
    expect(await directory.replaceAccount(account.id, { name: 'Other' })).toEqual({ ...account, name: 'Other' });
    expect(await directory.listAccounts()).toEqual([{ ...account, name: 'Other' }]);
    expect(await directory.removeAccount(account.id)).toEqual({ ...account, name: 'Other' });
    await expect(directory.account(account.id)).rejects.toMatchObject(NOT_FOUND(account.id));
  });

  test('a change that is not valid changes nothing', async () => {
    const { directory, A } = await withAccount();
    const before = await directory.account(A);
    for (const patch of [{ name: null }, { name: '' }, { call_recording: { any: {} } }, 'x', [], null]) {
      await expect(directory.updateAccount(A, patch)).rejects.toMatchObject({ code: 'FIELDS_INVALID' });
    }
    await expect(directory.createAccount('')).rejects.toMatchObject({ code: 'FIELDS_INVALID' });
    expect(await directory.listAccounts()).toEqual([before]);
  });

  test('two changes at once are both made', async () => {
    const { directory, A } = await withAccount();
    await Promise.all(Array.from({ length: 20 }, (_, n) => directory.updateAccount(A, { [`key${n}`]: n })));
    expect(Object.keys((await directory.account(A)).extra)).toHaveLength(20);
  });

  test('the one with the only admin key stays', async () => {
    const { directory, A } = await withAccount();
    const first = await directory.createAccount('Boss', true);
    await expect(directory.removeAccount(first.account.id)).rejects.toMatchObject({ code: 'CONFLICT' });
    const second = await directory.createAccount('Boss too', true);
    await directory.removeAccount(first.account.id);
    await expect(directory.removeAccount(second.account.id)).rejects.toMatchObject({ code: 'CONFLICT' });
    await directory.removeAccount(A);
    expect((await directory.listAccounts()).map(({ name }) => name)).toEqual(['Boss too']);
  });

  test('the first start makes one with an admin key, once', async () => {
    const { directory } = await newDirectory();
    const first = await ensureFirstAccount(directory);
    expect(await directory.principalOf(first!.apiKey)).toMatchObject({ accountId: first!.accountId, isAdmin: true });
    expect(await ensureFirstAccount(directory)).toBeUndefined();
    expect(await directory.listAccounts()).toHaveLength(1);
  });

  test('where its key could not be kept there is none, and the next start makes another', async () => {
    const { directory } = await newDirectory();
    const full = () => Promise.reject(new Error('disk full'));
    await expect(ensureFirstAccount(directory, full)).rejects.toThrow('disk full');
    expect(await directory.hasAccounts()).toBe(false);
    const kept: unknown[] = [];
    const first = await ensureFirstAccount(
      directory,
      async (one) => void kept.push(one, await directory.hasAccounts()),
    );
    expect(kept).toEqual([first, false]);
  });
});

describe('users and devices', () => {
  test('are made with a new id or the one given, replaced, patched, listed and removed', async () => {
    const { directory, clock, A } = await withAccount();
    const made = await directory.putPerson(A, 'user', undefined, { name: 'Alice', email: 'a@x.example' });
    expect(made).toEqual({
      accountId: A,
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      kind: 'user',
      name: 'Alice',
      ownerId: null,
      metaflows: null,
      callRecording: null,
      extra: { email: 'a@x.example' },
      createdUs: clock.us,
    });
    clock.us += 1_000_000;
    const again = await directory.putPerson(A, 'user', made.id, { name: 'Alicia' });
    expect(again).toEqual({ ...made, name: 'Alicia', extra: {} });
    const patch = {
      metaflows: { numbers: { 72: CODE('mask') } },
      call_recording: { inbound: { any: { enabled: true } } },
    };
    await directory.patchPerson(A, 'user', made.id, patch);
    const patched = await directory.patchPerson(A, 'user', made.id, {
      name: null,
      metaflows: { numbers: { 72: null, 74: CODE('stop') } },
    });
    expect(patched).toMatchObject({
      name: '',
      metaflows: { numbers: { 74: CODE('stop') } },
      callRecording: patch.call_recording,
    });
    expect(Object.keys(patched.metaflows!.numbers as object)).toEqual(['74']);
    expect(await directory.person(A, 'user', made.id)).toEqual(patched);
    await directory.putPerson(A, 'device', 'desk-1_A', { owner_id: made.id });
    expect((await directory.listPeople(A, 'device', made.id)).map(({ id }) => id)).toEqual(['desk-1_A']);
    expect(await directory.removePerson(A, 'user', made.id)).toEqual(patched);
    expect([await directory.listPeople(A, 'user'), await directory.listPeople(A, 'device')]).toEqual([
      [],
      [expect.objectContaining({ ownerId: made.id })],
    ]);
  });

  for (const id of ['', '..', 'a/b', 'a b', 'ä', 'x'.repeat(65), 'a\n', '%2e', 'a\0']) {
    test(`${JSON.stringify(id.slice(0, 20))} is no id`, async () => {
      const { directory, A } = await withAccount();
      await expect(directory.putPerson(A, 'user', id, {})).rejects.toMatchObject({ code: 'FIELDS_INVALID' });
    });
  }

  test('an id that only looks odd is an id', async () => {
    const { directory, A } = await withAccount();
    for (const id of ['__proto__', 'constructor', '-', '_', '0', 'x'.repeat(64)]) {
      expect((await directory.putPerson(A, 'user', id, { name: id })).id).toBe(id);
    }
    expect(await directory.listPeople(A, 'user')).toHaveLength(6);
  });

  test('of one account are nowhere in another', async () => {
    const { directory, A } = await withAccount();
    const B = (await directory.createAccount('Other')).account.id;
    await directory.putPerson(A, 'user', 'alice', { name: 'Alice' });
    for (const attempt of [
      () => directory.person(B, 'user', 'alice'),
      () => directory.person(A, 'device', 'alice'),
      () => directory.patchPerson(B, 'user', 'alice', {}),
      () => directory.removePerson(B, 'user', 'alice'),
      () => directory.metaflows({ accountId: B, userId: 'alice' }),
      () => directory.setMetaflows({ accountId: B, userId: 'alice' }, { a: 1 }),
      () => directory.metaflowsFor(B, { userId: 'alice' }),
      () => directory.automaticRecordings(B, { network: 'onnet', callee: { userId: 'alice' } }),
    ]) {
      await expect(attempt()).rejects.toMatchObject(NOT_FOUND('alice'));
    }
    await expect(directory.putPerson('nobody', 'user', 'alice', {})).rejects.toMatchObject(NOT_FOUND('nobody'));
    expect(await directory.listPeople(B, 'user')).toEqual([]);
  });

  test('metaflows in a document are judged, and told by their paths', async () => {
    const readMetaflows = (value: JsonObject): JsonObject => {
      if (value.numbers !== undefined) return { binding_digit: '*', ...value };
      throw new AppError('METAFLOWS_INVALID', 'x', { details: { numbers: { required: { message: 'missing' } } } });
    };
    const { directory, A } = await withAccount({ readMetaflows });
    const good = await directory.putPerson(A, 'user', 'alice', { metaflows: { numbers: {} } });
    expect(good.metaflows).toEqual({ binding_digit: '*', numbers: {} });
    await expect(directory.patchPerson(A, 'user', 'alice', { metaflows: { numbers: null } })).rejects.toMatchObject({
      code: 'FIELDS_INVALID',
      details: { 'metaflows.numbers': { required: { message: 'missing' } } },
    });
    expect(await directory.metaflows({ accountId: A, userId: 'alice' })).toEqual(good.metaflows);
  });

  test('a defect in judging is no fault of the document', async () => {
    const readMetaflows = () => {
      throw new TypeError('a defect');
    };
    const { directory, A } = await withAccount({ readMetaflows });
    await expect(directory.putPerson(A, 'user', 'alice', { metaflows: { a: 1 } })).rejects.toThrow(TypeError);
  });
});

describe('metaflows', () => {
  test('are kept on each scope by itself', async () => {
    const { directory, A } = await withAccount();
    await directory.putPerson(A, 'user', 'alice', { name: 'Alice' });
    await directory.putPerson(A, 'device', 'alice', {});
    const scopes = [{ accountId: A }, { accountId: A, userId: 'alice' }, { accountId: A, deviceId: 'alice' }];
    for (const [n, scope] of scopes.entries()) expect(await directory.setMetaflows(scope, { n })).toEqual({ n });
    expect(await Promise.all(scopes.map((scope) => directory.metaflows(scope)))).toEqual([
      { n: 0 },
      { n: 1 },
      { n: 2 },
    ]);
    await directory.removeMetaflows(scopes[1]!);
    await directory.removeMetaflows(scopes[1]!);
    expect(await Promise.all(scopes.map((scope) => directory.metaflows(scope)))).toEqual([{ n: 0 }, {}, { n: 2 }]);
    expect(await directory.person(A, 'user', 'alice')).toMatchObject({ name: 'Alice' });
  });

  test('of an unknown user or device are never the account’s', async () => {
    const { directory, A } = await withAccount();
    await directory.setMetaflows({ accountId: A }, { a: 1 });
    for (const scope of [
      { accountId: A, userId: 'bob' },
      { accountId: A, deviceId: 'bob' },
    ]) {
      await expect(directory.metaflows(scope)).rejects.toMatchObject(NOT_FOUND('bob'));
      await expect(directory.setMetaflows(scope, { b: 1 })).rejects.toMatchObject(NOT_FOUND('bob'));
      await expect(directory.removeMetaflows(scope)).rejects.toMatchObject(NOT_FOUND('bob'));
    }
    await expect(directory.setMetaflows({ accountId: 'x' }, {})).rejects.toMatchObject(NOT_FOUND('x'));
    expect(await directory.metaflows({ accountId: A })).toEqual({ a: 1 });
  });

  test('of a party are its user’s before its device’s before the account’s', async () => {
    const { directory, A } = await withAccount();
    await directory.putPerson(A, 'user', 'alice', {});
    await directory.putPerson(A, 'user', 'bob', {});
    await directory.putPerson(A, 'device', 'desk', { owner_id: 'alice' });
    expect(await directory.metaflowsFor(A, { deviceId: 'desk' })).toBeUndefined();
    await directory.setMetaflows(
      { accountId: A },
      { digit_timeout: 1, numbers: { 71: CODE('start'), 72: CODE('start') } },
    );
    await directory.setMetaflows(
      { accountId: A, deviceId: 'desk' },
      { numbers: { 72: CODE('stop'), 73: CODE('unmask') } },
    );
    await directory.setMetaflows({ accountId: A, userId: 'alice' }, { numbers: { 72: CODE('mask') } });
    const codes = async (party: object) =>
      Object.fromEntries(
        Object.entries(
          (await directory.metaflowsFor(A, party))!.numbers as Record<string, { data: { action: string } }>,
        ).map(([code, { data }]) => [code, data.action]),
      );
    const ofAccount = { 71: 'start', 72: 'start' };
    expect(await codes({})).toEqual(ofAccount);
    expect(await codes({ userId: 'alice' })).toEqual({ 71: 'start', 72: 'mask' });
    expect(await codes({ deviceId: 'desk' })).toEqual({ 71: 'start', 72: 'mask', 73: 'unmask' });
    // A user at somebody else's desk.
    expect(await codes({ userId: 'bob', deviceId: 'desk' })).toEqual({ 71: 'start', 72: 'stop', 73: 'unmask' });
    await directory.removePerson(A, 'user', 'alice');
    expect(await codes({ deviceId: 'desk' })).toEqual({ 71: 'start', 72: 'stop', 73: 'unmask' });
    await expect(directory.metaflowsFor(A, { userId: 'alice' })).rejects.toMatchObject(NOT_FOUND('alice'));
  });
});

describe('automatic recordings', () => {
  test('come from the account, and from the devices and users of both parties', async () => {
    const { directory, A } = await withAccount();
    const on = (url: string) => ({ any: { any: { enabled: true, url: `https://${url}.example/` } } });
    await directory.updateAccount(A, {
      call_recording: { account: on('account'), endpoint: { inbound: { any: { time_limit: 60 } } } },
    });
    await directory.putPerson(A, 'user', 'alice', { call_recording: on('alice') });
    await directory.putPerson(A, 'user', 'bob', { call_recording: on('bob') });
    await directory.putPerson(A, 'device', 'desk', { owner_id: 'bob', call_recording: on('desk') });
    await directory.putPerson(A, 'device', 'nobodys', { call_recording: on('nobodys') });
    const parties = { caller: { userId: 'alice' }, callee: { deviceId: 'desk' } };
    const found = await directory.automaticRecordings(A, { direction: 'inbound', network: 'onnet', ...parties });
    expect(found.map(({ whose, ownerId, fields }) => [whose, ownerId, fields.url, fields.time_limit])).toEqual([
      ['account', null, 'https://account.example/', undefined],
      ['caller', 'alice', 'https://alice.example/', undefined],
      ['callee', 'bob', 'https://desk.example/', 60],
    ]);
    const alone = await directory.automaticRecordings(A, { network: 'onnet', callee: { deviceId: 'nobodys' } });
    expect(alone.map(({ whose, ownerId }) => [whose, ownerId])).toEqual([
      ['account', null],
      ['callee', null],
    ]);
    expect(await directory.automaticRecordings(A, { network: 'offnet', caller: {}, callee: undefined })).toHaveLength(
      1,
    );
    await expect(
      directory.automaticRecordings(A, { network: 'onnet', caller: { userId: 'carol' } }),
    ).rejects.toMatchObject(NOT_FOUND('carol'));
  });

  test('go to no forbidden target', async () => {
    const judgeUrl = () => {
      throw new AppError('TARGET_FORBIDDEN', 'not at a public address');
    };
    const { directory, A } = await withAccount({ judgeUrl });
    const call_recording = { any: { any: { url: 'http://10.0.0.1/' } } };
    await expect(directory.putPerson(A, 'user', 'alice', { call_recording })).rejects.toMatchObject({
      details: {
        'call_recording.any.any.url': { error: { message: 'invalid client URL', cause: 'not at a public address' } },
      },
    });
  });
});
