/**
 * What a media server's own stream says, whatever its words: a dialect reads one connection's messages, in their order, and tells a
 * sink. Pure: no socket, no clock; it keeps no audio beyond a message that is not whole yet. One object for each connection.
 */
import type { Leg } from '../../core/leg.ts';

/** How audio is coded in a stream. `l16le` and `l16be` are linear 16 bit, little- and big-endian whatever their MIME type would say. */
export type StreamEncoding = 'pcmu' | 'pcma' | 'l16le' | 'l16be' | 'g722' | 'opus' | 'amr-wb';

export type StreamFormat = {
  readonly encoding: StreamEncoding;
  /** Hz, of the audio (G.722: 16000). */
  readonly sampleRate: number;
  /** 2: interleaved, the first channel is leg a unless `tracks` says otherwise. */
  readonly channels: 1 | 2;
};

/** Whose audio a message is: a leg; `both` where a server mixes them or interleaves them. */
export type StreamTrack = Leg | 'both';

/** What a stream says of itself, before its first audio. Everything in it comes from outside. */
export type StreamAbout = {
  /** The server's own id of the stream or connection; for logs and answers. */
  readonly streamId?: string;
  /** The server's id of the call. */
  readonly callId?: string;
  readonly from?: string;
  readonly to?: string;
  readonly direction?: 'inbound' | 'outbound';
  readonly format?: StreamFormat;
  /** The tracks that will come, where the server says so. */
  readonly tracks?: readonly StreamTrack[];
  /** Parameters that the customer has put there: `record_call` fields, ids of parties, a token (see `stream-parameters.ts`). */
  readonly parameters: Readonly<Record<string, unknown>>;
};

/** Where a piece of audio lies by the server's own count; absent where it has none and arrival decides. */
export type StreamPlace = {
  /** Milliseconds since the stream's start. */
  readonly atMs?: number;
  /** Of messages of this track: one more than the last where nothing is missing; they may come out of order. */
  readonly sequence?: number;
};

/** Told in the order in which the messages came. */
export interface StreamSink {
  /** Once; before any audio. */
  begin(about: StreamAbout): void;
  /** How the audio that follows is coded, where `begin` could not say or it has changed. */
  format(format: StreamFormat): void;
  /** @param bytes valid until this returns; the taker zeroes what may not be kept. Whole samples of all channels, or whole codec frames. */
  audio(track: StreamTrack, bytes: Uint8Array, place?: StreamPlace): void;
  /** One of `0-9*#A-D`. It is card data: it goes to the metaflows and nowhere else. */
  digit(track: StreamTrack, digit: string): void;
  /** The server's own pause or mask, in force from (or until) the server's position where it names one, else from now. */
  mask(isOn: boolean, atMs?: number): void;
  /** The server has sent nothing for so long, and its count goes on behind it. */
  gap(durationMs: number, fromMs?: number): void;
  /** An answer that the protocol wants. */
  send(message: string | Uint8Array): void;
  /** Nothing more comes. @param reason a word of ours: `stop`, `hangup`, `closed`, `probe`, … */
  end(reason: string): void;
  /** Worth a line in the log, once: something ignored that may matter. Never with digits or payload. */
  warn(message: string): void;
}

/** What is said to a peer before its connection is closed. */
export type StreamFarewell = {
  /** The protocol's own messages. */
  readonly messages: readonly (string | Uint8Array)[];
  /** WebSocket close code (RFC 6455 §7.4); of no meaning elsewhere. */
  readonly code: number;
  readonly reason: string;
};

export interface StreamDialect {
  /** A WebSocket's text message. @throws AppError STREAM_INVALID */
  text?(message: string): void;
  /** A WebSocket's binary message. @throws AppError STREAM_INVALID */
  binary?(message: Uint8Array): void;
  /** The next bytes of a TCP connection or an HTTP body, split anywhere. @throws AppError STREAM_INVALID */
  bytes?(chunk: Uint8Array): void;
  /** The peer has closed, or a body has ended. Idempotent. @throws AppError STREAM_INVALID when what came is not whole and that matters */
  closed(): void;
  /** How this protocol says goodbye: with an error, or because the service ends the stream. */
  farewell(error?: { readonly code: string; readonly message: string }): StreamFarewell;
}

/** What the connection was opened with: parts of its URL and headers that a dialect may need. */
export type StreamRequest = {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
};

/** An entry of the registry: one kind of stream. */
export type StreamKind = {
  /** As in `…/streams/{kind}`. */
  readonly name: string;
  readonly transport: 'websocket' | 'http' | 'tcp';
  /** Subprotocols that are accepted, the preferred first; none is accepted too. */
  readonly subprotocols?: readonly string[];
  readonly open: (request: StreamRequest, sink: StreamSink) => StreamDialect;
  /** Whether its first message may bring the token; without, one that has none is refused before it is opened. */
  readonly bringsToken?: boolean;
  /** Each party has a connection of its own, and none says which it is: the first is leg a. */
  readonly fillsLegs?: boolean;
  /** The line that connects a server of this kind, for the README and the description of the API. */
  readonly connect: string;
};
