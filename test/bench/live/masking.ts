/** Masks some of the live trial's calls, over the API, and notes when each mask and its end were asked for and answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallDocument } from '../../../src/http/service.ts';
import type { AskedAt, AskedMask } from './heard.ts';
import type { LiveService } from './live-service.ts';

/** One call in ten is masked, twice, each time for this share of it. */
const MASKED_EVERY = 10;
const MASKS = [
  { from: 0.2, to: 0.35 },
  { from: 0.6, to: 0.8 },
] as const;

export class Masking {
  /** From asking to the answer that it is on disk. */
  readonly answersMs: number[] = [];
  readonly #service: LiveService;
  readonly #calls: readonly CallDocument[];
  readonly #seconds: number;
  #done: Promise<ReadonlyMap<number, readonly AskedMask[]>> | undefined;

  constructor(service: LiveService, calls: readonly CallDocument[], seconds: number) {
    this.#service = service;
    this.#calls = calls;
    this.#seconds = seconds;
  }

  /** The calls' media begins now. */
  begin(): void {
    this.#done = this.#run(performance.now());
    // Whoever waits for it hears of a failure, and nobody does yet.
    this.#done.catch(() => {});
  }

  /** By call. @throws Error for an action that was refused */
  get done(): Promise<ReadonlyMap<number, readonly AskedMask[]>> {
    return this.#done ?? Promise.resolve(new Map());
  }

  async #run(startedAt: number): Promise<ReadonlyMap<number, readonly AskedMask[]>> {
    const masks = new Map<number, AskedMask[]>();
    const masked = this.#calls.map((_, call) => call).filter((call) => call % MASKED_EVERY === 0);
    await Promise.all(
      masked.map(async (call) => {
        const own: AskedMask[] = [];
        masks.set(call, own);
        // Not all in one instant.
        const untilShare = (share: number): Promise<void> =>
          sleep(Math.max(0, startedAt + share * this.#seconds * 1000 + call - performance.now()), undefined, {
            // Nothing waits for a run that was given up.
            ref: false,
          });
        for (const { from, to } of MASKS) {
          await untilShare(from);
          const on = await this.#ask(call, 'mask');
          await untilShare(to);
          own.push({ on, off: await this.#ask(call, 'unmask') });
        }
      }),
    );
    return masks;
  }

  async #ask(call: number, action: 'mask' | 'unmask'): Promise<AskedAt> {
    const sentMs = Date.now();
    const askedAt = performance.now();
    await this.#service.ask('POST', `channels/${this.#calls[call].legs.a.channel_id}`, { action });
    this.answersMs.push(performance.now() - askedAt);
    return { sentMs, answeredMs: Date.now() };
  }
}
