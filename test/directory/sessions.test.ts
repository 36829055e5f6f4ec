import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf, isSameHash, newId, newKey, newToken, secretKind } from '../../src/directory/secrets.ts';
import { Sessions, TOKEN_LIFE_US } from '../../src/directory/sessions.ts';
import { countingBytes, newDirectory } from './new-directory.ts';

const MINUTE_US = 60_000_000;

const withAccount = async () => {
  const made = await newDirectory();
  return { ...made, ...(await made.directory.createAccount('Acme')) };
};

describe('a key', () => {
  test('says who asks, and gets a token that says the same', async () => {
    const { directory, account, keyId, apiKey } = await withAccount();
    expect(apiKey).toMatch(/^[0-9a-f]{64}$/);
    const principal = { accountId: account.id, keyId, isAdmin: false };
    expect(await directory.principalOf(apiKey)).toEqual(principal);
    const { token, ...rest } = await directory.exchange(apiKey);
    expect(rest).toEqual({ principal });
    expect(await directory.principalOf(token)).toEqual(principal);
    const other = await directory.createAccount('Boss', true);
    expect((await directory.exchange(other.apiKey)).principal).toMatchObject({
      accountId: other.account.id,
      isAdmin: true,
    });
  });

  test('is nowhere in the database, and neither is a token', async () => {
    const { directory, store, account, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    const [key] = await store.keys.ofAccount(account.id);
    expect(key!.hash).toBe(hashOf(apiKey));
    expect((await store.tokens.byHash(hashOf(token)))!.hash).not.toContain(token);
    expect(JSON.stringify([key, await store.accounts.list()])).not.toContain(apiKey);
  });

  test('that was removed is no key, nor are its tokens', async () => {
    const { directory, store, account, keyId, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    await store.keys.remove(account.id, keyId);
    expect([await directory.principalOf(apiKey), await directory.principalOf(token)]).toEqual([undefined, undefined]);
    await expect(directory.exchange(apiKey)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('can’t be a token, and a token gets no other token', async () => {
    const { directory, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    await expect(directory.exchange(token)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'invalid credentials',
    });
    expect([secretKind(apiKey), secretKind(token)]).toEqual(['key', 'token']);
  });

  test('is not guessed', async () => {
    const { directory, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    const near = [
      apiKey.toUpperCase(),
      `${apiKey} `,
      ` ${apiKey}`,
      apiKey.slice(1),
      hashOf(apiKey),
      `${apiKey}\n`,
      `${token}\n`,
    ];
    const guesses = fc.oneof(
      fc.constantFrom('', ...near),
      fc.string(),
      fc.stringMatching(/^[0-9a-f]{64}$/),
      fc.base64String(),
    );
    await fc.assert(
      fc.asyncProperty(guesses, async (guess) => {
        expect(await directory.principalOf(guess)).toBeUndefined();
        await expect(directory.exchange(guess)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
      }),
    );
  });
});

describe('a token', () => {
  test('lives an hour since it was last used', async () => {
    const { directory, clock, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    for (let n = 0; n < 5; n++) {
      clock.us += TOKEN_LIFE_US - 1;
      expect(await directory.principalOf(token)).toBeDefined();
    }
    clock.us += TOKEN_LIFE_US;
    expect(await directory.principalOf(token)).toBeUndefined();
    clock.us -= 1;
    expect(await directory.principalOf(token)).toBeDefined();
  });

  test('is written down once a minute at most, however often it is used', async () => {
    const { directory, store, clock, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    const expiry = async () => (await store.tokens.byHash(hashOf(token)))!.expiresUs;
    const first = await expiry();
    clock.us += MINUTE_US - 1;
    await directory.principalOf(token);
    expect(await expiry()).toBe(first);
    clock.us += 1;
    await directory.principalOf(token);
    expect(await expiry()).toBe(first + MINUTE_US);
  });

  test('is good as long as the database can be read, whether or not it can be written', async () => {
    const { directory, store, clock, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    const full = {
      ...store,
      tokens: { byHash: store.tokens.byHash.bind(store.tokens), touch: () => Promise.reject(new Error('full')) },
    };
    const sessions = new Sessions(full as never, { clock, random: countingBytes() });
    clock.us += 5 * MINUTE_US;
    expect(await sessions.principalOf(token)).toBeDefined();
    expect(await directory.principalOf(token)).toBeDefined();
  });

  test('that has expired is cleared away when others are made', async () => {
    const { directory, store, clock, apiKey } = await withAccount();
    const { token } = await directory.exchange(apiKey);
    clock.us += 2 * TOKEN_LIFE_US;
    await directory.exchange(apiKey);
    expect(await store.tokens.byHash(hashOf(token))).toBeUndefined();
  });
});

describe('secrets', () => {
  test('have the length of their bytes, and their kinds are told apart', () => {
    const random = countingBytes();
    expect([newKey(random).length, newToken(random).length, newId(random).length]).toEqual([64, 43, 32]);
    expect(
      ['a'.repeat(64), 'A'.repeat(64), 'a'.repeat(43), 'a'.repeat(44), '', 'é'.repeat(43)].map(secretKind),
    ).toEqual(['key', undefined, 'token', undefined, undefined, undefined]);
  });

  test('hashes are compared as wholes', () => {
    const [one, other] = [hashOf('one'), hashOf('other')];
    expect([isSameHash(one, one), isSameHash(one, other), isSameHash(one, one.slice(2)), isSameHash('', one)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(one).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
  });
});
