/**
 * What a stream asks for in words that the customer has put there: the query of its URL first, then the parameters in its first
 * message, then what its server says by itself. Everything here comes from outside and is judged by whoever uses it. Pure.
 *
 *     call_id            the call to join or to make; without it, the server's own id of the call
 *     leg                a or b; without it a, or by track
 *     from, to, direction                      of a call that is made
 *     user_id, device_id                       who is on this stream's leg
 *     caller_user_id, caller_device_id, callee_user_id, callee_device_id
 *     record_call        `record_call` fields as JSON, or `true` for none; record_call.<field> is one of them
 *     token, auth_token  a key or token of the account
 */
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { StreamAbout, StreamRequest } from './stream-dialect.ts';

/** What a stream may say of one party. */
export type ClaimedParty = { readonly user_id?: string; readonly device_id?: string };

export type StreamClaims = {
  readonly callId?: string;
  /** Undefined: nobody said; a stream that names no call has its server's id, which is no claim to join another's. */
  readonly leg?: Leg;
  readonly from?: string;
  readonly to?: string;
  readonly direction?: 'inbound' | 'outbound';
  readonly caller?: ClaimedParty;
  readonly callee?: ClaimedParty;
  /** Fields as they were given, text among them; undefined where nobody asked for a recording. */
  readonly recordCall?: Readonly<Record<string, unknown>>;
  readonly token?: string;
};

const RECORD_CALL = 'record_call';
const MOST_TEXT = 256;
const MOST_FIELDS = 64;
/** Of an id in a path: what a server calls its calls may hold more, and is made to fit. */
const NOT_IN_CALL_ID = /[^A-Za-z0-9_.@:+-]/g;
const LONGEST_CALL_ID = 128;

/** @throws AppError STREAM_INVALID for a leg that is none, or `record_call` that is no JSON object */
export const claimsOf = (query: StreamRequest['query'], about?: StreamAbout): StreamClaims => {
  const parameters: Readonly<Record<string, unknown>> = about?.parameters ?? {};
  const said = (name: string): string | undefined => textOf(query[name]) ?? textOf(own(parameters, name));
  const leg = said('leg');
  if (leg !== undefined && leg !== 'a' && leg !== 'b') throw new AppError('STREAM_INVALID', 'leg: a or b');
  const direction = said('direction') ?? about?.direction;
  const callId = said('call_id') ?? serversId(about?.callId);
  const recordCall = recordCallOf(query, parameters);
  const here = { user_id: said('user_id'), device_id: said('device_id') };
  const caller = partyOf(said('caller_user_id'), said('caller_device_id'), leg === 'b' ? {} : here);
  const callee = partyOf(said('callee_user_id'), said('callee_device_id'), leg === 'b' ? here : {});
  return defined({
    callId,
    leg,
    from: plain(said('from') ?? about?.from),
    to: plain(said('to') ?? about?.to),
    direction: direction === 'inbound' || direction === 'outbound' ? direction : undefined,
    caller,
    callee,
    recordCall,
    token: tokenIn(query) ?? tokenIn(parameters),
  });
};

/** A key or token among parameters: of a query, before the upgrade is answered, or of a first message. */
export const tokenIn = (parameters: Readonly<Record<string, unknown>>): string | undefined =>
  textOf(own(parameters, 'token')) ?? textOf(own(parameters, 'auth_token'));

const own = (from: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(from, name) ? from[name] : undefined;

/** Numbers count as text: some servers make one of whatever looks like it. */
const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' && value.length <= 4096 ? value : undefined;
};

/** Of a server's own words: no control characters, and not longer than what is kept of them. */
const plain = (text: string | undefined): string | undefined =>
  text?.slice(0, MOST_TEXT).replace(/[\p{Cc}\p{Cs}]/gu, '');

const serversId = (id: string | undefined): string | undefined =>
  id === undefined || id === '' ? undefined : id.replace(NOT_IN_CALL_ID, '_').slice(0, LONGEST_CALL_ID);

const partyOf = (
  userId: string | undefined,
  deviceId: string | undefined,
  here: { readonly user_id?: string | undefined; readonly device_id?: string | undefined },
): ClaimedParty | undefined => {
  const party = defined({ user_id: userId ?? here.user_id, device_id: deviceId ?? here.device_id });
  return Object.keys(party).length === 0 ? undefined : party;
};

const recordCallOf = (
  query: StreamRequest['query'],
  parameters: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined => {
  const whole = wholeOf(own(query, RECORD_CALL) ?? own(parameters, RECORD_CALL));
  const fields: [string, unknown][] = [];
  for (const [name, value] of [...Object.entries(parameters), ...Object.entries(query)]) {
    if (!name.startsWith(`${RECORD_CALL}.`) || value === undefined) continue;
    fields.push([name.slice(RECORD_CALL.length + 1), value]);
    if (fields.length > MOST_FIELDS) throw new AppError('STREAM_INVALID', 'record_call: too many fields');
  }
  if (whole === undefined && fields.length === 0) return undefined;
  // By entries: a field named `__proto__` is an unknown field, not a prototype.
  return Object.fromEntries([...Object.entries(whole ?? {}), ...fields]);
};

const wholeOf = (value: unknown): object | undefined => {
  if (value === undefined || value === null || value === false || value === '' || value === 'false') return undefined;
  if (value === true || value === 'true') return {};
  const object: unknown = typeof value === 'string' ? parsed(value) : value;
  if (typeof object === 'object' && object !== null && !Array.isArray(object)) return object;
  throw new AppError('STREAM_INVALID', 'record_call: a JSON object of fields, or true');
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const defined = <T extends object>(value: T): Defined<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;
