/**
 * The media lines a call's offers and answers put in force, in time order (RFC 3264): a new session description adds its
 * lines, a repeated one adds nothing, a refused offer restores what held before it. Pure and bounded.
 */
import { createHash } from 'node:crypto';
import type { SdpMedia } from './sdp.ts';

export type CallSide = 'caller' | 'callee';

/** One m= line as it was in force; `secure` as offer and answer together settled it. */
export type SipMedia = SdpMedia & {
  /** Capture time of the message that said so. */
  readonly sinceUs: number;
  /** The party that receives at this address. */
  readonly owner: CallSide;
  /** Index of the m= line: an answer's lines stand in the order of the offer's (RFC 3264 §6). */
  readonly line: number;
};

export type Description = {
  readonly atUs: number;
  readonly owner: CallSide;
  /** Tells the branches of a forked call apart: the To-tag of the callee that speaks, empty for the caller. */
  readonly branch: string;
  /** Where it was seen: a proxy in the path shows one description once per hop, rewritten or not. */
  readonly hop: string;
  /** Names the request that carried it, or that it answers: requester and CSeq number. */
  readonly transaction: string;
  readonly lines: readonly SdpMedia[];
};

/** `secure` is settled by the answer, in place. */
type Entry = { -readonly [K in keyof SipMedia]: SipMedia[K] };
type InForce = { readonly digest: string; readonly entries: readonly Entry[] };
type Placed = { readonly hops: Map<string, InForce>; readonly hop: string; readonly before: InForce | undefined };
type Offer = { readonly entry: Entry; readonly transaction: string; answered: 'no' | 'plain' | 'secure' };

const MOST_ENTRIES = 512;
const MOST_REMEMBERED = 64;

export class MediaLog {
  readonly #entries: Entry[] = [];
  /** Entries that an answer may still settle, the newest last. */
  readonly #offers: Offer[] = [];
  /** Party (owner and branch) → hop → what it last described there. */
  readonly #inForce = new Map<string, Map<string, InForce>>();
  /** What a transaction described before: a late retransmission must not bring back an old description. */
  readonly #seen = new Set<string>();
  /** What a transaction's descriptions replaced, until it succeeds or fails. */
  readonly #placed = new Map<string, Placed[]>();

  get entries(): readonly SipMedia[] {
    return this.#entries;
  }

  describe({ atUs, owner, branch, hop, transaction, lines }: Description): void {
    this.#settle(owner, transaction, lines);
    const party = `${owner} ${branch}`;
    const digest = digestOf(lines);
    if (!this.#isNews(`${transaction} ${party} ${hop} ${digest}`)) return;
    const hops = this.#inForce.get(party) ?? new Map<string, InForce>();
    bound(this.#inForce.set(party, hops));
    const before = hops.get(hop);
    if (before?.digest === digest) return;
    const elsewhere = [...hops.values()].find((other) => other.digest === digest);
    bound(hops.set(hop, elsewhere ?? { digest, entries: this.#append(atUs, owner, transaction, lines) }));
    const placed = this.#placed.get(transaction) ?? [];
    bound(this.#placed.set(transaction, placed));
    if (placed.length < MOST_REMEMBERED) placed.push({ hops, hop, before });
  }

  /** The transaction succeeded: what it described stays. */
  accept(transaction: string): void {
    this.#placed.delete(transaction);
  }

  /** The transaction was refused: RFC 3261 §14.1 leaves the session as it was. A first offer stays, as what was asked for. */
  refuse(transaction: string, atUs: number): void {
    const restored = new Map<InForce, InForce>();
    for (const { hops, hop, before } of this.#placed.get(transaction) ?? []) {
      if (before === undefined) continue;
      const again = restored.get(before) ?? { ...before, entries: this.#repeat(before.entries, atUs) };
      restored.set(before, again); // Once, however many hops it was seen on.
      hops.set(hop, again);
    }
    this.#placed.delete(transaction);
  }

  /**
   * An offer of plain RTP may carry keys (RFC 8643), and one with a secure alternative may look plain (RFC 5939): the answer
   * decides for both directions. When the branches of a forked call disagree, secure wins: SRTP must not be read as audio.
   */
  #settle(answerer: CallSide, transaction: string, answer: readonly SdpMedia[]): void {
    for (const offer of this.#offers) {
      const line = answer[offer.entry.line];
      if (offer.transaction !== transaction || offer.entry.owner === answerer) continue;
      if (line === undefined || line.port === 0 || offer.answered === 'secure') continue;
      offer.answered = line.secure ? 'secure' : 'plain';
      offer.entry.secure = line.secure;
    }
  }

  #append(atUs: number, owner: CallSide, transaction: string, lines: readonly SdpMedia[]): readonly Entry[] {
    const entries = lines
      .map((media, line): Entry => ({ sinceUs: atUs, owner, line, ...media }))
      .slice(0, MOST_ENTRIES - this.#entries.length);
    this.#entries.push(...entries);
    this.#offers.push(...entries.map((entry): Offer => ({ entry, transaction, answered: 'no' })));
    this.#offers.splice(0, this.#offers.length - MOST_REMEMBERED);
    return entries;
  }

  #repeat(entries: readonly Entry[], atUs: number): readonly Entry[] {
    const repeated = entries
      .map((entry) => ({ ...entry, sinceUs: atUs }))
      .slice(0, MOST_ENTRIES - this.#entries.length);
    this.#entries.push(...repeated);
    return repeated;
  }

  #isNews(key: string): boolean {
    if (this.#seen.has(key)) return false;
    bound(this.#seen.add(key));
    return true;
  }
}

/** Forgets the oldest key when there are too many. */
const bound = <K>(table: { readonly size: number; keys(): Iterator<K>; delete(key: K): boolean }): void => {
  if (table.size <= MOST_REMEMBERED) return;
  const oldest = table.keys().next();
  if (oldest.done !== true) table.delete(oldest.value);
};

/** Equal for descriptions that put the same media in force, whatever their version number and order of attributes. */
const digestOf = (lines: readonly SdpMedia[]): string =>
  createHash('sha256')
    .update(JSON.stringify(lines.map((line) => ({ ...line, formats: undefined, codecs: [...line.codecs] }))))
    .digest('base64');
