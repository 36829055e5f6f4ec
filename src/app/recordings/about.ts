/** Whose a recording is and which way its call went: what the journal's own head does not say (`spool/journal-record.ts`). */

export type RecordingAbout = {
  readonly accountId: string;
  /** The user or device it belongs to; null: the account. */
  readonly ownerId: string | null;
  readonly direction: 'inbound' | 'outbound';
  /** Kazoo's `interaction_id`, where whoever announced the call knows one. */
  readonly interactionId?: string;
};

/** What is known of a recording whose row and note are both lost. */
export const unknownAbout = (accountId: string): RecordingAbout => ({
  accountId,
  ownerId: null,
  direction: 'inbound',
});

/** Whether the note beside a journal says that it was begun sealed. */
export const saysSealed = (text: string): boolean => {
  try {
    return (JSON.parse(text) as { sealed?: unknown } | null)?.sealed === true;
  } catch {
    return false;
  }
};

/** Reads what was noted beside a journal. @returns what is unknown by default where the note is torn or not ours. */
export const parseAbout = (accountId: string, text: string): RecordingAbout => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return unknownAbout(accountId);
  }
  if (typeof value !== 'object' || value === null) return unknownAbout(accountId);
  const { ownerId, direction, interactionId } = value as Record<string, unknown>;
  return {
    accountId,
    ownerId: typeof ownerId === 'string' ? ownerId : null,
    direction: direction === 'outbound' ? 'outbound' : 'inbound',
    ...(typeof interactionId === 'string' ? { interactionId } : {}),
  };
};
