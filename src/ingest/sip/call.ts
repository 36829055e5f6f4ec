/**
 * One call as its SIP messages tell it (RFC 3261 §12–15): who called whom, when it was answered and when it ended, and the
 * media both sides described. Caller and callee are told apart by tags, never by addresses. Pure: time from the signals.
 */
import type { Party } from '../plan.ts';
import { type CallSide, MediaLog, type SipMedia } from './media-log.ts';
import type { SipSignal } from './signal.ts';

export type SipCall = {
  readonly callId: string;
  readonly from: Party;
  readonly to: Party;
  /** Capture time of the first INVITE, or of the first message seen when the capture began later. */
  readonly invitedAtUs: number;
  /** Capture time of the first 2xx to INVITE. */
  readonly answeredAtUs?: number;
  /** Capture time of the BYE (or of its answer), of the CANCEL, or of the final refusal. */
  readonly endedAtUs?: number;
  /** One entry for each m= line of each offer and answer, in time order. */
  readonly media: readonly SipMedia[];
};

const MOST_TAGS = 64;

export class SipCallState implements SipCall {
  readonly callId: string;
  readonly from: Party;
  readonly to: Party;
  readonly invitedAtUs: number;
  answeredAtUs?: number;
  endedAtUs?: number;
  readonly #log = new MediaLog();
  /** The INVITE that was refused. */
  #refused = '';
  #endedBy: 'refusal' | 'cancel' | 'bye' | undefined;
  /** A re-INVITE was seen: the call was answered before. */
  #established = false;
  /** Several when the caller tries again with another tag, or when a B2BUA keeps the Call-ID on its other leg. */
  readonly #callerTags = new Set<string>();
  readonly #answeredTags = new Set<string>();
  readonly #refusedTags = new Set<string>();
  readonly #hungUpTags = new Set<string>();

  /** @param first whoever sent this request counts as the caller: nothing earlier is known. */
  constructor(first: SipSignal) {
    this.callId = first.callId;
    this.from = isAnonymous(first.from.party) ? (first.asserted ?? first.from.party) : first.from.party;
    this.to = first.to.party;
    this.invitedAtUs = first.atUs;
    this.#callerTags.add(tagOf(first.from.tag));
  }

  get media(): readonly SipMedia[] {
    return this.#log.entries;
  }

  take(signal: SipSignal): void {
    if (signal.method === 'INVITE' && signal.status === 0) this.#invited(signal);
    const requester = this.#requester(signal);
    const calleeTag = requester === 'caller' ? signal.to.tag : signal.from.tag;
    this.#describe(signal, requester, calleeTag);
    switch (signal.method) {
      case 'INVITE':
        this.#inviteAnswered(signal, calleeTag);
        return;
      case 'BYE':
        // 481: the other side knows of no such call any more (RFC 3261 §15.1.2).
        if (signal.status === 0 || isSuccess(signal.status) || signal.status === 481) this.#hungUp(signal, calleeTag);
        return;
      case 'CANCEL':
        if (!this.#isConfirmed) this.#end('cancel', signal.atUs);
        return;
      case 'ACK':
      case 'PRACK':
      case 'UPDATE':
        return;
      default:
        signal.method satisfies never;
    }
  }

  /** The call was answered, in the capture or before it. */
  get #isConfirmed(): boolean {
    return this.answeredAtUs !== undefined || this.#established;
  }

  #invited(signal: SipSignal): void {
    if (signal.to.tag !== '') {
      this.#established = true;
      return;
    }
    remember(this.#callerTags, tagOf(signal.from.tag));
    // Tried again after a challenge (401, 407) or a redirect.
    if (this.#endedBy === 'refusal' && this.#refused !== transactionOf(signal)) this.#reopen();
  }

  #inviteAnswered(signal: SipSignal, calleeTag: string): void {
    const { status, atUs } = signal;
    if (isSuccess(status)) {
      this.answeredAtUs ??= atUs;
      remember(this.#answeredTags, calleeTag);
      // Answered while a CANCEL was on its way, or by another branch than the one that refused.
      if (!this.#hungUpTags.has(calleeTag)) this.#reopen();
    } else if (status >= 300) {
      remember(this.#refusedTags, calleeTag);
      this.#refused = transactionOf(signal);
      if (!this.#isConfirmed) this.#end('refusal', atUs);
    } else if (status > 100 && this.#endedBy === 'refusal' && calleeTag !== '' && !this.#refusedTags.has(calleeTag)) {
      this.#reopen(); // Another branch of a forked call still rings.
    }
  }

  /** The call is over when every branch that answered has hung up. */
  #hungUp({ atUs }: SipSignal, calleeTag: string): void {
    remember(this.#hungUpTags, calleeTag);
    if ([...this.#answeredTags].every((tag) => this.#hungUpTags.has(tag))) this.#end('bye', atUs);
  }

  #end(by: 'refusal' | 'cancel' | 'bye', atUs: number): void {
    if (this.endedAtUs !== undefined) return;
    this.endedAtUs = atUs;
    this.#endedBy = by;
  }

  #reopen(): void {
    delete this.endedAtUs;
    this.#endedBy = undefined;
  }

  #describe(signal: SipSignal, requester: CallSide, calleeTag: string): void {
    const transaction = transactionOf(signal);
    if (signal.sdp !== undefined) {
      const owner = signal.status === 0 ? requester : otherSide(requester);
      const branch = owner === 'callee' ? calleeTag : '';
      this.#log.describe({ ...signal, owner, branch, transaction, lines: signal.sdp });
    }
    if (signal.method === 'CANCEL' || signal.method === 'BYE') return;
    if (isSuccess(signal.status)) this.#log.accept(transaction);
    // The refusal of the first INVITE ends the call: there is no session to go back to.
    else if (signal.status >= 300 && (signal.method !== 'INVITE' || this.#isConfirmed)) {
      this.#log.refuse(transaction, signal.atUs);
    }
  }

  #requester({ from, to }: SipSignal): CallSide {
    if (this.#callerTags.has(tagOf(from.tag))) return 'caller';
    if (this.#callerTags.has(tagOf(to.tag))) return 'callee';
    // Neither tag is known: a second leg under the same Call-ID whose INVITE the capture lacks.
    return from.party.address === this.from.address ? 'caller' : 'callee';
  }
}

/** Requester and number: an INVITE, its answers and the ACK of its 2xx share them (RFC 3261 §13.2.2.4). */
const transactionOf = ({ from, cseq }: SipSignal): string => `${from.tag} ${cseq}`;

/** RFC 2543 knew dialogs without tags; a space is no tag character. */
const tagOf = (tag: string): string => (tag === '' ? ' ' : tag);

const otherSide = (side: CallSide): CallSide => (side === 'caller' ? 'callee' : 'caller');

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** RFC 3261 §8.1.1.3 and RFC 3323 §4.1.1.3. */
const isAnonymous = ({ address }: Party): boolean =>
  address === '' || /^anonymous@|@anonymous\.invalid$/i.test(address);

const remember = (tags: Set<string>, tag: string): void => {
  if (tags.size < MOST_TAGS) tags.add(tag);
};
