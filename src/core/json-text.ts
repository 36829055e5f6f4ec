/** Reads JSON text (RFC 8259) and says where it stops being JSON, which the platform's own error does not always tell. Pure. */

export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly line: number; readonly column: number };

/** @returns the value, or the line and column (both from 1) of the first token that can't be there. */
export const parseJsonText = (text: string): JsonText => {
  // A byte order mark is not JSON, and editors still write it.
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return { ok: true, value: JSON.parse(body) };
  } catch {
    const before = body.slice(0, faultOffset(body)).split('\n');
    return { ok: false, line: before.length, column: before.at(-1)!.length + 1 };
  }
};

const BLANK = /[\t\n\r ]*/y;
// Groups: punctuation; string (RFC 8259 §7: from the space up, without quote and backslash); number or word. A string's loop is
// unrolled so that long ones cost no stack.
const TOKEN =
  /([{}[\],:])|("[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\uffff]*)*")|((?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end';

/** Where the first token is that the grammar doesn't allow: the text's end when one is missing. Only called on text that is no JSON. */
const faultOffset = (text: string): number => {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  for (let at = 0; ; at = TOKEN.lastIndex) {
    BLANK.lastIndex = at;
    BLANK.exec(text);
    const start = BLANK.lastIndex;
    TOKEN.lastIndex = start;
    const token = TOKEN.exec(text);
    if (token === null) return start;
    const next = step(expected, token[1] ?? (token[2] === undefined ? 'scalar' : 'string'), open);
    if (next === undefined) return start;
    expected = next;
  }
};

/** What may follow `token` where `expected` was, or `undefined` when it can't be there. Keeps `open`, the containers around. */
const step = (expected: Expected, token: string, open: ('{' | '[')[]): Expected | undefined => {
  const inside = open.at(-1);
  switch (expected) {
    case 'value or ]':
    case 'value':
      if (token === 'scalar' || token === 'string') return ', or end';
      if (token === '{' || token === '[') {
        open.push(token);
        return token === '{' ? 'key or }' : 'value or ]';
      }
      return expected === 'value or ]' && token === ']' ? close(open) : undefined;
    case 'key or }':
    case 'key':
      if (token === 'string') return ':';
      return expected === 'key or }' && token === '}' ? close(open) : undefined;
    case ':':
      return token === ':' ? 'value' : undefined;
    case ', or end':
      if (token === ',' && inside !== undefined) return inside === '{' ? 'key' : 'value';
      return (token === '}' && inside === '{') || (token === ']' && inside === '[') ? close(open) : undefined;
    default:
      return expected satisfies never;
  }
};

const close = (open: ('{' | '[')[]): Expected => {
  open.pop();
  return ', or end';
};

const NAMES = /"[^"\\]*(?:\\.[^"\\]*)*"[\t\n\r ]*(:?)/gs;

/**
 * Whether an object in it has a name twice: readers may take either (RFC 8259 §4), so that two of them see different documents.
 * @param value what `text`, which is JSON, was parsed to
 */
export const repeatsNames = (text: string, value: unknown): boolean => {
  let written = 0;
  for (const [, colon] of text.matchAll(NAMES)) if (colon !== '') written++;
  let kept = 0;
  for (const open = [value]; open.length > 0; ) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const values = Object.values(next);
    if (!Array.isArray(next)) kept += values.length;
    for (const each of values) open.push(each);
  }
  return written !== kept;
};
