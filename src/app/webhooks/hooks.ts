/** Which accounts have a webhook, and where: in memory, because every event of every account asks. The secrets stay sealed. */
import type { AccountRow } from '../../store/rows.ts';

export type Hook = { readonly url: string; readonly sealedSecret: string };

type Stored = Pick<AccountRow, 'webhookUrl' | 'webhookSecret'>;

export class Hooks {
  readonly #byAccount = new Map<string, Hook>();

  /** @returns whether it was there before, and whether it leads elsewhere now */
  set(accountId: string, stored: Stored | undefined): { readonly was: boolean; readonly moved: boolean } {
    const before = this.#byAccount.get(accountId);
    const { webhookUrl: url = null, webhookSecret: sealedSecret = null } = stored ?? {};
    if (url === null || sealedSecret === null) this.#byAccount.delete(accountId);
    else this.#byAccount.set(accountId, { url, sealedSecret });
    return { was: before !== undefined, moved: before?.url !== this.#byAccount.get(accountId)?.url };
  }

  get(accountId: string): Hook | undefined {
    return this.#byAccount.get(accountId);
  }

  has(accountId: string): boolean {
    return this.#byAccount.has(accountId);
  }
}
