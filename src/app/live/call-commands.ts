/**
 * Everything that is asked of one call, by digits, the API or a policy, in the order in which it was asked. Each command is begun at
 * once: a mask never waits for the disk that an earlier command waits for. Digits end here; what is told is the action.
 */
import type { ActionResult } from '../../call/action.ts';
import type { Call } from '../../call/call.ts';
import type { MetaflowsDocument } from '../../control/metaflow-document.ts';
import { AppError } from '../../core/errors.ts';
import type { Leg } from '../../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../../core/record-call.ts';
import type { Trigger } from '../../spool/journal-record.ts';
import { type Asked, CallControl } from '../call-control.ts';
import type { CallAudit } from './call-audit.ts';
import type { CallEvents } from './call-events.ts';

/** More make no sense, and each costs memory. */
const MOST_RECORDINGS = 16;

type Waiting = { readonly resolve: (result: ActionResult) => void; readonly reject: (error: AppError) => void };

export class CallCommands {
  /** When `advance` is to be called next, µs; kept here because every packet asks. */
  deadlineUs = Number.POSITIVE_INFINITY;
  readonly #call: Call;
  readonly #control: CallControl;
  readonly #events: CallEvents;
  readonly #admit: () => AppError | undefined;
  readonly #onDefect: (error: unknown) => void;
  /** Somebody else than a media server wants it masked, whether it was already or not. */
  isMaskedByOthers = false;
  /** Whoever waits for an answer, by the trigger they came with. */
  readonly #waiting = new Map<Trigger, Waiting>();
  readonly #underWay = new Set<Promise<void>>();
  /** Whether anything may have been asked for since `begin`, which every packet calls. */
  #isAsked = false;

  constructor(options: {
    call: Call;
    metaflows: Partial<Record<Leg, MetaflowsDocument>>;
    events: CallEvents;
    audit: CallAudit;
    /** Why no recording may be started now. */
    admit: () => AppError | undefined;
    /** See `ControlListener`. */
    isOrdered: (leg: Leg) => boolean;
    onResult: (result: ActionResult) => void;
    onDefect: (error: unknown) => void;
  }) {
    this.#call = options.call;
    this.#events = options.events;
    this.#admit = options.admit;
    this.#onDefect = options.onDefect;
    this.#control = new CallControl(options.call, options.metaflows, {
      isOrdered: options.isOrdered,
      refuse: (asked) => {
        this.#noteMask(asked);
        return this.#refuse(asked);
      },
      onResult: (result, asked) => {
        options.audit.did(result, asked);
        options.onResult(result);
        this.#tell(result, asked);
        this.#take(asked)?.resolve(result);
      },
      onFailure: (error, asked) => {
        options.audit.failed(error, asked);
        const { action } = asked.fields;
        const masked = this.#call.masks.open !== undefined;
        this.#events.publish('command.failed', { action, code: error.code, masked, by: asked.trigger });
        this.#take(asked)?.reject(error);
      },
      onNotRun: (module) => this.#events.publish('metaflow.not_run', { module }),
    });
  }

  /** @param readUs when it was read: it may have waited since `atUs`. @param fromUs how far a mask that it asks for reaches back */
  digit(leg: Leg, symbol: string, atUs: number, readUs: number, fromUs?: number): void {
    this.#isAsked = true;
    this.#control.digit(leg, symbol, atUs, fromUs, readUs);
    this.deadlineUs = this.#control.deadlineUs;
  }

  /** Lets codes time out, and begins what they ask for. */
  advance(nowUs: number): void {
    if (nowUs >= this.deadlineUs) {
      this.#isAsked = true;
      this.#control.advance(nowUs);
      this.deadlineUs = this.#control.deadlineUs;
    }
    this.begin();
  }

  /** What a forgotten unmask comes to, begun with the next `begin`. */
  maskOverdue(...overdue: Parameters<CallControl['maskOverdue']>): void {
    this.#isAsked = true;
    this.#control.maskOverdue(...overdue);
  }

  /** What a media server says by itself, begun with the next `begin`. @param by the kind of stream. @param fromUs how far a mask reaches back */
  askByStream(action: 'mask' | 'unmask', by: string, atUs: number, fromUs: number): void {
    this.#isAsked = true;
    this.#control.ask({ action }, { kind: 'stream', by }, atUs, fromUs);
  }

  /** Begins it now, after all that was asked before. @param by the API key's id. @throws MASK_NOT_DURABLE, JOURNAL_UNWRITABLE, DISK_LOW, CONFLICT */
  act(fields: RecordCallFields & { readonly action: RecordAction }, by: string, atUs: number): Promise<ActionResult> {
    const trigger: Trigger = { kind: 'api', by };
    const answer = new Promise<ActionResult>((resolve, reject) => this.#waiting.set(trigger, { resolve, reject }));
    this.#isAsked = true;
    this.#control.ask(fields, trigger, atUs);
    this.begin();
    return answer;
  }

  /** Begins what has been asked for, one after another, without waiting for any of them. */
  begin(): void {
    if (!this.#isAsked) return;
    this.#isAsked = false;
    // Each run takes one and does all of it that needs no disk before it returns.
    while (this.#control.pending) {
      const run = this.#control
        .run()
        .catch(this.#onDefect)
        .finally(() => this.#underWay.delete(run));
      this.#underWay.add(run);
    }
  }

  /** Resolves when everything begun so far has been answered. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #noteMask({ fields: { action }, trigger }: Asked): void {
    if (trigger.kind === 'stream' || (action !== 'mask' && action !== 'unmask')) return;
    this.isMaskedByOthers = action === 'mask';
  }

  #refuse({ fields }: Asked): AppError | undefined {
    const { recorders } = this.#call;
    const isRunning = recorders.some(({ state }) => state === 'recording');
    if (fields.action !== 'start' && (fields.action !== 'toggle' || isRunning)) return undefined;
    const count = recorders.length + this.#call.waitingStarts;
    if (count >= MOST_RECORDINGS)
      return new AppError('CONFLICT', `the call has ${count} recordings at once: stop one first`);
    return this.#admit();
  }

  #take({ trigger }: Asked): Waiting | undefined {
    const waiting = this.#waiting.get(trigger);
    this.#waiting.delete(trigger);
    return waiting;
  }

  #tell({ action, changed, masked, recordings }: ActionResult, { trigger }: Asked): void {
    const ids = recordings.map(({ id }) => id);
    if (changed && action === 'mask') this.#events.publish('mask.on', { recordings: ids, by: trigger });
    if (changed && action === 'unmask') this.#events.publish('mask.off', { recordings: ids, by: trigger });
    // Who asked by the API was answered; nobody answers a digit.
    if (!changed && trigger.kind !== 'api')
      this.#events.publish('command.unchanged', { action, masked, recordings: ids, by: trigger });
  }
}
