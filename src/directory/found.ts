/** The answer for ids that name nothing. */
import { AppError } from '../core/errors.ts';
import { printable } from '../core/field-errors.ts';

export const notFound = (id: string): AppError =>
  new AppError('NOT_FOUND', 'bad identifier', { details: [printable(id)] });

/** @throws NOT_FOUND when there is no row */
export const found = <T>(row: T | undefined, id: string): T => {
  if (row === undefined) throw notFound(id);
  return row;
};
