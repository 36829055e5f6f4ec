/** How a recording's life is told: events to its account, sentences to whoever runs the service. Never a secret; of paths only what is below the data folder. */
import { type AppError, asAppError } from '../../core/errors.ts';
import type { RecordingRow } from '../../store/rows.ts';
import type { EventSink } from '../event-sink.ts';

/** What is used of a pino logger. */
export type Log = {
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
};

export const NO_LOG: Log = { info: () => {}, warn: () => {}, error: () => {} };

export type RecordingEventType =
  | 'recording.finalizing'
  | 'recording.stored'
  /** There is an artefact of what could be written of it, which is not all. */
  | 'recording.incomplete'
  | 'recording.discarded'
  | 'recording.removed'
  /** It could not be finalized; its journal is kept. */
  | 'finalize.failed'
  | 'delivery.retrying'
  | 'delivery.done'
  | 'delivery.failed';

const FAILURES: readonly RecordingEventType[] = ['recording.incomplete', 'finalize.failed', 'delivery.failed'];

/** Of all that waits for one target. */
export type TargetEventType = 'delivery.target_down' | 'delivery.target_up';

export type JobEventType = 'replay.running' | 'replay.done' | 'replay.failed';

export class Teller {
  readonly #sink: EventSink;
  readonly #log: Log;
  readonly #root: string;

  /** @param root the data folder. */
  constructor(sink: EventSink, log: Log, root: string) {
    this.#sink = sink;
    this.#log = log;
    this.#root = root;
  }

  tell(
    { id, accountId, callId, state }: Pick<RecordingRow, 'id' | 'accountId' | 'callId' | 'state'>,
    type: RecordingEventType,
    data: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#log[FAILURES.includes(type) ? 'warn' : 'info']({ recordingId: id, accountId, state, ...data }, type);
    this.publish(accountId, type, { recording_id: id, call_id: callId, state, ...data });
  }

  /** A listener that throws can't stop a recording. */
  publish(
    accountId: string,
    type: RecordingEventType | JobEventType | TargetEventType,
    data: Readonly<Record<string, unknown>>,
  ): void {
    try {
      this.#sink.publish(accountId, type, data);
    } catch (error) {
      this.defect('a listener to events has failed', error);
    }
  }

  warn(sentence: string, fields: object = {}): void {
    this.#log.warn(fields, sentence);
  }

  /** Something is being lost: somebody has to look. */
  failed(sentence: string, fields: object): void {
    this.#log.error(fields, sentence);
  }

  /** What should not happen, and what it means. */
  defect(sentence: string, error: unknown): void {
    const { code, message } = asAppError(error);
    this.#log.error({ code, error: message }, sentence);
  }

  /** An error as the account may read it: nobody's business where on this machine the data are. */
  told({ code, message }: Pick<AppError, 'code' | 'message'>): { code: string; message: string } {
    return { code, message: message.replaceAll(`${this.#root}/`, '') };
  }
}
