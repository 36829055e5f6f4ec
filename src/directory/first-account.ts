/** The account that the first start makes, with an admin key (design §6.5). */
import type { Directory } from './directory.ts';

export type FirstAccount = { readonly accountId: string; readonly apiKey: string };

const NAME = 'first account';

/**
 * Makes an account if there is none.
 * @param keep puts the key where its owner finds it, durably, before the account is made: a crash in between leaves no account that nobody
 *   has the key of, and the next start makes another.
 * @returns undefined when there are accounts
 */
export const ensureFirstAccount = async (
  directory: Directory,
  keep: (first: FirstAccount) => Promise<void> = async () => {},
): Promise<FirstAccount | undefined> => {
  if (await directory.hasAccounts()) return undefined;
  const { account, apiKey } = await directory.createAccount(NAME, true, (made) =>
    keep({ accountId: made.account.id, apiKey: made.apiKey }),
  );
  return { accountId: account.id, apiKey };
};
