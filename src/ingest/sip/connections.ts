/**
 * SIP over TCP: one reassembler per direction of a connection, told apart by addresses and ports. Bounded: when the table is
 * full, the direction that was quiet longest gives way, streams that have not proved to be SIP first. Pure.
 */
import type { Datagram } from '../datagram.ts';
import { SipFramer } from './framer.ts';
import type { SipMessage } from './message.ts';
import { TcpOrder } from './tcp-order.ts';

const MOST_SIP = 512;
const MOST_OTHERS = 128;

type Direction = { readonly order: TcpOrder; readonly framer: SipFramer };

/** @param segment where the message travelled: addresses and ports. */
export type SegmentMessageSink = (
  message: SipMessage,
  atUs: number,
  segment: Pick<Datagram, 'source' | 'target'>,
) => void;

export class SipConnections {
  readonly #sink: SegmentMessageSink;
  /** Both in order of last use: a Map keeps the order of insertion. */
  readonly #sip = new Map<string, Direction>();
  readonly #others = new Map<string, Direction>();

  constructor(sink: SegmentMessageSink) {
    this.#sink = sink;
  }

  /** A gauge: bytes set aside for messages that are not whole yet, at most 256 KiB for each direction in the table. */
  get heldBytes(): number {
    return this.#directions().reduce((sum, { order, framer }) => sum + order.heldBytes + framer.heldBytes, 0);
  }

  /** Takes one TCP segment. @returns whether its direction carries SIP, as far as is known by now. */
  push(segment: Datagram): boolean {
    const key = `${segment.source} ${segment.sourcePort} ${segment.target} ${segment.targetPort}`;
    const direction = this.#sip.get(key) ?? this.#others.get(key) ?? this.#begin(segment);
    direction.order.push(segment);
    this.#sip.delete(key);
    this.#others.delete(key);
    if (direction.framer.found) keep(this.#sip, MOST_SIP, key, direction);
    else keep(this.#others, MOST_OTHERS, key, direction);
    return direction.framer.found;
  }

  /** The capture has ended: reads what waits behind holes. */
  finish(): void {
    for (const { order, framer } of this.#directions()) {
      order.finish();
      framer.gap();
    }
  }

  #directions(): readonly Direction[] {
    return [...this.#sip.values(), ...this.#others.values()];
  }

  #begin({ source, target }: Datagram): Direction {
    const hop = { source, target };
    const framer = new SipFramer((message, atUs) => this.#sink(message, atUs, hop));
    const order = new TcpOrder({ bytes: (chunk, atUs) => framer.push(chunk, atUs), gap: () => framer.gap() });
    return { order, framer };
  }
}

const keep = (table: Map<string, Direction>, most: number, key: string, direction: Direction): void => {
  table.set(key, direction);
  const oldest = table.size > most ? table.keys().next().value : undefined;
  if (oldest !== undefined) table.delete(oldest);
};
