/**
 * Takes in UDP on a thread of the native kernel (`native/kernel/rc_udp.h`), which nothing that this thread does holds up. Datagrams come
 * here in batches, in one buffer that is used again; per datagram nothing is allocated.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { Handle, NativeModule } from '../../kernel/native-module.ts';
import {
  handOn,
  type UdpAddress,
  type UdpCounts,
  type UdpListener,
  type UdpReceiver,
  type UdpSocket,
  type UdpSource,
  unbound,
} from './udp-receiver.ts';

/** Datagrams gather for so long before they are taken: recording can wait, and waking for each is what costs. */
const GATHER_US = 5000;
/** Two seconds of a thousand calls and more; pages that are never used take no memory. */
const RING_BYTES = 1 << 27;
/** Read at a time; the longest datagram fits several times. */
const BATCH_BYTES = 1 << 19;
/** A port that is flooded faster than it is emptied holds up nobody for longer. */
const LONGEST_CATCH_UP_US = 2_000_000;
/** Batches read before others get a turn of the event loop. */
const BATCHES_A_TURN = 8;

/** `native/kernel/rc_udp.c`: a socket's number is its place, and above it how often that was used before. */
const PLACES = 1 << 16;

/** `native/kernel/rc_udp.h`: a record's head. */
const HEAD = { socket: 4, arrival: 8, length: 16, port: 18, family: 20, address: 24, bytes: 40 } as const;

export class NativeReceiver implements UdpReceiver {
  readonly name = 'native';
  readonly stamps = true;
  readonly #native: NativeModule;
  readonly #udp: Handle<'udp'>;
  /** What turns the receiver's clock into the service's. */
  readonly #offsetUs: number;
  /** By their places: looked up for each datagram. */
  readonly #sockets: (NativeSocket | undefined)[] = [];
  readonly #batch = new Uint8Array(BATCH_BYTES);
  readonly #view = new DataView(this.#batch.buffer);
  readonly #counts = new Float64Array(6);
  #isClosed = false;
  /** Records read, whoever they were for. */
  #handed = 0;

  /** @param clock the machine's, which never jumps. @throws the system's error where there is no memory or no thread */
  constructor(native: NativeModule, clock: Clock) {
    this.#native = native;
    this.#offsetUs = clock.now() - native.steadyUs();
    this.#udp = native.udpStart(GATHER_US, RING_BYTES, () => this.#read());
  }

  get counts(): UdpCounts {
    if (!this.#isClosed) this.#native.udpCount(this.#udp, this.#counts);
    const [received = 0, overflowed = 0, , waitingBytes = 0, mostWaitingBytes = 0] = this.#counts;
    return { received, overflowed, waitingBytes, mostWaitingBytes };
  }

  async bind(address: UdpAddress, listener: UdpListener): Promise<UdpSocket> {
    const told = new Float64Array(3);
    try {
      const host = isIP(address.host) > 0 ? address.host : (await lookup(address.host)).address;
      this.#native.udpBind(this.#udp, host, address.port, address.receiveBufferBytes, told);
    } catch (cause) {
      throw unbound(address, cause);
    }
    const [id = 0, port = 0, granted = 0] = told;
    // Linux tells twice what counts (socket(7), SO_RCVBUF).
    const receiveBufferBytes = process.platform === 'linux' ? granted / 2 : granted;
    const socket = new NativeSocket({ id, port, receiveBufferBytes, listener, onClose: () => this.#close(id) });
    this.#sockets[id & (PLACES - 1)] = socket;
    return socket;
  }

  /** When the thread has put into the ring what has arrived by now, that is read. */
  async caughtUp(): Promise<void> {
    const askedUs = this.#native.steadyUs();
    const giveUpUs = askedUs + LONGEST_CATCH_UP_US;
    while (!this.#isClosed && this.#reachedUs < askedUs && this.#native.steadyUs() < giveUpUs) {
      this.#native.udpLook(this.#udp);
      await setTimeout(GATHER_US / 1000);
    }
    const { received } = this.counts;
    this.#read();
    // Not until the ring is empty: one that is flooded never would be.
    while (!this.#isClosed && this.#handed < received) await setImmediate();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.counts;
    this.#isClosed = true;
    this.#sockets.length = 0;
    this.#native.udpStop(this.#udp);
  }

  get #reachedUs(): number {
    this.#native.udpCount(this.#udp, this.#counts);
    return this.#counts[5]!;
  }

  #close(id: number): void {
    if (this.#sockets[id & (PLACES - 1)]?.id !== id) return;
    this.#sockets[id & (PLACES - 1)] = undefined;
    this.#native.udpClose(this.#udp, id);
  }

  #read(): void {
    for (let turn = 0; !this.#isClosed; turn++) {
      if (turn === BATCHES_A_TURN) {
        void setImmediate().then(() => this.#read());
        return;
      }
      const bytes = this.#native.udpRead(this.#udp, this.#batch);
      if (bytes === 0) return;
      for (let at = 0; at < bytes; at += this.#view.getUint32(at, true)) this.#give(at);
      this.#batch.fill(0, 0, bytes);
    }
  }

  #give(at: number): void {
    this.#handed++;
    // It may have been closed since.
    const id = this.#view.getUint32(at + HEAD.socket, true);
    const socket = this.#sockets[id & (PLACES - 1)];
    if (socket === undefined || socket.id !== id) return;
    const start = at + HEAD.bytes;
    const end = start + this.#view.getUint16(at + HEAD.length, true);
    socket.give(
      this.#view,
      at,
      this.#batch,
      start,
      end,
      this.#view.getFloat64(at + HEAD.arrival, true) + this.#offsetUs,
    );
  }
}

class NativeSocket implements UdpSocket {
  readonly id: number;
  readonly port: number;
  readonly receiveBufferBytes: number;
  readonly #listener: UdpListener;
  readonly #onClose: () => void;
  /** Of the last datagram: its port and family, and its address in four words; numbers of their own, for an array lies elsewhere. */
  #lastKey = -1;
  #last0 = 0;
  #last1 = 0;
  #last2 = 0;
  #last3 = 0;
  #source: UdpSource = { address: '', port: 0 };

  constructor(options: {
    id: number;
    port: number;
    receiveBufferBytes: number;
    listener: UdpListener;
    onClose: () => void;
  }) {
    this.id = options.id;
    this.port = options.port;
    this.receiveBufferBytes = options.receiveBufferBytes;
    this.#listener = options.listener;
    this.#onClose = options.onClose;
  }

  give(view: DataView, at: number, bytes: Uint8Array, start: number, end: number, atUs: number): void {
    if (!this.#isLast(view, at)) this.#remember(view, at);
    handOn(this.#listener, bytes, start, end, this.#source, atUs);
  }

  async close(): Promise<void> {
    this.#onClose();
  }

  #isLast(view: DataView, at: number): boolean {
    const address = at + HEAD.address;
    return (
      keyOf(view, at) === this.#lastKey &&
      view.getInt32(address, true) === this.#last0 &&
      view.getInt32(address + 4, true) === this.#last1 &&
      view.getInt32(address + 8, true) === this.#last2 &&
      view.getInt32(address + 12, true) === this.#last3
    );
  }

  #remember(view: DataView, at: number): void {
    const address = at + HEAD.address;
    this.#lastKey = keyOf(view, at);
    this.#last0 = view.getInt32(address, true);
    this.#last1 = view.getInt32(address + 4, true);
    this.#last2 = view.getInt32(address + 8, true);
    this.#last3 = view.getInt32(address + 12, true);
    this.#source = { address: addressOf(view, at), port: view.getUint16(at + HEAD.port, true) };
  }
}

const keyOf = (view: DataView, at: number): number =>
  view.getUint16(at + HEAD.port, true) * 8 + view.getUint32(at + HEAD.family, true);

/** As node:dgram writes them. */
const addressOf = (view: DataView, at: number): string => {
  const from = at + HEAD.address;
  if (view.getUint32(at + HEAD.family, true) === 4)
    return [0, 1, 2, 3].map((place) => view.getUint8(from + place)).join('.');
  const groups = Array.from({ length: 8 }, (_, group) => view.getUint16(from + 2 * group, false));
  const text = groups.map((group) => group.toString(16)).join(':');
  // One spelling of an address, whoever wrote it: the URL parser's (RFC 5952).
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
};
