/** `PUT …/calls` from outside (design §6.5): strict, every fault at once by its dotted path. Pure. */
import Type from 'typebox';
import { isObject } from '../control/metaflow-node.ts';
import { AppError } from '../core/errors.ts';
import { FieldErrorList, renderFieldErrors } from '../core/field-errors.ts';
import { RecordCallFields } from '../core/record-call.ts';
import { Validator } from '../core/validation.ts';
import type { AllowList } from '../deliver/allow-list.ts';
import { below, checkOneWordPerLeg, MediaSchema } from './announced-media.ts';
import { startData } from './record-call-data.ts';
import type { CallAnnouncement } from './service.ts';

/** What a media server may call its calls: fit for one segment of a path, and for a log. */
export const CALL_ID = '^[A-Za-z0-9_.@:+-]{1,128}$';
const PERSON_ID = '^[A-Za-z0-9_-]{1,64}$';
/** No control characters: these are printed, and go into URLs and documents. */
const PLAIN = '^\\P{Cc}*$';

const strict = { additionalProperties: false } as const;
const choice = (...values: string[]) => Type.Unsafe<string>({ type: 'string', enum: values });
const text = () => Type.String({ maxLength: 256, pattern: PLAIN });

const Party = () =>
  Type.Object(
    {
      user_id: Type.Optional(Type.String({ pattern: PERSON_ID })),
      device_id: Type.Optional(Type.String({ pattern: PERSON_ID })),
      name: Type.Optional(text()),
      number: Type.Optional(text()),
    },
    strict,
  );

export const AnnouncementSchema = Type.Object(
  {
    call_id: Type.Optional(Type.String({ pattern: CALL_ID, description: 'Made up when there is none.' })),
    direction: Type.Optional(choice('inbound', 'outbound')),
    network: Type.Optional(choice('onnet', 'offnet')),
    from: Type.Optional(text()),
    to: Type.Optional(text()),
    caller: Type.Optional(Party()),
    callee: Type.Optional(Party()),
    media: MediaSchema,
    record_call: Type.Optional(RecordCallFields),
  },
  strict,
);

/** All but `record_call`, whose own check knows more than a schema can say. */
const HEAD = new Validator<CallAnnouncement>({
  ...AnnouncementSchema,
  properties: { ...AnnouncementSchema.properties, record_call: { type: 'object' } },
});

/**
 * @param data the envelope's. Within `record_call`, strings that spell a number or a boolean are taken as Kazoo takes them; nowhere else.
 * @throws FIELDS_INVALID; `details` is the `FieldErrors`.
 */
export const announcementOf = (data: unknown, allow: AllowList): CallAnnouncement => {
  const errors = new FieldErrorList();
  const head = HEAD.check(data, errors);
  const fields = recordCallOf(data, allow, errors);
  checkOneWordPerLeg(data, errors);
  if (head === undefined || !errors.empty) {
    const details = errors.toJSON();
    throw new AppError('FIELDS_INVALID', `call: ${renderFieldErrors(details)}`, { details });
  }
  return fields === undefined ? head : { ...head, record_call: fields };
};

const recordCallOf = (data: unknown, allow: AllowList, errors: FieldErrorList): RecordCallFields | undefined => {
  const value = below(data, 'record_call');
  // What is no object the head has found; a missing one is none.
  if (!isObject(value)) return undefined;
  return startData(value, allow, errors, ['record_call']);
};
