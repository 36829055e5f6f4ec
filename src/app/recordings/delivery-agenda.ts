/**
 * Which delivery is to be tried next: by when it is due, target after target in turn, so many at a time for each target and in all.
 * One that doesn't answer holds up only itself. Pure: time is an argument, in µs since the Unix epoch.
 */

export type AgendaEntry = {
  readonly id: string;
  readonly accountId: string;
  /** Host and port of its target. */
  readonly host: string;
  readonly dueUs: number;
};

type Target = { ready: AgendaEntry[]; inFlight: number };

export class DeliveryAgenda {
  readonly #perTarget: number;
  readonly #total: number;
  /** Whatever is known, waiting or in flight. */
  readonly #entries = new Map<string, AgendaEntry>();
  readonly #inFlight = new Map<string, AgendaEntry>();
  /** A heap by `dueUs`; an entry that `#entries` no longer has is passed over. */
  readonly #later: AgendaEntry[] = [];
  /** Targets with something due or in flight, in the order they are served next. */
  readonly #targets = new Map<string, Target>();

  constructor(limits: { perTarget: number; total: number }) {
    this.#perTarget = limits.perTarget;
    this.#total = limits.total;
  }

  /** Entries that wait. */
  get waiting(): number {
    return this.#entries.size - this.#inFlight.size;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  isInFlight(id: string): boolean {
    return this.#inFlight.has(id);
  }

  /** Adds an entry, or changes when one is due; one in flight stays as it is. */
  put(entry: AgendaEntry): void {
    if (this.#inFlight.has(entry.id)) return;
    this.#entries.set(entry.id, entry);
    push(this.#later, entry);
  }

  /** Forgets one that waits. */
  delete(id: string): void {
    if (!this.#inFlight.has(id)) this.#entries.delete(id);
  }

  /** The next that is due and may begin; it is in flight until `done`. */
  take(nowUs: number): AgendaEntry | undefined {
    this.#ripen(nowUs);
    if (this.#inFlight.size >= this.#total) return undefined;
    for (const [host, target] of this.#targets) {
      if (target.inFlight >= this.#perTarget) continue;
      const entry = this.#readyOf(target);
      if (entry === undefined) {
        if (target.inFlight === 0) this.#targets.delete(host);
        continue;
      }
      target.inFlight++;
      this.#inFlight.set(entry.id, entry);
      this.#targets.delete(host);
      this.#targets.set(host, target);
      return entry;
    }
    return undefined;
  }

  /** It was tried; `put` says when again. */
  done(id: string): void {
    const entry = this.#inFlight.get(id);
    if (entry === undefined) return;
    this.#inFlight.delete(id);
    this.#entries.delete(id);
    this.#targets.get(entry.host)!.inFlight--;
  }

  /** When the next that is not due yet will be; infinite when there is none. What is due waits for a `done`. */
  get nextDueUs(): number {
    while (this.#later.length > 0 && !this.#isCurrent(this.#later[0]!)) pop(this.#later);
    return this.#later[0]?.dueUs ?? Number.POSITIVE_INFINITY;
  }

  #ripen(nowUs: number): void {
    for (let first = this.#later[0]; first !== undefined && first.dueUs <= nowUs; first = this.#later[0]) {
      pop(this.#later);
      if (!this.#isCurrent(first)) continue;
      const target = this.#targets.get(first.host);
      if (target === undefined) this.#targets.set(first.host, { ready: [first], inFlight: 0 });
      else target.ready.push(first);
    }
  }

  #readyOf(target: Target): AgendaEntry | undefined {
    for (let entry = target.ready.shift(); entry !== undefined; entry = target.ready.shift())
      if (this.#isCurrent(entry)) return entry;
    return undefined;
  }

  #isCurrent(entry: AgendaEntry): boolean {
    return this.#entries.get(entry.id) === entry;
  }
}

const push = (heap: AgendaEntry[], entry: AgendaEntry): void => {
  let at = heap.push(entry) - 1;
  for (let above = (at - 1) >> 1; at > 0 && heap[above]!.dueUs > entry.dueUs; above = (at - 1) >> 1) {
    heap[at] = heap[above]!;
    at = above;
  }
  heap[at] = entry;
};

/** Takes out the first. */
const pop = (heap: AgendaEntry[]): void => {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below + 1 < heap.length && heap[below + 1]!.dueUs < heap[below]!.dueUs) below++;
    if (below >= heap.length || heap[below]!.dueUs >= last.dueUs) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
};
