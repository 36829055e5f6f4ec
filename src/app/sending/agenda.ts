/**
 * What is to be sent next: by when it is due, target after target in turn, so many at a time for each target and in all. A target that
 * doesn't answer holds up only itself. Pure: time is an argument, in µs since the Unix epoch.
 */
import { Heap } from './heap.ts';

export type AgendaEntry = {
  readonly id: string;
  readonly accountId: string;
  /** Whatever has one concurrency and one circuit: an account's host, say. */
  readonly target: string;
  readonly dueUs: number;
  /** Of what is due of one target, the least goes first; without, what is due the longest. */
  readonly order?: number;
  /** When it is given up. */
  readonly deadlineUs: number;
};

type Target = { readonly ready: Heap<AgendaEntry>; inFlight: number };

export class Agenda {
  readonly #perTarget: number;
  readonly #total: number;
  /** Whatever is known, waiting or in flight. */
  readonly #entries = new Map<string, AgendaEntry>();
  readonly #inFlight = new Map<string, AgendaEntry>();
  /** The same, by target; none is empty. */
  readonly #byTarget = new Map<string, Map<string, AgendaEntry>>();
  /** By `dueUs`; an entry that `#entries` no longer has is passed over. */
  readonly #later = new Heap<AgendaEntry>(({ dueUs }) => dueUs);
  /** Targets with something due or in flight, in the order they are served next. */
  readonly #targets = new Map<string, Target>();

  constructor(limits: { readonly perTarget: number; readonly total: number }) {
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

  /** Entries of a target, in flight or not. */
  countOf(target: string): number {
    return this.#byTarget.get(target)?.size ?? 0;
  }

  /** Adds an entry, or changes when one is due; one in flight stays as it is. */
  put(entry: AgendaEntry): void {
    if (this.#inFlight.has(entry.id)) return;
    this.#forget(entry.id);
    this.#entries.set(entry.id, entry);
    const own = this.#byTarget.get(entry.target);
    if (own === undefined) this.#byTarget.set(entry.target, new Map([[entry.id, entry]]));
    else own.set(entry.id, entry);
    this.#later.push(entry);
  }

  /** Forgets one that waits. */
  delete(id: string): void {
    if (!this.#inFlight.has(id)) this.#forget(id);
  }

  /** The next that is due and may begin; it is in flight until `done`. @param mayBegin asked of targets with something due */
  take(nowUs: number, mayBegin: (target: string) => boolean = () => true): AgendaEntry | undefined {
    this.#ripen(nowUs);
    if (this.#inFlight.size >= this.#total) return undefined;
    for (const [name, target] of this.#targets) {
      if (target.inFlight >= this.#perTarget) continue;
      if (!this.#hasReady(target)) {
        if (target.inFlight === 0) this.#targets.delete(name);
        continue;
      }
      if (!mayBegin(name)) continue;
      const entry = target.ready.pop()!;
      target.inFlight++;
      this.#inFlight.set(entry.id, entry);
      this.#targets.delete(name);
      this.#targets.set(name, target);
      return entry;
    }
    return undefined;
  }

  /** It was tried; `put` says when again. */
  done(id: string): void {
    const entry = this.#inFlight.get(id);
    if (entry === undefined) return;
    this.#inFlight.delete(id);
    this.#forget(id);
    this.#targets.get(entry.target)!.inFlight--;
  }

  /** When the next that is not due yet will be; infinite when there is none. What is due waits for a `done`, or for its target. */
  get nextDueUs(): number {
    while (this.#later.first !== undefined && !this.#isCurrent(this.#later.first)) this.#later.pop();
    return this.#later.first?.dueUs ?? Number.POSITIVE_INFINITY;
  }

  /** Targets with something that is due and not in flight. */
  readyTargets(): string[] {
    return [...this.#targets].filter(([, target]) => this.#hasReady(target)).map(([name]) => name);
  }

  /** What waits for a target. */
  waitingFor(target: string): AgendaEntry[] {
    return this.#of(target).filter(({ id }) => !this.#inFlight.has(id));
  }

  inFlightOf(target: string): AgendaEntry[] {
    return this.#of(target).filter(({ id }) => this.#inFlight.has(id));
  }

  #of(target: string): AgendaEntry[] {
    return [...(this.#byTarget.get(target)?.values() ?? [])];
  }

  #ripen(nowUs: number): void {
    for (let first = this.#later.first; first !== undefined && first.dueUs <= nowUs; first = this.#later.first) {
      this.#later.pop();
      if (!this.#isCurrent(first)) continue;
      let target = this.#targets.get(first.target);
      if (target === undefined) {
        target = { ready: new Heap(({ order, dueUs }) => order ?? dueUs), inFlight: 0 };
        this.#targets.set(first.target, target);
      }
      target.ready.push(first);
    }
  }

  #hasReady({ ready }: Target): boolean {
    while (ready.first !== undefined && !this.#isCurrent(ready.first)) ready.pop();
    return ready.first !== undefined;
  }

  #isCurrent(entry: AgendaEntry): boolean {
    return this.#entries.get(entry.id) === entry;
  }

  #forget(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    const own = this.#byTarget.get(entry.target)!;
    own.delete(id);
    if (own.size === 0) this.#byTarget.delete(entry.target);
  }
}
