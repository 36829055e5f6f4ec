/**
 * All paths of a capture that may carry media. The key is looked up without making a text of it; paths that have not proved
 * themselves are forgotten, the least recently used first, so that a scan or a flood can't fill the memory. Pure.
 */
import type { Datagram } from '../datagram.ts';
import { Flow, type Path } from './flow.ts';

const MOST_UNPROVEN = 10_000;
/** Paths that have proved themselves; beyond, they are forgotten like others. */
const MOST_PROVEN = 1 << 17;
/** So many are forgotten at once: the question whether signalling names a path costs more than forgetting it. */
const FORGET_AT_ONCE = MOST_UNPROVEN / 10;

type ByPorts = Map<number, Flow>;

export class FlowTable {
  readonly #bySource = new Map<string, Map<string, ByPorts>>();
  /** In order of last use: a Set keeps the order of insertion. */
  readonly #unproven = new Set<Flow>();
  readonly #isNamed: (flow: Path) => boolean;
  readonly #mostUnproven: number;
  #proven = 0;
  /** Paths that were kept because signalling names them. */
  #kept = 0;
  #last: Flow | undefined;

  /**
   * @param isNamed whether signalling seen so far names either end of the path: then it is kept
   * whatever it holds, as long as there are not too many of these either.
   */
  constructor(isNamed: (flow: Path) => boolean, mostUnproven = MOST_UNPROVEN) {
    this.#isNamed = isNamed;
    this.#mostUnproven = mostUnproven;
  }

  get unproven(): number {
    return this.#unproven.size;
  }

  *flows(): Iterable<Flow> {
    for (const byTarget of this.#bySource.values()) for (const byPorts of byTarget.values()) yield* byPorts.values();
  }

  find(path: Path): Flow | undefined {
    const last = this.#last;
    if (last !== undefined && isPath(last, path)) return last;
    const found = this.#bySource.get(path.source)?.get(path.target)?.get(portsOf(path));
    if (found !== undefined) this.#last = found;
    return found;
  }

  open(datagram: Datagram): Flow {
    const flow = new Flow(datagram);
    const { source, target } = flow;
    const byTarget = this.#bySource.get(source) ?? new Map<string, ByPorts>();
    this.#bySource.set(source, byTarget);
    const byPorts = byTarget.get(target) ?? new Map<number, Flow>();
    byTarget.set(target, byPorts);
    byPorts.set(portsOf(flow), flow);
    this.#last = flow;
    this.#unproven.add(flow);
    if (this.#unproven.size > this.#mostUnproven) this.#forget();
    return flow;
  }

  /** Call when something was seen on the path: it proves itself, or is the last to be forgotten. */
  touch(flow: Flow): void {
    if (!this.#unproven.delete(flow)) return;
    if (flow.proven && this.#proven < MOST_PROVEN) this.#proven++;
    else this.#unproven.add(flow);
  }

  #forget(): void {
    let left = Math.min(FORGET_AT_ONCE, Math.ceil(this.#mostUnproven / 10));
    for (const flow of this.#unproven) {
      if (left-- === 0) return;
      this.#unproven.delete(flow);
      if (this.#kept < this.#mostUnproven && this.#isNamed(flow)) this.#kept++;
      else this.#remove(flow);
    }
  }

  #remove(flow: Flow): void {
    const byTarget = this.#bySource.get(flow.source);
    const byPorts = byTarget?.get(flow.target);
    byPorts?.delete(portsOf(flow));
    if (byPorts?.size === 0) byTarget?.delete(flow.target);
    if (byTarget?.size === 0) this.#bySource.delete(flow.source);
    if (this.#last === flow) this.#last = undefined;
  }
}

/** Both ports as one small integer. */
const portsOf = ({ sourcePort, targetPort }: Path): number => (sourcePort << 16) | targetPort;

const isPath = (flow: Flow, path: Path): boolean =>
  flow.sourcePort === path.sourcePort &&
  flow.targetPort === path.targetPort &&
  flow.source === path.source &&
  flow.target === path.target;
