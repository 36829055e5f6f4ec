/** What one SIP message says about a call: the fields of RFC 3261 §12 that identify a dialog, and the session description. */
import type { Party } from '../plan.ts';
import { sdpTextOf } from './body.ts';
import type { SipMessage } from './message.ts';
import { type NameAddress, NOBODY, parseNameAddress } from './name-address.ts';
import { parseSdp, type SdpMedia } from './sdp.ts';

export type SipSignal = {
  readonly atUs: number;
  /** The two signalling addresses: one hop of the call's path, in the direction the message went. */
  readonly hop: string;
  readonly callId: string;
  /** Of the request, or of the request that the response answers. */
  readonly method: CallMethod;
  readonly cseq: number;
  /** 100–699; 0 for a request. */
  readonly status: number;
  /** Of the party that sent the request, in requests and responses alike. */
  readonly from: NameAddress;
  readonly to: NameAddress;
  /** P-Asserted-Identity (RFC 3325): who the network says the sender is. */
  readonly asserted: Party | undefined;
  readonly sdp: readonly SdpMedia[] | undefined;
};

/** The methods of an INVITE dialog that open it, end it or carry offers and answers. */
const CALL_METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'PRACK', 'UPDATE'] as const;
export type CallMethod = (typeof CALL_METHODS)[number];

const LONGEST_CALL_ID = 512;

/** `undefined` for a message that is no part of a call (REGISTER, OPTIONS, INFO …) or lacks a mandatory field. */
export const readSignal = (
  message: SipMessage,
  atUs: number,
  { source, target }: { readonly source: string; readonly target: string },
): SipSignal | undefined => {
  const { start, headers } = message;
  const callId = headers.first('call-id') ?? '';
  const cseq = /^(\d{1,10})\s+(\S+)$/.exec(headers.first('cseq') ?? '');
  const from = headers.first('from');
  const to = headers.first('to');
  if (callId === '' || callId.length > LONGEST_CALL_ID || cseq === null) return undefined;
  if (from === undefined && to === undefined) return undefined;
  // The start line names a request's method; only the CSeq names that of a response (§8.2.6.2).
  const method = callMethod(start.kind === 'request' ? start.method : cseq[2]!);
  if (method === undefined) return undefined;
  const status = start.kind === 'request' ? 0 : start.status;
  const asserted = headers.first('p-asserted-identity');
  return {
    atUs,
    hop: `${source} ${target}`,
    callId,
    method,
    cseq: Number(cseq[1]),
    status,
    from: from === undefined ? NOBODY : parseNameAddress(from),
    to: to === undefined ? NOBODY : parseNameAddress(to),
    asserted: asserted === undefined ? undefined : parseNameAddress(asserted).party,
    // The body of a refusal lists capabilities (§21.4.26): it is neither offer nor answer.
    sdp: status < 300 ? sdpOf(message) : undefined,
  };
};

const callMethod = (word: string): CallMethod | undefined =>
  CALL_METHODS.find((method) => method === word.toUpperCase());

const sdpOf = (message: SipMessage): readonly SdpMedia[] | undefined => {
  const text = sdpTextOf(message);
  return text === undefined ? undefined : parseSdp(text);
};
