/** Finds a packet's stream by its 5-tuple and SSRC without making a string for each packet: addresses are interned by the reader. */

export class StreamIndex<T> {
  readonly #bySource = new Map<string, Map<string, Map<number, Map<number, T>>>>();

  get(source: string, sourcePort: number, target: string, targetPort: number, ssrc: number): T | undefined {
    return this.#bySource
      .get(source)
      ?.get(target)
      ?.get(sourcePort * 65_536 + targetPort)
      ?.get(ssrc);
  }

  set(source: string, sourcePort: number, target: string, targetPort: number, ssrc: number, value: T): void {
    const byTarget = entry(this.#bySource, source);
    const byPorts = entry(byTarget, target);
    entry(byPorts, sourcePort * 65_536 + targetPort).set(ssrc, value);
  }
}

const entry = <K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> => {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
};
