/** What `/metrics` says of live calls: gauges of now, totals since the start. Numbers only: nothing about who or which. */
import { LEGS } from '../../core/leg.ts';
import type { AnnouncedCall } from './announced-call.ts';

export type LiveTotals = {
  /** Calls announced. */
  announced: number;
  /** Calls that were refused because there were too many, or no room on the disk, or no port. */
  refusedCalls: number;
  /** RTP packets taken from legs' sources. */
  packets: number;
  /** Refused: another source, no RTP, a payload type nobody knows. */
  refused: number;
  /** Audio packets dropped because journals lagged behind. */
  lostToDisk: number;
  /** Missing by their sequence numbers; behind later ones; twice. */
  lostOnTheWay: number;
  late: number;
  duplicate: number;
  /** Audio packets that a mask kept out. */
  withheld: number;
};

export type LiveNumbers = {
  readonly totals: Readonly<LiveTotals>;
  readonly calls: number;
  readonly recordings: number;
  readonly legsReceiving: number;
  readonly callsMasked: number;
  /** Calls whose journals lag so far that frames are dropped. */
  readonly callsDropping: number;
  /** How long the oldest open mask has been on, s; 0 when there is none. */
  readonly oldestMaskSec: number;
  /** Bytes of all journals that are not on disk yet. */
  readonly journalPendingBytes: number;
};

export class LiveCounts {
  readonly #calls = new Set<AnnouncedCall>();
  readonly #past: LiveTotals = {
    announced: 0,
    refusedCalls: 0,
    packets: 0,
    refused: 0,
    lostToDisk: 0,
    lostOnTheWay: 0,
    late: 0,
    duplicate: 0,
    withheld: 0,
  };

  began(call: AnnouncedCall): void {
    this.#past.announced++;
    this.#calls.add(call);
  }

  refused(): void {
    this.#past.refusedCalls++;
  }

  /** Its packets go on to count. */
  ended(call: AnnouncedCall): void {
    if (this.#calls.delete(call)) addTotals(this.#past, call);
  }

  numbers(nowUs: number): LiveNumbers {
    const totals = { ...this.#past };
    const numbers = { recordings: 0, legsReceiving: 0, callsMasked: 0, callsDropping: 0, journalPendingBytes: 0 };
    let oldestMaskUs = nowUs;
    for (const each of this.#calls) {
      const { call, legs } = each;
      addTotals(totals, each);
      numbers.recordings += call.recorders.length;
      numbers.legsReceiving += LEGS.filter((leg) => legs[leg].state === 'receiving').length;
      numbers.callsDropping += legs.a.dropping ? 1 : 0;
      numbers.journalPendingBytes += call.pendingBytes;
      const mask = call.masks.open;
      if (mask === undefined) continue;
      numbers.callsMasked++;
      oldestMaskUs = Math.min(oldestMaskUs, mask.effectiveAtUs);
    }
    return { totals, calls: this.#calls.size, ...numbers, oldestMaskSec: (nowUs - oldestMaskUs) / 1e6 };
  }
}

const addTotals = (totals: LiveTotals, { call, legs }: AnnouncedCall): void => {
  const tallies = call.tallies();
  totals.withheld += call.withheld;
  for (const leg of LEGS) {
    totals.packets += legs[leg].packets;
    totals.lostToDisk += legs[leg].lost;
    totals.refused += legs[leg].dropped - legs[leg].lost;
    totals.lostOnTheWay += tallies[leg].lost;
    totals.late += tallies[leg].late;
    totals.duplicate += tallies[leg].duplicate;
  }
};
