/** Reads From, To and P-Asserted-Identity (RFC 3261 §20.10, §25.1): who it is, and the tag that names their end of a dialog. */
import type { Party } from '../plan.ts';

export type NameAddress = {
  readonly party: Party;
  /** Empty when there is none: the To of a request that opens a dialog. */
  readonly tag: string;
};

export const NOBODY: NameAddress = { party: { address: '', name: '', number: '' }, tag: '' };

const LONGEST_NAME = 256;
const LONGEST_ADDRESS = 512;
const LONGEST_TAG = 256;

/** Parses one value such as `"Ann" <sip:+4570123456@example.net;user=phone>;tag=9f`. Malformed parts come out empty. */
export const parseNameAddress = (value: string): NameAddress => {
  const { name, rest } = takeQuoted(value.trim());
  const open = rest.indexOf('<');
  if (open === -1) {
    // Without angle brackets every parameter belongs to the field, not to the URI (§20.10).
    const semicolon = rest.indexOf(';');
    const uri = semicolon === -1 ? rest : rest.slice(0, semicolon);
    return { party: partyOf(name ?? '', uri), tag: tagOf(semicolon === -1 ? '' : rest.slice(semicolon)) };
  }
  const close = rest.indexOf('>', open);
  const uri = rest.slice(open + 1, close === -1 ? rest.length : close);
  return { party: partyOf(name ?? rest.slice(0, open), uri), tag: tagOf(close === -1 ? '' : rest.slice(close + 1)) };
};

/** A display name in quotes may hold anything, `<` and `;tag=` included. */
const takeQuoted = (text: string): { name?: string; rest: string } => {
  if (!text.startsWith('"')) return { rest: text };
  let name = '';
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (char === '"') return { name, rest: text.slice(at + 1) };
    name += char === '\\' ? (text[++at] ?? '') : char;
  }
  return { rest: text.slice(1) }; // Never closed: the URI still counts.
};

const tagOf = (parameters: string): string => {
  for (const parameter of parameters.split(';')) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).trim().toLowerCase() === 'tag') {
      return parameter
        .slice(equals + 1)
        .trim()
        .slice(0, LONGEST_TAG);
    }
  }
  return '';
};

const partyOf = (name: string, uri: string): Party => {
  const text = uri.trim();
  const scheme = /^(sips?|tel):/i.exec(text)?.[1]?.toLowerCase();
  // Another kind of name, such as `urn:service:sos`, is its own address.
  if (scheme === undefined && !text.includes('@')) {
    return { address: (text.split(/[;?]/, 1)[0] ?? '').slice(0, LONGEST_ADDRESS), name: displayName(name), number: '' };
  }
  const after = scheme === undefined ? text : text.slice(scheme.length + 1);
  const at = scheme === 'tel' ? -1 : after.indexOf('@');
  const user = userOf(scheme === 'tel' ? after : after.slice(0, Math.max(at, 0)));
  const host = scheme === 'tel' ? '' : hostOf(after.slice(at + 1));
  const address = user === '' || host === '' ? user + host : `${user}@${host}`;
  return {
    address: address.slice(0, LONGEST_ADDRESS),
    name: displayName(name),
    number: isPhoneNumber(user) ? user.replace(/[().-]/g, '') : '',
  };
};

const displayName = (name: string): string => name.trim().slice(0, LONGEST_NAME);

/**
 * The user without what rides along: a password after `:`, and after `;` or `,` parameters and digits to be dialled once
 * the call is up (`postd`, RFC 2806), which may be a card number.
 */
const userOf = (text: string): string => (unescaped(text).split(/[;,:]/, 1)[0] ?? '').replace(/\p{Cc}+/gu, ' ').trim();

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A bare `%` is no escape: kept as written.
  }
};

/** Without port, URI parameters and embedded headers; an IPv6 address keeps its brackets. */
const hostOf = (text: string): string =>
  (text.startsWith('[') ? /^\[[^\]]*\]/.exec(text)?.[0] : text.split(/[:;?>]/, 1)[0])?.trim() ?? '';

const isPhoneNumber = (user: string): boolean => user.length <= 64 && /^\+?[\d().*#-]*\d[\d().*#-]*$/.test(user);
