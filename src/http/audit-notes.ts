/** How routes note in the audit what a request has done: in the name of its key, by ids and names of fields, never by what is in them. */
import type { FastifyRequest } from 'fastify';
import { isObject } from '../control/metaflow-node.ts';
import type { JsonObject } from '../store/rows.ts';
import { principalOf } from './api-services.ts';
import type { AuditAction, AuditService } from './audit.ts';

/** Called when it is done. @param subject as a path would name it: `user/bob` */
export const noteDone = (
  audit: AuditService,
  request: FastifyRequest,
  action: AuditAction,
  subject: string,
  data: JsonObject = {},
): void => {
  const { accountId, keyId } = principalOf(request);
  audit.note({ accountId, by: { kind: 'api', by: keyId }, action, subject, data });
};

/** Fields of documents whose names are ours; others may be anybody's word. */
const KNOWN = ['name', 'owner_id', 'metaflows', 'call_recording', 'webhook_url', 'webhook_secret'];

/** Which fields of a document a body gives, and which it takes away. */
export const fieldsOf = (
  data: unknown,
): { readonly fields: readonly string[]; readonly removed?: readonly string[] } => {
  const given = isObject(data) ? data : {};
  const names = (wanted: (value: unknown) => boolean): string[] => {
    const wantedKeys = Object.keys(given).filter((key) => wanted(given[key]));
    const known = KNOWN.filter((key) => wantedKeys.includes(key));
    return wantedKeys.length > known.length ? [...known, 'others'] : known;
  };
  const removed = names((value) => value === null);
  return { fields: names((value) => value !== null), ...(removed.length === 0 ? {} : { removed }) };
};

/** Of a URL only its host: the rest may hold what lets one write there. */
export const hostIn = (url: string | undefined): { readonly host?: string } =>
  url !== undefined && URL.canParse(url) ? { host: new URL(url).host } : {};
