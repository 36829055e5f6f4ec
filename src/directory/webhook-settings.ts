/** `webhook_url` and `webhook_secret` of an account's document: where its events go besides, and what they are signed with. Pure. */
import { AppError } from '../core/errors.ts';
import type { FieldErrorList } from '../core/field-errors.ts';
import type { JsonObject } from '../store/rows.ts';
import type { UrlJudge } from './call-recording.ts';

export type WebhookSettings = {
  readonly url: string | null;
  /** As it was given; undefined: it was not. */
  readonly secret: string | undefined;
};

export const WEBHOOK_FIELDS = ['webhook_url', 'webhook_secret'] as const;

const LONGEST_URL = 2048;
/** Of what is typed, not drawn at random. */
const SECRET = /^[\x21-\x7e]{16,256}$/;

/** Adds faults to `errors`, none of which repeats the secret. */
export const checkWebhook = (given: JsonObject, errors: FieldErrorList, judgeUrl: UrlJudge): WebhookSettings => {
  const { webhook_url: url, webhook_secret: secret } = given;
  const fault = (key: string, code: string, message: string): void => errors.add([key], code, { message });
  if (url !== undefined) {
    if (typeof url !== 'string' || url.length > LONGEST_URL)
      fault('webhook_url', 'type', `Value has to be a URL of at most ${LONGEST_URL} characters`);
    else {
      try {
        judgeUrl(url);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        fault('webhook_url', 'forbidden', error.message);
      }
    }
  }
  if (secret !== undefined && (typeof secret !== 'string' || !SECRET.test(secret)))
    fault('webhook_secret', 'pattern', 'Value has to be 16 to 256 printable characters without spaces');
  if (secret !== undefined && url === undefined)
    fault('webhook_url', 'required', 'Field is required with webhook_secret');
  return {
    url: typeof url === 'string' ? url : null,
    secret: typeof secret === 'string' ? secret : undefined,
  };
};
