/** What each payload type of one stream stands for at each time: SDP in force first, then a guess. Pure; a small sorted table. */
import type { Leg } from '../../core/leg.ts';
import type { WireCodec } from '../../media/wire-codec.ts';
import type { SipCall } from '../sip/call.ts';
import type { SipMedia } from '../sip/media-log.ts';
import type { Path } from './flow.ts';
import { listenerOf, speakerOf } from './signalling.ts';

type Row = { readonly sinceUs: number; readonly codec: WireCodec | undefined };

/** One object for each wire description, so that a codec can be told by identity. */
export class CodecInterner {
  readonly #known = new Map<string, WireCodec>();

  intern(codec: WireCodec): WireCodec {
    const key = `${codec.name}/${codec.clockRate}/${codec.channels} ${codec.fmtp ?? ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, codec);
    return codec;
  }
}

export class CodecTable {
  readonly #rows = new Map<number, readonly Row[]>();
  readonly #interner: CodecInterner;

  constructor(interner: CodecInterner) {
    this.#interner = interner;
  }

  /** @param codecAt what the payload type stands for from each of the times on; the first holds before it, too. */
  set(payloadType: number, timesUs: readonly number[], codecAt: (atUs: number) => WireCodec | undefined): void {
    const rows: Row[] = [];
    for (const sinceUs of timesUs) {
      const codec = codecAt(sinceUs);
      const interned = codec && this.#interner.intern(codec);
      if (rows.length === 0 || rows.at(-1)!.codec !== interned) rows.push({ sinceUs, codec: interned });
    }
    this.#rows.set(payloadType, rows);
  }

  codecAt(payloadType: number, atUs: number): WireCodec | undefined {
    const rows = this.#rows.get(payloadType);
    if (rows === undefined) return undefined;
    let codec = rows[0]?.codec;
    for (const row of rows) {
      if (row.sinceUs > atUs) break;
      codec = row.codec;
    }
    return codec;
  }
}

/** What SDP says about one path of a call: the receiver's description rules, the sender's own stands in for it (RFC 3264 §5.1). */
export class SdpCodecs {
  /** The most telling list first; each in order of time. */
  readonly #lists: readonly (readonly SipMedia[])[];

  constructor(call: SipCall, leg: Leg, path: Path) {
    const audio = call.media.filter(({ kind }) => kind === 'audio');
    const heard = audio.filter(({ owner }) => owner === listenerOf(leg));
    const said = audio.filter(({ owner }) => owner === speakerOf(leg));
    const atTarget = heard.filter(({ address, port }) => address === path.target && port === path.targetPort);
    const atSource = said.filter(({ address, port }) => address === path.source && port === path.sourcePort);
    this.#lists = [atTarget, heard, atSource, said].map((list) => [...list].sort((x, y) => x.sinceUs - y.sinceUs));
  }

  /** When anything changed, in order. */
  get timesUs(): readonly number[] {
    return [...new Set(this.#lists.flatMap((list) => list.map(({ sinceUs }) => sinceUs)))].sort((x, y) => x - y);
  }

  /** The receiver's description asks for SRTP, or the sender's where it is the only one. The SIP layer settles offer and answer. */
  isSecureAt(atUs: number): boolean {
    const ruling = this.#lists.find((list) => list.length > 0) ?? [];
    return inForce(ruling, atUs)?.secure === true;
  }

  codecAt(payloadType: number, atUs: number): WireCodec | undefined {
    for (const list of this.#lists) {
      const codec = inForce(list, atUs)?.codecs.get(payloadType);
      if (codec !== undefined) return codec;
    }
    // In flight while the descriptions changed.
    for (const list of this.#lists) {
      const codec = list.findLast(({ codecs }) => codecs.has(payloadType))?.codecs.get(payloadType);
      if (codec !== undefined) return codec;
    }
    return undefined;
  }
}

/** The latest of the list by then, or the first to come: media may overtake its answer. */
const inForce = (list: readonly SipMedia[], atUs: number): SipMedia | undefined =>
  list.findLast(({ sinceUs }) => sinceUs <= atUs) ?? list[0];
