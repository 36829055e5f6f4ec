/** Ids in paths: refused by their shape before anything is looked up, so that none can climb, and described for the API's document. */
import { AppError } from '../core/errors.ts';
import type { Schema } from './envelope-schema.ts';

/** A recording's: `YYYYMM-<32 lower-hex>`. */
export const RECORDING_ID = '^[0-9]{6}-[0-9a-f]{32}$';
/** A user's or device's. */
export const PERSON_ID = '^[A-Za-z0-9_-]{1,64}$';
/** A channel's or a job's: made here, and so never anything else. */
export const OWN_ID = '^[A-Za-z0-9_.@:+-]{1,200}$';

/** @throws NOT_FOUND: what can't be an id is the id of nothing */
export const idIn = (value: string, pattern: string): string => {
  if (new RegExp(pattern, 'u').test(value)) return value;
  throw new AppError('NOT_FOUND', 'not an id');
};

/** @param ids beside the account's: name to pattern. */
export const pathSchema = (ids: Readonly<Record<string, string>> = {}): Schema => ({
  type: 'object',
  required: ['accountId', ...Object.keys(ids)],
  properties: {
    accountId: { type: 'string' },
    ...Object.fromEntries(Object.entries(ids).map(([name, pattern]) => [name, { type: 'string', pattern }])),
  },
});
