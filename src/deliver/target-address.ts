/**
 * What may be dialled (design §6.6, §6.7): http and https, to public addresses and those the configuration allows.
 * Judges literals at once and names by the addresses they have when dialled; never resolves anything itself.
 */
import { AppError } from '../core/errors.ts';
import { type AllowList, allowsAddress, allowsName } from './allow-list.ts';
import { isPublic, parseAddress } from './public-address.ts';

/** `operator`: the URL is the word of whoever runs this machine, so nothing but its scheme is judged. */
export type TargetPolicy = 'operator' | AllowList;

/** The addresses that RFC 6761 §6.3 gives every name under `localhost`. */
const LOOPBACK = ['127.0.0.1', '::1'] as const;

const forbidden = (what: string): AppError => new AppError('TARGET_FORBIDDEN', what);

/** The refusal of a host, in the same words wherever it is found. The address stays out: a tenant has no business mapping our network. */
export const forbiddenHost = (host: string): AppError =>
  forbidden(`the target ${host} is not at a public address, and RECORD_CALL_ALLOW_TARGETS does not allow it`);

/**
 * Whether `address`, which is what `host` turned out to be, may be dialled.
 * @param host as in the URL: a name, or the address itself.
 */
export const mayDial = (host: string, address: string, policy: TargetPolicy): boolean => {
  if (policy === 'operator' || allowsName(policy, host)) return true;
  const parsed = parseAddress(address);
  return parsed !== undefined && (isPublic(parsed) || allowsAddress(policy, parsed));
};

/**
 * Judges what can be judged before dialling: scheme, and hosts that are literal addresses or `localhost`.
 * The WHATWG parser has already turned `0x7f.1`, `2130706433` and `017700000001` into `127.0.0.1`.
 * @returns the URL, parsed by the one parser that is also used for dialling.
 * @throws TARGET_FORBIDDEN
 */
export const checkUrl = (url: string | URL, policy: TargetPolicy): URL => {
  const text = String(url);
  // The parser's own error carries the whole URL, credentials and all; it must not become a cause.
  if (!URL.canParse(text)) throw forbidden('the target is not a valid URL; it needs http:// or https:// and a host');
  const parsed = new URL(text);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw forbidden(`the target's scheme is ${parsed.protocol.slice(0, -1)}; it has to be http or https`);
  }
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const literal = parseAddress(host) !== undefined;
  const local = /(^|\.)localhost\.?$/.test(host);
  if (literal && !mayDial(host, host, policy)) throw forbiddenHost(parsed.host);
  if (local && !LOOPBACK.some((address) => mayDial(host, address, policy))) throw forbiddenHost(parsed.host);
  return parsed;
};
