/** An error on its way to another thread, whole: a structured clone would keep neither its class, its code nor its particulars. Pure. */
import { AppError, asAppError, CATALOGUE, type ErrorCode, systemCode } from '../../core/errors.ts';

export type CarriedError = {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: unknown;
  /** What it came from: its text, and the operating system's code where it has one. */
  readonly cause?: { readonly message: string; readonly systemCode?: string };
};

/** Any thrown value, ready to be cloned as far as its details are. */
export const carried = (error: unknown): CarriedError => {
  const { code, message, details, cause } = asAppError(error);
  return {
    code,
    message,
    ...(details === undefined ? {} : { details }),
    ...(cause instanceof Error ? { cause: carriedCause(cause) } : {}),
  };
};

/** The same error on the other side; an `INTERNAL` one for what is no error of the catalogue. */
export const restored = ({ code, message, details, cause }: CarriedError): AppError =>
  new AppError(Object.hasOwn(CATALOGUE, code) ? code : 'INTERNAL', message, {
    ...(details === undefined ? {} : { details }),
    ...(cause === undefined ? {} : { cause: restoredCause(cause) }),
  });

const carriedCause = (cause: Error): NonNullable<CarriedError['cause']> => {
  const code = systemCode(cause);
  return { message: cause.message, ...(code === undefined ? {} : { systemCode: code }) };
};

const restoredCause = ({ message, systemCode: code }: NonNullable<CarriedError['cause']>): Error =>
  code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
