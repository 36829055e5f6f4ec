/**
 * Live calls whose streams another thread reads, without threads, sockets or waiting: a test says when that thread's loop goes round and
 * when it stands still, while the calls' own goes on.
 */
import { onTestFinished, vi } from 'vitest';
import { LoopWatch, TCP_SETTLE } from '../../../src/app/live/loop-watch.ts';
import { StreamLanding } from '../../../src/app/media/stream-landing.ts';
import { StreamLink } from '../../../src/app/media/stream-link.ts';
import type { StreamCommands, StreamReports } from '../../../src/app/media/stream-messages.ts';
import { ThreadLink } from '../../../src/app/media/thread-link.ts';
import { LiveStreams } from '../../../src/app/streams/live-streams.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { AppError } from '../../../src/core/errors.ts';
import { PUBLIC_ONLY } from '../../../src/deliver/allow-list.ts';
import type { StreamConnection, StreamPeer } from '../../../src/http/stream-service.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { STREAM_KINDS } from '../../../src/ingest/streams/stream-kinds.ts';
import { seeded } from '../../support/tones.ts';
import { ACCOUNT, KEY, LiveScene } from '../live/live-scene.ts';
import { ThreadPair } from './thread-pair.ts';

export const PRINCIPAL = { accountId: ACCOUNT, keyId: KEY, isAdmin: false };

/** The other end of a connection: what was said to it. */
export class TestPeer implements StreamPeer {
  readonly said: unknown[] = [];
  isPaused = false;

  send(message: string | Uint8Array): void {
    this.said.push(message);
  }

  known(): void {
    this.said.push('known');
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(farewell: object): void {
    this.said.push(farewell);
  }
}

export class StreamStage {
  readonly ports = new ThreadPair();
  readonly elsewhere = new LoopWatch(Number.POSITIVE_INFINITY, TCP_SETTLE);
  readonly scene: LiveScene;
  readonly streams: LiveStreams;
  readonly link: StreamLink;
  readonly refused: string[] = [];
  /** Of each batch's room that has come back, whether it was zeroed. */
  readonly zeroed: boolean[] = [];
  /** Whether the thread that reads the streams stands still. */
  isStalled = false;
  readonly #looks: (() => void)[] = [];
  readonly #turnsEnd: (() => void)[] = [];
  readonly #unread: { readonly connection: StreamConnection; readonly give: () => void }[] = [];

  constructor({ stamps = true } = {}) {
    // As the native receiver: each packet says when it arrived.
    const receiver = Object.assign(new DgramReceiver(systemClock), { stamps });
    this.scene = new LiveScene({ elsewhere: this.elsewhere, receiver });
    const { scene, ports } = this;
    const random = seeded(8);
    this.streams = new LiveStreams({
      calls: scene.calls,
      clock: scene.clock,
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
      allow: PUBLIC_ONLY,
      events: { publish: (account, type, data) => void scene.told.push({ account, type, ...data }) },
      audit: { note: (note) => void scene.noted.push(note), refused: () => {} },
      principalOf: (key) => toMain.ask('principalOf', key),
      addressOf: () => undefined,
      warn: (_, message) => void this.refused.push(message),
      onDefect: (error) => scene.defects.push(error),
      every: () => () => {},
    });
    const defect = (error: AppError): void => void scene.defects.push(error);
    const toMedia = new ThreadLink<StreamCommands, StreamReports>(ports.main, defect);
    const toMain = new ThreadLink<StreamReports, StreamCommands>(ports.media, defect);
    const landing = new StreamLanding({
      streams: this.streams,
      watch: this.elsewhere,
      say: (id, said) => toMain.tell('stream', id, said),
      taken: (room) => toMain.hand('streamsTaken', [room], room),
      onDefect: defect,
    });
    this.link = new StreamLink({
      link: toMedia,
      clock: scene.clock,
      every: (_, work) => {
        this.#looks.push(work);
        return () => this.#looks.splice(this.#looks.indexOf(work), 1);
      },
      atTurnsEnd: (work) => this.#turnsEnd.push(work),
    });
    toMedia.hear({
      principalOf: async (key) => (key === 'key' ? PRINCIPAL : undefined),
      stream: (id, said) => this.link.hear(id, said),
      streamsTaken: (room) => {
        this.zeroed.push(new Uint8Array(room).every((byte) => byte === 0));
        this.link.taken(room);
      },
    });
    toMain.hear({
      announceStream: (principal, kind, ticket) => this.streams.announce(principal, kind, ticket),
      streams: (accountId) => this.streams.list(accountId),
      principalOfTicket: (kind, uuid) => this.streams.principalOfTicket(kind, uuid),
      openStream: (id, opening) => landing.openStream(id, opening),
      batch: (room, used) => landing.batch(room, used),
      streamLook: (atUs) => landing.streamLook(atUs),
      streamsRest: () => landing.streamsRest(),
    });
    scene.clock.looks.push(() => this.turn());
    onTestFinished(async () => this.hangUp());
  }

  /** The thread that reads goes round once, unless it stands still: its timer, its sockets, what is to be done then. */
  turn(): void {
    if (!this.isStalled) {
      for (const look of [...this.#looks]) look();
      this.read();
      this.endTurn();
    }
    this.ports.deliver();
  }

  /** Its sockets are read. @param first whose is read before the others */
  read(first?: StreamConnection): void {
    const unread = this.#unread.splice(0);
    const isFirst = ({ connection }: (typeof unread)[number]): boolean => connection === first;
    for (const { give } of [...unread.filter(isFirst), ...unread.filter((each) => !isFirst(each))]) give();
  }

  endTurn(): void {
    for (const work of this.#turnsEnd.splice(0)) work();
  }

  /** A server connects, and is let in. */
  open(kind: string, query: Readonly<Record<string, string>>): { connection: StreamConnection; peer: TestPeer } {
    const peer = new TestPeer();
    const opening = { request: { headers: {}, query }, accountId: ACCOUNT, principal: PRINCIPAL, remote: '192.0.2.9' };
    const connection = this.link.open({ kind: STREAM_KINDS.get(kind)!, ...opening }, peer);
    return { connection, peer };
  }

  /** What it sends is read in the next turn. */
  text(connection: StreamConnection, message: object): void {
    const bytes = Buffer.from(JSON.stringify(message));
    this.#unread.push({ connection, give: () => connection.text(bytes) });
  }

  binary(connection: StreamConnection, message: Uint8Array): void {
    const bytes = Uint8Array.from(message);
    this.#unread.push({ connection, give: () => connection.binary(bytes) });
  }

  /** Whatever is under way and waits for no time is done, while both loops go round. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.scene.clock.set(this.scene.clock.us + 5000);
    }
  }

  /** Time passes while something is waited for. */
  async within<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = promise.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    await vi.waitFor(async () => {
      await this.settled();
      if (!isDone) throw new Error('not yet');
    });
    return done;
  }

  /** Ends what runs. */
  async hangUp(): Promise<void> {
    this.isStalled = false;
    for (const { call_id } of this.scene.calls.list(ACCOUNT))
      await this.within(this.scene.calls.hangUp(ACCOUNT, call_id));
  }
}
