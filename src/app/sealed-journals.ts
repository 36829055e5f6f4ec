/** Where recordings' journals are opened: each under a key of its own from the vault, or plain where nothing is sealed. */
import type { OpenJournal } from '../spool/journal.ts';
import { JournalWriter } from '../spool/journal-writer.ts';
import type { Vault } from '../spool/seal/vault.ts';

/** @returns what never throws: a key that can't be kept fails its journal, as a disk that takes no more does */
export const journalsOf =
  (vault: Pick<Vault, 'create' | 'durable'> | undefined, accountId: string): OpenJournal =>
  (path, head) => {
    if (vault === undefined) return new JournalWriter(path, head);
    const key = vault.create(accountId, head.id);
    return new JournalWriter(path, head, { key, ready: vault.durable(head.id) });
  };
