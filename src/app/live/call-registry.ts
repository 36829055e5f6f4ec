/** Which calls there are: found by account and call id, or by a leg's channel; how many there may be. Sees to it that no account sees another's. Pure. */
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';

export type Registered = {
  readonly accountId: string;
  readonly callId: string;
  readonly channels: Readonly<Record<Leg, string>>;
  readonly ended: boolean;
};

export type CallLimits = { readonly calls: number; readonly callsPerAccount: number };

/** A place for one call, taken before there is one. `free` gives it back; a second time does nothing. */
export type CallPlace = { free(): void };

export class CallRegistry<T extends Registered> {
  readonly #limits: CallLimits;
  readonly #accounts = new Map<string, Map<string, T>>();
  readonly #channels = new Map<string, { readonly call: T; readonly leg: Leg }>();
  /** Places of calls that are being announced, by `account/call`. */
  readonly #announcing = new Map<string, CallPlace>();
  readonly #taken = new Map<string, number>();
  #takenAltogether = 0;

  constructor(limits: CallLimits) {
    this.#limits = limits;
  }

  /** Calls that have a place: being announced, or not ended. */
  get size(): number {
    return this.#takenAltogether;
  }

  /** Takes a place for a call, until it ends or can't be made. @throws CALL_EXISTS, CALLS_FULL */
  reserve(accountId: string, callId: string): CallPlace {
    const key = `${accountId}/${callId}`;
    const known = this.#accounts.get(accountId)?.get(callId);
    if (this.#announcing.has(key) || (known !== undefined && !known.ended)) {
      throw new AppError('CALL_EXISTS', 'the call_id is in use: hang that call up, or announce another', {
        details: [callId],
      });
    }
    const { calls, callsPerAccount } = this.#limits;
    const ofAccount = this.#taken.get(accountId) ?? 0;
    if (ofAccount >= callsPerAccount)
      throw new AppError('CALLS_FULL', `the account has ${ofAccount} calls, as many as one account may have`);
    if (this.#takenAltogether >= calls)
      throw new AppError('CALLS_FULL', `there are ${this.#takenAltogether} calls, as many as this service may take`);
    this.#taken.set(accountId, ofAccount + 1);
    this.#takenAltogether++;
    let isFree = false;
    const place: CallPlace = {
      free: () => {
        if (isFree) return;
        isFree = true;
        // Not another's, that has been announced under the same id since.
        if (this.#announcing.get(key) === place) this.#announcing.delete(key);
        this.#takenAltogether--;
        const left = (this.#taken.get(accountId) ?? 1) - 1;
        if (left === 0) this.#taken.delete(accountId);
        else this.#taken.set(accountId, left);
      },
    };
    this.#announcing.set(key, place);
    return place;
  }

  /** Puts the call in the place that was reserved for it; an ended one of the same id makes room. */
  add(call: T): void {
    const { accountId, callId, channels } = call;
    this.#announcing.delete(`${accountId}/${callId}`);
    let calls = this.#accounts.get(accountId);
    if (calls === undefined) {
      calls = new Map();
      this.#accounts.set(accountId, calls);
    }
    const before = calls.get(callId);
    if (before !== undefined) this.forget(before);
    // The map may have been dropped with its last call.
    this.#accounts.set(accountId, calls.set(callId, call));
    this.#channels.set(channels.a, { call, leg: 'a' });
    this.#channels.set(channels.b, { call, leg: 'b' });
  }

  forget(call: T): void {
    const { accountId, callId, channels } = call;
    const calls = this.#accounts.get(accountId);
    if (calls?.get(callId) !== call) return;
    calls.delete(callId);
    if (calls.size === 0) this.#accounts.delete(accountId);
    this.#channels.delete(channels.a);
    this.#channels.delete(channels.b);
  }

  /** Oldest first, ended ones among them. */
  ofAccount(accountId: string): readonly T[] {
    return [...(this.#accounts.get(accountId)?.values() ?? [])];
  }

  all(): T[] {
    return [...this.#accounts.values()].flatMap((calls) => [...calls.values()]);
  }

  find(accountId: string, callId: string): T | undefined {
    return this.#accounts.get(accountId)?.get(callId);
  }

  /** @throws NOT_FOUND */
  call(accountId: string, callId: string): T {
    const call = this.#accounts.get(accountId)?.get(callId);
    if (call === undefined) throw new AppError('NOT_FOUND', 'no such call', { details: [callId] });
    return call;
  }

  /** A channel is gone with its call. @throws NOT_FOUND */
  channel(accountId: string, channelId: string): { readonly call: T; readonly leg: Leg } {
    const found = this.#channels.get(channelId);
    if (found === undefined || found.call.accountId !== accountId || found.call.ended)
      throw new AppError('NOT_FOUND', 'no such channel', { details: [channelId] });
    return found;
  }
}
