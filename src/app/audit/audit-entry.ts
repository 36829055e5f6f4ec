/** An audit's entries as they are noted, stored and told. Pure. */
import type { AuditDocument, AuditNote } from '../../http/audit.ts';
import type { Trigger } from '../../spool/journal-record.ts';
import type { AuditEntry, AuditRow } from '../../store/rows.ts';

export const entryOf = ({ accountId, by, action, subject, data = {}, atUs }: AuditNote, nowUs: number): AuditEntry => ({
  accountId,
  atUs: atUs ?? nowUs,
  actor: `${by.kind}:${by.leg ?? by.by ?? ''}`,
  action,
  subject,
  data,
});

export const documentOf = ({ entry, hash, atUs, actor, action, subject, data }: AuditRow): AuditDocument => ({
  entry,
  at: new Date(atUs / 1000).toISOString(),
  by: triggerOf(actor),
  action,
  subject,
  data,
  hash,
});

const triggerOf = (actor: string): Trigger => {
  const [kind, by] = actor.split(/:(.*)/s, 2) as [Trigger['kind'], string | undefined];
  if (kind === 'dtmf' && (by === 'a' || by === 'b')) return { kind, leg: by };
  return by === undefined || by === '' ? { kind } : { kind, by };
};
