/**
 * Takes `record_call` fields from outside: the schema of `record-call.ts`, unknown fields refused, and what a schema can't say
 * (rates by format, names, URLs). Pure: whether a URL's address may be dialled is judged where it is dialled.
 */
import { AppError } from './errors.ts';
import { FieldErrorList, type FieldErrors, type FieldPath, renderFieldErrors } from './field-errors.ts';
import { type Format, MP3_RATES, RecordCallFields } from './record-call.ts';
import { type CheckOptions, Validator } from './validation.ts';

const validator = new Validator<RecordCallFields>(RecordCallFields);

const RATE = 'record_sample_rate';

/**
 * The fields in `value`, or every fault at once.
 * @throws AppError `RATE_UNSUPPORTED` when the rate is all that is wrong (the message names the format's rates), else `FIELDS_INVALID`;
 *   `details` is the `FieldErrors`.
 */
export const parseRecordCallFields = (value: unknown, options: Pick<CheckOptions, 'coerce'> = {}): RecordCallFields => {
  const errors = new FieldErrorList();
  const fields = checkRecordCallFields(value, errors, [], options);
  if (fields !== undefined) return fields;
  const details = errors.toJSON();
  throw onlyTheRateIsOff(details)
    ? new AppError('RATE_UNSUPPORTED', `${RATE}: ${rateMessage(formatOf(value))}`, { details })
    : new AppError('FIELDS_INVALID', `record_call: ${renderFieldErrors(details)}`, { details });
};

/** The same for fields inside a larger document. @returns `undefined` when faults were added to `errors`. */
export const checkRecordCallFields = (
  value: unknown,
  errors: FieldErrorList,
  at: FieldPath = [],
  options: Pick<CheckOptions, 'coerce'> = {},
): RecordCallFields | undefined => {
  const fields = validator.check(value, errors, at, options);
  if (fields === undefined) return undefined;
  let good = true;
  const refuse = (field: keyof RecordCallFields, message: string): void => {
    good = false;
    errors.add([...at, field], 'error', { message });
  };
  const { media_name: name, record_sample_rate: rate, url } = fields;
  const format = formatOf(fields);
  if (rate !== undefined && format === 'mp3' && !MP3_RATES.includes(rate)) refuse(RATE, rateMessage(format));
  // Covers `.` and `..` too; a hidden file is nobody's wish and easily overlooked.
  if (name?.startsWith('.')) refuse('media_name', 'must not begin with a dot');
  const other = format === 'mp3' ? 'wav' : 'mp3';
  // Whoever opens the file goes by its name. One without an extension is taken as it is: Kazoo adds none either.
  if (starts(fields) && name?.toLowerCase().endsWith(`.${other}`)) {
    refuse('media_name', `media_name ends in .${other}, but format is ${format}: let both say the same`);
  }
  if (url !== undefined && !isClientUrl(url)) refuse('url', 'invalid client URL');
  return good ? fields : undefined;
};

const formatOf = (fields: unknown): Format =>
  typeof fields === 'object' && fields !== null && 'format' in fields && fields.format === 'wav' ? 'wav' : 'mp3';

/** The other actions name a recording that is there, whatever its format. */
const starts = ({ action = 'start' }: RecordCallFields): boolean => action === 'start' || action === 'toggle';

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
