/**
 * Faults of a document as Kazoo's API words them: `{dotted.path: {code: {message, target?, value?, cause?}}}` (kazoo-contract §8.3).
 * Pure; never quotes more than a short piece of what it was given.
 */

export type FieldError = {
  readonly message: string;
  /** What the schema asked for: the enumerated list, the limit, the type. */
  readonly target?: unknown;
  /** What was found, when it is short and can't hold a secret. */
  readonly value?: unknown;
  readonly cause?: unknown;
};

/** By dotted path, then by code (`required`, `enum`, `type`, …). Dots inside a key are written `%2E`. The root's path is `data`. */
export type FieldErrors = Readonly<Record<string, Readonly<Record<string, FieldError>>>>;

/** Keys from the root down, as they are. */
export type FieldPath = readonly string[];

const ROOT = 'data';
/** A hostile document may have a fault per byte; nobody reads more than these. */
const MOST_PATHS = 1000;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 64;
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length)}…` : text);

/** Text from outside made fit for one line of an error: control characters gone, length bounded. */
export const printable = (text: string, length: number = LONGEST_VALUE): string =>
  cut(text, length).replaceAll(UNPRINTABLE, '?');

const dotted = (path: FieldPath): string =>
  path.length === 0 ? ROOT : path.map((key) => printable(key, LONGEST_KEY).replaceAll('.', '%2E')).join('.');

/** Gathers the faults of one document, whoever finds them. */
export class FieldErrorList {
  readonly #byPath = new Map<string, Map<string, FieldError>>();

  add(path: FieldPath, code: string, error: FieldError): void {
    const key = dotted(path);
    const codes = this.#byPath.get(key);
    if (codes !== undefined) codes.set(code, error);
    else if (this.#byPath.size < MOST_PATHS) this.#byPath.set(key, new Map([[code, error]]));
  }

  has(path: FieldPath): boolean {
    return this.#byPath.has(dotted(path));
  }

  get empty(): boolean {
    return this.#byPath.size === 0;
  }

  toJSON(): FieldErrors {
    // fromEntries, not assignment: a key may be `__proto__`.
    return Object.fromEntries([...this.#byPath].map(([path, codes]) => [path, Object.fromEntries(codes)]));
  }
}

/** The value for an error's `value`: strings short, never one with `://` in it (it may hold a password), never a whole object. */
export const quoted = (value: unknown): unknown => {
  if (typeof value === 'string') return value.includes('://') ? undefined : printable(value);
  return typeof value === 'object' && value !== null ? undefined : value;
};

/** Every fault on one line, for the command line: `numbers.72.data.action: Value not found in enumerated list of values: mask, …`. */
export const renderFieldErrors = (errors: FieldErrors, most = 20): string => {
  const lines = Object.entries(errors).flatMap(([path, codes]) =>
    Object.entries(codes).map(([code, { message, target }]) =>
      code === 'enum' && Array.isArray(target) ? `${path}: ${message}: ${target.join(', ')}` : `${path}: ${message}`,
    ),
  );
  const shown = lines.slice(0, most).join('; ');
  return lines.length > most ? `${shown}; and ${lines.length - most} more` : shown;
};
