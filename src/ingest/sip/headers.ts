/** Header fields of a SIP message or a MIME part (RFC 3261 §7.3): any case, compact forms, folded lines, repeats. Never throws. */

const MOST_FIELDS = 256;
/** Characters of one field's value; more than any field read here needs. */
const LONGEST_VALUE = 8192;

/** RFC 3261 §7.3.3 and the registry of SIP header fields. */
const COMPACT_FORMS: ReadonlyMap<string, string> = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
]);

export class SipHeaders {
  readonly #values = new Map<string, string[]>();

  /** @param text the lines after the start line, up to the blank line; CRLF or bare LF. */
  constructor(text: string) {
    let fields = 0;
    let current: string[] | undefined;
    for (const line of text.split('\n')) {
      const folded = line.startsWith(' ') || line.startsWith('\t');
      if (folded) {
        if (current !== undefined) {
          current[current.length - 1] = plain(`${current.at(-1)} ${line.trim()}`);
        }
        continue;
      }
      current = undefined;
      const colon = line.indexOf(':');
      if (colon <= 0) continue; // A blank line, or a line that is no field: the others still count.
      if (++fields > MOST_FIELDS) return;
      const written = line.slice(0, colon).trim().toLowerCase();
      const name = COMPACT_FORMS.get(written) ?? written;
      current = this.#values.get(name);
      if (current === undefined) {
        current = [];
        this.#values.set(name, current);
      }
      current.push(plain(line.slice(colon + 1)));
    }
  }

  /** The first field of this name (lower case, long form), trimmed, without control characters. */
  first(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** Every field of this name in order of appearance. */
  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

// Values end up in documents and on terminals, where a control character could draw.
const plain = (value: string): string =>
  value
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, LONGEST_VALUE);
