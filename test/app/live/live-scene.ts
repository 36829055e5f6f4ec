/** Live calls without sockets or waiting: time moves when a test says so, packets are put in where sockets would hand them on. */
import { onTestFinished } from 'vitest';
import { type CallDirectory, lookUpCall } from '../../../src/app/live/call-lookup.ts';
import type { BindEndpoint } from '../../../src/app/live/leg-sockets.ts';
import { LiveCalls } from '../../../src/app/live/live-calls.ts';
import type { LiveCallsOptions } from '../../../src/app/live/live-options.ts';
import { LOOK_MS } from '../../../src/app/live/loop-watch.ts';
import type { RecordingAbout } from '../../../src/app/recordings/about.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { AppError } from '../../../src/core/errors.ts';
import type { Leg } from '../../../src/core/leg.ts';
import type { RecordAction, RecordCallFields } from '../../../src/core/record-call.ts';
import type { AuditNote } from '../../../src/http/audit.ts';
import type { CallAnnouncement, CallDocument } from '../../../src/http/service.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import type { PayloadCodecs } from '../../../src/ingest/rtp/payload-codecs.ts';
import { PortPool } from '../../../src/ingest/rtp/port-pool.ts';
import { encodeUlaw } from '../../../src/kernel/g711.ts';
import { RtpPacket } from '../../../src/media/rtp-packet.ts';
import type { Recorder } from '../../../src/record/recorder.ts';
import { rtpPacket, telephoneEvent } from '../../support/rtp-stream.ts';
import { scratchDir } from '../../support/scratch.ts';
import { seeded, tone } from '../../support/tones.ts';

export const START_US = Date.UTC(2026, 0, 15, 9, 30) * 1000;
export const ACCOUNT = 'acc1';
export const KEY = 'key1';
export const FRAME_MS = 20;
/** What may be in no file. */
export const SECRET = Buffer.from('5345435245545345', 'hex');

/** Bob's four codes. */
export const CODES = {
  numbers: Object.fromEntries(
    [
      ['71', 'start'],
      ['72', 'mask'],
      ['73', 'unmask'],
      ['74', 'stop'],
    ].map(([code, action]) => [
      code,
      { module: 'record_call', data: { action, ...(action === 'start' ? { format: 'wav' } : {}) } },
    ]),
  ),
};

export type Told = { readonly account: string; readonly type: string } & Readonly<Record<string, unknown>>;

class TestClock implements Clock {
  us = START_US;
  readonly #sleeping = new Set<{ readonly untilUs: number; readonly wake: () => void }>();

  now(): number {
    return this.us;
  }

  /** What looks at the loop as time passes; while a test has it stand still, nothing does. */
  readonly looks: (() => void)[] = [];

  set(us: number): void {
    for (let nextUs = this.us + LOOK_MS * 1000; nextUs < us; nextUs += LOOK_MS * 1000) this.#look(nextUs);
    this.#look(us);
  }

  /** Time passes, and the loop does not go round. */
  stall(us: number): void {
    this.us += us;
  }

  #look(us: number): void {
    this.us = us;
    for (const look of this.looks) look();
    for (const sleeper of this.#sleeping) if (sleeper.untilUs <= us) sleeper.wake();
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = {
        untilUs: this.us + delayMs * 1000,
        wake: () => {
          this.#sleeping.delete(sleeper);
          resolve();
        },
      };
      this.#sleeping.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleeping.delete(sleeper);
        reject(signal.reason);
      });
    });
  }
}

class FakeEndpoint {
  readonly port: number;
  readonly options: Parameters<BindEndpoint>[0];
  readonly counts = { received: 0, refusedSource: 0, notRtp: 0, unknownPayload: 0, rtcp: 0 };
  payloads: PayloadCodecs;
  relatched = 0;
  closed = 0;

  constructor(options: Parameters<BindEndpoint>[0]) {
    this.options = options;
    this.port = options.port;
    this.payloads = options.payloads;
  }

  setPayloads(payloads: PayloadCodecs): void {
    this.payloads = payloads.keeping(this.payloads);
  }

  relatch(): void {
    this.relatched++;
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

/** A directory with Alice, Bob and Bob's phone; metaflows and settings as a test says. */
export class TestDirectory implements CallDirectory {
  /** By user id; `''` for a party that nobody knows. */
  metaflows: Readonly<Record<string, object>> = {};
  automatic: Awaited<ReturnType<CallDirectory['automaticRecordings']>> = [];
  readonly asked: unknown[] = [];
  readonly #people: Readonly<Record<string, { id: string; name: string; ownerId: string | null }>> = {
    'user/alice': { id: 'alice', name: 'Alice', ownerId: null },
    'user/bob': { id: 'bob', name: 'Bob', ownerId: null },
    'device/phone': { id: 'phone', name: 'phone', ownerId: 'bob' },
    'device/orphan': { id: 'orphan', name: 'orphan', ownerId: 'gone' },
  };

  async person(
    _account: string,
    kind: 'user' | 'device',
    id: string,
  ): Promise<{ id: string; name: string; ownerId: string | null }> {
    const person = this.#people[`${kind}/${id}`];
    if (person === undefined) throw new AppError('NOT_FOUND', `no such ${kind}`, { details: [id] });
    return person;
  }

  async metaflowsFor(_account: string, party: { userId?: string; deviceId?: string }): Promise<object | undefined> {
    return this.metaflows[party.userId ?? ''];
  }

  async automaticRecordings(...asked: Parameters<CallDirectory['automaticRecordings']>) {
    this.asked.push(asked);
    return this.automatic;
  }
}

export class LiveScene {
  readonly folder = scratchDir();
  readonly clock = new TestClock();
  readonly receiver = new DgramReceiver(this.clock);
  readonly directory = new TestDirectory();
  readonly ports = new PortPool({ first: 30_000, last: 30_039 }, { quietMs: 5000 });
  readonly told: Told[] = [];
  /** What its account's audit is given. */
  readonly noted: AuditNote[] = [];
  readonly started: { readonly recorder: Recorder; readonly about: RecordingAbout }[] = [];
  readonly closed: { readonly recorder: Recorder; readonly failed: boolean; readonly about: RecordingAbout }[] = [];
  readonly failed: { readonly recorder: Recorder; readonly code: string }[] = [];
  readonly defects: AppError[] = [];
  readonly endpoints = new Map<number, FakeEndpoint>();
  refusal: AppError | undefined;
  readonly calls: LiveCalls;
  readonly #packet = new RtpPacket();
  readonly #tick: (() => void)[] = [];
  readonly #coded: Record<Leg, Uint8Array> = { a: coded(400), b: coded(1000) };
  readonly #sent: Record<Leg, number> = { a: 0, b: 0 };

  constructor(options: Partial<LiveCallsOptions> = {}) {
    const random = seeded(7);
    this.calls = new LiveCalls({
      lookUp: (accountId, announcement) => lookUpCall(this.directory, accountId, announcement),
      ports: this.ports,
      clock: this.clock,
      random: (bytes) => Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256)),
      rtpHost: '192.0.2.1',
      bindHost: '0.0.0.0',
      receiveBufferBytes: 1 << 20,
      receiver: this.receiver,
      journals: this.folder,
      limits: { calls: 100, callsPerAccount: 50, legSilentSec: 10, callIdleSec: 30 },
      events: {
        publish: (account, type, data) => {
          this.told.push({ account, type, ...data });
        },
      },
      audit: { note: (note) => void this.noted.push(note) },
      onStarted: (recorder, about) => this.started.push({ recorder, about }),
      onFailed: (recorder, failure) => this.failed.push({ recorder, code: failure.code }),
      onClosed: (recorder, failure, about) => this.closed.push({ recorder, failed: failure !== undefined, about }),
      admit: () => this.refusal,
      onDefect: (error) => this.defects.push(error),
      every: (ms, work) => {
        const list = ms === LOOK_MS ? this.clock.looks : this.#tick;
        list.push(work);
        return () => list.splice(list.indexOf(work), 1);
      },
      bind: async (to) => {
        const endpoint = new FakeEndpoint(to);
        this.endpoints.set(to.port, endpoint);
        return endpoint;
      },
      ...options,
    });
    // Before its folder goes: no journal may be left open.
    onTestFinished(() => this.calls.end('shutdown'));
  }

  get ticking(): boolean {
    return this.#tick.length > 0;
  }

  readonly startMs = START_US / 1000;

  get nowMs(): number {
    return (this.clock.us - START_US) / 1000;
  }

  announce(announcement: Partial<CallAnnouncement> = {}): Promise<CallDocument> {
    return this.calls.announce(ACCOUNT, {
      call_id: 'c1',
      caller: { user_id: 'alice' },
      callee: { user_id: 'bob' },
      media: { kind: 'rtp' },
      ...announcement,
    });
  }

  endpoint(leg: Leg, callId = 'c1'): FakeEndpoint {
    return this.endpoints.get(this.calls.get(ACCOUNT, callId).legs[leg].rtp!.port)!;
  }

  /** A whole round of ticks: every call once. Its journals and legs are looked at with the fifth of them. */
  tick(): void {
    for (let slice = 0; slice < 10; slice++) for (const work of this.#tick) work();
  }

  /** Time passes in steps of 100 ms, with a tick after each. */
  passTime(ms: number): void {
    for (let left = ms; left > 0; left -= 100) {
      this.clock.set(this.clock.us + Math.min(left, 100) * 1000);
      this.tick();
    }
  }

  /** What a socket of the leg would hand on. */
  give(leg: Leg, data: Buffer, callId = 'c1'): void {
    const { options, payloads } = this.endpoint(leg, callId);
    if (!this.#packet.parse(data)) throw new Error('no RTP');
    options.sink.packet(this.#packet, payloads.codecOf(this.#packet.payloadType), data, this.clock.us);
  }

  /** Both legs speak for `ms`, a frame each 20 ms, a tick each 100: a tone per leg, or the secret. */
  speak(ms: number, { secret = false, legs = ['a', 'b'] as readonly Leg[], callId = 'c1', ticks = true } = {}): void {
    for (let spoken = 0; spoken < ms; spoken += FRAME_MS) {
      this.clock.set(this.clock.us + FRAME_MS * 1000);
      for (const leg of legs) {
        const n = Math.round(this.nowMs / FRAME_MS);
        const from = (n * 160) % 8000;
        const payload = secret ? Buffer.alloc(160, SECRET) : this.#coded[leg].subarray(from, from + 160);
        this.give(leg, rtpPacket({ ...this.#next(leg), payloadType: 0, timestamp: n * 160, payload }), callId);
      }
      if (ticks && Math.round(this.nowMs) % 100 === 0) this.tick();
    }
  }

  /** The leg presses keys, 100 ms each with 60 ms between. */
  press(leg: Leg, keys: string, callId = 'c1'): void {
    for (const digit of keys) {
      const timestamp = Math.round(this.nowMs * 8);
      let atUs = this.clock.us;
      for (const sent of telephoneEvent({ digit, durationMs: 100, timestamp, atUs })) {
        this.clock.set(Math.max(atUs, sent.atUs));
        atUs = sent.atUs;
        const fields = {
          payloadType: sent.payloadType,
          timestamp,
          payload: sent.payload,
          marker: sent.marker === true,
        };
        this.give(leg, rtpPacket({ ...fields, ...this.#next(leg) }), callId);
      }
      this.clock.set(this.clock.us + 20_000);
    }
    // Back onto the grid of frames.
    this.clock.set(START_US + Math.ceil(this.nowMs / FRAME_MS) * FRAME_MS * 1000);
  }

  /**
   * The loop stands still for `ms` while both legs speak on and `typist` presses a key; then one leg's socket is read, then the other's.
   * @param secretMs from when on, into the stall, the secret is said by both.
   */
  stall(
    ms: number,
    { typist, key, keyMs, secretMs }: { typist: Leg; key: string; keyMs: number; secretMs: number },
  ): void {
    const fromMs = this.nowMs;
    const waited: Record<Leg, Buffer[]> = { a: [], b: [] };
    for (const leg of ['a', 'b'] as const) {
      let held = 0;
      for (let atMs = FRAME_MS; atMs <= ms; atMs += FRAME_MS) {
        const n = Math.round((fromMs + atMs) / FRAME_MS);
        if (leg === typist && atMs > keyMs && held < 3) {
          const timestamp = Math.round((fromMs + keyMs) * 8);
          const [event] = telephoneEvent({ digit: key, durationMs: 60, timestamp, atUs: 0 });
          const payload = Buffer.from(event!.payload);
          payload.writeUInt16BE(++held * 160, 2);
          waited[leg].push(rtpPacket({ ...this.#next(leg), payloadType: 101, timestamp, marker: held === 1, payload }));
          continue;
        }
        const from = (n * 160) % 8000;
        const payload = atMs > secretMs ? Buffer.alloc(160, SECRET) : this.#coded[leg].subarray(from, from + 160);
        waited[leg].push(rtpPacket({ ...this.#next(leg), payloadType: 0, timestamp: n * 160, payload }));
      }
    }
    this.clock.stall(ms * 1000);
    const last: Leg = typist;
    for (const data of waited[last === 'a' ? 'b' : 'a']) this.give(last === 'a' ? 'b' : 'a', data);
    for (const data of waited[last]) this.give(last, data);
  }

  act(leg: Leg, action: RecordAction, fields: RecordCallFields = {}, callId = 'c1') {
    const { channel_id: uuid } = this.calls.get(ACCOUNT, callId).legs[leg];
    return this.calls.channels.act(ACCOUNT, uuid, { ...fields, action }, KEY);
  }

  toldOf(...types: string[]): Told[] {
    return this.told.filter(({ type }) => types.includes(type));
  }

  get types(): string[] {
    return this.told.map(({ type }) => type);
  }

  #next(leg: Leg): { ssrc: number; sequence: number } {
    return { ssrc: leg === 'a' ? 0xa : 0xb, sequence: this.#sent[leg]++ };
  }
}

const coded = (hz: number): Uint8Array => {
  const bytes = new Uint8Array(8000);
  encodeUlaw(tone(hz, 1000, 8000), bytes);
  return bytes;
};

/** The code of what `promise` fails with; `none` when it doesn't. */
export const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise;
    return 'none';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};
