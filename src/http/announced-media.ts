/** What is said of a call's media from outside, when it is announced and when it changes: strict, by leg. Pure. */
import Type from 'typebox';
import { isObject } from '../control/metaflow-node.ts';
import type { FieldErrorList } from '../core/field-errors.ts';
import { LEGS, type Leg } from '../core/leg.ts';
import type { CallAnnouncement } from './service.ts';

const PAYLOAD_TYPE = '^(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-7])$';
const RTPMAP = '^[A-Za-z0-9._-]{1,32}/[1-9][0-9]{3,5}(?:/[1-9][0-9]?)?$';
const LONGEST_SDP = 65_536;

const strict = { additionalProperties: false } as const;

const PayloadMap = () =>
  Type.Unsafe<Record<string, string>>({
    type: 'object',
    description: 'Payload type to rtpmap, such as "96": "opus/48000/2"; those not named keep their static meaning.',
    patternProperties: { [PAYLOAD_TYPE]: { type: 'string', pattern: RTPMAP } },
    additionalProperties: false,
  });

const Sdp = () => Type.String({ minLength: 1, maxLength: LONGEST_SDP });

export const MediaSchema = Type.Object(
  {
    kind: Type.Unsafe<'rtp' | 'stream'>({
      type: 'string',
      enum: ['rtp', 'stream'],
      description: '`stream`: its legs come as streams (`…/streams/{kind}`), and no ports are taken.',
    }),
    server: Type.Optional(
      Type.Unsafe<'asterisk'>({
        type: 'string',
        enum: ['asterisk'],
        description:
          "What sends the RTP, where it names no codecs: Asterisk's External Media has payload types of its own, such as 10 for `slin` and 118 for `slin16`. `codecs` goes before it.",
      }),
    ),
    codecs: Type.Optional(Type.Object({ a: Type.Optional(PayloadMap()), b: Type.Optional(PayloadMap()) }, strict)),
    sdp: Type.Optional(Type.Object({ a: Type.Optional(Sdp()), b: Type.Optional(Sdp()) }, strict)),
  },
  strict,
);

export const legsNamedIn = ({ codecs, sdp }: CallAnnouncement['media']): readonly Leg[] =>
  LEGS.filter((leg) => sdp?.[leg] !== undefined || codecs?.[leg] !== undefined);

/**
 * An offer says itself what its payload types are; a second word on it could only differ.
 * @param data with `media` in it, whatever else is wrong with them.
 */
export const checkOneWordPerLeg = (data: unknown, errors: FieldErrorList): void => {
  const media = below(data, 'media');
  if (below(media, 'kind') === 'stream') {
    for (const name of ['codecs', 'sdp', 'server'])
      if (below(media, name) !== undefined)
        errors.add(['media', name], 'error', { message: 'a stream says itself what it carries' });
  }
  for (const leg of LEGS) {
    if (below(below(media, 'sdp'), leg) === undefined || below(below(media, 'codecs'), leg) === undefined) continue;
    errors.add(['media', 'codecs', leg], 'error', { message: `leg ${leg} has an SDP offer, which names its codecs` });
  }
};

/** What an object from outside has under a key of its own. */
export const below = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
