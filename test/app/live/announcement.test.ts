/** Announcing a call: what is answered, what is refused, and that nothing of a refused one remains. */
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { CallAnnouncement } from '../../../src/http/service.ts';
import { PortPool } from '../../../src/ingest/rtp/port-pool.ts';
import { ACCOUNT, CODES, codeOf, LiveScene, START_US } from './live-scene.ts';

const OFFER = [
  'v=0',
  'o=- 1 1 IN IP4 192.0.2.9',
  's=-',
  'c=IN IP4 192.0.2.9',
  't=0 0',
  'm=audio 4000 RTP/AVP 8 96',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:96 telephone-event/8000',
  '',
].join('\r\n');

describe('a call that is announced', () => {
  test('has a port pair and a channel for each leg, and waits for media', async () => {
    const scene = new LiveScene();
    const call = await scene.announce({ from: '+491', to: '+492' });
    expect(call).toMatchObject({
      call_id: 'c1',
      direction: 'inbound',
      from: '+491',
      to: '+492',
      state: 'announced',
      masked: false,
      announced_at: new Date(START_US / 1000).toISOString(),
      recordings: [],
      legs: {
        a: {
          rtp: { host: '192.0.2.1', port: 30_000 },
          user_id: 'alice',
          device_id: null,
          state: 'waiting',
          packets: 0,
        },
        b: { rtp: { host: '192.0.2.1', port: 30_002 }, user_id: 'bob', state: 'waiting', dropped: 0 },
      },
    });
    expect(call.legs.a.channel_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(call.legs.a.channel_id).not.toBe(call.legs.b.channel_id);
    expect(call.legs.a).not.toHaveProperty('sdp');
    expect(scene.endpoint('a').options).toMatchObject({ host: '0.0.0.0', port: 30_000 });
    expect(scene.calls.get(ACCOUNT, 'c1')).toEqual(call);
    expect(scene.calls.list(ACCOUNT)).toEqual([call]);
    expect(scene.told).toEqual([{ account: ACCOUNT, type: 'call.announced', call_id: 'c1', direction: 'inbound' }]);
  });

  test('gets an id when it has none, and a device stands for its user', async () => {
    const scene = new LiveScene();
    const call = await scene.calls.announce(ACCOUNT, { callee: { device_id: 'phone' }, media: { kind: 'rtp' } });
    expect(call.call_id).toMatch(/^[0-9a-f]{32}$/);
    expect(call.legs.b).toMatchObject({ user_id: 'bob', device_id: 'phone' });
    expect(call.legs.a).toMatchObject({ user_id: null, device_id: null });
  });

  test('a device whose user is gone is one all the same', async () => {
    const scene = new LiveScene();
    const { legs } = await scene.announce({ callee: { device_id: 'orphan' } });
    expect(legs.b).toMatchObject({ user_id: null, device_id: 'orphan' });
    expect(scene.directory.asked).toMatchObject([[ACCOUNT, { callee: { deviceId: 'orphan' } }]]);
  });

  test('an offer is answered with the port of its leg, and names the codecs', async () => {
    const scene = new LiveScene();
    const { legs } = await scene.announce({ media: { kind: 'rtp', sdp: { b: OFFER } } });
    expect(legs.b.sdp).toMatch(/m=audio 30002 RTP\/AVP 8 96/);
    expect(legs.a.sdp).toBeUndefined();
    expect(scene.endpoint('b').options.payloads.codecOf(96)?.name).toBe('TELEPHONE-EVENT');
    expect(scene.endpoint('a').options.payloads.codecOf(96)).toBeUndefined();
  });

  test('a payload map belongs to its leg', async () => {
    const scene = new LiveScene();
    await scene.announce({ media: { kind: 'rtp', codecs: { a: { 97: 'opus/48000/2' } } } });
    expect(scene.endpoint('a').options.payloads.codecOf(97)?.name).toBe('OPUS');
    expect(scene.endpoint('b').options.payloads.codecOf(97)).toBeUndefined();
  });

  test('belongs to its account alone', async () => {
    const scene = new LiveScene();
    const { legs } = await scene.announce();
    const { calls } = scene;
    expect(calls.list('acc2')).toEqual([]);
    expect(calls.channels.list('acc2')).toEqual([]);
    for (const asked of [calls.answer('acc2', 'c1'), calls.bridge('acc2', 'c1'), calls.hangUp('acc2', 'c1')])
      expect(await codeOf(asked)).toBe('NOT_FOUND');
    expect(() => calls.get('acc2', 'c1')).toThrow(AppError);
    expect(() => calls.channels.get('acc2', legs.a.channel_id)).toThrow(AppError);
    expect(await codeOf(calls.channels.act('acc2', legs.a.channel_id, { action: 'mask' }, 'k'))).toBe('NOT_FOUND');
    expect(scene.calls.get(ACCOUNT, 'c1').masked).toBe(false);
    expect(await codeOf(calls.announce('acc2', { call_id: 'c1', media: { kind: 'rtp' } }))).toBe('none');
  });

  test('a packet of the other leg changes nothing of this one', async () => {
    const scene = new LiveScene();
    await scene.announce();
    scene.speak(100, { legs: ['b'] });
    const { legs, state } = scene.calls.get(ACCOUNT, 'c1');
    expect([legs.a.state, legs.b.state, legs.a.packets, legs.b.packets]).toEqual(['waiting', 'receiving', 0, 5]);
    expect(state).toBe('announced');
  });
});

describe('a call that is refused', () => {
  const FREE = 20;
  const refusals: readonly { name: string; code: string; announcement: Partial<CallAnnouncement> }[] = [
    { name: 'an unknown user', code: 'NOT_FOUND', announcement: { caller: { user_id: 'mallory' } } },
    { name: 'an unknown device', code: 'NOT_FOUND', announcement: { callee: { device_id: 'nothing' } } },
    { name: 'no SDP', code: 'SDP_INVALID', announcement: { media: { kind: 'rtp', sdp: { b: 'hello' } } } },
    {
      name: 'a codec that nobody knows',
      code: 'FIELDS_INVALID',
      announcement: { media: { kind: 'rtp', codecs: { b: { 96: 'nonsense' } } } },
    },
    { name: 'a recording that masks', code: 'FIELDS_INVALID', announcement: { record_call: { action: 'mask' } } },
  ];
  for (const { name, code, announcement } of refusals) {
    test(`${name} is ${code}, and leaves nothing behind`, async () => {
      const scene = new LiveScene();
      expect(await codeOf(scene.announce(announcement))).toBe(code);
      expect(scene.ports.free).toBe(FREE);
      expect(scene.calls.list(ACCOUNT)).toEqual([]);
      expect([...scene.endpoints.values()].every(({ closed }) => closed === 1)).toBe(true);
      expect(scene.told).toEqual([]);
      expect(await codeOf(scene.announce())).toBe('none');
    });
  }

  test('an id in use is CALL_EXISTS, also while the first is only being announced; after its end it is free', async () => {
    const scene = new LiveScene();
    const first = scene.announce();
    expect(await codeOf(scene.announce())).toBe('CALL_EXISTS');
    await first;
    expect(await codeOf(scene.announce())).toBe('CALL_EXISTS');
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect((await scene.announce()).state).toBe('announced');
    expect(scene.calls.list(ACCOUNT)).toHaveLength(1);
  });

  test('CALLS_FULL says whether it is the account or the service, and ends with a hang-up', async () => {
    const limits = { calls: 3, callsPerAccount: 2, legSilentSec: 10, callIdleSec: 30 };
    const { calls } = new LiveScene({ limits });
    const announce = (account: string, call_id: string) => calls.announce(account, { call_id, media: { kind: 'rtp' } });
    await announce('x', '1');
    await announce('x', '2');
    await expect(announce('x', '3')).rejects.toMatchObject({ code: 'CALLS_FULL', message: /account/ });
    await announce('y', '1');
    await expect(announce('y', '2')).rejects.toMatchObject({ code: 'CALLS_FULL', message: /service/ });
    await calls.hangUp('x', '1');
    expect(await codeOf(announce('y', '2'))).toBe('none');
  });

  test('without ports it is PORTS_USED_UP, and the place is free again', async () => {
    const scene = new LiveScene({ ports: new PortPool({ first: 30_000, last: 30_003 }, { quietMs: 0 }) });
    await scene.announce();
    expect(await codeOf(scene.announce({ call_id: 'c2' }))).toBe('PORTS_USED_UP');
    await scene.calls.hangUp(ACCOUNT, 'c1');
    expect(await codeOf(scene.announce({ call_id: 'c2' }))).toBe('none');
  });

  test('a port that another program holds is passed over; when all are held it is PORTS_USED_UP', async () => {
    const held = new Set([30_000, 30_004]);
    const scene = new LiveScene({
      bind: async (to) => {
        if (held.has(to.port)) throw new AppError('PORT_TAKEN', 'held');
        return {
          counts: { received: 0, refusedSource: 0, notRtp: 0, unknownPayload: 0, rtcp: 0 },
          setPayloads() {},
          relatch() {},
          async close() {},
        };
      },
    });
    const { legs } = await scene.announce();
    expect([legs.a.rtp!.port, legs.b.rtp!.port]).toEqual([30_002, 30_006]);
    for (let port = 30_000; port < 30_040; port += 2) held.add(port);
    expect(await codeOf(scene.announce({ call_id: 'c2' }))).toBe('PORTS_USED_UP');
    expect(scene.ports.free).toBe(18);
  });

  test('what the service says no to is answered with its reason', async () => {
    const scene = new LiveScene();
    scene.refusal = new AppError('DISK_LOW', 'the disk is nearly full');
    expect(await codeOf(scene.announce())).toBe('DISK_LOW');
    expect(scene.directory.asked).toEqual([]);
  });

  test('metaflows that are stored and cannot be run are refused now, not missed when a code is typed', async () => {
    const scene = new LiveScene();
    scene.directory.metaflows = { bob: { ...CODES, binding_digit: 'x' } };
    expect(await codeOf(scene.announce())).toBe('METAFLOWS_INVALID');
    expect(scene.ports.free).toBe(FREE);
  });
});

describe('what the directory is asked', () => {
  test('direction, network and the parties that are known', async () => {
    const scene = new LiveScene();
    await scene.announce({ direction: 'outbound', network: 'offnet', callee: { number: '+491' } });
    expect(scene.directory.asked).toEqual([
      [ACCOUNT, { direction: 'outbound', network: 'offnet', caller: { userId: 'alice' } }],
    ]);
  });
});
