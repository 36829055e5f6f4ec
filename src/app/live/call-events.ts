/** What happens on one call, as its account's subscribers are told (design §6.3): ids and actions, never a digit, a name, a number or audio. */

import type { EventSink } from '../event-sink.ts';

export type CallEventType =
  | 'call.announced'
  | 'call.answered'
  | 'call.bridged'
  /** Media of `legs` was announced anew. */
  | 'call.media'
  | 'call.ended'
  /** A leg's state has changed: `receiving`, `silent`, `ended`. */
  | 'leg.receiving'
  | 'leg.silent'
  | 'leg.ended'
  /** A media server's stream brings `legs`; it has ended. */
  | 'stream.opened'
  | 'stream.closed'
  | 'recording.started'
  | 'recording.stopped'
  /** Its journal can't be written: what came after is lost. */
  | 'recording.failed'
  /** The disk lags behind the media; it lags so far that frames are dropped; it is abreast again. */
  | 'recording.behind'
  | 'recording.dropping'
  | 'recording.caught_up'
  /** Key tones are to be redacted, but not in this codec. */
  | 'recording.unwatched'
  | 'mask.on'
  | 'mask.off'
  | 'mask.overdue'
  /** A code or a policy asked for something that was so already, or that hit nothing. */
  | 'command.unchanged'
  | 'command.failed'
  /** A code asked for a module of Kazoo's that is not run here. */
  | 'metaflow.not_run';

export class CallEvents {
  readonly #sink: EventSink;
  readonly #accountId: string;
  readonly #callId: string;
  readonly #onDefect: (error: unknown) => void;

  /** @param onDefect told of what a subscriber threw. */
  constructor(sink: EventSink, accountId: string, callId: string, onDefect: (error: unknown) => void) {
    this.#sink = sink;
    this.#accountId = accountId;
    this.#callId = callId;
    this.#onDefect = onDefect;
  }

  publish(type: CallEventType, data: Readonly<Record<string, unknown>> = {}): void {
    try {
      this.#sink.publish(this.#accountId, type, { call_id: this.#callId, ...data });
    } catch (error) {
      this.#onDefect(error);
    }
  }
}
