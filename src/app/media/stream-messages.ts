/** What the API's thread and the media thread say to each other of media servers' streams (`thread-link.ts`, `messages.ts`). Types only. */
import type { Principal } from '../../http/service.ts';
import type {
  StreamDocument,
  StreamOpening,
  StreamSummary,
  StreamTicketDocument,
  StreamTicketRequest,
} from '../../http/stream-service.ts';
import type { StreamFarewell } from '../../ingest/streams/stream-dialect.ts';
import type { CarriedError } from './carried-error.ts';

/** A connection, with its kind by name, and when it was opened. */
export type CarriedOpening = Omit<StreamOpening, 'kind'> & { readonly kind: string; readonly openedUs: number };

/** What a stream says to its peer; `over` or `failed` comes last. */
export type StreamSaid =
  | { readonly kind: 'send'; readonly message: string | Uint8Array }
  | { readonly kind: 'known' | 'pause' | 'resume' }
  | { readonly kind: 'close'; readonly farewell: StreamFarewell }
  | { readonly kind: 'over'; readonly summary: StreamSummary }
  | { readonly kind: 'failed'; readonly error: CarriedError };

/** Of the media thread, beside `MediaCommands`. */
export interface StreamCommands {
  announceStream(principal: Principal, kind: string, ticket: StreamTicketRequest): Promise<StreamTicketDocument>;
  streams(accountId: string): Promise<readonly StreamDocument[]>;
  principalOfTicket(kind: string, uuid: string): Promise<Principal | undefined>;
  /** @param id of the connection; no other's until it is over */
  openStream(id: number, opening: CarriedOpening): void;
  /** What connections have brought (`stream-batch.ts`). @param room handed over, and comes back by `streamsTaken` */
  batch(room: ArrayBuffer, used: number): void;
  /** The loop that reads them goes round: what it has read until then has been handed over. */
  streamLook(atUs: number): void;
  /** There are none, and it says no more of its loop. */
  streamsRest(): void;
}

/** Of the API's thread, beside `MediaReports`. */
export interface StreamReports {
  /** Whose key or token it is. */
  principalOf(tokenOrKey: string): Promise<Principal | undefined>;
  stream(id: number, said: StreamSaid): void;
  /** @param room of a batch that was taken: empty of audio, and handed back */
  streamsTaken(room: ArrayBuffer): void;
}
