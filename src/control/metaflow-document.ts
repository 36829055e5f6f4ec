/**
 * Kazoo's `metaflows` document (kazoo-contract §1.4) from outside, checked as a whole: every fault at once, by dotted path.
 * Pure: reads no file, starts nothing.
 *
 * A JavaScript object keeps keys that are plain integers before all others: a pattern `72` comes before `^7` wherever it is
 * written. Write `^72$` where the order matters.
 */
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import { parseJsonText } from '../core/json-text.ts';
import { STRICT, Validator } from '../core/validation.ts';
import type { ListenOn } from './listen-on.ts';
import {
  echoNode,
  isObject,
  type JsonObject,
  jsonOf,
  type MetaflowNode,
  type NodeOptions,
  readNodes,
} from './metaflow-node.ts';
import { MetaflowPattern } from './metaflow-pattern.ts';

/** The most digits that one code can have; a longer number could never be typed and is refused. */
export const LONGEST_CODE = 32;

const DEFAULT_BINDING_DIGIT = '*';
const DEFAULT_DIGIT_TIMEOUT_MS = 800;
/** Longer waits are cut to this: a timer counts in 31 bits of milliseconds. */
const LONGEST_DIGIT_TIMEOUT_MS = 3_600_000;
const LONGEST_TEXT = 1 << 20;
const LONGEST_PATTERN = 256;
const MOST_PATTERNS = 100;
/** Instructions of all patterns together: what one key press may cost the thread that takes in media, about a millisecond. */
const LARGEST_PATTERNS = 10_000;
const DEEPEST = 64;
const MOST_VALUES = 20_000;

export type MetaflowsDocument = {
  readonly bindingDigit: string;
  /** Between two digits; Kazoo's 800 ms where none is written. 0 leaves no time for any. */
  readonly digitTimeoutMs: number;
  readonly listenOn: ListenOn | undefined;
  readonly numbers: ReadonlyMap<string, MetaflowNode>;
  /** In the document's order: the first that matches wins. */
  readonly patterns: readonly PatternNode[];
  /** As it was given, unknown keys and all, without its envelope; coerced when that was asked for. */
  readonly json: JsonObject;
};

export type PatternNode = { readonly pattern: MetaflowPattern; readonly node: MetaflowNode };

type Head = {
  binding_digit?: string;
  digit_timeout?: number;
  listen_on?: ListenOn;
  numbers?: JsonObject;
  patterns?: JsonObject;
};

const SCHEMA = new Validator<Head>({
  type: 'object',
  properties: {
    binding_digit: { type: 'string', enum: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '*', '#'] },
    digit_timeout: { type: 'integer', minimum: 0 },
    listen_on: { type: 'string', enum: ['both', 'self', 'peer'] },
    numbers: { type: 'object' },
    patterns: { type: 'object' },
  },
});

const KNOWN_KEYS = ['binding_digit', 'digit_timeout', 'listen_on', 'numbers', 'patterns'];

/**
 * @param value the bare document, or one in Kazoo's envelope `{"data":{…}}`; paths in errors begin inside the envelope.
 * @throws AppError `METAFLOWS_INVALID`, one line with every fault by its path; `details` is the `FieldErrors`.
 */
export const parseMetaflows = (value: unknown, options: NodeOptions = {}): MetaflowsDocument =>
  parse(value, options, 'metaflows');

/**
 * The same for the text of a file.
 * @param where the file's name, for the message.
 * @throws AppError `METAFLOWS_INVALID` also for text that is too large or no JSON, then with its line and column.
 */
export const parseMetaflowsJson = (text: string, where: string): MetaflowsDocument => {
  if (text.length > LONGEST_TEXT) throw new AppError('METAFLOWS_INVALID', `${where}: larger than 1 MiB`);
  const json = parseJsonText(text);
  if (json.ok) return parse(json.value, {}, where);
  const { line, column } = json;
  throw new AppError('METAFLOWS_INVALID', `${where}: not JSON at line ${line}, column ${column}`, {
    details: { line, column },
  });
};

/** The document as Kazoo answers it: with its schema's defaults written out (design §6.7), and nothing else added. */
export const echoMetaflows = ({ json, numbers, patterns }: MetaflowsDocument): JsonObject => ({
  binding_digit: DEFAULT_BINDING_DIGIT,
  ...json,
  ...(json.numbers === undefined ? {} : { numbers: jsonOf(numbers, echoNode) }),
  ...(json.patterns === undefined ? {} : { patterns: jsonOf(bySource(patterns), echoNode) }),
});

const parse = (value: unknown, options: NodeOptions, where: string): MetaflowsDocument => {
  const errors = new FieldErrorList();
  const document = read(unwrapped(value), errors, options);
  if (document !== undefined) return document;
  const details = errors.toJSON();
  throw new AppError('METAFLOWS_INVALID', `${where}: ${renderFieldErrors(details)}`, { details });
};

const unwrapped = (value: unknown): unknown =>
  isObject(value) && isObject(value.data) && !KNOWN_KEYS.some((key) => Object.hasOwn(value, key)) ? value.data : value;

/** @returns `undefined` when there are faults, all of them in `errors`. */
const read = (value: unknown, errors: FieldErrorList, options: NodeOptions): MetaflowsDocument | undefined => {
  if (!isBounded(value)) {
    errors.add([], 'error', { message: `deeper than ${DEEPEST} levels or more than ${MOST_VALUES} values` });
    return undefined;
  }
  const head = SCHEMA.check(value, errors, [], options);
  // Goes on below a faulty head, so that all faults are found.
  const rest = head ?? (isObject(value) ? value : {});
  const numbers = readNodes(rest.numbers, errors, ['numbers'], options);
  const patternNodes = readNodes(rest.patterns, errors, ['patterns'], options);
  if (isObject(rest.numbers)) checkCodes(Object.keys(rest.numbers), errors);
  const compiled = isObject(rest.patterns) ? compilePatterns(Object.keys(rest.patterns), errors) : [];
  if (head === undefined || !errors.empty) return undefined;
  const patterns = compiled.map((pattern) => ({ pattern, node: patternNodes.get(pattern.source)! }));
  return {
    bindingDigit: head.binding_digit ?? DEFAULT_BINDING_DIGIT,
    digitTimeoutMs: Math.min(head.digit_timeout ?? DEFAULT_DIGIT_TIMEOUT_MS, LONGEST_DIGIT_TIMEOUT_MS),
    listenOn: head.listen_on,
    numbers,
    patterns,
    json: {
      ...head,
      ...(head.numbers === undefined ? {} : { numbers: jsonOf(numbers) }),
      ...(head.patterns === undefined ? {} : { patterns: jsonOf(patternNodes) }),
    },
  };
};

const checkCodes = (codes: readonly string[], errors: FieldErrorList): void => {
  for (const code of codes) {
    if (!/^[0-9]+$/.test(code)) {
      errors.add(['numbers', code], 'additionalProperties', { message: STRICT });
    } else if (code.length > LONGEST_CODE) {
      errors.add(['numbers', code], 'maxLength', {
        message: `String must not be more than ${LONGEST_CODE} characters`,
        target: LONGEST_CODE,
      });
    }
  }
};

const compilePatterns = (sources: readonly string[], errors: FieldErrorList): MetaflowPattern[] => {
  if (sources.length > MOST_PATTERNS) {
    errors.add(['patterns'], 'error', { message: `more than ${MOST_PATTERNS} patterns` });
  }
  const patterns: MetaflowPattern[] = [];
  for (const source of sources.slice(0, MOST_PATTERNS)) {
    const pattern =
      source.length > LONGEST_PATTERN ? `longer than ${LONGEST_PATTERN} characters` : MetaflowPattern.compile(source);
    if (typeof pattern !== 'string') patterns.push(pattern);
    else errors.add(['patterns', source], 'error', { message: `not a pattern that RE2 can match: ${pattern}` });
  }
  if (patterns.reduce((sum, { size }) => sum + size, 0) > LARGEST_PATTERNS) {
    errors.add(['patterns'], 'error', { message: 'patterns too large: fewer or smaller repeats' });
  }
  return patterns;
};

const bySource = (patterns: readonly PatternNode[]): Map<string, MetaflowNode> =>
  new Map(patterns.map(({ pattern, node }) => [pattern.source, node]));

/** Whether every walk over `value` ends soon; walks itself without recursion. */
const isBounded = (value: unknown): boolean => {
  let count = 0;
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let item = left.pop(); item !== undefined; item = left.pop()) {
    if (++count > MOST_VALUES || item.depth > DEEPEST) return false;
    if (typeof item.value !== 'object' || item.value === null) continue;
    for (const child of Object.values(item.value)) left.push({ value: child, depth: item.depth + 1 });
  }
  return true;
};
