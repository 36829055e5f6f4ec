/**
 * Media servers' streams as the API's thread has them: it keeps their connections, and what they bring is handed to the media thread, where
 * `stream-landing.ts` gives it to `LiveStreams`. Reads nothing of it, keeps none of it, and zeroes what it has copied.
 *
 *     WebSocket, body ─▶ connection ─▶ StreamTurns ══batch══▶ StreamLanding ─▶ StreamSession
 *          ▲──────────────── peer ◀══════════════said═════════════┘
 */
import type { Clock } from '../../core/clock.ts';
import type { AppError } from '../../core/errors.ts';
import type { Principal } from '../../http/service.ts';
import type {
  StreamConnection,
  StreamDocument,
  StreamOpening,
  StreamPeer,
  StreamSummary,
  StreamsService,
  StreamTicketDocument,
  StreamTicketRequest,
} from '../../http/stream-service.ts';
import { type Every, everyInterval } from '../live/call-ticker.ts';
import { restored } from './carried-error.ts';
import type { StreamCommands, StreamSaid } from './stream-messages.ts';
import { StreamTurns } from './stream-turns.ts';
import type { ThreadLink } from './thread-link.ts';

/** WebSocket close code (RFC 6455 §7.4.1). */
const UNEXPECTED = 1011;

export type StreamLinkOptions = {
  readonly link: Pick<ThreadLink<StreamCommands, Record<never, never>>, 'ask' | 'tell' | 'hand'>;
  readonly clock: Clock;
  readonly every?: Every;
  /** Runs `work` when a turn of the loop has read what there is to read; unless given, that is `setImmediate`. */
  readonly atTurnsEnd?: (work: () => void) => void;
};

export class StreamLink implements StreamsService {
  readonly #link: StreamLinkOptions['link'];
  readonly #clock: Clock;
  readonly #turns: StreamTurns;
  readonly #connections = new Map<number, LinkedConnection>();
  #last = 0;
  #gone: AppError | undefined;

  constructor({ link, clock, every = everyInterval, atTurnsEnd = setImmediate }: StreamLinkOptions) {
    this.#link = link;
    this.#clock = clock;
    this.#turns = new StreamTurns({
      ...{ clock, every, atTurnsEnd },
      hand: (room, used) => {
        if (this.#gone === undefined) link.hand('batch', [room], room, used);
        // Nobody takes it, nor zeroes it.
        else new Uint8Array(room).fill(0, 0, used);
      },
      look: (atUs) => link.tell('streamLook', atUs),
      rest: () => link.tell('streamsRest'),
      onFull: (isFull) => {
        for (const connection of this.#connections.values()) connection.held(isFull);
      },
    });
  }

  /** Bytes on their way to the media thread; for `/metrics`. */
  get awayBytes(): number {
    return this.#turns.awayBytes;
  }

  open(opening: StreamOpening, peer: StreamPeer): StreamConnection {
    const id = this.#newId();
    const { kind, ...others } = opening;
    const connection = new LinkedConnection(id, peer, this.#turns, () => {
      this.#connections.delete(id);
      if (this.#connections.size === 0) this.#turns.rest();
    });
    this.#connections.set(id, connection);
    if (this.#gone !== undefined) {
      connection.lost(this.#gone);
      return connection;
    }
    this.#turns.begin();
    this.#turns.flush();
    this.#link.tell('openStream', id, { ...others, kind: kind.name, openedUs: this.#clock.now() });
    if (this.#turns.isFull) connection.held(true);
    return connection;
  }

  announce(principal: Principal, kind: string, ticket: StreamTicketRequest): Promise<StreamTicketDocument> {
    return this.#link.ask('announceStream', principal, kind, ticket);
  }

  list(accountId: string): Promise<readonly StreamDocument[]> {
    return this.#link.ask('streams', accountId);
  }

  principalOfTicket(kind: string, uuid: string): Promise<Principal | undefined> {
    return this.#link.ask('principalOfTicket', kind, uuid);
  }

  /** Hands over what was read, before anything is said that was asked behind it. */
  flush(): void {
    this.#turns.flush();
  }

  /** The media thread is gone: so are all streams, and those that come. */
  end(why: AppError): void {
    this.#gone ??= why;
    for (const connection of [...this.#connections.values()]) connection.lost(this.#gone);
  }

  // From the media thread.

  hear(id: number, said: StreamSaid): void {
    this.#connections.get(id)?.hear(said);
  }

  taken(room: ArrayBuffer): void {
    this.#turns.taken(room);
  }

  #newId(): number {
    do this.#last = (this.#last + 1) >>> 0;
    while (this.#connections.has(this.#last));
    return this.#last;
  }
}

class LinkedConnection implements StreamConnection {
  readonly over: Promise<StreamSummary>;
  readonly #id: number;
  readonly #peer: StreamPeer;
  readonly #turns: StreamTurns;
  readonly #onOver: () => void;
  /** Whether its stream wants it read, and whether anything may be. */
  #isPaused = false;
  #isHeld = false;
  #isOver = false;
  #settle!: { resolve(summary: StreamSummary): void; reject(error: AppError): void };

  constructor(id: number, peer: StreamPeer, turns: StreamTurns, onOver: () => void) {
    this.#id = id;
    this.#peer = peer;
    this.#turns = turns;
    this.#onOver = onOver;
    this.over = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Most transports have nobody who waits for it.
    this.over.catch(() => {});
  }

  text(message: Uint8Array): void {
    this.#take('text', message);
  }

  binary(message: Uint8Array): void {
    this.#take('binary', message);
  }

  bytes(chunk: Uint8Array): void {
    this.#take('bytes', chunk);
  }

  heard(): void {
    if (!this.#isOver) this.#turns.put(this.#id, 'heard');
  }

  closed(isClean: boolean): void {
    if (!this.#isOver) this.#turns.put(this.#id, isClean ? 'closed' : 'broken');
  }

  /** @param isHeld too much is on its way */
  held(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#flow();
  }

  lost(why: AppError): void {
    this.#peer.close({ messages: [], code: UNEXPECTED, reason: 'the service is ending' });
    this.#end();
    this.#settle.reject(why);
  }

  hear(said: StreamSaid): void {
    switch (said.kind) {
      case 'send':
        this.#peer.send(said.message);
        return;
      case 'known':
        this.#peer.known();
        return;
      case 'pause':
      case 'resume':
        this.#isPaused = said.kind === 'pause';
        this.#flow();
        return;
      case 'close':
        this.#peer.close(said.farewell);
        return;
      case 'over':
        this.#end();
        this.#settle.resolve(said.summary);
        return;
      case 'failed':
        this.#end();
        this.#settle.reject(restored(said.error));
        return;
      default:
        said satisfies never;
    }
  }

  #take(kind: 'text' | 'binary' | 'bytes', bytes: Uint8Array): void {
    if (this.#isOver) bytes.fill(0);
    else this.#turns.put(this.#id, kind, bytes);
  }

  #flow(): void {
    if (this.#isPaused || this.#isHeld) this.#peer.pause();
    else this.#peer.resume();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}
