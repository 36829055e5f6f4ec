/** Every call that a capture's SIP messages tell of, over UDP and TCP. Pure: fed with datagrams in capture order, time from them. */
import type { Datagram } from '../datagram.ts';
import { type SipCall, SipCallState } from './call.ts';
import { SipConnections } from './connections.ts';
import { parseSipMessage, type SipMessage } from './message.ts';
import { readSignal } from './signal.ts';
import { looksLikeSip } from './start-line.ts';

/** A capture with more calls than this is followed for its first ones. */
const MOST_CALLS = 50_000;

export class SipDialogs {
  readonly #calls = new Map<string, SipCallState>();
  readonly #connections = new SipConnections((message, atUs, hop) => this.#take(message, atUs, hop));
  #ignoredMessages = 0;

  /** By Call-ID, in order of appearance. */
  get calls(): ReadonlyMap<string, SipCall> {
    return this.#calls;
  }

  /** Messages of calls beyond the most that are followed. */
  get ignoredMessages(): number {
    return this.#ignoredMessages;
  }

  /**
   * Takes one datagram or TCP segment; keeps nothing of its payload.
   * @returns whether it was SIP, even when nothing could be learned from it. A TCP segment counts once its connection has
   * shown a SIP message.
   */
  push(datagram: Datagram): boolean {
    if (datagram.protocol === 'tcp') return this.#connections.push(datagram);
    if (!looksLikeSip(datagram.payload)) return false;
    const message = parseSipMessage(datagram.payload, datagram.cut);
    if (message !== undefined) this.#take(message, datagram.atUs, datagram);
    return true;
  }

  /** The capture has ended: reads TCP messages that waited for segments the capture lacks. */
  finish(): void {
    this.#connections.finish();
  }

  #take(message: SipMessage, atUs: number, hop: Pick<Datagram, 'source' | 'target'>): void {
    const signal = readSignal(message, atUs, hop);
    if (signal === undefined) return;
    let call = this.#calls.get(signal.callId);
    if (call === undefined) {
      if (this.#calls.size >= MOST_CALLS) {
        this.#ignoredMessages++;
        return;
      }
      call = new SipCallState(signal);
      this.#calls.set(signal.callId, call);
    }
    call.take(signal);
  }
}
