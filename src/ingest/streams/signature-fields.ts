/**
 * `Signature-Input` and `Signature` (RFC 9421 §4) in the part of structured fields (RFC 8941) that they use: dictionaries of inner lists of
 * strings with parameters, and of byte sequences. Pure.
 */

export type SignatureInput = {
  readonly label: string;
  readonly components: readonly string[];
  readonly parameters: ReadonlyMap<string, string | number>;
  /** As it is signed: in the one form that RFC 8941 §4.1 gives it, however it was spaced. */
  readonly canonical: string;
};

const LONGEST = 8192;
const MOST_MEMBERS = 8;

const LABEL = /([a-z*][a-z0-9_\-.*]*)=/y;
const STRING = /"((?:[ !#-[\]-~]|\\["\\])*)"/y;
const INTEGER = /(-?\d{1,15})(?![\d.])/y;
const BYTES = /:([A-Za-z0-9+/]*={0,2}):/y;
const SPACES = / */y;
const COMMA = /[ \t]*,[ \t]*/y;

/** @returns undefined for a header that can't be read */
export const signatureInputs = (header: string): readonly SignatureInput[] | undefined =>
  members(header, (text) => {
    if (!text.takes('(')) return undefined;
    const components: string[] = [];
    for (text.match(SPACES); !text.takes(')'); text.match(SPACES)) {
      const component = text.match(STRING);
      if (component === undefined || components.length > 64) return undefined;
      components.push(component);
    }
    const parameters = new Map<string, string | number>();
    while (text.takes(';')) {
      text.match(SPACES);
      const name = text.match(LABEL);
      if (name === undefined || parameters.has(name)) return undefined;
      const string = text.match(STRING);
      const integer = string === undefined ? text.match(INTEGER) : undefined;
      if (string === undefined && integer === undefined) return undefined;
      parameters.set(name, string ?? Number(integer));
    }
    const list = components.map((each) => `"${each}"`).join(' ');
    const tail = [...parameters].map(([name, value]) => `;${name}=${typeof value === 'string' ? `"${value}"` : value}`);
    return { components, parameters, canonical: `(${list})${tail.join('')}` };
  })?.map(([label, input]) => ({ label, ...input }));

/** By their labels. @returns undefined for a header that can't be read */
export const signatureBytes = (header: string): ReadonlyMap<string, Buffer> | undefined => {
  const read = members(header, (text) => {
    const bytes = text.match(BYTES);
    return bytes === undefined ? undefined : Buffer.from(bytes, 'base64');
  });
  return read && new Map(read);
};

/** Strings keep their escapes: they are compared and signed as they came. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  /** What `pattern` captures here. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return undefined;
    this.#at = pattern.lastIndex;
    return found[1] ?? found[0];
  }
}

const members = <T>(header: string, read: (text: Cursor) => T | undefined): [string, T][] | undefined => {
  if (header.length > LONGEST) return undefined;
  const text = new Cursor(header.trim());
  const all = new Map<string, T>();
  do {
    const label = text.match(LABEL);
    const value = label === undefined ? undefined : read(text);
    if (label === undefined || value === undefined || all.has(label) || all.size === MOST_MEMBERS) return undefined;
    all.set(label, value);
  } while (text.match(COMMA) !== undefined);
  return text.isAtEnd ? [...all] : undefined;
};
