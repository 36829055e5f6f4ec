/** Media announced anew in mid-call: new payload types, a new offer, a new source; and that nothing else changes by it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallAnnouncement } from '../../../src/http/service.ts';
import { DgramReceiver } from '../../../src/ingest/rtp/dgram-receiver.ts';
import { PortPool } from '../../../src/ingest/rtp/port-pool.ts';
import { RtpEndpoint } from '../../../src/ingest/rtp/rtp-endpoint.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';
import { findInFiles } from '../../support/scratch.ts';
import { ACCOUNT, codeOf, LiveScene, SECRET } from './live-scene.ts';

const offer = (...codecs: string[]): string =>
  [
    'v=0',
    'o=- 1 1 IN IP4 192.0.2.9',
    's=-',
    'c=IN IP4 192.0.2.9',
    't=0 0',
    `m=audio 4000 RTP/AVP ${codecs.map((_, index) => 96 + index).join(' ')}`,
    ...codecs.map((codec, index) => `a=rtpmap:${96 + index} ${codec}`),
    '',
  ].join('\r\n');

const again = (scene: LiveScene, media: Omit<CallAnnouncement['media'], 'kind'>, callId = 'c1') =>
  scene.calls.announceMedia(ACCOUNT, callId, { kind: 'rtp', ...media });

const originOf = (sdp = ''): { id: string; version: number } => {
  const [, id = '', version] = /^o=- (\d+) (\d+) /m.exec(sdp) ?? [];
  return { id, version: Number(version) };
};

describe('media that is announced anew', () => {
  test('has its leg take the new payload types and open for one new source; the other leg is left alone', async () => {
    const scene = new LiveScene();
    const before = await scene.announce({ record_call: { format: 'wav' } });
    scene.speak(200);
    const call = await again(scene, { codecs: { b: { 96: 'opus/48000/2' } } });
    expect(scene.endpoint('b').payloads.codecOf(96)).toMatchObject({ name: 'OPUS' });
    expect(scene.endpoint('a').payloads.codecOf(96)).toBeUndefined();
    expect([scene.endpoint('a').relatched, scene.endpoint('b').relatched]).toEqual([0, 1]);
    expect(call.legs.b.rtp).toEqual(before.legs.b.rtp);
    expect(call.legs.b.channel_id).toBe(before.legs.b.channel_id);
    expect(scene.toldOf('call.media')).toEqual([{ account: ACCOUNT, call_id: 'c1', type: 'call.media', legs: ['b'] }]);
    scene.speak(200);
    expect(scene.calls.get(ACCOUNT, 'c1').recordings).toHaveLength(1);
    expect(scene.started).toHaveLength(1);
  });

  test('by an offer is answered with the same port and session, and a higher version each time', async () => {
    const scene = new LiveScene();
    const first = await scene.announce({ media: { kind: 'rtp', sdp: { a: offer('PCMU/8000') } } });
    const origins = [originOf(first.legs.a.sdp)];
    for (const codecs of [['PCMA/8000'], ['opus/48000/2', 'telephone-event/48000']]) {
      const { legs } = await again(scene, { sdp: { a: offer(...codecs) } });
      expect(legs.a.rtp).toEqual(first.legs.a.rtp);
      expect(legs.a.sdp).toContain(`m=audio ${first.legs.a.rtp!.port} RTP/AVP 96`);
      expect(legs.a.sdp).toContain(codecs[0]);
      origins.push(originOf(legs.a.sdp));
    }
    expect(origins.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(new Set(origins.map(({ id }) => id)).size).toBe(1);
    expect(scene.endpoint('a').payloads.codecOf(97)).toMatchObject({ name: 'TELEPHONE-EVENT' });
  });

  test('by payload types has no answer any more, and an offer after that goes on in its session', async () => {
    const scene = new LiveScene();
    await scene.announce({ media: { kind: 'rtp', sdp: { a: offer('PCMU/8000') } } });
    expect((await again(scene, { codecs: { a: {} } })).legs.a).not.toHaveProperty('sdp');
    const { legs } = await again(scene, { sdp: { a: offer('PCMU/8000') } });
    expect(originOf(legs.a.sdp).version).toBe(2);
  });

  const refusals: readonly { name: string; code: string; media: Omit<CallAnnouncement['media'], 'kind'> }[] = [
    {
      name: 'an offer of nothing that is known',
      code: 'SDP_INVALID',
      media: { sdp: { a: offer('PCMA/8000'), b: offer('magic/8000') } },
    },
    {
      name: 'a codec that nobody knows',
      code: 'FIELDS_INVALID',
      media: { codecs: { a: { 96: 'opus/48000/2' }, b: { 97: 'magic/8000' } } },
    },
  ];
  for (const { name, code, media } of refusals) {
    test(`that holds ${name} is ${code}, and changes neither leg`, async () => {
      const scene = new LiveScene();
      const before = await scene.announce({ media: { kind: 'rtp', sdp: { a: offer('PCMU/8000') } } });
      expect(await codeOf(again(scene, media))).toBe(code);
      expect(scene.calls.get(ACCOUNT, 'c1')).toEqual(before);
      for (const leg of ['a', 'b'] as const) {
        expect(scene.endpoint(leg).relatched).toBe(0);
        expect(scene.endpoint(leg).payloads).toBe(scene.endpoint(leg).options.payloads);
      }
      expect(scene.types).toEqual(['call.announced']);
      // The version that was not given out is not used up.
      const { legs } = await again(scene, { sdp: { a: offer('PCMA/8000') } });
      expect(originOf(legs.a.sdp).version).toBe(2);
    });
  }

  test('of a call, or a leg, that has ended is CONFLICT; of one that is not there NOT_FOUND', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    scene.speak(30_500, { legs: ['a'] });
    expect(scene.calls.get(ACCOUNT, 'c1').legs.b.state).toBe('ended');
    expect(await codeOf(again(scene, { codecs: { a: {}, b: {} } }))).toBe('CONFLICT');
    expect(scene.endpoint('a').relatched).toBe(0);
    expect(await codeOf(again(scene, { codecs: { a: {} } }))).toBe('none');
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(await codeOf(again(scene, { codecs: { a: {} } }))).toBe('CONFLICT');
    expect(await codeOf(again(scene, { codecs: { a: {} } }, 'c2'))).toBe('NOT_FOUND');
    expect(await codeOf(scene.calls.announceMedia('another', 'c1', { kind: 'rtp', codecs: { a: {} } }))).toBe(
      'NOT_FOUND',
    );
  });

  test('leaves a mask where it is, and the recording running', async () => {
    const scene = new LiveScene();
    await scene.announce({ record_call: { format: 'wav' } });
    scene.speak(1000);
    await scene.act('a', 'mask');
    const call = await again(scene, { codecs: { a: {}, b: { 96: 'PCMU/8000' } } });
    expect(call.masked).toBe(true);
    scene.speak(1000, { secret: true });
    expect(await scene.act('a', 'unmask')).toMatchObject({ changed: true, recordings: [{ state: 'recording' }] });
    scene.speak(500);
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(scene.closed).toMatchObject([{ failed: false }]);
    expect(findInFiles(scene.folder, SECRET)).toEqual([]);
  });

  test('is the only way to open a leg: answering and bridging open none', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(200);
    await scene.calls.answer(ACCOUNT, 'c1');
    await scene.calls.bridge(ACCOUNT, 'c1');
    expect([scene.endpoint('a').relatched, scene.endpoint('b').relatched]).toEqual([0, 0]);
  });
});

/** A party's socket, from which packets come in order. */
class Phone {
  readonly #socket: Socket;
  readonly #ssrc: number;
  #sequence = 0;

  private constructor(socket: Socket, ssrc: number) {
    this.#socket = socket;
    this.#ssrc = ssrc;
    onTestFinished(() => void socket.close());
  }

  static async open(ssrc: number): Promise<Phone> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Phone(socket, ssrc);
  }

  async send(port: number, frames: number, payloadType = 0): Promise<void> {
    for (let sent = 0; sent < frames; sent++) {
      const sequence = this.#sequence++;
      const payload = Buffer.alloc(160, this.#ssrc);
      const data = rtpPacket({ payloadType, ssrc: this.#ssrc, sequence, timestamp: sequence * 160, payload });
      await new Promise((resolve) => this.#socket.send(data, port, '127.0.0.1', resolve));
    }
  }
}

test('over real sockets: the old source is heard until the new one is believed, and a third one is not', async () => {
  const scene = new LiveScene({
    ports: new PortPool({ first: 42_200, last: 42_299 }, { quietMs: 0 }),
    bindHost: '127.0.0.1',
    bind: (to) => RtpEndpoint.bind({ ...to, receiver: new DgramReceiver(to.clock) }),
  });
  const { port } = (await scene.announce()).legs.a.rtp!;
  const [early, answering, stranger] = [await Phone.open(1), await Phone.open(2), await Phone.open(3)];
  const heard = (packets: number, dropped: number) =>
    expect.poll(() => scene.calls.get(ACCOUNT, 'c1').legs.a).toMatchObject({ packets, dropped });
  await early.send(port, 3);
  await heard(3, 0);
  await stranger.send(port, 3);
  await heard(3, 3);
  await again(scene, { codecs: { a: { 96: 'PCMU/8000' } } });
  await early.send(port, 2);
  await heard(5, 3);
  await answering.send(port, 4, 96);
  await heard(9, 3);
  await early.send(port, 1);
  await stranger.send(port, 2);
  await heard(9, 6);
});
