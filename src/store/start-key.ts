/** Where a page of a list begins, as one opaque word (Kazoo's `start_key`): the first row's time and id. Pure. */
import { AppError } from '../core/errors.ts';

/** The order of a list is by both. */
export type PagePlace = { readonly createdGregorian: number; readonly id: string };

const LONGEST_KEY = 512;

export const startKeyOf = ({ createdGregorian, id }: PagePlace): string =>
  Buffer.from(`${createdGregorian}:${id}`, 'utf8').toString('base64url');

/** @throws FIELDS_INVALID for what `startKeyOf` can't have made */
export const placeOf = (startKey: string): PagePlace => {
  const text = startKey.length > LONGEST_KEY ? '' : Buffer.from(startKey, 'base64url').toString('utf8');
  const [, time, id] = /^(\d{1,15}):(.+)$/s.exec(text) ?? [];
  const place = { createdGregorian: Number(time), id: id ?? '' };
  // Decoding passes over what it does not know; encoding again shows whether there was any.
  if (id !== undefined && startKeyOf(place) === startKey) return place;
  throw badStartKey();
};

export const badStartKey = (): AppError => {
  const message = 'Field is not in the correct format';
  return new AppError('FIELDS_INVALID', `start_key: ${message}`, {
    details: { start_key: { wrong_format: { message, target: 'start_key' } } },
  });
};
