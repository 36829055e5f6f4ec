/**
 * A leg's sockets while its call lives, and what was said last of its media. Announced anew, the leg keeps its port, takes the new payload
 * types and is open for one new source, the present one being heard until then (`SourceLatch.relatch`). Its SDP answers are one session,
 * whose version grows (RFC 3264 §8).
 */
import type { Leg } from '../../core/leg.ts';
import type { CallAnnouncement } from '../../http/service.ts';
import { ASTERISK_PAYLOADS } from '../../ingest/rtp/asterisk-payloads.ts';
import { PayloadCodecs } from '../../ingest/rtp/payload-codecs.ts';
import type { RtpEndpoint } from '../../ingest/rtp/rtp-endpoint.ts';
import { answerSdp } from '../../ingest/sip/sdp-answer.ts';

export type Endpoint = Pick<RtpEndpoint, 'counts' | 'setPayloads' | 'relatch' | 'close'>;

/** Where a leg receives. */
export type LegAddress = {
  readonly leg: Leg;
  /** As media servers are told. */
  readonly host: string;
  readonly port: number;
  /** Of its SDP answers: decimal digits. */
  readonly sessionId: number;
};

export type LegMedia = {
  readonly payloads: PayloadCodecs;
  /** The answer to the offer, where there was one. */
  readonly sdp: string | undefined;
  /** Of the last answer; 0: there was none yet. */
  readonly sessionVersion: number;
};

/**
 * What an announcement says of a leg: an offer, payload types, or nothing, which means the static ones, its server's own among them.
 * @param lastVersion of the session's last answer. @throws SDP_INVALID, FIELDS_INVALID
 */
export const readLegMedia = (
  { leg, host, port, sessionId }: LegAddress,
  media: CallAnnouncement['media'],
  lastVersion = 0,
): LegMedia => {
  const offer = media.sdp?.[leg];
  if (offer === undefined) {
    const servers = media.server === 'asterisk' ? ASTERISK_PAYLOADS : {};
    const payloads = PayloadCodecs.of({ ...servers, ...media.codecs?.[leg] }, ['media', 'codecs', leg]);
    return { payloads, sdp: undefined, sessionVersion: lastVersion };
  }
  const sessionVersion = lastVersion + 1;
  const { answer, payloads } = answerSdp(offer, { host, port, sessionId, sessionVersion });
  return { payloads, sdp: answer, sessionVersion };
};

export class LegSocket {
  readonly #address: LegAddress;
  readonly #endpoint: Endpoint;
  readonly #onClosed: () => void;
  #media: LegMedia;
  #closing: Promise<void> | undefined;

  /** @param onClosed told once, when its ports are free. */
  constructor(address: LegAddress, endpoint: Endpoint, media: LegMedia, onClosed: () => void) {
    this.#address = address;
    this.#endpoint = endpoint;
    this.#media = media;
    this.#onClosed = onClosed;
  }

  get host(): string {
    return this.#address.host;
  }

  get port(): number {
    return this.#address.port;
  }

  get counts(): Endpoint['counts'] {
    return this.#endpoint.counts;
  }

  /** The answer to the leg's last offer; undefined when its payload types were named since. */
  get sdp(): string | undefined {
    return this.#media.sdp;
  }

  /** Reads a new announcement of the leg, and changes nothing yet. @returns takes it. @throws SDP_INVALID, FIELDS_INVALID */
  announced(media: CallAnnouncement['media']): () => void {
    const read = readLegMedia(this.#address, media, this.#media.sessionVersion);
    return () => {
      this.#media = read;
      this.#endpoint.setPayloads(read.payloads);
      this.relatch();
    };
  }

  /** Lets one new source take the place of the present one. */
  relatch(): void {
    this.#endpoint.relatch();
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#endpoint.close().finally(this.#onClosed);
    return this.#closing;
  }
}
