/** What `POST …/calls/{C}` asks for (design §6.3): strict, every fault at once by its dotted path. Pure. */
import Type from 'typebox';
import { isObject } from '../control/metaflow-node.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import { Validator } from '../core/validation.ts';
import { checkOneWordPerLeg, legsNamedIn, MediaSchema } from './announced-media.ts';
import { envelopeSchema } from './envelope-schema.ts';
import { namedAction } from './named-action.ts';
import type { CallAnnouncement } from './service.ts';

const ACTIONS = ['answer', 'bridge', 'hangup', 'media'] as const;

export type CallAction =
  | { readonly action: 'answer' }
  | { readonly action: 'bridge' }
  | { readonly action: 'hangup' }
  | { readonly action: 'media'; readonly media: CallAnnouncement['media'] };

const Again = Type.Object(
  { action: Type.Unsafe<'media'>({ type: 'string', enum: ['media'] }), media: MediaSchema },
  { additionalProperties: false },
);

const AGAIN = new Validator<{ media: CallAnnouncement['media'] }>(Again);

/** @throws FIELDS_INVALID: without details for an action that isn't known; else `details` is the `FieldErrors` */
export const callActionOf = (data: unknown): CallAction => {
  const isMedia = isObject(data) && data.action === 'media';
  const action = namedAction(isMedia ? { action: 'media' } : data, ACTIONS);
  return action === 'media' ? { action, media: mediaIn(data) } : { action };
};

/** Legs that are not named are left alone, so one that names none was meant otherwise. */
const mediaIn = (data: unknown): CallAnnouncement['media'] => {
  const errors = new FieldErrorList();
  const again = AGAIN.check(data, errors);
  checkOneWordPerLeg(data, errors);
  if (again !== undefined && legsNamedIn(again.media).length === 0)
    errors.add(['media'], 'error', { message: 'names no leg: say codecs or sdp of a or b' });
  if (again !== undefined && errors.empty) return again.media;
  const details = errors.toJSON();
  throw new AppError('FIELDS_INVALID', `call: ${renderFieldErrors(details)}`, { details });
};

export const CallActionSchema = envelopeSchema(
  {
    type: 'object',
    required: ['action'],
    properties: {
      action: { type: 'string', enum: ACTIONS },
      media: {
        ...MediaSchema,
        description:
          'With `media` only. The legs named in `codecs` or `sdp` keep their addresses, take these payload types (`{}`: the static ones) and may be sent to from another address than before; an offer is answered in `legs`. The other leg is left alone.',
      },
    },
    additionalProperties: false,
  },
  {},
  { data: { action: 'media', media: { kind: 'rtp', codecs: { b: { 96: 'opus/48000/2' } } } } },
);
