/**
 * One SSRC on one path of a capture: first a candidate, then, once its packets behave as RTP does (RFC 3550 §5.1, A.1), a stream.
 * Pure; memory doesn't grow with the call.
 */
import type { RtpPacket } from '../../media/rtp-packet.ts';
import { Activity } from './activity.ts';
import { type FingerprintBudget, Fingerprints } from './fingerprints.ts';
import type { Flow } from './flow.ts';
import { PayloadProfile } from './payload-profile.ts';

/** So many packets must follow on one another. */
const PROVEN_AFTER = 4;
/** Ahead by more is no small step … */
const SMALL_STEP = 50;
/** … and by more than this, another numbering (RFC 3550 A.1 MAX_DROPOUT). */
const MAX_AHEAD = 3000;
/** Further back is not late. */
const MAX_BEHIND = 1024;
/** Packets that are behind, one after the other and none ahead: no longer late, but a sender that began anew. */
const RESTART_AFTER = 8;
/** Timestamps of a proven candidate may run this far ahead, and lag, as video does, this far behind. */
const MOST_TICKS = 1 << 21;
const MOST_TICKS_BACK = 1 << 16;
/** A stream has a handful of payload types; more are noise. */
const MOST_PROFILES = 16;

export class Track {
  readonly flow: Flow;
  readonly ssrc: number;
  /** Position in the capture: tells which of two streams with one time came first. */
  readonly order: number;
  readonly activity = new Activity();
  readonly fingerprints: Fingerprints;
  packets = 0;
  /** Packets of which the capture kept only a part. */
  cut = 0;
  readonly #profiles: PayloadProfile[] = [];
  #profile: PayloadProfile | undefined;
  #evidence = 0;
  #sequence = -1;
  #timestamp = 0;
  #behind = 0;
  #behindSequence = 0;
  #behindSinceUs = 0;

  constructor(flow: Flow, ssrc: number, order: number, budget: FingerprintBudget) {
    this.flow = flow;
    this.ssrc = ssrc;
    this.order = order;
    this.fingerprints = new Fingerprints(budget);
  }

  get profiles(): readonly PayloadProfile[] {
    return this.#profiles;
  }

  /** Its packets have shown to be RTP. */
  get proven(): boolean {
    return this.#evidence >= PROVEN_AFTER;
  }

  /** Not proven, but more than a chance packet. */
  get looksLikeRtp(): boolean {
    return this.#evidence > 1;
  }

  /** @param signalledUs when signalling was last seen in this capture. */
  push(packet: RtpPacket, data: Uint8Array, atUs: number, cut: boolean, signalledUs: number): void {
    this.packets++;
    this.activity.push(atUs, signalledUs);
    const profile = this.#profileOf(packet.payloadType, atUs);
    profile?.count(atUs);
    if (cut) this.cut++;
    if (!this.#isAhead(packet, atUs) || cut) return;
    if (profile !== undefined) profile.measure(packet, data, atUs);
    this.fingerprints.push(data, packet.payloadStart, packet.payloadEnd, atUs);
  }

  /** Follows sequence numbers. A hop that was captured twice is a stream of duplicates, which are never ahead. */
  #isAhead(packet: RtpPacket, atUs: number): boolean {
    const delta = ((packet.sequence - this.#sequence) << 16) >> 16;
    if (this.#sequence === -1) {
      this.#evidence = 1;
    } else if (delta > MAX_AHEAD || delta < -MAX_BEHIND) {
      this.#begin(atUs, 1);
    } else if (delta <= 0) {
      return this.#takeBehind(packet, atUs);
    } else if (!this.proven) {
      this.#evidence = delta <= SMALL_STEP && this.#isNear(packet.timestamp) ? this.#evidence + 1 : 1;
    }
    this.#behind = 0;
    this.#sequence = packet.sequence;
    this.#timestamp = packet.timestamp;
    return true;
  }

  #takeBehind(packet: RtpPacket, atUs: number): boolean {
    const step = ((packet.sequence - this.#behindSequence) << 16) >> 16;
    if (this.#behind === 0 || step <= 0 || step > SMALL_STEP) {
      this.#behind = 0;
      this.#behindSinceUs = atUs;
    }
    this.#behindSequence = packet.sequence;
    if (++this.#behind < RESTART_AFTER) return false;
    this.#begin(this.#behindSinceUs, this.#behind);
    this.#behind = 0;
    this.#sequence = packet.sequence;
    this.#timestamp = packet.timestamp;
    return true;
  }

  #begin(sinceUs: number, packets: number): void {
    this.activity.restart(sinceUs, packets);
    if (!this.proven) this.#evidence = 1;
  }

  #isNear(timestamp: number): boolean {
    const ticks = (timestamp - this.#timestamp) | 0;
    return ticks >= -MOST_TICKS_BACK && ticks <= MOST_TICKS;
  }

  #profileOf(payloadType: number, atUs: number): PayloadProfile | undefined {
    if (this.#profile?.payloadType === payloadType) return this.#profile;
    let profile = this.#profiles.find((known) => known.payloadType === payloadType);
    if (profile === undefined && this.#profiles.length < MOST_PROFILES) {
      profile = new PayloadProfile(payloadType, atUs);
      this.#profiles.push(profile);
    }
    this.#profile = profile;
    return profile;
  }
}
