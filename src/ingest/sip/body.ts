/**
 * Finds the session description in a message body: application/sdp itself, or that part of a multipart body (RFC 5621) as
 * SIPREC (RFC 7866) and SIP-I (ISUP beside SDP) send it. Never reads another type, such as a body with dialled digits.
 */
import { SipHeaders } from './headers.ts';
import type { SipMessage } from './message.ts';

const MOST_PARTS = 32;
const DEEPEST = 3;

/** The SDP text of the message, in whole lines; `undefined` when it carries none. */
export const sdpTextOf = (message: SipMessage): string | undefined => {
  if (message.body.length === 0) return undefined;
  const { buffer, byteOffset, length } = message.body;
  // latin1 keeps every byte of binary parts, so that boundaries are found at byte positions.
  const text = Buffer.from(buffer, byteOffset, length).toString('latin1');
  const whole = message.truncated ? text.slice(0, text.lastIndexOf('\n') + 1) : text;
  const found = sdpIn(message.headers, whole, DEEPEST);
  return found === undefined ? undefined : Buffer.from(found, 'latin1').toString('utf8');
};

const sdpIn = (headers: SipHeaders, body: string, depth: number): string | undefined => {
  if (!isPlain(headers.first('content-encoding'))) return undefined;
  const type = headers.first('content-type') ?? '';
  const name = (type.split(';', 1)[0] ?? '').trim().toLowerCase();
  if (name === 'application/sdp') return body;
  // The type is mandatory when there is a body (RFC 3261 §20.15), and forgotten all the same.
  if (name === '') return /^\s*v=0/.test(body) ? body : undefined;
  if (!name.startsWith('multipart/') || depth === 0) return undefined;
  for (const part of parts(body, boundaryOf(type, body))) {
    const found = sdpIn(part.headers, part.body, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
};

const isPlain = (encoding: string | undefined): boolean =>
  encoding === undefined || encoding === '' || encoding.toLowerCase() === 'identity';

/** The boundary parameter (RFC 2046 §5.1.1); without one, what the first delimiter line of the body shows. */
const boundaryOf = (type: string, body: string): string | undefined => {
  const parameter = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type);
  return parameter?.[1] ?? parameter?.[2] ?? /^--(\S{1,70})[ \t]*\r?$/m.exec(body)?.[1];
};

type Part = { readonly headers: SipHeaders; readonly body: string };

function* parts(body: string, boundary: string | undefined): Generator<Part> {
  if (boundary === undefined) return;
  const delimiter = `--${boundary}`;
  let start = nextDelimiter(body, delimiter, 0);
  for (let count = 0; start !== -1 && count < MOST_PARTS; count++) {
    const from = start + delimiter.length;
    if (body.startsWith('--', from)) return;
    // The last part of a body without its closing delimiter reaches to the end.
    const next = nextDelimiter(body, delimiter, from);
    yield readPart(body.slice(from, next === -1 ? body.length : next));
    start = next;
  }
}

/** A delimiter counts at the beginning of a line only. */
const nextDelimiter = (body: string, delimiter: string, from: number): number => {
  let at = body.indexOf(delimiter, from);
  while (at > 0 && body[at - 1] !== '\n') at = body.indexOf(delimiter, at + 1);
  return at;
};

const readPart = (text: string): Part => {
  const lineEnd = text.indexOf('\n');
  const content = lineEnd === -1 ? '' : text.slice(lineEnd + 1);
  // A part may begin with its blank line: no fields at all.
  const blank = /^\r?\n|\n\r?\n/.exec(content);
  if (blank === null) return { headers: new SipHeaders(content), body: '' };
  return {
    headers: new SipHeaders(content.slice(0, blank.index)),
    body: content.slice(blank.index + blank[0].length),
  };
};
