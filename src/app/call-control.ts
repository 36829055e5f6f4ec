/**
 * Joins a call with its parties' metaflows: digits go to the machines that listen to their leg, what a code asks for becomes a
 * command to the call, one after another. Digits end here.
 */
import type { ActionResult } from '../call/action.ts';
import type { Call } from '../call/call.ts';
import type { MaskExpiry } from '../call/mask-deadline.ts';
import { listenedLegs } from '../control/listen-on.ts';
import type { MetaflowsDocument } from '../control/metaflow-document.ts';
import { MetaflowMachine, type MetaflowMatch } from '../control/metaflow-machine.ts';
import { type MetaflowStep, runMetaflow } from '../control/metaflow-run.ts';
import { type AppError, asAppError } from '../core/errors.ts';
import { LEGS, type Leg } from '../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../core/record-call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Trigger } from '../spool/journal-record.ts';

export type Asked = {
  readonly fields: RecordCallFields & { readonly action: RecordAction };
  readonly trigger: Trigger;
  readonly atUs: number;
  /** How far back a mask reaches by what was asked. */
  readonly fromUs?: number;
};

export type ControlListener = {
  /** Why this may not be done now, such as a start while the disk is full. */
  refuse?(asked: Asked): AppError | undefined;
  onResult?(result: ActionResult, asked: Asked): void;
  onFailure?(error: AppError, asked: Asked): void;
  /** A code asked for a module of Kazoo's that is not run here. */
  onNotRun?(module: string): void;
  /** Whether codes may ask for this; default: whatever they hold. */
  obeys?(action: RecordAction): boolean;
  /**
   * The leg's packets come in the order in which they arrived, and none that arrived behind a code has been taken before it: its mask begins where the
   * code was complete, however far the call's clock is by now.
   */
  isOrdered?(leg: Leg): boolean;
  /** Fields that go before those of any code: an operator's word, such as a replay's `--data`. */
  readonly overriding?: RecordCallFields;
};

export class CallControl {
  readonly #call: Call;
  readonly #listener: ControlListener;
  readonly #machines: Record<Leg, MetaflowMachine[]> = { a: [], b: [] };
  readonly #asked: Asked[] = [];

  /** @param held whose metaflows: the document of the party on each leg. */
  constructor(call: Call, held: Partial<Record<Leg, MetaflowsDocument>>, listener: ControlListener = {}) {
    this.#call = call;
    this.#listener = listener;
    for (const holder of LEGS) {
      const document = held[holder];
      if (document === undefined) continue;
      for (const leg of listenedLegs(document.listenOn, holder))
        this.#machines[leg].push(new MetaflowMachine(document));
    }
  }

  /** Whether something waits to be done. */
  get pending(): boolean {
    return this.#asked.length > 0;
  }

  /** When `advance` is to be called next; infinite while nothing is being typed. */
  get deadlineUs(): number {
    let deadline = Number.POSITIVE_INFINITY;
    for (const leg of LEGS) {
      for (const machine of this.#machines[leg]) deadline = Math.min(deadline, machine.deadlineUs ?? deadline);
    }
    return deadline;
  }

  /**
   * @param fromUs since when nothing may be kept, should it be what masks; unless given, `atUs`
   * @param readUs when it was read, where it may have waited since `atUs`
   */
  digit(leg: Leg, symbol: string, atUs: number, fromUs?: number, readUs = atUs): void {
    this.#take(
      this.#machines[leg].map((machine) => machine.digit(symbol, atUs, readUs)),
      leg,
      fromUs,
    );
  }

  /** Lets codes that may have become longer ones time out. */
  advance(nowUs: number): void {
    for (const leg of LEGS) {
      this.#take(
        this.#machines[leg].map((machine) => machine.advance(nowUs)),
        leg,
      );
    }
  }

  ask(
    fields: RecordCallFields & { readonly action: RecordAction },
    trigger: Trigger,
    atUs: number,
    fromUs?: number,
  ): void {
    this.#asked.push({ fields, trigger, atUs, ...(fromUs === undefined ? {} : { fromUs }) });
  }

  /** A mask has been on for longer than `mask_max_sec` allows: what its `mask_expiry` asks for (rule 9). @param recorder the recording that says so */
  maskOverdue(expiry: MaskExpiry, atUs: number, recorder: Recorder | undefined): void {
    const trigger = { kind: 'policy', by: 'mask_max_sec' } as const;
    const named = recorder === undefined ? {} : { media_name: recorder.head.mediaName };
    if (expiry === 'unmask') this.ask({ action: 'unmask' }, trigger, atUs);
    if (expiry === 'stop') this.ask({ action: 'stop', ...named }, trigger, atUs);
  }

  /** Does what was asked, in order, each at its own instant. */
  async run(): Promise<void> {
    for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift()) {
      this.#call.advance(asked.atUs);
      try {
        const { fields, trigger, fromUs } = asked;
        const refused = this.#listener.refuse?.(asked);
        if (refused !== undefined) throw refused;
        const result = await this.#call.command({
          ...{ action: fields.action, fields, trigger, askedUs: asked.atUs },
          ...(fromUs === undefined ? {} : { fromUs }),
        });
        this.#listener.onResult?.(result, asked);
      } catch (error) {
        this.#listener.onFailure?.(asAppError(error), asked);
      }
    }
  }

  /** What one key press, or its timeout, completed for each who listens. What two of them hold alike is asked for once: it was typed once. */
  #take(matches: readonly (MetaflowMatch | undefined)[], leg: Leg, fromUs?: number): void {
    const taken = new Set<string>();
    for (const match of matches) {
      if (match === undefined) continue;
      const steps = runMetaflow(match.node, leg);
      const key = JSON.stringify(steps);
      if (taken.has(key)) continue;
      taken.add(key);
      this.#ask(steps, leg, match.atUs, fromUs ?? (this.#listener.isOrdered?.(leg) === true ? match.atUs : undefined));
    }
  }

  #ask(steps: readonly MetaflowStep[], leg: Leg, atUs: number, fromUs: number | undefined): void {
    for (const step of steps) {
      if (step.kind === 'record_call' && (this.#listener.obeys?.(step.fields.action) ?? true)) {
        const { action: _, ...overriding } = this.#listener.overriding ?? {};
        this.ask({ ...step.fields, ...overriding }, { kind: 'dtmf', leg }, atUs, fromUs);
      }
      if (step.kind === 'not_run') this.#listener.onNotRun?.(step.module);
    }
  }
}
