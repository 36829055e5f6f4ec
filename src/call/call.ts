/**
 * One call: two legs on one clock, the call's masks, its recordings. Every packet is judged here, in memory, before anything is
 * written (design §4). No clock and no sockets: every instant is an argument, in µs since the Unix epoch, and never goes back.
 *
 *     packet ─▶ Intake (sequence, timeline, waiting) ─▶ MaskGate ─▶ recorders, or zeroed
 *                  └─ telephone-events ─▶ onDigit             └─ MaskBook ◀─ command
 */
import { AppError } from '../core/errors.ts';
import type { RandomBytes } from '../core/ids.ts';
import type { Leg } from '../core/leg.ts';
import type { RecordCallFields } from '../core/record-call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { OpenJournal } from '../spool/journal.ts';
import type { Foreseen, LegTally, MaskRecord, Trigger } from '../spool/journal-record.ts';
import type { ActionResult, Command, RecordingStatus } from './action.ts';
import { type DigitListener, Intake, type MediaPacket } from './intake.ts';
import { MaskBook } from './mask-book.ts';
import { MaskDeadline, type MaskExpiry } from './mask-deadline.ts';
import { MaskGate } from './mask-gate.ts';
import { type PendingStart, PendingStarts } from './pending-starts.ts';
import { PositionMasks } from './position-masks.ts';
import { type CallIdentity, Recordings } from './recordings.ts';

export type CallListener = {
  onDigit?: DigitListener;
  onStarted?(recorder: Recorder): void;
  /** Tones are to be redacted, but not in this codec. */
  onUnwatched?(codec: string): void;
  /** The journal is closed and durable, or `failure` says why not; the finalizer's turn. */
  onClosed?(recorder: Recorder, failure: AppError | undefined): void;
  /** A mask has been on for longer than `mask_max_sec` allows (rule 9). */
  onMaskOverdue?(expiry: MaskExpiry, atUs: number, recorder: Recorder | undefined): void;
};

/**
 * Of a source that sends nothing in silence: less than this between its opening and its first audio, or its last and the end, is how long it
 * takes to begin and to hang up.
 */
export const LEAST_SILENCE_US = 200_000;

export class Call {
  readonly identity: CallIdentity;
  readonly masks = new MaskBook();
  readonly #recordings: Recordings;
  readonly #foreseen: readonly Foreseen[];
  readonly #positions: PositionMasks;
  readonly #listener: CallListener;
  readonly #gate: MaskGate;
  readonly #intake: Intake;
  readonly #closing = new Set<Promise<void>>();
  readonly #pending = new PendingStarts();
  readonly #deadline = new MaskDeadline(this.masks);
  #nowUs: number;
  #nextDueUs = Number.POSITIVE_INFINITY;
  /** Nothing captured before this is in memory any more: how far a mask can reach back. */
  #reachUs = Number.NEGATIVE_INFINITY;
  #answered = false;
  #bridged = false;
  readonly #bridgedByMedia: boolean;
  /** Whether the open mask is on disk in every journal. */
  #durable = true;
  /** Masks asked for so far: an unmask that is under way when another is asked for does not take effect. */
  #masksAsked = 0;
  /** When the last of them was asked for. */
  #maskAskedUs = Number.NEGATIVE_INFINITY;
  #turn: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(options: {
    identity: CallIdentity;
    /** The call's clock at its beginning, µs since the Unix epoch. */
    startUs: number;
    journalPath: (recordingId: string) => string;
    /** Default: a file. */
    openJournal?: OpenJournal;
    /** What a rehearsal has found of each of its recordings, in the order they begin. */
    foreseen?: readonly Foreseen[];
    random: RandomBytes;
    /** Withhold frames with audible key tones (rule 10); frames then wait 150 ms in memory. */
    redactTones?: boolean;
    /** Whether the call counts as bridged once both legs send, where nobody says so; default yes. */
    bridgedByMedia?: boolean;
    listener?: CallListener;
  }) {
    this.identity = options.identity;
    this.#nowUs = options.startUs;
    this.#listener = options.listener ?? {};
    this.#bridgedByMedia = options.bridgedByMedia ?? true;
    this.#foreseen = options.foreseen ?? [];
    this.#positions = new PositionMasks(this.#foreseen);
    this.#recordings = new Recordings({ ...options, tallies: () => this.tallies() });
    this.#gate = new MaskGate(this.masks, this.#positions, this.#recordings.open, this.#pending, (startUs) =>
      this.#startPending(startUs),
    );
    this.#intake = new Intake({
      gate: this.#gate,
      onDigit: (leg, digit, atUs) => this.#listener.onDigit?.(leg, digit, atUs),
      redactTones: options.redactTones ?? false,
      onUnwatched: (codec) => this.#listener.onUnwatched?.(codec),
    });
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get recorders(): readonly Recorder[] {
    return this.#recordings.open;
  }

  /** Recordings that were asked for and have not begun. */
  get waitingStarts(): number {
    return this.#pending.size;
  }

  /** Bytes of all journals that are not on disk yet; whoever feeds the call faster than real time waits for them. */
  get pendingBytes(): number {
    return this.#recordings.open.reduce((sum, recorder) => sum + recorder.pendingBytes, 0);
  }

  async drained(): Promise<void> {
    await Promise.allSettled(this.#recordings.open.map((recorder) => recorder.drained()));
  }

  /** Frames of either leg that a mask has kept out so far. */
  get withheld(): number {
    return this.#gate.withheld;
  }

  tallies(): Record<Leg, LegTally> {
    return this.#intake.tallies();
  }

  /** Takes a packet. Copies what it keeps; what a mask covers is zeroed where it lies. */
  packet(packet: MediaPacket): void {
    if (this.#ended) {
      packet.bytes.fill(0, packet.start, packet.end);
      return;
    }
    this.advance(packet.arrivalUs);
    this.#intake.packet(packet);
    this.#startPending();
  }

  /** Moves the call's clock: releases what has waited long enough, ends what has reached its limit. */
  advance(nowUs: number): void {
    if (nowUs <= this.#nowUs) return;
    this.#nowUs = nowUs;
    this.#intake.release(nowUs);
    if (nowUs >= this.#nextDueUs) this.#due();
  }

  /**
   * What is read from now on may have waited since `sinceUs`, one leg's packets longer than the other's: nothing is judged until `letGo`, and
   * a mask that is asked for meanwhile reaches back to then, for its code may have waited as well.
   */
  hold(sinceUs: number): void {
    if (this.#intake.holdingSinceUs === undefined) this.#intake.holdBehindUs = this.#nowUs;
    this.#intake.holdingSinceUs = sinceUs;
  }

  /** Whatever waited beside the packets that arrived until `readUs` has been read; undefined: nothing waits any more. */
  letGo(readUs: number | undefined): void {
    if (this.#ended) return;
    this.#intake.holdBehindUs = readUs ?? Number.POSITIVE_INFINITY;
    if (readUs === undefined) this.#intake.holdingSinceUs = undefined;
    this.#intake.release(this.#nowUs);
  }

  /** Starts a recording with the next frame, or when `record_on_answer` or `record_on_bridge` say. */
  recordFromFirstFrame(fields: RecordCallFields, startedBy: string): void {
    this.#pending.add({ fields, startedBy, until: this.#condition(fields) ?? 'first-frame', askedUs: this.#nowUs });
    this.#lookbackChanged();
    this.#startPending();
  }

  /** The callee has answered (SIP 200, or the API's `answer`). */
  answered(): void {
    this.#answered = true;
    this.#startPending();
  }

  /** The legs are joined, as the API's `bridge` says; a call whose legs both send counts as joined without. */
  bridged(): void {
    this.#bridged = true;
    this.#startPending();
  }

  /** Does what a metaflow, the API or a stream asked for, at the call's present instant. @throws MASK_NOT_DURABLE */
  async command(command: Command): Promise<ActionResult> {
    switch (command.action) {
      case 'start':
        return this.#start(command);
      case 'stop':
        return this.#stop(command);
      case 'toggle':
        return this.#recordings.running.length > 0 ? this.#stop(command) : this.#start(command);
      case 'mask':
        return this.#mask(command.trigger, command.fromUs, command.askedUs);
      case 'unmask':
        return this.#unmask(command.trigger, command.askedUs);
      default:
        return command.action satisfies never;
    }
  }

  /**
   * Masks by position in the call's first recording, ms, such as a replay's `--mask`; before its first packet. Where the call was not
   * rehearsed, or came to no recording, nobody knows where a position lies: the whole call is masked.
   */
  maskPositions(spans: readonly { readonly startMs: number; readonly endMs: number }[]): void {
    const trigger: Trigger = { kind: 'policy', by: 'position' };
    const first = this.#foreseen[0];
    if (first === undefined && spans.length > 0) {
      this.#positions.add(this.masks.addSpan(this.#nowUs, Number.MAX_SAFE_INTEGER, this.#nowUs, trigger), true);
    }
    if (first === undefined) return;
    for (const { startMs, endMs } of spans) {
      const [fromUs, toUs] = [first.startUs + startMs * 1000, first.startUs + endMs * 1000];
      this.#positions.add(this.masks.addSpan(fromUs, toUs, this.#nowUs, trigger), startMs === 0);
    }
  }

  /**
   * The call is over: what waited is judged and written, every recording ends and is closed. Resolves when all journals are durable.
   * @param untilUs it was heard until then, by a source that sends nothing in silence; none: recordings end with its last frame
   */
  async end(reason: 'hangup' | 'shutdown' = 'hangup', untilUs = Number.NEGATIVE_INFINITY): Promise<void> {
    if (!this.#ended) {
      this.#ended = true;
      this.#intake.releaseAll();
      this.#pending.clear();
      const lastUs = Number.isFinite(this.#gate.lastFrameUs) ? this.#gate.lastFrameUs : this.#nowUs;
      for (const recorder of this.#recordings.running) {
        if (untilUs > lastUs) recorder.stop(Math.max(recorder.head.startUs, untilUs), 'command', reason);
        else recorder.stop(Math.max(recorder.head.startUs, lastUs), 'last-frame', reason);
      }
      this.#closeDrained(Number.POSITIVE_INFINITY);
    }
    await Promise.all(this.#closing);
  }

  get #isBridged(): boolean {
    return this.#bridged || (this.#bridgedByMedia && this.#intake.isBridged);
  }

  #condition(fields: RecordCallFields): 'answer' | 'bridge' | 'either' | undefined {
    const { record_on_answer: onAnswer = false, record_on_bridge: onBridge = false } = fields;
    if ((onAnswer && this.#answered) || (onBridge && this.#isBridged) || !(onAnswer || onBridge)) return undefined;
    // Both: the first of the two counts (Kazoo 4.3).
    return onAnswer && onBridge ? 'either' : onAnswer ? 'answer' : 'bridge';
  }

  /** Starts what was waiting. @param firstFrameUs start of the frame in hand, when there is one. */
  #startPending(firstFrameUs?: number): void {
    if (this.#pending.isEmpty) return;
    const answered = this.#answered;
    const bridged = this.#isBridged;
    const ready = {
      'first-frame': firstFrameUs !== undefined,
      answer: answered,
      bridge: bridged,
      either: answered || bridged,
    };
    for (const pending of this.#pending.take(({ until }) => ready[until])) {
      if (pending.until !== 'first-frame' || firstFrameUs === undefined) {
        this.#open(pending, this.#nowUs, 'command');
        continue;
      }
      // A source without timestamps began with a silence that it did not send; what is short is no silence.
      const sinceUs = Math.max(this.#intake.silentSinceUs ?? firstFrameUs, pending.askedUs);
      if (firstFrameUs - sinceUs >= LEAST_SILENCE_US) this.#open(pending, sinceUs, 'command', true);
      else this.#open(pending, firstFrameUs, 'first-frame');
    }
  }

  #open(
    pending: Pick<PendingStart, 'fields' | 'startedBy'>,
    startUs: number,
    startsWith: 'first-frame' | 'command',
    hasFirstFrame = startsWith === 'first-frame',
  ): Recorder {
    const recorder = this.#recordings.start(pending.fields, startUs, startsWith, pending.startedBy, hasFirstFrame);
    this.#lookbackChanged();
    for (const mask of this.masks.all)
      if (mask.endUs === null || mask.endUs > startUs || mask.trigger.by === 'position') recorder.mask(mask);
    this.#listener.onStarted?.(recorder);
    return recorder;
  }

  async #start({ fields, trigger }: Command): Promise<ActionResult> {
    if (this.#ended) return this.#result('start', false, []);
    const startedBy = `${trigger.kind}:${trigger.by ?? ''}:${JSON.stringify(fields)}`;
    const running = this.#recordings.findStarted(fields, startedBy);
    if (running !== undefined) return this.#result('start', false, [running]);
    const until = this.#condition(fields);
    if (until !== undefined) {
      const isNew = this.#pending.add({ fields, startedBy, until, askedUs: this.#nowUs });
      this.#lookbackChanged();
      return this.#result('start', isNew, []);
    }
    const recorder = this.#open({ fields, startedBy }, this.#nowUs, 'command');
    await recorder.sync();
    return this.#result('start', true, [recorder]);
  }

  async #stop({ fields }: Command): Promise<ActionResult> {
    const recorder = this.#recordings.findToStop(fields.media_name);
    if (recorder === undefined) {
      const waited = !this.#pending.isEmpty;
      this.#pending.clear();
      return this.#result('stop', waited, []);
    }
    recorder.stop(this.#nowUs, 'command', 'stop');
    this.#dueChanged();
    // Whoever is told of it finds it after a crash; one that can't be written is told of as such.
    await recorder.sync().catch(() => {});
    return this.#result('stop', true, [recorder]);
  }

  /** Masks at once; only the answer waits, for what is before it and for the disk. */
  async #mask(trigger: Trigger, fromUs = this.#nowUs, askedUs = this.#nowUs): Promise<ActionResult> {
    this.#masksAsked++;
    this.#maskAskedUs = Math.max(this.#maskAskedUs, askedUs);
    const { open } = this.masks;
    const isNew = open === undefined;
    const backUs = Math.min(this.#nowUs - this.#intake.lookbackUs, this.#intake.holdingSinceUs ?? this.#nowUs);
    // What a media server left out from then on it has not sent either: of that nothing can be let go.
    const startUs = Math.min(fromUs, Math.max(backUs, Math.min(this.#nowUs, this.#reachUs)));
    if (isNew) {
      this.#durable = false;
      const mask = this.masks.begin(startUs, this.#nowUs, trigger);
      this.#note(mask);
      this.#dueChanged();
    } else if (fromUs < open.startUs) {
      // It was asked for before the one that is open, and read behind it.
      this.#durable = false;
      open.startUs = fromUs;
      this.#note(open);
    }
    await this.#inTurn(async () => {
      // A repeat is a success only if the first time was one.
      if (!this.#durable) await this.#sync('mask');
    });
    return this.#result('mask', isNew, this.#recordings.open);
  }

  async #unmask(trigger: Trigger, askedUs = this.#nowUs): Promise<ActionResult> {
    // It was asked for before the mask, and read behind it.
    if (askedUs < this.#maskAskedUs) return this.#result('unmask', false, this.#recordings.open);
    const masksAsked = this.#masksAsked;
    return this.#inTurn(async () => {
      const open = this.masks.open;
      if (open === undefined) return this.#result('unmask', false, this.#recordings.open);
      const askedAtUs = this.#nowUs;
      // The call stays masked until the end of the mask is durable: a crash in between must not find it open.
      this.#note({ ...open, endUs: askedAtUs, unmaskTrigger: trigger, unmaskAskedAtUs: askedAtUs });
      try {
        await this.#sync('unmask');
      } catch (error) {
        this.#note(open);
        throw error;
      }
      if (this.#masksAsked !== masksAsked) {
        // Somebody asked for a mask meanwhile: the one that is open goes on.
        this.#durable = false;
        this.#note(open);
        return this.#result('unmask', false, this.#recordings.open);
      }
      // Said again, with the end it really has, also to what has started meanwhile.
      const mask = this.masks.end(this.#nowUs, askedAtUs, trigger);
      if (mask !== undefined) this.#note(mask);
      this.#dueChanged();
      return this.#result('unmask', true, this.#recordings.open);
    });
  }

  /** Writes what is known of a mask to every journal; the last that a journal says of it counts. */
  #note(mask: MaskRecord): void {
    for (const recorder of this.#recordings.open) recorder.mask(mask);
  }

  /** Rule 4: durable in every journal before anyone is told. @throws MASK_NOT_DURABLE */
  async #sync(action: 'mask' | 'unmask'): Promise<void> {
    this.#durable = false;
    const synced = await Promise.allSettled(this.#recordings.open.map((recorder) => recorder.sync()));
    const failed = synced.find((each) => each.status === 'rejected');
    if (failed === undefined) {
      this.#durable = true;
      return;
    }
    throw new AppError('MASK_NOT_DURABLE', `the ${action} could not be put on disk: the call stays masked`, {
      cause: failed.reason,
    });
  }

  /** One command's writes after another's, in the order in which they were asked for. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #result(action: ActionResult['action'], changed: boolean, touched: readonly Recorder[]): ActionResult {
    const masked = this.masks.isMasked(this.#nowUs);
    const recordings: RecordingStatus[] = touched.map((recorder) => ({
      id: recorder.head.id,
      state: recorder.state === 'recording' ? 'recording' : 'finalizing',
      masked,
      position_ms: Math.max(0, Math.round((Math.min(this.#nowUs, recorder.endUs) - recorder.head.startUs) / 1000)),
    }));
    return { action, changed, masked, recordings };
  }

  #due(): void {
    this.#recordings.enforceLimits(this.#nowUs);
    this.#closeDrained(this.#nowUs);
    const overdue = this.#deadline.take(this.#recordings.running, this.#nowUs);
    if (overdue !== undefined) this.#listener.onMaskOverdue?.(overdue.expiry, overdue.atUs, overdue.recorder);
    this.#dueChanged();
  }

  #closeDrained(nowUs: number): void {
    for (const { recorder, legs } of this.#recordings.takeDrained(nowUs, this.#intake.isWaiting)) {
      const closing = recorder
        .close(legs)
        .catch(() => undefined)
        .then(() => this.#listener.onClosed?.(recorder, recorder.failure))
        .finally(() => this.#closing.delete(closing));
      this.#closing.add(closing);
    }
    this.#lookbackChanged();
  }

  #dueChanged(): void {
    this.#nextDueUs = Math.min(this.#recordings.nextDueUs, this.#deadline.next(this.#recordings.running).atUs);
  }

  #lookbackChanged(): void {
    const lookbackUs = Math.max(this.#recordings.lookbackUs, this.#pending.lookbackUs);
    // What the shorter lookback already let go stays gone: a mask reaches back only to here.
    if (lookbackUs > this.#intake.lookbackUs) this.#reachUs = this.#nowUs - this.#intake.lookbackUs;
    this.#intake.lookbackUs = lookbackUs;
    this.#dueChanged();
  }
}
