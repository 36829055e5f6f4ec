/**
 * WebSockets that media servers open below `…/streams/{kind}` (RFC 6455): who may open one is judged before it is, everything that comes
 * is bounded, and one that has gone away without a word is noticed. Reads nothing of what is said there: that is its kind's dialect.
 */
import { type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError, asAppError } from '../core/errors.ts';
import type { StreamFarewell, StreamKind, StreamRequest } from '../ingest/streams/stream-dialect.ts';
import { STREAM_KINDS } from '../ingest/streams/stream-kinds.ts';
import type { SignatureVerdict } from '../ingest/streams/stream-signature.ts';
import type { Authentication } from './authentication.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { errorAnswerOf } from './error-envelope.ts';
import type { Principal } from './service.ts';
import type { StreamConnection, StreamPeer, StreamsService } from './stream-service.ts';

/** A message, inflated: five seconds of two channels at 16 kHz are 640,000 bytes. */
const MOST_MESSAGE_BYTES = 2 ** 20;
/** What waits for a peer that does not read. */
const MOST_UNREAD_BYTES = 2 ** 20;
const PING_MS = 5000;
/** Pings without any answer before a peer counts as gone. */
const MOST_UNANSWERED = 4;
/** For the closing handshake; then the connection is cut. */
const CLOSING_MS = 2000;

const PATH = /^\/v2\/accounts\/([0-9a-f]{32})\/streams\/([a-z0-9-]{1,40})(?:\/([A-Za-z0-9_-]{1,128}))?\/?$/;
/** 1005: closed without a code. */
const CLEAN = [1000, 1001, 1005];

export type StreamSocketsOptions = {
  readonly streams: StreamsService;
  readonly security: Authentication;
  readonly connections: ConnectionLimit;
  /** Whether a server has signed its request with a key that the account knows. */
  readonly signatureOf: (
    accountId: string,
    kind: string,
    request: { readonly target: string; readonly headers: StreamRequest['headers'] },
  ) => Promise<SignatureVerdict>;
};

type Admitted = {
  readonly kind: StreamKind;
  readonly request: StreamRequest;
  readonly accountId: string;
  readonly principal: Principal | undefined;
};

export class StreamSockets {
  readonly #options: StreamSocketsOptions;
  readonly #server: WebSocketServer;
  readonly #pings: NodeJS.Timeout;
  readonly #unanswered = new WeakMap<WebSocket, number>();
  readonly #kinds = new WeakMap<IncomingMessage, StreamKind>();

  constructor(server: Server, options: StreamSocketsOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: true,
      maxPayload: MOST_MESSAGE_BYTES,
      // What comes may be compressed; what goes is short.
      perMessageDeflate: { serverNoContextTakeover: true, threshold: MOST_MESSAGE_BYTES, concurrencyLimit: 4 },
      handleProtocols: (offered, request) =>
        this.#kinds.get(request)?.subprotocols?.find((protocol) => offered.has(protocol)) ?? false,
    });
    this.#pings = setInterval(() => this.#ping(), PING_MS);
    this.#pings.unref();
    server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => socket.destroy());
      if ((request.headers.upgrade ?? '').toLowerCase() !== 'websocket') {
        answerAsIs(server, request, socket);
        return;
      }
      this.#upgrade(request, socket, head).catch((error) => refuse(socket, asAppError(error)));
    });
  }

  get open(): number {
    return this.#server.clients.size;
  }

  /** Cuts whatever has not closed by then. */
  close(): void {
    clearInterval(this.#pings);
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const admitted = await this.#admit(request);
    if (socket.destroyed) return;
    this.#kinds.set(request, admitted.kind);
    this.#server.handleUpgrade(request, socket, head, (client) => this.#begin(client, request, admitted));
  }

  async #admit(request: IncomingMessage): Promise<Admitted> {
    const target = request.url ?? '';
    const url = new URL(target, 'ws://localhost');
    const match = PATH.exec(url.pathname);
    const kind = STREAM_KINDS.get(match?.[2] ?? '');
    if (match === null || kind === undefined || kind.transport !== 'websocket')
      throw new AppError('NOT_FOUND', 'no WebSocket here');
    const accountId = match[1]!;
    const headers = singleHeaders(request);
    const query = Object.fromEntries(url.searchParams);
    const ip = request.socket.remoteAddress ?? '';
    const { streams, security, signatureOf } = this.#options;
    const verdict = await signatureOf(accountId, kind.name, { target, headers });
    if (typeof verdict === 'object') throw security.refusalTo(ip, accountId);
    const admitted = (principal: Principal | undefined): Admitted => ({
      ...{ kind, accountId, principal },
      request: { headers, query },
    });
    if (verdict === 'valid') return admitted({ accountId, keyId: kind.name, isAdmin: false });
    const token = tokenOf(headers, query) ?? match[3];
    if (token !== undefined) return admitted(await security.admit(ip, accountId, token));
    const ticket = query.uuid === undefined ? undefined : await streams.principalOfTicket(kind.name, query.uuid);
    if (ticket !== undefined && ticket.accountId === accountId) return admitted(ticket);
    if (kind.bringsToken !== true) throw security.refusalTo(ip, accountId);
    return admitted(undefined);
  }

  #begin(
    client: WebSocket,
    request: IncomingMessage,
    { kind, request: opening, accountId, principal }: Admitted,
  ): void {
    const vouch = (): void => this.#options.connections.vouch(request.socket, client);
    if (principal !== undefined) vouch();
    const connection = this.#options.streams.open(
      {
        ...{ kind, request: opening, accountId, remote: request.socket.remoteAddress ?? '' },
        ...(principal === undefined ? {} : { principal }),
      },
      new SocketPeer(client, vouch),
    );
    this.#listen(client, connection);
  }

  #listen(client: WebSocket, connection: StreamConnection): void {
    const heard = (): void => {
      this.#unanswered.set(client, 0);
      connection.heard();
    };
    client.on('message', (data: Buffer, isBinary: boolean) => {
      this.#unanswered.set(client, 0);
      if (isBinary) connection.binary(data);
      else connection.text(data);
    });
    client.on('ping', () => {
      heard();
      // Each was answered, and none of the answers read.
      if (client.bufferedAmount > MOST_UNREAD_BYTES) client.terminate();
    });
    client.on('pong', heard);
    // The close that follows says it.
    client.on('error', () => {});
    client.on('close', (code) => connection.closed(CLEAN.includes(code)));
  }

  #ping(): void {
    for (const client of this.#server.clients) {
      const unanswered = this.#unanswered.get(client) ?? 0;
      if (unanswered >= MOST_UNANSWERED || client.bufferedAmount > MOST_UNREAD_BYTES) client.terminate();
      else if (client.readyState === WebSocket.OPEN) {
        this.#unanswered.set(client, unanswered + 1);
        client.ping(() => {});
      }
    }
  }
}

class SocketPeer implements StreamPeer {
  readonly #client: WebSocket;
  readonly #vouch: () => void;
  #isClosing = false;

  constructor(client: WebSocket, vouch: () => void) {
    this.#client = client;
    this.#vouch = vouch;
  }

  send(message: string | Uint8Array): void {
    const client = this.#client;
    if (client.readyState !== WebSocket.OPEN) return;
    // It asks, and reads no answer.
    if (client.bufferedAmount > MOST_UNREAD_BYTES) client.terminate();
    else client.send(message, () => {});
  }

  known(): void {
    this.#vouch();
  }

  pause(): void {
    if (this.#client.readyState === WebSocket.OPEN) this.#client.pause();
  }

  resume(): void {
    if (this.#client.readyState === WebSocket.OPEN) this.#client.resume();
  }

  close({ messages, code, reason }: StreamFarewell): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.resume();
    for (const message of messages) this.send(message);
    this.#client.close(code, reason);
    setTimeout(() => this.#client.terminate(), CLOSING_MS).unref();
  }
}

const tokenOf = (headers: StreamRequest['headers'], query: StreamRequest['query']): string | undefined => {
  const { authorization = '' } = headers;
  const basic = /^Basic +(\S+) *$/i.exec(authorization)?.[1];
  // The name is anybody's; the password is the key.
  const password =
    basic === undefined
      ? undefined
      : Buffer.from(basic, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '');
  return (
    headers['x-auth-token'] ??
    query.token ??
    query.auth_token ??
    /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ??
    password
  );
};

const singleHeaders = ({ headers }: IncomingMessage): StreamRequest['headers'] =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );

/**
 * A request that would rather be HTTP/2 (`h2c`, as some clients always ask first): it is answered as it is, which is what a server may do
 * (RFC 9110 §7.8). Its body is out of reach by now: one that has a body is to come again without.
 */
const answerAsIs = (server: Server, request: IncomingMessage, socket: Duplex): void => {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  if (length !== '0' || coding !== undefined) {
    refuse(socket, new AppError('ENVELOPE_INVALID', 'send it without Upgrade'));
    return;
  }
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.on('finish', () => socket.end());
  server.emit('request', request, response);
};

const refuse = (socket: Duplex, error: AppError): void => {
  if (socket.destroyed) return;
  const { status, message, data, retryAfter } = errorAnswerOf(error, undefined);
  const body = JSON.stringify({ data, error: String(status), message, status: 'error' });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 401 ? ['WWW-Authenticate: Basic realm="record-call"'] : []),
    ...(retryAfter === undefined ? [] : [`Retry-After: ${Math.ceil(retryAfter)}`]),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};
