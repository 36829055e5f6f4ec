/**
 * Finds strands that carry the same audio: a PBX passes on what it hears, under another address, port and SSRC, and a capture at
 * the PBX then holds both. Compares samples of payload hashes and their times. Pure.
 */
import { isKept } from './fingerprints.ts';
import type { Strand } from './strand.ts';

/** A relay that holds a packet back for longer is not one. */
const NEAR_US = 2_000_000;
/** Of the shorter strand's sample, this much must be found in the other's. */
const ALIKE = 0.8;
/** Fewer payloads that differ from one another don't tell a strand from others: a steady tone is one or a few, over and over. */
export const TELLING_PAYLOADS = 3;
/** Occurrences of one payload that are compared with each next one: enough for a relay, few enough for a thousand tones. */
const NEXT_OCCURRENCES = 16;

export type Twins = {
  /** Of both, the one that was heard first. */
  readonly first: Strand;
  readonly second: Strand;
  /** How much later the second is, in microseconds. */
  readonly lagUs: number;
  /** Payloads found in both that differ from one another. */
  readonly payloads: number;
};

type Entry = { readonly sample: Sample; readonly atUs: number };
type Match = { readonly left: Sample; readonly right: Sample; readonly lagsUs: number[]; readonly hashes: Set<number> };

/** The sample of one strand, at the level of its coarsest part. */
class Sample {
  readonly strand: Strand;
  readonly number: number;
  readonly level: number;
  readonly hashes: number[] = [];

  constructor(strand: Strand, number: number, take: (hash: number, entry: Entry) => void) {
    this.strand = strand;
    this.number = number;
    const audio = strand.parts.filter(({ kind }) => kind === 'audio').map(({ piece }) => piece);
    this.level = audio.reduce((level, { track }) => Math.max(level, track.fingerprints.level), 0);
    for (const { track, firstUs, lastUs } of audio) {
      track.fingerprints.forEach(firstUs, lastUs, (hash, atUs) => {
        if (!isKept(hash, this.level)) return;
        this.hashes.push(hash);
        take(hash, { sample: this, atUs });
      });
    }
  }

  /** It differs from silence and steady tones. */
  get isTelling(): boolean {
    return new Set(this.hashes).size >= TELLING_PAYLOADS;
  }

  countAt(level: number): number {
    let count = 0;
    for (const hash of this.hashes) if (isKept(hash, level)) count++;
    return count;
  }
}

export class AudioTwins {
  /** The least delay first. */
  readonly all: readonly Twins[];
  readonly #samples = new Map<Strand, Sample>();
  readonly #known = new Map<number, Twins>();

  constructor(strands: readonly Strand[]) {
    const byHash = new Map<number, Entry[]>();
    for (const strand of strands) {
      const sample = new Sample(strand, this.#samples.size, (hash, entry) => {
        const entries = byHash.get(hash);
        if (entries === undefined) byHash.set(hash, [entry]);
        else entries.push(entry);
      });
      this.#samples.set(strand, sample);
    }
    const twins: Twins[] = [];
    for (const [key, match] of matchesOf(byHash)) {
      const found = twinsOf(match);
      if (found === undefined) continue;
      twins.push(found);
      this.#known.set(key, found);
    }
    this.all = twins.sort((x, y) => x.lagUs - y.lagUs || y.payloads - x.payloads);
  }

  find(left: Strand, right: Strand): Twins | undefined {
    return this.#known.get(keyOf(this.#samples.get(left)!, this.#samples.get(right)!));
  }

  /** Whether its audio is of a kind that not being like another's says something. */
  isTelling(strand: Strand): boolean {
    return this.#samples.get(strand)!.isTelling;
  }
}

/** The same for both orders; exact below 2^26 strands. */
const keyOf = (left: Sample, right: Sample): number =>
  Math.min(left.number, right.number) * 2 ** 26 + Math.max(left.number, right.number);

const matchesOf = (byHash: ReadonlyMap<number, Entry[]>): ReadonlyMap<number, Match> => {
  const matches = new Map<number, Match>();
  for (const [hash, entries] of byHash) {
    if (entries.length < 2) continue;
    entries.sort((left, right) => left.atUs - right.atUs);
    for (const [index, entry] of entries.entries()) {
      const until = Math.min(entries.length, index + 1 + NEXT_OCCURRENCES);
      for (let next = index + 1; next < until; next++) {
        const other = entries[next]!;
        if (other.atUs - entry.atUs > NEAR_US) break;
        if (other.sample !== entry.sample) count(matches, hash, entry, other);
      }
    }
  }
  return matches;
};

const count = (matches: Map<number, Match>, hash: number, entry: Entry, other: Entry): void => {
  if (!isKept(hash, Math.max(entry.sample.level, other.sample.level))) return;
  const key = keyOf(entry.sample, other.sample);
  let match = matches.get(key);
  if (match === undefined) {
    match = { left: entry.sample, right: other.sample, lagsUs: [], hashes: new Set() };
    matches.set(key, match);
  }
  const lagUs = other.atUs - entry.atUs;
  match.lagsUs.push(match.left === entry.sample ? lagUs : -lagUs);
  match.hashes.add(hash);
};

const twinsOf = ({ left, right, lagsUs, hashes }: Match): Twins | undefined => {
  const level = Math.max(left.level, right.level);
  const shorter = Math.min(left.countAt(level), right.countAt(level));
  if (lagsUs.length < shorter * ALIKE) return undefined;
  lagsUs.sort((x, y) => x - y);
  const lagUs = lagsUs[Math.floor(lagsUs.length / 2)]!;
  const [first, second] = lagUs >= 0 ? [left.strand, right.strand] : [right.strand, left.strand];
  return { first, second, lagUs: Math.abs(lagUs), payloads: hashes.size };
};
