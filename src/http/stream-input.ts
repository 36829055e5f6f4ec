/** `PUT …/streams/{kind}` from outside (design §6.7): strict, every fault at once by its dotted path. Pure. */
import Type from 'typebox';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import type { Leg } from '../core/leg.ts';
import { Validator } from '../core/validation.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { AnnouncementSchema, announcementOf, CALL_ID } from './announcement.ts';
import type { StreamTicketRequest } from './stream-service.ts';

const UUID = '^[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}$';

const OWN = {
  uuid: Type.Optional(
    Type.String({ pattern: UUID, description: 'What the stream will name itself by. Made up when there is none.' }),
  ),
  leg: Type.Optional(Type.Unsafe<Leg>({ type: 'string', enum: ['a', 'b'], description: 'By track unless said.' })),
};

const { media: _, call_id: __, ...ofCall } = AnnouncementSchema.properties;

export const StreamTicketSchema = Type.Object(
  {
    ...OWN,
    call_id: Type.String({ pattern: CALL_ID, description: 'One that runs, or one that this announces.' }),
    ...ofCall,
  },
  { additionalProperties: false },
);

const OWN_FIELDS = new Validator<{ uuid?: string; leg?: Leg; call_id: string }>({
  type: 'object',
  required: ['call_id'],
  properties: { ...OWN, call_id: { type: 'string' } },
});

/** @throws FIELDS_INVALID; `details` is the `FieldErrors` */
export const streamTicketOf = (data: unknown, allow: AllowList): StreamTicketRequest => {
  const errors = new FieldErrorList();
  const own = OWN_FIELDS.check(data, errors);
  if (own === undefined || !errors.empty) {
    const details = errors.toJSON();
    throw new AppError('FIELDS_INVALID', `stream: ${renderFieldErrors(details)}`, { details });
  }
  const { uuid, leg, ...call } = data as Record<string, unknown> & typeof own;
  const { media: _media, ...announced } = announcementOf({ ...call, media: { kind: 'stream' } }, allow);
  return {
    ...(uuid === undefined ? {} : { uuid: dashed(uuid) }),
    ...(leg === undefined ? {} : { leg }),
    call: { ...announced, call_id: own.call_id },
  };
};

const dashed = (uuid: string): string => {
  const hex = uuid.replaceAll('-', '').toLowerCase();
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};
