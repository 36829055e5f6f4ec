/**
 * Which refusals an operation can be answered with, by the catalogue of errors, for the API's description. What every operation has in
 * common follows from its path and body; the rest is listed by operation. Pure.
 */
import { CATALOGUE, type ErrorCode } from '../core/errors.ts';
import { wordOf } from './error-envelope.ts';

/** What each means to a client. */
const MEANING = {
  ENVELOPE_INVALID: 'the body is no object with `data` in it',
  FIELDS_INVALID: '`data` has every fault by its dotted path',
  SDP_INVALID: "an SDP offer can't be read, or has no audio that can be taken",
  UNAUTHENTICATED: 'no key or token, or one that is unknown or has expired',
  FORBIDDEN: "another account's, or only for the admin key",
  NOT_FOUND: 'there is none of that id; `data` names it',
  AUDIO_MISSING: 'there is no audio, not yet or not any more: its `state` says which',
  CONFLICT: 'not in its present state; `data.message` says why',
  CALL_EXISTS: 'a call of that `call_id` is there',
  BODY_TOO_LARGE: '`data.message` names the limit',
  RANGE_TOO_LARGE: 'more than is answered at once, or no such part of the audio',
  RATE_LIMITED: 'too often or too many at once; wait as long as `Retry-After` says',
  CALLS_FULL: 'as many calls run as may',
  PORTS_USED_UP: 'every RTP port is in use or resting',
  DISK_LOW: 'too little room to begin a recording',
  MASK_NOT_DURABLE: 'the mark is not on disk; the call stays masked until one is',
  JOURNAL_UNWRITABLE: 'the recording can be written no further',
  STORE_FAILED: 'the database did not answer',
} as const satisfies Partial<Record<ErrorCode, string>>;

export type Refusal = keyof typeof MEANING;

const ACCOUNT = '/v2/accounts/{accountId}';
const ON_CHANNEL = ['CONFLICT', 'MASK_NOT_DURABLE', 'JOURNAL_UNWRITABLE', 'DISK_LOW'] as const;

const OWN: Readonly<Record<string, readonly Refusal[]>> = {
  'put /v2/accounts': ['FORBIDDEN'],
  [`delete ${ACCOUNT}`]: ['CONFLICT'],
  [`put ${ACCOUNT}/calls`]: ['SDP_INVALID', 'CALL_EXISTS', 'CALLS_FULL', 'PORTS_USED_UP', 'DISK_LOW'],
  [`post ${ACCOUNT}/calls/{callId}`]: ['SDP_INVALID', 'CONFLICT'],
  [`put ${ACCOUNT}/channels/{uuid}`]: ON_CHANNEL,
  [`post ${ACCOUNT}/channels/{uuid}`]: ON_CHANNEL,
  [`get ${ACCOUNT}/recordings`]: ['FIELDS_INVALID', 'RANGE_TOO_LARGE'],
  [`get ${ACCOUNT}/users/{userId}/recordings`]: ['FIELDS_INVALID', 'RANGE_TOO_LARGE'],
  [`put ${ACCOUNT}/recordings`]: ['DISK_LOW'],
  [`get ${ACCOUNT}/recordings/{recordingId}`]: ['FIELDS_INVALID', 'AUDIO_MISSING', 'RANGE_TOO_LARGE'],
  [`head ${ACCOUNT}/recordings/{recordingId}`]: ['FIELDS_INVALID', 'AUDIO_MISSING', 'RANGE_TOO_LARGE'],
  [`post ${ACCOUNT}/recordings/{recordingId}`]: ['CONFLICT'],
  [`delete ${ACCOUNT}/recordings/{recordingId}`]: ['CONFLICT'],
  [`get ${ACCOUNT}/recordings/{recordingId}/peaks`]: ['FIELDS_INVALID'],
  [`get ${ACCOUNT}/events`]: ['FIELDS_INVALID'],
  [`get ${ACCOUNT}/audit`]: ['FIELDS_INVALID'],
};

/** By HTTP status, which come in order. @param path as OpenAPI writes it */
export const refusalsOf = (method: string, path: string, hasBody: boolean): ReadonlyMap<string, readonly Refusal[]> => {
  const byStatus = new Map<string, Refusal[]>();
  if (!path.startsWith('/v2')) return byStatus;
  const codes: ReadonlySet<Refusal> = new Set<Refusal>([
    ...(hasBody ? (['FIELDS_INVALID', 'ENVELOPE_INVALID', 'BODY_TOO_LARGE'] as const) : []),
    'UNAUTHENTICATED',
    ...(path.includes('{') ? (['FORBIDDEN', 'NOT_FOUND'] as const) : []),
    'RATE_LIMITED',
    ...(OWN[`${method.toLowerCase()} ${path}`] ?? []),
    'STORE_FAILED',
  ]);
  for (const code of codes) {
    const status = String(CATALOGUE[code].status);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return new Map([...byStatus].sort(([one], [other]) => Number(one) - Number(other)));
};

/** `` `calls_full`: as many calls run as may; … ``: the `message` of an answer and what it means. */
export const meaningOf = (codes: readonly Refusal[]): string =>
  `${codes.map((code) => `\`${wordOf(code)}\`: ${MEANING[code]}`).join('; ')}.`;

/** Of a component: `CallsFullOrDiskLow`. */
export const nameOf = (codes: readonly Refusal[]): string => codes.map(pascal).join('Or');

const pascal = (code: string): string =>
  code
    .split('_')
    .map((word) => word.charAt(0) + word.slice(1).toLowerCase())
    .join('');
