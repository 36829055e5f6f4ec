/**
 * What takes in UDP: a thread of the native kernel where there is one, else node:dgram, behind one interface. Datagrams come in the order
 * in which they arrived, whatever the socket. Reads nothing of them and never sends.
 */
import { isIPv6 } from 'node:net';
import { AppError, systemCode } from '../../core/errors.ts';

/** The same object for as long as the source is the same. */
export type UdpSource = { readonly address: string; readonly port: number };

export type UdpListener = {
  /**
   * A datagram is `bytes[start, end)`: valid until this returns, and zeroed then.
   * @param atUs when it arrived, on the service's clock: by the kernel's stamp where the receiver has it, else when the process saw it.
   */
  datagram(bytes: Uint8Array, start: number, end: number, source: UdpSource, atUs: number): void;
  /** The socket goes on receiving. */
  error(error: Error): void;
};

export interface UdpSocket {
  readonly port: number;
  /** What the kernel granted. */
  readonly receiveBufferBytes: number;
  /** Nothing is heard from the call on; its port is free when this resolves. Idempotent. */
  close(): Promise<void>;
}

/** Since the start; never fall. */
export type UdpCounts = {
  readonly received: number;
  /** Lost in the kernel because a socket had no room; 0 where that can't be known. */
  readonly overflowed: number;
  /** Bytes that wait for this thread now, and the most there were. */
  readonly waitingBytes: number;
  readonly mostWaitingBytes: number;
};

export type UdpAddress = {
  /** An address, or a name of this machine. */
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Wanted; the kernel may grant less. */
  readonly receiveBufferBytes: number;
};

export interface UdpReceiver {
  readonly name: 'native' | 'node:dgram';
  /** Whether arrivals are the kernel's, whatever this thread was doing: then a stall of it delays nothing but the reading. */
  readonly stamps: boolean;
  /** @throws PORT_TAKEN, PORTS_USED_UP when the machine has no socket left, CONFIG_INVALID for a host that can't be had */
  bind(address: UdpAddress, listener: UdpListener): Promise<UdpSocket>;
  readonly counts: UdpCounts;
  /** Resolves when everything that had arrived by the call has been handed on. */
  caughtUp(): Promise<void>;
  /** Closes what is open. Idempotent. */
  close(): Promise<void>;
}

/** Hands a datagram on; what the listener throws, it is told. */
export const handOn = (
  listener: UdpListener,
  bytes: Uint8Array,
  start: number,
  end: number,
  source: UdpSource,
  atUs: number,
): void => {
  try {
    listener.datagram(bytes, start, end, source, atUs);
  } catch (error) {
    listener.error(error instanceof Error ? error : new Error(String(error)));
  }
};

/** No descriptors or kernel memory left for one more socket. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

/** @param cause what binding failed with: an error with a system's code */
export const unbound = ({ host, port }: UdpAddress, cause: unknown): AppError => {
  const code = systemCode(cause) ?? 'unknown';
  const where = isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
  if (code === 'EADDRINUSE') return new AppError('PORT_TAKEN', `${where} is in use by another program`, { cause });
  if (EXHAUSTED.has(code)) {
    return new AppError('PORTS_USED_UP', `no socket left for ${where} (${code}): raise the limit of open files`, {
      cause,
    });
  }
  return new AppError('CONFIG_INVALID', `can't receive RTP on ${where} (${code})`, { cause });
};
