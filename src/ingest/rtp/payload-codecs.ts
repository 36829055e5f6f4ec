/**
 * What each payload type of one leg stands for: the static types of RFC 3551 §6 and 101 for telephone-event, unless the announcement or
 * an SDP offer says otherwise. Only codecs that the registry knows. Immutable; no payload is ever looked at.
 */
import { AppError } from '../../core/errors.ts';
import { FieldErrorList, type FieldPath, quoted, renderFieldErrors } from '../../core/field-errors.ts';
import { codecFor } from '../../media/codecs/registry.ts';
import { formatWireCodec, STATIC_PAYLOAD_TYPES, type WireCodec } from '../../media/wire-codec.ts';
import { wireCodecOf } from '../sip/sdp.ts';

const MOST_CHANNELS = 255;
const RTPMAP = /^([A-Za-z0-9._-]{1,32})\/(\d{1,6})(?:\/(\d{1,3}))?$/;

const isKnown = (codec: WireCodec): boolean => codecFor(codec) !== undefined;
const KNOWN_STATIC = [...STATIC_PAYLOAD_TYPES].filter(([, codec]) => isKnown(codec));

/** Whether RTP may carry the payload type beside RTCP: with the marker bit, 64–95 would read as RTCP (RFC 5761 §4). */
export const isRtpPayloadType = (payloadType: number): boolean =>
  Number.isInteger(payloadType) && payloadType >= 0 && payloadType <= 127 && (payloadType < 64 || payloadType > 95);

export class PayloadCodecs {
  readonly #codecs: ReadonlyMap<number, WireCodec>;
  /** The same, by payload type: every packet asks. */
  readonly #byType: readonly (WireCodec | undefined)[];

  private constructor(codecs: ReadonlyMap<number, WireCodec>) {
    this.#codecs = codecs;
    this.#byType = Array.from({ length: 128 }, (_, payloadType) => codecs.get(payloadType));
  }

  /**
   * @param map payload type → rtpmap, `{"96": "opus/48000/2"}`; what is not in it keeps its static meaning.
   * @param at where the map is in its document, for the errors' paths.
   * @throws FIELDS_INVALID with every fault; `details` is the `FieldErrors`.
   */
  static of(map: Readonly<Record<string, string>> = {}, at: FieldPath = ['media', 'codecs']): PayloadCodecs {
    const errors = new FieldErrorList();
    const mapped = new Map<number, WireCodec>();
    for (const [key, rtpmap] of Object.entries(map)) {
      const payloadType = /^(?:0|[1-9]\d{0,2})$/.test(key) ? Number(key) : -1;
      const codec = codecOfRtpmap(rtpmap);
      if (!isRtpPayloadType(payloadType)) {
        errors.add([...at, key], 'invalid', {
          message: 'A payload type is 0 to 63 or 96 to 127',
          value: quoted(rtpmap),
        });
      } else if (codec === undefined) {
        const message = 'No codec that is known: name/rate or name/rate/channels, such as opus/48000/2';
        errors.add([...at, key], 'invalid', { message, value: quoted(rtpmap) });
      } else mapped.set(payloadType, codec);
    }
    if (mapped.size === 0 && errors.empty) return USUAL;
    if (!errors.empty) {
      const details = errors.toJSON();
      throw new AppError('FIELDS_INVALID', renderFieldErrors(details), { details });
    }
    return PayloadCodecs.ofOffer(mapped);
  }

  /** @param offered what a description says of its payload types; undefined: something that is not known, whatever the static table says. */
  static ofOffer(offered: ReadonlyMap<number, WireCodec | undefined>): PayloadCodecs {
    const codecs = new Map(KNOWN_STATIC);
    for (const [payloadType, codec] of offered) {
      if (codec !== undefined && isRtpPayloadType(payloadType) && isKnown(codec)) codecs.set(payloadType, codec);
      else codecs.delete(payloadType);
    }
    return new PayloadCodecs(codecs);
  }

  /** @returns undefined for a type that means nothing here; else always the same object for one type. */
  codecOf(payloadType: number): WireCodec | undefined {
    return this.#byType[payloadType];
  }

  /**
   * The same meanings, in the objects that `previous` had for them: a stream whose codec did not change goes on as the one it was, since
   * codecs are told apart by identity.
   */
  keeping(previous: PayloadCodecs): PayloadCodecs {
    const codecs = new Map<number, WireCodec>();
    for (const [payloadType, codec] of this.#codecs) {
      const before = previous.codecOf(payloadType);
      codecs.set(payloadType, before !== undefined && isSame(before, codec) ? before : codec);
    }
    return new PayloadCodecs(codecs);
  }
}

/** What nearly every leg has: one object, which every packet reads. */
const USUAL = PayloadCodecs.ofOffer(new Map());

const isSame = (one: WireCodec, other: WireCodec): boolean =>
  formatWireCodec(one) === formatWireCodec(other) && one.fmtp === other.fmtp;

const codecOfRtpmap = (text: unknown): WireCodec | undefined => {
  const [, name, rate, channels = '1'] = (typeof text === 'string' ? RTPMAP.exec(text) : null) ?? [];
  if (name === undefined || Number(channels) < 1 || Number(channels) > MOST_CHANNELS) return undefined;
  const codec = wireCodecOf(name, Number(rate), Number(channels));
  return codec !== undefined && isKnown(codec) ? codec : undefined;
};
