/**
 * Takes an uploaded capture or audio file (multipart/form-data, RFC 7578) to disk, sealed on its way where it is to be: one file, and
 * beside it, before or after, a field `data` with `record_call` fields as JSON. All of it or nothing: whatever goes wrong, no file is left.
 */
import type { Multipart, MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { AppError, systemCode } from '../core/errors.ts';
import { FieldErrorList, printable, renderFieldErrors } from '../core/field-errors.ts';
import { parseJsonText } from '../core/json-text.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { OutputFile } from '../finalize/encode/output-file.ts';
import { startData } from './record-call-data.ts';
import type { UploadPlace } from './service.ts';
import { safeName } from './upload-target-name.ts';
import { UploadWatch } from './upload-watch.ts';

export type CaptureUpload = {
  /** Where it is now: the caller's to keep or drop. Mode 0600. */
  readonly place: UploadPlace;
  /** What its sender called it, made fit for a file name. */
  readonly name: string;
  readonly fields: RecordCallFields;
};

export type CaptureUploadOptions = {
  /** Asked for once there is a file. */
  readonly newPlace: () => Promise<UploadPlace>;
  readonly drop: (place: UploadPlace) => Promise<void>;
  readonly allow: AllowList;
  readonly clock: Clock;
  /** The largest file that is taken. */
  readonly limitBytes: number;
};

/** What a form may add to its file: boundaries, headers, the fields. */
const FORM_BYTES = 262_144;
const LARGEST_FIELD = 65_536;

/** @throws ENVELOPE_INVALID, FIELDS_INVALID, CAPTURE_EMPTY, BODY_TOO_LARGE, DISK_LOW, OUTPUT_UNWRITABLE */
export const receiveCapture = async (
  request: FastifyRequest,
  options: CaptureUploadOptions,
): Promise<CaptureUpload> => {
  const watch = new UploadWatch(request.raw, options.clock);
  const form = new Form(options);
  try {
    checkHead(request, options.limitBytes);
    // One more of each than is allowed, so that it is this code that says so.
    const limits = { fileSize: options.limitBytes, fieldSize: LARGEST_FIELD, files: 2, fields: 2, parts: 4 };
    for await (const part of request.parts({ limits })) await form.take(part);
    return form.done();
  } catch (error) {
    await form.discard();
    await watch.drain();
    throw uploadFailure(error);
  }
};

const checkHead = (request: FastifyRequest, limitBytes: number): void => {
  if (!request.isMultipart()) throw badForm('send multipart/form-data with one file, and a field data if you like');
  if (Number(request.headers['content-length']) > limitBytes + FORM_BYTES) throw tooLarge(limitBytes);
};

class Form {
  readonly #options: CaptureUploadOptions;
  #file: { readonly place: UploadPlace; readonly name: string; bytes: number } | undefined;
  #fields: RecordCallFields | undefined;

  constructor(options: CaptureUploadOptions) {
    this.#options = options;
  }

  async take(part: Multipart): Promise<void> {
    if (part.type === 'file') return this.#takeFile(part);
    if (part.fieldname !== 'data') throw badForm(`the form has a field ${printable(part.fieldname)}; this takes data`);
    if (this.#fields !== undefined) throw badForm('the form has data twice');
    if (part.valueTruncated) throw badForm(`data is larger than ${LARGEST_FIELD} bytes`);
    this.#fields = fieldsOf(part.value, this.#options.allow);
  }

  /** @throws ENVELOPE_INVALID when there was no file, CAPTURE_EMPTY */
  done(): CaptureUpload {
    if (this.#file === undefined) throw badForm('the form holds no file');
    const { place, name, bytes } = this.#file;
    if (bytes === 0) throw new AppError('CAPTURE_EMPTY', `${name} holds no bytes`);
    return { place, name, fields: this.#fields ?? {} };
  }

  async discard(): Promise<void> {
    if (this.#file !== undefined) await this.#options.drop(this.#file.place);
  }

  async #takeFile({ file: source, filename, mimetype }: MultipartFile): Promise<void> {
    if (this.#file !== undefined) throw badForm('the form has more than one file');
    const { newPlace, limitBytes } = this.#options;
    stopAtLimit(source, limitBytes);
    // Its failure is heard of when it is read, which begins a moment later.
    source.on('error', () => {});
    const place = await newPlace();
    this.#file = { place, name: safeName(filename ?? '', mimetype), bytes: 0 };
    const target = await OutputFile.create(place.path, { seal: place.seal });
    try {
      for await (const piece of source) await target.append(piece);
      await target.close();
      this.#file.bytes = target.bytes;
    } finally {
      await target.discard();
    }
  }
}

/** The parser would read on to the end of the file and forget it. */
const stopAtLimit = (source: MultipartFile['file'], limitBytes: number): void => {
  const stop = (): void => void source.destroy(tooLarge(limitBytes));
  if (source.truncated) stop();
  else source.once('limit', stop);
};

const fieldsOf = (value: unknown, allow: AllowList): RecordCallFields => {
  // A part of type application/json arrives parsed.
  const json = typeof value === 'string' ? parseJsonText(value) : ({ ok: true, value } as const);
  if (!json.ok) throw badForm(`data is no JSON (line ${json.line}, column ${json.column})`);
  const errors = new FieldErrorList();
  const fields = startData(json.value, allow, errors);
  if (fields !== undefined) return fields;
  const details = errors.toJSON();
  throw new AppError('FIELDS_INVALID', renderFieldErrors(details), { details });
};

const badForm = (message: string): AppError => new AppError('ENVELOPE_INVALID', message);

const tooLarge = (limitBytes: number): AppError =>
  new AppError('BODY_TOO_LARGE', `the file is larger than ${limitBytes} bytes`);

const uploadFailure = (error: unknown): AppError => {
  if (error instanceof AppError) {
    if (error.code !== 'OUTPUT_UNWRITABLE') return error;
    const code = systemCode(error.cause);
    return code === 'ENOSPC' || code === 'EDQUOT'
      ? new AppError('DISK_LOW', 'there is no room for the file', { cause: error })
      : new AppError('OUTPUT_UNWRITABLE', 'the file could not be written', { cause: error });
  }
  // The parser's own: malformed, cut off, or its sender went away.
  return new AppError('ENVELOPE_INVALID', 'the form can not be read to its end', { cause: error });
};
