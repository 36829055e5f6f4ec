/**
 * The URL a finished file is sent to, as Kazoo's HTTP storage shapes it (kazoo-contract §3.3, parameter list of 4.3).
 * Pure: it neither checks the URL nor resolves anything.
 */
import { gregorianSeconds } from '../core/ids.ts';
import type { Parcel } from './parcel.ts';

/** RFC 3986 §2.3: everything but unreserved characters is escaped, also slashes. A lone surrogate becomes U+FFFD. */
const percentEncode = (value: string): string =>
  encodeURIComponent(Buffer.from(value, 'utf8').toString('utf8')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** `call_recording_{call_id}.{ext}`, percent-encoded. Built from the call id, so receivers tell recordings apart by `recording_id`. */
const fileName = (parcel: Parcel): string => percentEncode(`call_recording_${parcel.callId}.${parcel.format}`);

const parameters = (parcel: Parcel): string => {
  const startSeconds = parcel.startMs === undefined ? undefined : gregorianSeconds(parcel.startMs * 1000);
  const durationMs = parcel.durationMs === undefined ? undefined : Math.round(parcel.durationMs);
  const pairs: readonly (readonly [string, string | number | undefined])[] = [
    ['from', parcel.from],
    ['to', parcel.to],
    ['caller_id_name', parcel.callerIdName],
    ['caller_id_number', parcel.callerIdNumber],
    ['call_id', parcel.callId],
    ['cdr_id', parcel.cdrId],
    ['interaction_id', parcel.interactionId],
    ['owner_id', parcel.ownerId],
    ['account_id', parcel.accountId],
    ['start', startSeconds],
    ['duration_ms', durationMs],
    ['recording_id', parcel.recordingId],
  ];
  return pairs.map(([name, value]) => `${name}=${percentEncode(String(value ?? ''))}`).join('&');
};

/**
 * Kazoo's three rules. Without a query string the name becomes the last path segment. With one, the query's last parameter
 * decides: `k=v` gets `&recording=name` after it, while `k=` and `k` take the name as their value.
 * @param url the customer's URL; a fragment is dropped, since it never goes on the wire.
 */
export const requestUrl = (url: string, parcel: Parcel): string => {
  const whole = url.trim().split('#', 1)[0]!;
  const mark = whole.indexOf('?');
  const base = mark === -1 ? whole : whole.slice(0, mark);
  const query = mark === -1 ? '' : whole.slice(mark + 1).replace(/&+$/, '');
  const name = fileName(parcel);
  const rest = parameters(parcel);
  if (query === '') return `${base.replace(/\/+$/, '')}/${name}?${rest}`;

  const last = query.slice(query.lastIndexOf('&') + 1);
  const equals = last.indexOf('=');
  if (equals === -1) return `${base}?${query}=${name}&${rest}`;
  if (equals === last.length - 1) return `${base}?${query}${name}&${rest}`;
  return `${base}?${query}&recording=${name}&${rest}`;
};
