/** What the service is in the middle of, as seen from outside: which kinds of work are under way now, and when one begins. */

export const PHASES = [
  'start-up',
  'recovery',
  'announce',
  'start',
  'record',
  'mask',
  'masked',
  'unmask',
  'stop',
  'hang up',
  'finalize',
  'deliver',
] as const;

export type Phase = (typeof PHASES)[number];

export class Phases {
  /** Told of each that begins. */
  onEnter: (phase: Phase) => void = () => {};
  readonly #underWay = new Map<Phase, number>();

  /** @returns ends it; a second time does nothing. */
  enter(phase: Phase): () => void {
    this.#add(phase, 1);
    this.onEnter(phase);
    let isOver = false;
    return () => {
      if (!isOver) this.#add(phase, -1);
      isOver = true;
    };
  }

  async during<T>(phase: Phase, work: Promise<T>): Promise<T> {
    const leave = this.enter(phase);
    try {
      return await work;
    } finally {
      leave();
    }
  }

  get now(): Phase[] {
    return PHASES.filter((phase) => (this.#underWay.get(phase) ?? 0) > 0);
  }

  /** Nothing is under way any more: the service is dead. */
  clear(): void {
    this.#underWay.clear();
  }

  #add(phase: Phase, count: number): void {
    this.#underWay.set(phase, Math.max(0, (this.#underWay.get(phase) ?? 0) + count));
  }
}
