/** The card payment, live: real RTP over loopback into real sockets, codes typed as telephone-events or sent by the API, the recording listened to. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LEGS, type Leg } from '../../../src/core/leg.ts';
import { decodeArtefact } from '../../../src/finalize/decode/artefact-decoder.ts';
import { finalizeRecording } from '../../../src/finalize/finalize-recording.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { PortPool } from '../../../src/ingest/rtp/port-pool.ts';
import { RtpEndpoint } from '../../../src/ingest/rtp/rtp-endpoint.ts';
import { encodeUlaw } from '../../../src/kernel/g711.ts';
import type { Recorder } from '../../../src/record/recorder.ts';
import { rtpPacket, telephoneEvent } from '../../support/rtp-stream.ts';
import { findInFiles } from '../../support/scratch.ts';
import { channelsOf, joined, levelOf, peak, span, tone } from '../../support/tones.ts';
import { ACCOUNT, CODES, FRAME_MS, LiveScene } from './live-scene.ts';

const HOST = '127.0.0.1';
/** Away from the ports that services use. */
const PORTS = { first: 42_000, last: 42_199 };
const RATE = 8000;
const HZ: Record<Leg, number> = { a: 400, b: 1000 };
const SECRET_HZ = 2500;
const LOUD_DB = -20;
const QUIET_DB = -60;

/** Two phones that send to a call's ports while virtual time passes; each instant waits until the service has taken its packets. */
class Phones {
  readonly scene = new LiveScene({
    ports: new PortPool(PORTS, { quietMs: 0 }),
    rtpHost: HOST,
    bindHost: HOST,
    bind: (to) => RtpEndpoint.bind({ ...to, receiver: new DgramReceiver(to.clock) }),
  });
  readonly #sockets: Record<Leg, Socket> = { a: createSocket('udp4'), b: createSocket('udp4') };
  readonly #sequence: Record<Leg, number> = { a: 65_500, b: 0 };
  readonly #coded: Record<number, Uint8Array> = {};
  #sent = 0;

  async open(): Promise<void> {
    for (const leg of LEGS) {
      this.#sockets[leg].bind(0, HOST);
      await once(this.#sockets[leg], 'listening');
    }
  }

  close(): void {
    for (const leg of LEGS) this.#sockets[leg].close();
  }

  get nowMs(): number {
    return this.scene.nowMs;
  }

  async speak(ms: number, hz: Readonly<Record<Leg, number>> = HZ): Promise<void> {
    for (let spoken = 0; spoken < ms; spoken += FRAME_MS) {
      this.#pass(FRAME_MS);
      const n = Math.round(this.nowMs / FRAME_MS);
      for (const leg of LEGS) this.#send(leg, 0, n * 160, this.#frame(hz[leg], n));
      await this.#taken();
      if (n % 5 === 0) this.scene.tick();
    }
  }

  async press(leg: Leg, keys: string): Promise<void> {
    for (const digit of keys) {
      const timestamp = Math.round(this.nowMs * 8);
      for (const { payload, payloadType, marker } of telephoneEvent({ digit, durationMs: 100, timestamp })) {
        this.#pass(FRAME_MS);
        this.#send(leg, payloadType, timestamp, Buffer.from(payload), marker);
        await this.#taken();
      }
      this.#pass(FRAME_MS);
    }
  }

  /** Frames of the leg, all at once, as after a stall; nothing is waited for. */
  burst(leg: Leg, frames: number): void {
    const first = Math.round(this.nowMs / FRAME_MS);
    for (let n = first + 1; n <= first + frames; n++) this.#send(leg, 0, n * 160, this.#frame(HZ[leg], n));
  }

  /** Somebody else sends to both legs' ports: noise, and RTP of another source. */
  async strangers(): Promise<void> {
    const stranger = createSocket('udp4');
    const { legs } = this.scene.calls.get(ACCOUNT, 'c1');
    const payload = this.#frame(SECRET_HZ, 1);
    for (const leg of LEGS) {
      for (let n = 0; n < 10; n++) {
        const sent = rtpPacket({ payloadType: 0, ssrc: 0xbad, sequence: n, timestamp: n * 160, payload });
        for (const data of [sent, Buffer.alloc(n, 0x5a)])
          await new Promise((resolve) => stranger.send(data, legs[leg].rtp!.port, HOST, resolve));
      }
    }
    const dropped = () => LEGS.map((leg) => this.scene.calls.get(ACCOUNT, 'c1').legs[leg].dropped);
    await vi.waitFor(() => expect(dropped()).toEqual([20, 20]));
    stranger.close();
  }

  #pass(ms: number): void {
    this.scene.clock.set(this.scene.clock.us + ms * 1000);
  }

  #send(leg: Leg, payloadType: number, timestamp: number, payload: Uint8Array, marker = false): void {
    const { port } = this.scene.calls.get(ACCOUNT, 'c1').legs[leg].rtp!;
    const sequence = this.#sequence[leg]++ & 0xffff;
    this.#sockets[leg].send(
      rtpPacket({ payloadType, ssrc: leg === 'a' ? 0xa : 0xb, sequence, timestamp, payload, marker }),
      port,
      HOST,
    );
    this.#sent++;
  }

  async #taken(): Promise<void> {
    // The first packet of each leg is held until its second.
    const wanted = this.#sent === 2 ? 0 : this.#sent;
    const taken = () => LEGS.reduce((sum, leg) => sum + this.scene.calls.get(ACCOUNT, 'c1').legs[leg].packets, 0);
    const untilMs = performance.now() + 5000;
    while (taken() < wanted) {
      if (performance.now() > untilMs) throw new Error(`${taken()} of ${wanted} packets were taken`);
      await new Promise(setImmediate);
    }
  }

  #frame(hz: number, n: number): Uint8Array {
    let coded = this.#coded[hz];
    if (coded === undefined) {
      coded = new Uint8Array(RATE);
      encodeUlaw(tone(hz, 1000, RATE), coded);
      this.#coded[hz] = coded;
    }
    const from = (n * 160) % RATE;
    return coded.subarray(from, from + 160);
  }
}

const hear = async (recorder: Recorder, directory: string): Promise<readonly Int16Array[]> => {
  const mediaName = `${recorder.head.id}.wav`;
  const result = await finalizeRecording({ journalPath: recorder.path, directory, mediaName, encoder: 'lamejs' });
  if (result.state !== 'stored') throw new Error(`the recording is ${result.state}`);
  const decoded = await decodeArtefact(result.path);
  const chunks: Int16Array[] = [];
  for await (const chunk of decoded.chunks) chunks.push(chunk.slice());
  return channelsOf(joined(...chunks), decoded.channels);
};

const phones: Phones[] = [];
const open = async (): Promise<Phones> => {
  const made = new Phones();
  phones.push(made);
  await made.open();
  return made;
};

afterEach(() => {
  for (const each of phones.splice(0)) each.close();
});

type Seconds = {
  readonly startedMs: number;
  readonly maskedMs: number;
  readonly unmaskedMs: number;
  readonly endedMs: number;
};

/** Each leg's own tone is all there outside of the mask, and nothing at all is in it. */
const expectClean = (legs: readonly Int16Array[], { startedMs, maskedMs, unmaskedMs, endedMs }: Seconds): void => {
  const frame = 2 * FRAME_MS;
  for (const [index, leg] of LEGS.entries()) {
    const pcm = legs[index]!;
    const at = (ms: number) => ms - startedMs;
    expect(levelOf(pcm, RATE, HZ[leg], frame, at(maskedMs) - 1000), `${leg} before`).toBeGreaterThan(LOUD_DB);
    expect(levelOf(pcm, RATE, HZ[leg], at(unmaskedMs) + frame, at(endedMs) - 1000), `${leg} after`).toBeGreaterThan(
      LOUD_DB,
    );
    expect(peak(span(pcm, RATE, at(maskedMs), at(unmaskedMs))), `${leg} masked`).toBe(0);
    expect(levelOf(pcm, RATE, SECRET_HZ, 0, at(endedMs)), `${leg} secret`).toBeLessThan(QUIET_DB);
  }
};

describe('a card payment over loopback', () => {
  const holders: readonly { name: string; leg: Leg; metaflows: Readonly<Record<string, object>> }[] = [
    { name: 'Bob holds the codes and types them', leg: 'b', metaflows: { bob: CODES } },
    { name: 'Alice holds the codes and types them', leg: 'a', metaflows: { alice: CODES } },
    {
      name: 'Bob holds the codes and listens on both, Alice types them',
      leg: 'a',
      metaflows: { bob: { ...CODES, listen_on: 'both' } },
    },
    {
      name: 'Bob holds the codes and listens on his peer, Alice types them',
      leg: 'a',
      metaflows: { bob: { ...CODES, listen_on: 'peer' } },
    },
  ];
  for (const { name, leg, metaflows } of holders) {
    test(`${name}: the number is nowhere, the rest is all there`, async () => {
      const call = await open();
      const { scene } = call;
      scene.directory.metaflows = metaflows;
      await scene.announce();
      await call.speak(400);
      await call.press(leg, '*71');
      const startedMs = scene.started[0]!.recorder.head.startUs / 1000 - (scene.clock.us / 1000 - call.nowMs);
      await call.speak(1500);
      await call.strangers();
      await call.press(leg, '*72');
      const maskedMs = call.nowMs;
      await vi.waitFor(() => expect(scene.types).toContain('mask.on'));
      await call.speak(1000, { a: SECRET_HZ, b: SECRET_HZ });
      const unmaskedMs = call.nowMs;
      await call.press(leg, '*73');
      await vi.waitFor(() => expect(scene.types).toContain('mask.off'));
      const openedMs = call.nowMs;
      await call.speak(2000);
      await call.press(leg, '*74');
      const endedMs = call.nowMs;
      await call.speak(500, { a: SECRET_HZ, b: SECRET_HZ });
      await scene.calls.hangUp(ACCOUNT, 'c1');
      expect(scene.closed).toHaveLength(1);
      const legs = await hear(scene.closed[0]!.recorder, scene.folder);
      expectClean(legs, { startedMs, maskedMs, unmaskedMs: Math.min(unmaskedMs, openedMs), endedMs });
      expect(scene.defects).toEqual([]);
    });
  }

  test('by the API, with two recordings: both are masked, and the sockets are free again', async () => {
    const call = await open();
    const { scene } = call;
    await scene.announce({ record_call: { format: 'wav' } });
    await call.speak(1000);
    await scene.act('a', 'start', { format: 'wav', media_name: 'second.wav' });
    await call.speak(1500);
    await scene.act('b', 'mask');
    const maskedMs = call.nowMs;
    await call.speak(1000, { a: SECRET_HZ, b: SECRET_HZ });
    await scene.act('b', 'unmask');
    const unmaskedMs = call.nowMs;
    await call.speak(2000);
    const endedMs = call.nowMs;
    const { legs } = await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.closed).toHaveLength(2);
    for (const { recorder } of scene.closed) {
      const heard = await hear(recorder, scene.folder);
      const startedMs = recorder.head.mediaName === 'second.wav' ? 1000 : 0;
      expectClean(heard, { startedMs, maskedMs, unmaskedMs, endedMs });
    }
    const secret = new Uint8Array(160);
    encodeUlaw(tone(SECRET_HZ, 20, RATE), secret);
    expect(findInFiles(scene.folder, Buffer.from(secret))).toEqual([]);
    const free = createSocket('udp4');
    free.bind(legs.a.rtp!.port, HOST);
    await once(free, 'listening');
    free.close();
  });

  test('a stall of the event loop before the hang-up loses nothing that was sent', async () => {
    const call = await open();
    const { scene } = call;
    await scene.announce({ record_call: { format: 'wav' } });
    await call.speak(1000);
    const before = scene.calls.get(ACCOUNT, 'c1').legs.a.packets;
    // They are in the kernel, and nobody has looked yet.
    call.burst('a', 10);
    const hungUp = await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(hungUp.legs.a.packets).toBe(before + 10);
  });
});
