/**
 * One announced call while it lives: two legs that are heard, the call that judges what they send, what is asked of it, its
 * recordings. Every packet takes the short way through `#take`; all else is done by the tick.
 *
 *     AnnouncedLeg ×2 ──packet──▶ Call ──digit──▶ CallCommands ──command──▶ Call ──▶ CallRecordings, CallJournals
 */
import type { ActionResult } from '../../call/action.ts';
import { Call, LEAST_SILENCE_US } from '../../call/call.ts';
import type { MediaPacket } from '../../call/intake.ts';
import { LEGS, type Leg } from '../../core/leg.ts';
import type { RecordAction, RecordCallFields } from '../../core/record-call.ts';
import { newJournalPath } from '../recordings/data-folders.ts';
import { AnnouncedLeg } from './announced-leg.ts';
import { CallAudit } from './call-audit.ts';
import { CallCommands } from './call-commands.ts';
import { CallEvents } from './call-events.ts';
import { CallJournals } from './call-journals.ts';
import { journalParties, type LookedUp } from './call-lookup.ts';
import { CallRecordings, type StopReason } from './call-recordings.ts';
import type { CallHead, CallSurroundings } from './call-surroundings.ts';
import { channelId } from './channel-id.ts';

/** By ticks, that is twice a second. */
const LOOK_EVERY_US = 450_000;

export type EndReason = Extract<StopReason, 'hangup' | 'idle' | 'shutdown'>;

export class AnnouncedCall {
  readonly head: CallHead;
  readonly legs: Readonly<Record<Leg, AnnouncedLeg>>;
  readonly call: Call;
  readonly recordings: CallRecordings;
  readonly events: CallEvents;
  /** When it ended, µs. */
  endedUs: number | undefined;
  isAnswered = false;
  readonly #audit: CallAudit;
  readonly #surroundings: CallSurroundings;
  readonly #onEnded: () => void;
  readonly #commands: CallCommands;
  readonly #journals: CallJournals;
  #isBridged = false;
  #heardUntilUs = Number.NEGATIVE_INFINITY;
  #lookDueUs = Number.NEGATIVE_INFINITY;
  /** Whether each leg's packets say when they arrived, so that what is read has not waited; kept here because every packet asks. */
  #areStamped: boolean;
  /** Streams whose servers have paused or masked the call and not taken it back. */
  readonly #maskingStreams = new Set<string>();
  #ending: Promise<void> | undefined;

  /** @param onEnded told once, when its last journal is closed. */
  constructor(
    head: CallHead,
    { parties, metaflows, starts }: LookedUp,
    surroundings: CallSurroundings,
    onEnded: () => void,
  ) {
    this.head = head;
    this.#onEnded = onEnded;
    this.#surroundings = surroundings;
    this.#areStamped = surroundings.stamps;
    const { accountId, callId, direction } = head;
    const { random, limits, onDefect } = surroundings;
    this.events = new CallEvents(surroundings.events, accountId, callId, onDefect);
    this.#audit = new CallAudit(surroundings.audit, head, () => this.isMasked);
    const leg = (leg: Leg): AnnouncedLeg =>
      new AnnouncedLeg({
        leg,
        channelId: channelId(random),
        party: parties[leg],
        limits,
        take: (packet) => this.#take(packet),
        onSource: () => {
          this.#areStamped = LEGS.every((each) => this.#isStamped(each));
        },
        onDefect,
      });
    this.legs = { a: leg('a'), b: leg('b') };
    const about = { accountId, direction };
    this.recordings = new CallRecordings({
      ...{ about, parties, starts, events: this.events, audit: this.#audit, onDefect },
      sink: surroundings.recordings,
    });
    this.call = new Call({
      identity: { callId, parties: journalParties(head, parties) },
      startUs: head.announcedUs,
      journalPath: (id) => newJournalPath(surroundings.journals, accountId, id),
      openJournal: surroundings.openJournal(accountId),
      random,
      redactTones: surroundings.redactTones,
      // Both legs may send long before they are joined: ringing, announcements.
      bridgedByMedia: false,
      listener: {
        // One that waited was pressed when nobody knows: the code it belongs to has not timed out.
        onDigit: (leg, digit, atUs) => this.#commands.digit(leg, digit, this.#sinceUs(leg, atUs), atUs),
        onStarted: (recorder) => this.recordings.started(recorder),
        onClosed: (recorder, failure) => this.recordings.closed(recorder, failure),
        onUnwatched: (codec) => this.events.publish('recording.unwatched', { codec }),
        onMaskOverdue: (expiry, atUs, recorder) => {
          const of = recorder === undefined ? {} : { recording_id: recorder.head.id };
          this.events.publish('mask.overdue', { expiry, ...of });
          this.#commands.maskOverdue(expiry, atUs, recorder);
        },
      },
    });
    this.#commands = new CallCommands({
      call: this.call,
      metaflows,
      events: this.events,
      audit: this.#audit,
      admit: surroundings.admit,
      isOrdered: (leg) => this.#isStamped(leg),
      onResult: () => this.recordings.tellStopped('stop'),
      onDefect,
    });
    this.#journals = new CallJournals(this.call, this.events, surroundings.lagBounds, (recorder, failure) =>
      this.recordings.failed(recorder, failure),
    );
    for (const { fields, startedBy } of starts) this.call.recordFromFirstFrame(fields, startedBy);
  }

  get accountId(): string {
    return this.head.accountId;
  }

  get callId(): string {
    return this.head.callId;
  }

  get channels(): Readonly<Record<Leg, string>> {
    return { a: this.legs.a.channelId, b: this.legs.b.channelId };
  }

  get ended(): boolean {
    return this.endedUs !== undefined;
  }

  get isMasked(): boolean {
    return this.call.masks.open !== undefined || this.call.masks.isMasked(this.call.nowUs);
  }

  get state(): 'announced' | 'answered' | 'bridged' | 'ended' {
    if (this.ended) return 'ended';
    if (this.#isBridged) return 'bridged';
    return this.isAnswered ? 'answered' : 'announced';
  }

  answer(nowUs: number): void {
    if (this.isAnswered || this.ended) return;
    this.isAnswered = true;
    this.call.advance(nowUs);
    this.call.answered();
    this.events.publish('call.answered');
  }

  /** The legs are joined, which only an answered call can be. */
  bridge(nowUs: number): void {
    if (this.#isBridged || this.ended) return;
    this.answer(nowUs);
    this.#isBridged = true;
    this.call.advance(nowUs);
    this.call.bridged();
    this.events.publish('call.bridged');
  }

  /** @param by the API key's id. */
  act(
    leg: Leg,
    fields: RecordCallFields & { readonly action: RecordAction },
    by: string,
    nowUs: number,
  ): Promise<ActionResult> {
    return this.#commands.act({ ...fields, dtmf_leg: leg }, by, nowUs);
  }

  /** Whether a loop stood still: what was typed before now may not have been read. */
  isBehind(nowUs: number): boolean {
    return this.#watched(nowUs) < nowUs;
  }

  /** Resolves when it has. */
  async caughtUp(nowUs: number): Promise<void> {
    await Promise.all([this.#surroundings.turn(), this.#readUntil(nowUs)]);
  }

  /** A recording that a stream asks for when it joins: it begins with the next frame, or as its fields say. */
  recordByStream(fields: RecordCallFields): void {
    const { action: _, ...others } = fields;
    if (!this.ended) this.call.recordFromFirstFrame(others, `stream:${JSON.stringify(others)}`);
  }

  /** A source that sends nothing in silence was there until then: so long were both parties. What is short is no silence. */
  heardUntil(atUs: number): void {
    const lastUs = Math.max(...LEGS.map((leg) => this.legs[leg].lastUs ?? Number.NEGATIVE_INFINITY));
    if (atUs - lastUs >= LEAST_SILENCE_US) this.#heardUntilUs = Math.max(this.#heardUntilUs, atUs);
  }

  /** A key that a stream has told of by itself. @param fromUs when it was pressed at the latest: it may have waited on its way */
  digit(leg: Leg, symbol: string, atUs: number, fromUs: number): void {
    if (this.ended) return;
    const sinceUs = this.#watched(atUs);
    if (sinceUs < atUs) this.#hold(sinceUs);
    this.call.advance(atUs);
    this.#commands.digit(leg, symbol, sinceUs, atUs, Math.max(this.head.announcedUs, Math.min(sinceUs, fromUs)));
    this.#commands.begin();
  }

  /**
   * A media server's own pause or mask. It takes back no mask but its own: what an agent, the API or another stream masked stays masked. A
   * connection that breaks takes nothing back.
   * @param by the stream and its kind. @param fromUs since when nothing of the call may be kept
   */
  serverMask(
    isOn: boolean,
    by: { readonly kind: string; readonly stream: string },
    atUs: number,
    fromUs: number,
  ): void {
    if (this.ended) return;
    if (isOn) this.#maskingStreams.add(by.stream);
    else if (!this.#maskingStreams.delete(by.stream) || this.#maskingStreams.size > 0) return;
    const isOthers = this.#commands.isMaskedByOthers || this.call.masks.open?.trigger.kind !== 'stream';
    if (!isOn && isOthers) return;
    this.call.advance(atUs);
    this.#commands.askByStream(isOn ? 'mask' : 'unmask', by.kind, atUs, fromUs);
    this.#commands.begin();
  }

  /** Brings the call to `nowUs`. @returns false when it has been without media for too long, and is to be ended. */
  tick(nowUs: number): boolean {
    if (this.ended) return true;
    // Codes first: what they ask for counts from when they timed out, not from now.
    const sinceUs = this.#watched(nowUs);
    this.#commands.advance(sinceUs);
    // What has come since then may not have been read: until it is, no frame is let go that a mask in it reaches back to.
    this.call.advance(sinceUs);
    this.#commands.begin();
    // What is looked at lies here and there in memory, of thousands of calls.
    if (nowUs < this.#lookDueUs) return true;
    this.#lookDueUs = nowUs + LOOK_EVERY_US;
    return this.#look(nowUs);
  }

  /** At journals and legs. @returns as `tick` */
  #look(nowUs: number): boolean {
    this.recordings.tellStopped('stop');
    this.#journals.look(nowUs, this.#surroundings.calls(), this.legs.a.lost + this.legs.b.lost);
    const isDropping = this.#journals.lag === 'dropping';
    let lastUs = this.head.announcedUs;
    for (const leg of LEGS) {
      const announced = this.legs[leg];
      announced.dropping = isDropping;
      const changed = announced.look(nowUs);
      if (changed !== undefined) this.events.publish(`leg.${changed}`, { leg });
      if (announced.lastUs !== undefined && announced.lastUs > lastUs) lastUs = announced.lastUs;
      // Some servers send nothing in silence; whether such a one is still there its connection knows.
      if (announced.source !== undefined) lastUs = nowUs;
    }
    return nowUs - lastUs < this.#surroundings.limits.callIdleSec * 1e6;
  }

  /** Ends it, once: what has been sent is taken, what was asked is done, every journal is durable and handed on. */
  end(reason: EndReason, nowUs: number): Promise<void> {
    this.#ending ??= this.#end(reason, nowUs).finally(this.#onEnded);
    return this.#ending;
  }

  async #end(reason: EndReason, nowUs: number): Promise<void> {
    this.endedUs = nowUs;
    if (LEGS.some((leg) => this.legs[leg].source?.sendsNoSilence)) this.heardUntil(nowUs);
    this.events.publish('call.ended', { reason });
    if (reason !== 'hangup') this.#audit.ended(reason);
    await this.caughtUp(nowUs);
    await Promise.allSettled(LEGS.map((leg) => this.legs[leg].close(reason)));
    await this.#commands.settled();
    const ending = this.call.end(reason === 'shutdown' ? 'shutdown' : 'hangup', this.#heardUntilUs);
    this.recordings.tellStopped(reason);
    await ending;
  }

  /** The hot path: per packet, nothing is allocated here. */
  #take(packet: MediaPacket): void {
    const { arrivalUs } = packet;
    const sinceUs = this.#areStamped ? arrivalUs : this.#sinceUs(packet.leg, arrivalUs);
    if (sinceUs < arrivalUs) this.#hold(sinceUs);
    if (sinceUs >= this.#commands.deadlineUs) this.#commands.advance(sinceUs);
    this.call.packet(packet);
    this.#commands.begin();
  }

  /** Since when what is read now may have waited; or, where another thread reads a leg, what belongs before it. */
  #sinceUs(leg: Leg, arrivalUs: number): number {
    return this.#isStamped(leg) && !this.#isReadElsewhere ? arrivalUs : this.#watched(arrivalUs);
  }

  #watched(nowUs: number): number {
    return this.#surroundings.watch.sinceUs(nowUs, this.#isReadElsewhere);
  }

  get #isReadElsewhere(): boolean {
    const { a, b } = this.legs;
    return a.source?.isReadElsewhere === true || b.source?.isReadElsewhere === true;
  }

  /** Resolves when what had come by then to a thread that reads elsewhere has been read. */
  #readUntil(atUs: number): Promise<void> | undefined {
    if (!this.#isReadElsewhere) return undefined;
    return new Promise((resolve) => {
      const { watch } = this.#surroundings;
      watch.hold({ letGo: (readUs = atUs) => (readUs >= atUs ? resolve() : undefined) }, true);
    });
  }

  /** Whether the leg's packets say when they arrived: a stream's say when they were read. */
  #isStamped(leg: Leg): boolean {
    return this.#surroundings.stamps && this.legs[leg].source === undefined;
  }

  /** The loop stood still: a code on one leg may be read after what was said behind it on the other. */
  #hold(sinceUs: number): void {
    this.call.hold(sinceUs);
    this.#surroundings.watch.hold(this.call, this.#isReadElsewhere);
  }
}
