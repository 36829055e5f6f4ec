/** Counts the IP fragments that were left out, by flow, for one line of report. Keeps no packet bytes. */

/** More flows than this are counted together. */
const MAX_FLOWS = 1000;
/** How many flows the report names. */
const NAMED_FLOWS = 4;

export class FragmentTally {
  #total = 0;
  readonly #counts = new Map<string, number>();
  /** Only a packet's first fragment has its ports: the last one seen between two hosts lends them to those that follow. */
  readonly #openFlows = new Map<string, { readonly id: number; readonly flow: string }>();

  /** @param ports source and target, when this is a first fragment. */
  add(source: string, target: string, id: number, ports?: readonly [source: number, target: number]): void {
    this.#total++;
    const hosts = `${source}>${target}`;
    let flow = hosts;
    if (ports) {
      flow = `${endpoint(source, ports[0])}>${endpoint(target, ports[1])}`;
      if (this.#openFlows.size < MAX_FLOWS || this.#openFlows.has(hosts)) this.#openFlows.set(hosts, { id, flow });
    } else {
      const open = this.#openFlows.get(hosts);
      if (open?.id === id) flow = open.flow;
    }
    const count = this.#counts.get(flow);
    if (count !== undefined || this.#counts.size < MAX_FLOWS) this.#counts.set(flow, (count ?? 0) + 1);
  }

  /** One line, or undefined when there was no fragment. */
  get warning(): string | undefined {
    if (this.#total === 0) return undefined;
    const flows = [...this.#counts].sort(([, a], [, b]) => b - a);
    const named = flows.slice(0, NAMED_FLOWS).map(([flow, count]) => `${flow} (${count})`);
    const others = flows.length > NAMED_FLOWS ? [`${flows.length - NAMED_FLOWS} other flows`] : [];
    const list = [...named, ...others].join(', ');
    return `IP fragments left out, as they are not put together: ${this.#total}, of ${list}`;
  }
}

const endpoint = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
