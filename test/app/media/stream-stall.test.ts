/**
 * The thread that reads WebSockets stands still for two seconds while the calls' own goes round: a mask holds for all that was said behind its
 * code, on the leg that was read meanwhile too, and nothing of it is written before the code is read.
 */
import { describe, expect, test, vi } from 'vitest';
import type { Leg } from '../../../src/core/leg.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import type { StreamConnection } from '../../../src/http/stream-service.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, CODES, FRAME_MS, KEY, SECRET } from '../live/live-scene.ts';
import { StreamStage } from './stream-stage.ts';

const STALL_MS = 2000;
/** As samples of 16 bits lie in a journal. */
const SWAPPED = Buffer.from(SECRET).swap16();
const QUIET = Buffer.alloc(SECRET.length, 0x55);

/** What a server of the kind sends: its beginning, 20 ms of sound, a key. */
type Server = {
  begin(stage: StreamStage, connection: StreamConnection, leg: Leg): void;
  frame(stage: StreamStage, connection: StreamConnection, sound: Buffer, n: number): void;
  key(stage: StreamStage, connection: StreamConnection, digit: string): void;
};

/** Counts its milliseconds. */
const twilio: Server = {
  begin: (stage, connection, leg) =>
    stage.text(connection, {
      event: 'start',
      sequenceNumber: '1',
      streamSid: 'MZ1',
      start: {
        ...{ accountSid: 'AC1', streamSid: 'MZ1', callSid: 'CA1', customParameters: {} },
        tracks: [leg === 'a' ? 'inbound' : 'outbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      },
    }),
  frame: (stage, connection, sound, n) =>
    stage.text(connection, {
      event: 'media',
      media: { chunk: `${n + 1}`, timestamp: `${n * 20}`, payload: Buffer.alloc(160, sound).toString('base64') },
    }),
  key: (stage, connection, digit) => stage.text(connection, { event: 'dtmf', dtmf: { digit } }),
};

/** Has no timestamps. */
const vonage: Server = {
  begin: (stage, connection) =>
    stage.text(connection, { event: 'websocket:connected', 'content-type': 'audio/l16;rate=16000' }),
  frame: (stage, connection, sound) => stage.binary(connection, Buffer.alloc(640, sound)),
  key: (stage, connection, digit) => stage.text(connection, { event: 'websocket:dtmf', digit }),
};

const KINDS = { twilio, vonage } as const;

class Scene {
  readonly stage: StreamStage;
  readonly #kind: keyof typeof KINDS;
  readonly #typist: Leg;
  readonly #streams: Partial<Record<Leg, StreamConnection>> = {};
  #frames = 0;

  constructor(kind: keyof typeof KINDS, typist: Leg, stamps: boolean) {
    this.stage = new StreamStage({ stamps });
    this.#kind = kind;
    this.#typist = typist;
  }

  get typing(): StreamConnection {
    return this.#streams[this.#typist]!;
  }

  get other(): StreamConnection | undefined {
    return this.#streams[this.#typist === 'a' ? 'b' : 'a'];
  }

  /** Both legs are streams, or the one that doesn't type is RTP. */
  async begin(others: 'stream' | 'rtp'): Promise<void> {
    const { scene } = this.stage;
    scene.directory.metaflows = { alice: CODES, bob: CODES };
    await scene.announce({ media: { kind: others }, record_call: { format: 'wav' } });
    for (const leg of ['a', 'b'] as const) {
      if (others === 'rtp' && leg !== this.#typist) continue;
      const { connection } = this.stage.open(this.#kind, { call_id: 'c1', leg });
      this.#streams[leg] = connection;
      KINDS[this.#kind].begin(this.stage, connection, leg);
    }
    await this.stage.settled();
    scene.clock.set(Math.ceil(scene.clock.us / 20_000) * 20_000);
    expect(this.stage.refused).toEqual([]);
    expect((await this.stage.streams.list(ACCOUNT)).map(({ legs }) => legs[0])).toEqual(Object.keys(this.#streams));
  }

  press(digit: string): void {
    KINDS[this.#kind].key(this.stage, this.typing, digit);
  }

  /** Time passes while both legs say something. */
  speak(ms: number, sound: Buffer): void {
    const { scene } = this.stage;
    for (let spoken = 0; spoken < ms; spoken += FRAME_MS) {
      const n = this.#frames++;
      scene.clock.set(scene.clock.us + FRAME_MS * 1000);
      for (const leg of ['a', 'b'] as const) {
        const stream = this.#streams[leg];
        if (stream !== undefined) KINDS[this.#kind].frame(this.stage, stream, sound, n);
        else {
          const payload = Buffer.alloc(160, sound);
          scene.give(leg, rtpPacket({ payloadType: 0, ssrc: 7, sequence: n, timestamp: n * 160, payload }));
        }
      }
      if (n % 5 === 0) scene.tick();
    }
  }

  get written(): string[] {
    return [...findInFiles(this.stage.scene.folder, SECRET), ...findInFiles(this.stage.scene.folder, SWAPPED)];
  }
}

describe.each(['twilio', 'vonage'] as const)('a code that waited for %s in a thread that stood still', (kind) => {
  const cases = [
    { others: 'stream', typist: 'a', stamps: true },
    { others: 'stream', typist: 'b', stamps: true },
    { others: 'rtp', typist: 'a', stamps: true },
    { others: 'rtp', typist: 'b', stamps: true },
    { others: 'rtp', typist: 'b', stamps: false },
  ] as const;

  for (const { others, typist, stamps } of cases)
    for (const readFirst of ['typing', 'other'] as const) {
      if (others === 'rtp' && readFirst === 'other') continue;
      const name = `typed on leg ${typist}, ${others} on the other${stamps ? '' : ' (unstamped)'}, ${readFirst} leg read first`;
      test(`${name}: what was said behind it is in no file`, async () => {
        const scene = new Scene(kind, typist, stamps);
        const { stage } = scene;
        const live = stage.scene;
        await scene.begin(others);
        scene.speak(1000, QUIET);
        for (const digit of '*7') scene.press(digit);
        scene.speak(100, QUIET);
        const stalledMs = live.nowMs;
        stage.isStalled = true;
        scene.press('2');
        // That it stands still is noticed a frame later.
        scene.speak(FRAME_MS, QUIET);
        scene.speak(STALL_MS - FRAME_MS, SECRET);
        expect(scene.written, 'while it stood still').toEqual([]);
        stage.isStalled = false;
        stage.read(scene[readFirst]);
        stage.endTurn();
        stage.ports.deliver();
        scene.speak(500, SECRET);
        await vi.waitFor(() => expect(live.types).toContain('mask.on'));
        expect(live.calls.get(ACCOUNT, 'c1').masked).toBe(true);
        const { channel_id: uuid } = live.calls.get(ACCOUNT, 'c1').legs.a;
        await stage.within(live.calls.channels.act(ACCOUNT, uuid, { action: 'unmask' }, KEY));
        live.clock.set(Math.ceil(live.clock.us / 20_000) * 20_000);
        scene.speak(1500, QUIET);
        await stage.hangUp();
        expect(scene.written).toEqual([]);
        expect(live.defects).toEqual([]);
        const [{ recorder }] = live.closed;
        const finished = await finalizeRecording({
          ...{ journalPath: recorder.path, directory: live.folder, mediaName: 'x.wav', encoder: 'lamejs' },
        });
        if (finished.state !== 'stored') throw new Error(finished.state);
        const [mask, ...more] = finished.manifest.masks;
        expect(more).toEqual([]);
        // From when the loop stood still, not from long before.
        const startedMs = recorder.head.startUs / 1000;
        const maskedMs = mask!.start_ms + startedMs - live.startMs;
        expect(maskedMs).toBeGreaterThan(stalledMs - 60);
        expect(maskedMs).toBeLessThan(stalledMs + 30);
        // What was said before and after it was kept, on both legs.
        for (const leg of ['a', 'b'] as const)
          expect(finished.manifest.legs[leg].packets.received).toBeGreaterThan(200);
      });
    }
});
