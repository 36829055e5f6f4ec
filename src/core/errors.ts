/** The one error class of the product and its catalogue. `errors.md` beside this file documents every code; a test keeps both equal. */

/** Whose doing it was: the caller's input, the target's answer, this machine (disk, missing program), or a defect of ours. */
export type Fault = 'caller' | 'target' | 'machine' | 'service';

type CatalogueEntry = {
  /** HTTP status of the answer when the error reaches the API. */
  readonly status: number;
  readonly fault: Fault;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  /** Exit status of the command line (design §6.1). */
  readonly exit: 1 | 2 | 3;
};

const entry = (status: number, fault: Fault, retryable: boolean, exit: 1 | 2 | 3): CatalogueEntry => ({
  status,
  fault,
  retryable,
  exit,
});

export const CATALOGUE = {
  USAGE: entry(400, 'caller', false, 2),
  CONFIG_INVALID: entry(400, 'caller', false, 2),
  INPUT_MISSING: entry(404, 'caller', false, 2),
  CAPTURE_UNREADABLE: entry(400, 'caller', false, 2),
  CAPTURE_EMPTY: entry(400, 'caller', false, 2),
  NOTHING_TO_RECORD: entry(422, 'caller', false, 3),
  FIELDS_INVALID: entry(400, 'caller', false, 2),
  METAFLOWS_INVALID: entry(400, 'caller', false, 2),
  RATE_UNSUPPORTED: entry(400, 'caller', false, 2),
  CODEC_UNSUPPORTED: entry(422, 'machine', false, 1),
  FFMPEG_MISSING: entry(500, 'machine', false, 1),
  LAME_MISSING: entry(500, 'machine', false, 1),
  FFMPEG_FAILED: entry(500, 'machine', true, 1),
  JOURNAL_UNREADABLE: entry(500, 'machine', false, 1),
  JOURNAL_UNWRITABLE: entry(503, 'machine', true, 1),
  MASK_NOT_DURABLE: entry(503, 'machine', true, 1),
  OUTPUT_UNWRITABLE: entry(500, 'machine', true, 1),
  ENCODE_FAILED: entry(500, 'service', true, 1),
  ARTEFACT_UNREADABLE: entry(400, 'caller', false, 2),
  ARTEFACT_MISMATCH: entry(409, 'caller', false, 1),
  TARGET_FORBIDDEN: entry(400, 'caller', false, 2),
  TARGET_UNREACHABLE: entry(502, 'target', true, 1),
  TARGET_UNTRUSTED: entry(502, 'target', true, 1),
  TARGET_REJECTED: entry(502, 'target', false, 1),
  TARGET_BUSY: entry(502, 'target', true, 1),
  TARGET_INCOMPLETE: entry(502, 'target', true, 1),
  TARGET_REDIRECTS: entry(502, 'target', false, 1),
  PORT_TAKEN: entry(500, 'machine', true, 1),
  NOT_FOUND: entry(404, 'caller', false, 1),
  UNAUTHENTICATED: entry(401, 'caller', false, 1),
  FORBIDDEN: entry(403, 'caller', false, 1),
  RATE_LIMITED: entry(429, 'caller', true, 1),
  AUDIO_MISSING: entry(404, 'caller', true, 1),
  CONFLICT: entry(409, 'caller', false, 1),
  CALL_EXISTS: entry(409, 'caller', false, 1),
  CALLS_FULL: entry(503, 'machine', true, 1),
  PORTS_USED_UP: entry(503, 'machine', true, 1),
  SDP_INVALID: entry(400, 'caller', false, 2),
  RANGE_TOO_LARGE: entry(416, 'caller', false, 2),
  METHOD_NOT_ALLOWED: entry(405, 'caller', false, 1),
  BODY_TOO_LARGE: entry(413, 'caller', false, 1),
  STREAM_INVALID: entry(400, 'caller', false, 2),
  STORE_FAILED: entry(503, 'machine', true, 1),
  STORE_MISSING: entry(500, 'machine', false, 1),
  DISK_LOW: entry(503, 'machine', true, 1),
  KEY_MISSING: entry(500, 'machine', false, 1),
  KEY_UNUSABLE: entry(500, 'machine', false, 2),
  SEAL_BROKEN: entry(500, 'machine', false, 1),
  ENVELOPE_INVALID: entry(400, 'caller', false, 2),
  INTERRUPTED: entry(503, 'machine', true, 1),
  INTERNAL: entry(500, 'service', false, 1),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  /** Machine-readable particulars, such as every validation error by its path. Never holds audio, digits or secrets. */
  readonly details: unknown;

  /** @param message what, where, and what to do: one line, no personal data. */
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
  }

  get status(): number {
    return CATALOGUE[this.code].status;
  }

  get fault(): Fault {
    return CATALOGUE[this.code].fault;
  }

  get retryable(): boolean {
    return CATALOGUE[this.code].retryable;
  }

  get exit(): 1 | 2 | 3 {
    return CATALOGUE[this.code].exit;
  }
}

/** The operating system's error code (`ENOENT`), when `error` carries one. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** Any thrown value as an AppError: its own when it is one, `INTERNAL` around it otherwise. */
export const asAppError = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError('INTERNAL', error instanceof Error ? error.message : String(error), { cause: error });
