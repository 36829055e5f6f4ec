/** A failure as the one line of standard error: the catalogue's code, then what, where and what to do. Pure. */
import type { AppError } from '../core/errors.ts';

/** Line ends and what else a name from a capture could do to a terminal. */
const UNFIT = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+\s*/gu;

export const errorLine = ({ code, message }: Pick<AppError, 'code' | 'message'>): string =>
  `record-call: ${code}: ${message.replace(UNFIT, ' ')}\n`;
