/**
 * Takes `record_call` fields from outside: the schema of `record-call.ts`, unknown fields refused, and what a schema can't say
 * (rates by format, names, URLs), every fault at once. Pure: whether a URL's address may be dialled is judged by whoever knows that.
 */
import { AppError, asAppError } from './errors.ts';
import {
  type FieldError,
  FieldErrorList,
  type FieldErrors,
  type FieldPath,
  renderFieldErrors,
} from './field-errors.ts';
import { type Format, MP3_RATES, RecordCallFields } from './record-call.ts';
import { type CheckOptions, Validator } from './validation.ts';

const validator = new Validator<RecordCallFields>(RecordCallFields);

const RATE = 'record_sample_rate';
const INVALID_URL = 'invalid client URL';

export type RecordCallChecks = Pick<CheckOptions, 'coerce'> & {
  /** Throws for a target that is forbidden on sight; is asked about http and https URLs alone. */
  readonly judgeUrl?: (url: string) => void;
};

/**
 * The fields in `value`, or every fault at once.
 * @throws AppError `RATE_UNSUPPORTED` when the rate is all that is wrong (the message names the format's rates), else `FIELDS_INVALID`;
 *   `details` is the `FieldErrors`.
 */
export const parseRecordCallFields = (value: unknown, options: RecordCallChecks = {}): RecordCallFields => {
  const errors = new FieldErrorList();
  const fields = checkRecordCallFields(value, errors, [], options);
  if (fields !== undefined) return fields;
  const details = errors.toJSON();
  throw onlyTheRateIsOff(details)
    ? new AppError('RATE_UNSUPPORTED', `${RATE}: ${rateMessage(formatOf(value) ?? 'mp3')}`, { details })
    : new AppError('FIELDS_INVALID', `record_call: ${renderFieldErrors(details)}`, { details });
};

/** The same for fields inside a larger document. @returns `undefined` when faults were added to `errors`. */
export const checkRecordCallFields = (
  value: unknown,
  errors: FieldErrorList,
  at: FieldPath = [],
  options: RecordCallChecks = {},
): RecordCallFields | undefined => {
  const fields = validator.check(value, errors, at, options);
  const found = isObject(value) ? faultsBeyondSchema(fields ?? value, options) : [];
  for (const [field, fault] of found) {
    // What the schema refuses has been told what it should be.
    if (!errors.has([...at, field])) errors.add([...at, field], 'error', fault);
  }
  return found.length === 0 ? fields : undefined;
};

type Fault = readonly [field: keyof RecordCallFields, fault: FieldError];

/** Judges each field by itself, whatever the others are: one that the schema refuses must not hide these. */
const faultsBeyondSchema = (
  given: Readonly<Record<string, unknown>>,
  { coerce = false, judgeUrl }: RecordCallChecks,
): readonly Fault[] => {
  const faults: Fault[] = [];
  const refuse = (field: keyof RecordCallFields, message: string): void => void faults.push([field, { message }]);
  const { media_name: name, url } = given;
  const rate = coerce ? asNumber(given.record_sample_rate) : given.record_sample_rate;
  const format = formatOf(given);
  if (typeof rate === 'number' && format === 'mp3' && !MP3_RATES.includes(rate)) refuse(RATE, rateMessage(format));
  if (typeof name === 'string') {
    // Covers `.` and `..` too; a hidden file is nobody's wish and easily overlooked.
    if (name.startsWith('.')) refuse('media_name', 'must not begin with a dot');
    // Whoever opens the file goes by its name. One without an extension is taken as it is: Kazoo adds none either.
    if (starts(given) && format !== undefined && name.toLowerCase().endsWith(`.${OTHER[format]}`)) {
      refuse('media_name', `media_name ends in .${OTHER[format]}, but format is ${format}: let both say the same`);
    }
  }
  if (typeof url === 'string') {
    if (!isClientUrl(url)) refuse('url', INVALID_URL);
    else {
      const cause = objectionTo(url, judgeUrl);
      if (cause !== undefined) faults.push(['url', { message: INVALID_URL, cause }]);
    }
  }
  return faults;
};

const objectionTo = (url: string, judgeUrl: RecordCallChecks['judgeUrl']): string | undefined => {
  try {
    judgeUrl?.(url);
    return undefined;
  } catch (error) {
    return asAppError(error).message;
  }
};

const OTHER = { mp3: 'wav', wav: 'mp3' } as const satisfies Record<Format, Format>;

/** mp3 unless said; `undefined` for what is no format, by which nothing else can be judged. */
const formatOf = (fields: unknown): Format | undefined => {
  const format = isObject(fields) ? (fields.format ?? 'mp3') : 'mp3';
  return format === 'mp3' || format === 'wav' ? format : undefined;
};

/** The other actions name a recording that is there, whatever its format. */
const starts = ({ action = 'start' }: Readonly<Record<string, unknown>>): boolean =>
  action === 'start' || action === 'toggle';

const asNumber = (value: unknown): unknown =>
  typeof value === 'string' && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : value;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const rateMessage = (format: Format): string => {
  switch (format) {
    case 'mp3':
      return `an mp3 can have ${MP3_RATES.join(', ')} Hz`;
    case 'wav':
      return `a wav can have any whole number of Hz from 8000 to 48000`;
    default:
      return format satisfies never;
  }
};

const RATE_CODES = new Set(['minimum', 'maximum', 'error']);

const onlyTheRateIsOff = (errors: FieldErrors): boolean =>
  Object.entries(errors).every(
    ([path, codes]) => path === RATE && Object.keys(codes).every((code) => RATE_CODES.has(code)),
  );

/** http or https with a host. The parser of WHATWG URL would drop spaces and line ends silently: they are refused. */
const isClientUrl = (url: string): boolean => {
  if (/[\s\p{Cc}]/u.test(url) || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
};
