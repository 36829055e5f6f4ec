/** Calls that begin when they are due, over the API, and are hung up when they have said everything. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LEGS } from '../../../src/core/leg.ts';
import type { CallDocument } from '../../../src/http/service.ts';
import { LEG_PACKETS_PER_SECOND } from '../ingest/load.ts';
import { abreast } from '../live/abreast.ts';
import type { LiveService } from '../live/live-service.ts';
import type { CallSender } from './call-sender.ts';
import { beginsAt, callsBegun, type PipelineFormat, type PipelineSize } from './pipeline-plan.ts';

/** What is on its way when a call's packets end has come by then. */
const SETTLE_MS = 250;
/** Hung up at once, at the end. */
const ABREAST = 16;

/** Of a leg that says everything. */
export const framesOf = ({ callSeconds }: PipelineSize): number => callSeconds * LEG_PACKETS_PER_SECOND;

type TrafficPlan = PipelineSize & { readonly format: PipelineFormat };

export class Traffic {
  readonly announcesMs: number[] = [];
  /** What was refused, a sentence each. */
  readonly faults: string[] = [];
  /** Those that have said everything. */
  readonly wholeCalls = new Set<string>();
  readonly #plan: TrafficPlan;
  readonly #service: LiveService;
  readonly #sender: CallSender;
  readonly #signal: AbortSignal;
  readonly #beganAt = performance.now();
  readonly #live = new Set<string>();
  #begun = 0;

  constructor(plan: TrafficPlan, service: LiveService, sender: CallSender, signal: AbortSignal) {
    this.#plan = plan;
    this.#service = service;
    this.#sender = sender;
    this.#signal = signal;
  }

  /** Calls that have said something. */
  get begun(): number {
    return this.#begun;
  }

  /** Resolves when nobody is asked anything any more. */
  async run(): Promise<void> {
    const total = callsBegun(this.#plan);
    const lives: Promise<void>[] = [];
    for (let call = 0; call < total; call++) {
      await this.untilSecond(beginsAt(this.#plan, call));
      lives.push(this.#told(`call-${call}`, (name) => this.#converse(name)));
    }
    await this.untilSecond(this.#endSecond);
    await Promise.all(lives);
    this.#signal.throwIfAborted();
  }

  /** After the first call's beginning. */
  async untilSecond(second: number): Promise<void> {
    const ms = this.#beganAt + 1000 * second - performance.now();
    if (ms > 1) await sleep(ms, undefined, { signal: this.#signal });
  }

  /** Those that are left. */
  async hangUpAll(): Promise<void> {
    const left = [...this.#live];
    await abreast(ABREAST, left.length, (at) => this.#told(left[at], (name) => this.#hangUp(name)));
  }

  get #endSecond(): number {
    return this.#plan.warmSeconds + this.#plan.steadySeconds;
  }

  /** What a call is refused is a fault of the run, which goes on. An abort is told by whoever waits for this. */
  async #told(name: string, work: (name: string) => Promise<void>): Promise<void> {
    try {
      await work(name);
    } catch (error) {
      if (this.#signal.aborted) return;
      this.faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #converse(name: string): Promise<void> {
    const { format, callSeconds } = this.#plan;
    const askedAt = performance.now();
    const { legs } = await this.#service.ask<CallDocument>('PUT', 'calls', {
      call_id: name,
      media: { kind: 'rtp' },
      record_call: { format, media_name: `${name}.${format}` },
    });
    const beganAt = performance.now();
    this.announcesMs.push(beganAt - askedAt);
    this.#live.add(name);
    const endsSecond = (beganAt - this.#beganAt) / 1000 + callSeconds + SETTLE_MS / 1000;
    // What is announced shortly before the end is silent, and makes no recording.
    if (endsSecond - callSeconds >= this.#endSecond) return;
    this.#begun++;
    for (const leg of LEGS) this.#sender.begin(legs[leg].rtp!.port, framesOf(this.#plan));
    if (endsSecond >= this.#endSecond) return;
    await this.untilSecond(endsSecond);
    await this.#hangUp(name);
    this.wholeCalls.add(name);
  }

  async #hangUp(name: string): Promise<void> {
    this.#live.delete(name);
    await this.#service.ask('DELETE', `calls/${name}`);
  }
}
