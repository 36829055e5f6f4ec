/**
 * Where what another thread reads of media servers arrives: each connection's stream is given what it brought, in the order and at the
 * time at which it was read, and what the stream says to its peer goes back. Every batch's room is zeroed behind its use.
 */
import { AppError, asAppError } from '../../core/errors.ts';
import type { StreamConnection, StreamOpening, StreamPeer } from '../../http/stream-service.ts';
import type { StreamFarewell } from '../../ingest/streams/stream-dialect.ts';
import { STREAM_KINDS } from '../../ingest/streams/stream-kinds.ts';
import type { LoopWatch } from '../live/loop-watch.ts';
import { carried } from './carried-error.ts';
import { type RecordKind, readBatch } from './stream-batch.ts';
import type { CarriedOpening, StreamCommands, StreamReports, StreamSaid } from './stream-messages.ts';

export type StreamLandingOptions = {
  readonly streams: { open(opening: StreamOpening, peer: StreamPeer, elsewhereUs: number): StreamConnection };
  /** What is known of the other thread's loop. */
  readonly watch: LoopWatch;
  readonly say: StreamReports['stream'];
  /** Gives a batch's room back. */
  readonly taken: StreamReports['streamsTaken'];
  readonly onDefect: (error: AppError) => void;
};

export class StreamLanding implements Pick<StreamCommands, 'openStream' | 'batch' | 'streamLook' | 'streamsRest'> {
  readonly #options: StreamLandingOptions;
  readonly #connections = new Map<number, StreamConnection>();

  constructor(options: StreamLandingOptions) {
    this.#options = options;
  }

  openStream(id: number, { kind: name, openedUs, ...others }: CarriedOpening): void {
    const { streams, say } = this.#options;
    try {
      const kind = STREAM_KINDS.get(name);
      if (kind === undefined) throw new AppError('NOT_FOUND', 'no such kind of stream');
      const connection = streams.open({ kind, ...others }, new LinkedPeer((said) => say(id, said)), openedUs);
      this.#connections.set(id, connection);
      connection.over.then(
        (summary) => this.#over(id, { kind: 'over', summary }),
        (error) => this.#over(id, { kind: 'failed', error: carried(error) }),
      );
    } catch (error) {
      this.#over(id, { kind: 'failed', error: carried(error) });
    }
  }

  batch(room: ArrayBuffer, used: number): void {
    try {
      readBatch(room, used, (id, kind, atUs, bytes) => this.#give(id, kind, atUs, bytes));
    } finally {
      new Uint8Array(room).fill(0, 0, used);
      this.#options.taken(room);
    }
  }

  streamLook(atUs: number): void {
    this.#options.watch.tick(atUs);
  }

  streamsRest(): void {
    this.#options.watch.rest();
  }

  #give(id: number, kind: RecordKind, atUs: number, bytes: Uint8Array): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    try {
      switch (kind) {
        case 'text':
        case 'binary':
        case 'bytes':
          connection[kind](bytes, atUs);
          return;
        case 'heard':
          connection.heard(atUs);
          return;
        case 'closed':
        case 'broken':
          connection.closed(kind === 'closed', atUs);
          return;
        default:
          kind satisfies never;
      }
    } catch (error) {
      // One stream's defect; the others' records are behind it.
      this.#options.onDefect(asAppError(error));
    }
  }

  #over(id: number, said: StreamSaid): void {
    this.#connections.delete(id);
    this.#options.say(id, said);
  }
}

class LinkedPeer implements StreamPeer {
  readonly #say: (said: StreamSaid) => void;

  constructor(say: (said: StreamSaid) => void) {
    this.#say = say;
  }

  send(message: string | Uint8Array): void {
    // A view's clone would be of all that it is a view of.
    this.#say({ kind: 'send', message: typeof message === 'string' ? message : Uint8Array.from(message) });
  }

  known(): void {
    this.#say({ kind: 'known' });
  }

  pause(): void {
    this.#say({ kind: 'pause' });
  }

  resume(): void {
    this.#say({ kind: 'resume' });
  }

  close(farewell: StreamFarewell): void {
    this.#say({ kind: 'close', farewell });
  }
}
