/** Media streams as the transports here see them: who connects, what comes, how it is closed. `app/` does the rest. */
import type { Leg } from '../core/leg.ts';
import type { StreamFarewell, StreamKind, StreamRequest } from '../ingest/streams/stream-dialect.ts';
import type { CallAnnouncement, Principal } from './service.ts';

/** `PUT …/streams/{kind}`, already validated: whose stream a connection is that will name this UUID. */
export type StreamTicketRequest = {
  readonly uuid?: string;
  readonly leg?: Leg;
  /** The call: one that runs, or one that is announced by this. */
  readonly call: Omit<CallAnnouncement, 'media'> & { readonly call_id: string };
};

export type StreamTicketDocument = {
  readonly uuid: string;
  readonly kind: string;
  readonly call_id: string;
  /** Null: by track, else the first that is free. */
  readonly leg: Leg | null;
  /** Where to connect; of a WebSocket or an HTTP body the URL. */
  readonly host?: string;
  readonly port?: number;
  readonly url?: string;
};

export type StreamDocument = {
  readonly id: string;
  readonly kind: string;
  readonly call_id: string;
  readonly legs: readonly Leg[];
  /** The server's own id of it. */
  readonly stream_id: string | null;
  /** ISO 8601, UTC. */
  readonly opened_at: string;
  readonly bytes: number;
};

/** What came of a stream. */
export type StreamSummary = {
  readonly call_id: string;
  readonly kind: string;
  readonly legs: readonly Leg[];
  /** Of audio. */
  readonly bytes: number;
  /** Why it ended. */
  readonly reason: string;
};

/** The other end, as a transport knows it. None of these throws. */
export interface StreamPeer {
  send(message: string | Uint8Array): void;
  /** Its sender has been made out, and is let in. */
  known(): void;
  /** Asks for nothing more until `resume`; a little may still come. */
  pause(): void;
  resume(): void;
  /** Says goodbye and closes. Idempotent. */
  close(farewell: StreamFarewell): void;
}

export type StreamOpening = {
  readonly kind: StreamKind;
  readonly request: StreamRequest;
  /** Whose path it came by; a TCP port has none. */
  readonly accountId?: string;
  /** Who was made out before it was opened. Undefined: the stream's first words have to say it. */
  readonly principal?: Principal;
  /** The peer's address. */
  readonly remote: string;
};

/** One connection's way in. None of these throws: what is wrong closes the peer. `atUs` is when it was read; unless given, now. */
export interface StreamConnection {
  /** @param message UTF-8; is zeroed */
  text(message: Uint8Array, atUs?: number): void;
  /** @param message is zeroed */
  binary(message: Uint8Array, atUs?: number): void;
  /** @param chunk is zeroed */
  bytes(chunk: Uint8Array, atUs?: number): void;
  /** It is still there: it has answered a ping. */
  heard(atUs?: number): void;
  /** The peer has closed. @param isClean it said so, by its protocol */
  closed(isClean: boolean, atUs?: number): void;
  /** Resolves when it is over. @throws AppError why it was refused or broken off */
  readonly over: Promise<StreamSummary>;
}

export interface StreamsService {
  /** @throws NOT_FOUND for a kind or a party, CONFLICT, CALL_EXISTS, CALLS_FULL, FIELDS_INVALID */
  announce(principal: Principal, kind: string, ticket: StreamTicketRequest): Promise<StreamTicketDocument>;
  /** Oldest first. */
  list(accountId: string): Promise<readonly StreamDocument[]>;
  /** Whether that UUID has been announced for this kind: then its bearer needs no key. */
  principalOfTicket(kind: string, uuid: string): Promise<Principal | undefined>;
  open(opening: StreamOpening, peer: StreamPeer): StreamConnection;
}
