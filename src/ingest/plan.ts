/** What the survey of a capture found: which streams are which leg of which call. Made by the first pass, read by the second. */
import type { Leg } from '../core/leg.ts';
import type { WireCodec } from '../media/wire-codec.ts';

/** From a SIP From, To or P-Asserted-Identity header; empty strings where the capture has no SIP. */
export type Party = {
  /** `user@host`. */
  readonly address: string;
  readonly name: string;
  readonly number: string;
};

export type PlannedStream = {
  /**
   * `streamKey(...)` of its packets: of the four below and the SSRC. Unique within a call; calls that used the same ports and SSRC
   * one after the other share it, and only `firstUs`–`lastUs` tells them apart.
   */
  readonly key: string;
  readonly source: string;
  readonly sourcePort: number;
  readonly target: string;
  readonly targetPort: number;
  readonly leg: Leg;
  /** `192.0.2.1:4000>192.0.2.2:5000`, for people. */
  readonly path: string;
  readonly ssrc: number;
  readonly packets: number;
  readonly firstUs: number;
  readonly lastUs: number;
  /**
   * What a payload type stands for at capture time `atUs`: SDP in force at that time, else static, else by behaviour.
   * `undefined`: unknown; the packet can't be recorded.
   */
  codecAt(payloadType: number, atUs: number): WireCodec | undefined;
};

export type PlannedCall = {
  /** SIP Call-ID, else made from the first stream's path and time. */
  readonly callId: string;
  readonly signalled: boolean;
  readonly from: Party;
  readonly to: Party;
  /** Capture time of the 200 to INVITE, when SIP said so. */
  readonly answeredAtUs?: number;
  /** Capture time of the BYE, when SIP said so. */
  readonly endedAtUs?: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly streams: readonly PlannedStream[];
};

/** Something seen and not recorded, with its reason: SRTP, video, T.38, a second look at the same hop, too few packets … */
export type LeftOut = { readonly what: string; readonly path: string; readonly packets: number; readonly why: string };

export type CapturePlan = {
  /** In order of their first packet. */
  readonly calls: readonly PlannedCall[];
  readonly leftOut: readonly LeftOut[];
  /** One line each: cut records, fragments of RTP that could not be used, a damaged tail. */
  readonly warnings: readonly string[];
  readonly packets: number;
};

/** Names a stream by the 5-tuple and SSRC: RTP echo shows one SSRC in both directions. */
export const streamKey = (
  source: string,
  sourcePort: number,
  target: string,
  targetPort: number,
  ssrc: number,
): string => `${source}:${sourcePort}>${target}:${targetPort}#${ssrc.toString(16)}`;

/** Why a plan has no calls, in a few words. */
export const whyNothing = ({ packets, leftOut }: CapturePlan): string => {
  if (leftOut.length === 0) return packets === 0 ? 'no whole packet in it' : 'no RTP in it';
  const kinds = [...new Set(leftOut.map(({ what, why }) => `${what} (${why})`))];
  return `left out ${kinds.slice(0, 5).join(', ')}${kinds.length > 5 ? ` and ${kinds.length - 5} more` : ''}`;
};
