/** TCP ports of the kinds of stream that have one of their own: takes connections, bounds them, hands bytes on. Reads nothing of them. */
import { createServer, type Server, type Socket } from 'node:net';
import { AppError, systemCode } from '../../core/errors.ts';
import type { StreamPeer, StreamsService } from '../../http/stream-service.ts';
import type { StreamFarewell, StreamKind } from '../../ingest/streams/stream-dialect.ts';

/** Of each port. */
const MOST_CONNECTIONS = 4000;
const KEEP_ALIVE_MS = 30_000;
/** For the peer to close as well; then the connection is cut. */
const CLOSING_MS = 2000;
/** What waits for a peer that does not read. */
const MOST_UNREAD_BYTES = 65_536;

export type StreamAddress = { readonly host: string; readonly port: number };

export class StreamPorts {
  readonly #host: string;
  readonly #streams: Pick<StreamsService, 'open'>;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #addresses = new Map<string, StreamAddress>();

  constructor(host: string, streams: Pick<StreamsService, 'open'>) {
    this.#host = host;
    this.#streams = streams;
  }

  addressOf(kind: string): StreamAddress | undefined {
    return this.#addresses.get(kind);
  }

  /** @param setting the variable to name when the port can't be had. @throws PORT_TAKEN, CONFIG_INVALID */
  async open(kind: StreamKind, port: number, setting: string): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.#take(kind, socket),
    );
    server.maxConnections = MOST_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => {
        const code = systemCode(cause) ?? 'unknown';
        reject(
          new AppError(
            code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'CONFIG_INVALID',
            `can't listen on ${this.#host} port ${port} for ${kind.name} (${code}): choose another with ${setting}, or 0 for none`,
            { cause },
          ),
        );
      });
      server.listen(port, this.#host, resolve);
    });
    this.#servers.push(server);
    const address = server.address();
    if (typeof address === 'object' && address !== null)
      this.#addresses.set(kind.name, { host: this.#host, port: address.port });
  }

  /** Cuts what is still open. Idempotent. */
  async close(): Promise<void> {
    const closing = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closing);
  }

  #take(kind: StreamKind, socket: Socket): void {
    this.#sockets.add(socket);
    // What the peer has said last is told before its end; an error is one that has not said so.
    let isClean = false;
    const connection = this.#streams.open(
      { kind, request: { headers: {}, query: {} }, remote: socket.remoteAddress ?? '' },
      new TcpPeer(socket),
    );
    socket.on('data', (chunk) => connection.bytes(chunk as Buffer));
    socket.on('end', () => {
      isClean = true;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#sockets.delete(socket);
      connection.closed(isClean);
    });
  }
}

class TcpPeer implements StreamPeer {
  readonly #socket: Socket;
  #isClosing = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(message: string | Uint8Array): void {
    if (!this.#socket.writable) return;
    if (this.#socket.writableLength > MOST_UNREAD_BYTES) this.#socket.destroy();
    else this.#socket.write(message);
  }

  known(): void {}

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close({ messages }: StreamFarewell): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    for (const message of messages) this.send(message);
    this.#socket.resume();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), CLOSING_MS).unref();
  }
}
