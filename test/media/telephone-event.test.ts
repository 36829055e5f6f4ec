import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { DTMF_SYMBOLS, type KeyEvent, TelephoneEventReceiver } from '../../src/media/telephone-event.ts';

type Packet = {
  readonly key: string | number;
  readonly ts: number;
  readonly end?: boolean;
  readonly duration?: number;
  readonly marker?: boolean;
  readonly ssrc?: number;
  /** Default: 20 ms after the packet before. */
  readonly atUs?: number;
};

const block = ({ key, end = false, duration = 0 }: Packet): number[] => [
  typeof key === 'number' ? key : DTMF_SYMBOLS.indexOf(key),
  (end ? 0x80 : 0) | 10,
  duration >> 8,
  duration & 0xff,
];

const receive = (packets: readonly Packet[], receiver = new TelephoneEventReceiver()): KeyEvent[] => {
  let atUs = 0;
  return packets.flatMap((packet) => {
    atUs = packet.atUs ?? atUs + 20_000;
    return receiver.push(Uint8Array.from(block(packet)), packet.ts, packet.marker ?? false, packet.ssrc ?? 7, atUs);
  });
};

/** `+7@1000` for a start, `-7@1000 800` for an end with its duration. */
const told = (events: readonly KeyEvent[]): string[] =>
  events.map((event) =>
    event.kind === 'started'
      ? `+${event.symbol}@${event.timestamp}`
      : `-${event.symbol}@${event.timestamp} ${event.durationTicks}`,
  );

const press = (key: string, ts: number, first = 160): Packet[] => [
  { key, ts, duration: first, marker: true },
  { key, ts, duration: first + 160 },
  { key, ts, duration: first + 320, end: true },
  { key, ts, duration: first + 320, end: true },
  { key, ts, duration: first + 320, end: true },
];

const rows: { name: string; packets: Packet[]; told: string[] }[] = [
  { name: 'one press with three end packets', packets: press('7', 1000), told: ['+7@1000', '-7@1000 480'] },
  { name: 'durations from 0', packets: press('7', 1000, 0), told: ['+7@1000', '-7@1000 320'] },
  { name: 'durations from 1', packets: press('7', 1000, 1), told: ['+7@1000', '-7@1000 321'] },
  {
    name: 'key 0, SSRC 0 and timestamp 0',
    packets: press('0', 0).map((p) => ({ ...p, ssrc: 0 })),
    told: ['+0@0', '-0@0 480'],
  },
  {
    name: 'a single end packet',
    packets: [
      { key: '5', ts: 1000, duration: 240 },
      { key: '5', ts: 1000, duration: 800, end: true },
    ],
    told: ['+5@1000', '-5@1000 800'],
  },
  {
    name: 'nothing left of a press but its end packet',
    packets: [{ key: '*', ts: 1000, duration: 800, end: true }],
    told: ['+*@1000', '-*@1000 800'],
  },
  {
    name: 'no end packet, then the next key',
    packets: [
      { key: '7', ts: 1000, duration: 400, marker: true },
      { key: '2', ts: 3000, duration: 160, marker: true },
    ],
    told: ['+7@1000', '-7@1000 400', '+2@3000'],
  },
  {
    name: 'the same key twice, quickly',
    packets: [...press('7', 1000), ...press('7', 1640)],
    told: ['+7@1000', '-7@1000 480', '+7@1640', '-7@1640 480'],
  },
  {
    name: 'the same key twice with ends and markers lost',
    packets: [
      { key: '7', ts: 1000, duration: 160 },
      { key: '7', ts: 1400, duration: 160 },
    ],
    told: ['+7@1000', '-7@1000 160', '+7@1400'],
  },
  {
    name: 'two keys of one timestamp',
    packets: [...press('7', 1000), ...press('2', 1000)],
    told: ['+7@1000', '-7@1000 480', '+2@1000', '-2@1000 480'],
  },
  {
    name: 'late packets of an older key',
    packets: [
      { key: '7', ts: 1000, duration: 160, marker: true },
      ...press('2', 3000),
      { key: '7', ts: 1000, duration: 320 },
      { key: '7', ts: 1000, duration: 480, end: true },
      { key: '2', ts: 3000, duration: 160, marker: true },
    ],
    told: ['+7@1000', '-7@1000 160', '+2@3000', '-2@3000 480'],
  },
  {
    name: 'the first packet duplicated much later, while the same call goes on',
    packets: [...press('7', 1000), { key: '7', ts: 1000, duration: 480, end: true, atUs: 5_000_000 }],
    told: ['+7@1000', '-7@1000 480'],
  },
  {
    name: 'the end before the start',
    packets: [...press('7', 1000)].reverse(),
    told: ['+7@1000', '-7@1000 480'],
  },
  {
    name: 'a sender that plays one recording of a key twice',
    packets: [...press('*', 1000), ...press('*', 1000).map((p, n) => ({ ...p, atUs: 3_000_000 + n * 20_000 }))],
    told: ['+*@1000', '-*@1000 480', '+*@1000', '-*@1000 480'],
  },
  {
    name: 'a press that is held over a segment',
    packets: [
      { key: '7', ts: 1000, duration: 0xff00, marker: true },
      { key: '7', ts: 1000, duration: 0xffff },
      { key: '7', ts: 1000 + 0xffff, duration: 160 },
      { key: '7', ts: 1000, duration: 0xffff },
      { key: '7', ts: 1000 + 0xffff, duration: 320, end: true },
      { key: '7', ts: 1000 + 0xffff, duration: 320, end: true },
    ],
    told: ['+7@1000', `-7@1000 ${0xffff + 320}`],
  },
  {
    name: 'three segments, over the wrap of the timestamp, each a packet short',
    packets: [
      { key: '#', ts: 0xffff_f000, duration: 160, marker: true },
      { key: '#', ts: (0xffff_f000 + 65_440) >>> 0, duration: 160 },
      { key: '#', ts: (0xffff_f000 + 2 * 65_440) >>> 0, duration: 160 },
      { key: '#', ts: (0xffff_f000 + 65_440) >>> 0, duration: 65_440 },
      { key: '#', ts: (0xffff_f000 + 2 * 65_440) >>> 0, duration: 800, end: true },
    ],
    told: ['+#@4294963200', `-#@4294963200 ${2 * 65_440 + 800}`],
  },
  {
    name: 'a segment later but pressed anew, as the marker says',
    packets: [
      { key: '7', ts: 1000, duration: 400, marker: true },
      { key: '7', ts: 1000 + 0xffff, duration: 0, marker: true },
    ],
    told: ['+7@1000', '-7@1000 400', `+7@${1000 + 0xffff}`],
  },
  {
    name: 'a segment later but released before',
    packets: [...press('7', 1000), { key: '7', ts: 1000 + 0xffff, duration: 0 }],
    told: ['+7@1000', '-7@1000 480', `+7@${1000 + 0xffff}`],
  },
  {
    name: 'another SSRC with the same timestamp',
    packets: [...press('7', 1000), ...press('7', 1000).map((p) => ({ ...p, ssrc: 8 }))],
    told: ['+7@1000', '-7@1000 480', '+7@1000', '-7@1000 480'],
  },
  {
    name: 'timestamps that jump back hours',
    packets: [...press('7', 0x8000_0000), ...press('2', 5)],
    told: ['+7@2147483648', '-7@2147483648 480', '+2@5', '-2@5 480'],
  },
  {
    name: 'flash and other events that are no keys',
    packets: [
      { key: 16, ts: 1, end: true },
      { key: 255, ts: 2 },
    ],
    told: [],
  },
];

describe('key presses are told once each', () => {
  for (const { name, packets, told: expected } of rows) {
    test(name, () => expect(told(receive(packets))).toEqual(expected));
  }

  test('with every symbol', () => {
    const events = receive([...DTMF_SYMBOLS].flatMap((key, n) => press(key, n * 1600)));
    expect(events.filter(({ kind }) => kind === 'started').map(({ symbol }) => symbol)).toEqual([...DTMF_SYMBOLS]);
  });

  test('at the arrival of the first packet seen and of the first end packet', () => {
    expect(receive(press('7', 1000)).map(({ kind, atUs }) => [kind, atUs])).toEqual([
      ['started', 20_000],
      ['ended', 60_000],
    ]);
  });
});

describe('a payload', () => {
  const push = (...bytes: number[]) =>
    told(new TelephoneEventReceiver().push(Uint8Array.from(bytes), 1000, true, 7, 0));

  for (const { name, bytes, expected } of [
    { name: 'empty', bytes: [], expected: [] },
    { name: 'cut to three bytes', bytes: [7, 0x8a, 3], expected: [] },
    { name: 'with half an event behind', bytes: [7, 0x0a, 0, 160, 2, 0x8a], expected: ['+7@1000'] },
    {
      name: 'of two events that are over',
      bytes: [7, 0x8a, 1, 0x90, 2, 0x8a, 0, 80],
      expected: ['+7@1000', '-7@1000 400', '+2@1400', '-2@1400 80'],
    },
    {
      name: 'padded with zeros is no press of 0',
      bytes: [7, 0x8a, 1, 0x90, 0, 0, 0, 0],
      expected: ['+7@1000', '-7@1000 400'],
    },
    { name: 'padded behind an event that goes on', bytes: [7, 0x0a, 1, 0x90, 2, 0x8a, 1, 1], expected: ['+7@1000'] },
    {
      name: 'with a flash between',
      bytes: [7, 0x8a, 0, 80, 16, 0x8a, 0, 80, 2, 0x8a, 0, 80],
      expected: ['+7@1000', '-7@1000 80', '+2@1160', '-2@1160 80'],
    },
  ]) {
    test(`is read as far as it makes sense: ${name}`, () => expect(push(...bytes)).toEqual(expected));
  }
});

test('a packet that tells nothing new allocates nothing', () => {
  const receiver = new TelephoneEventReceiver();
  const payload = Uint8Array.from(block({ key: '7', ts: 0, duration: 160 }));
  receiver.push(payload, 1000, true, 7, 0);
  expect(receiver.push(payload, 1000, false, 7, 20_000)).toBe(receiver.push(payload, 1000, false, 7, 40_000));
  const run = (): void => {
    for (let n = 0; n < 100_000; n++) receiver.push(payload, 1000, false, 7, n * 20_000);
  };
  run();
  const before = process.memoryUsage().heapUsed;
  run();
  // One object per packet would be 100,000 × 16 bytes at the very least.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
});

test('whatever the network does to a sequence of presses short of losing one, it is told in full, none twice', () => {
  const presses = fc.array(
    fc.record({
      key: fc.constantFrom(...DTMF_SYMBOLS),
      packets: fc.integer({ min: 1, max: 8 }),
      ends: fc.integer({ min: 0, max: 3 }),
    }),
    {
      minLength: 1,
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(presses, fc.nat({ max: 0xffff_ffff }), fc.infiniteStream(fc.nat({ max: 9 })), (keys, startTs, dice) => {
      const roll = (): number => dice.next().value as number;
      const packets = keys.flatMap(({ key, packets: count, ends }, n) => {
        const ts = (startTs + n * 2000) >>> 0;
        const whole: Packet[] = Array.from({ length: count }, (_, i) => ({
          key,
          ts,
          duration: i * 160,
          marker: i === 0,
        }));
        for (let i = 0; i < ends; i++) whole.push({ key, ts, duration: count * 160, end: true });
        const kept = whole.filter(() => roll() > 2);
        const some = kept.length > 0 ? kept : whole.slice(-1);
        return some.flatMap((packet) => (roll() > 7 ? [packet, packet] : [packet]));
      });
      // A packet overtaken by up to a whole press of others, but no key's first packet by another key's.
      const first = new Set<Packet>();
      for (const packet of packets)
        if (![...first].some(({ key, ts }) => key === packet.key && ts === packet.ts)) first.add(packet);
      const order = packets.map((packet, n) => ({ packet, n: first.has(packet) ? n : n + roll() }));
      order.sort((a, b) => a.n - b.n);
      const events = receive(order.map(({ packet }) => packet));
      const started = events.filter(({ kind }) => kind === 'started');
      expect(started.map(({ symbol }) => symbol).join('')).toBe(keys.map(({ key }) => key).join(''));
      const ended = events
        .filter(({ kind }) => kind === 'ended')
        .map(({ symbol, timestamp }) => `${symbol}${timestamp}`);
      expect(new Set(ended).size).toBe(ended.length);
      expect(ended.length).toBeGreaterThanOrEqual(keys.length - 1);
    }),
    { numRuns: 500 },
  );
});

test('random bytes never throw and never tell anything but the sixteen keys', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat({ max: 3 }), fc.boolean()), { maxLength: 100 }),
      (packets) => {
        const receiver = new TelephoneEventReceiver();
        const open = new Set<string>();
        packets.forEach(([payload, ts, marker], n) => {
          for (const { kind, symbol, timestamp, ssrc, durationTicks } of receiver.push(payload, ts, marker, 1, n)) {
            expect(DTMF_SYMBOLS).toContain(symbol);
            expect(durationTicks).toBeGreaterThanOrEqual(0);
            // Every end has its start before it.
            const key = `${ssrc}/${timestamp}/${symbol}`;
            if (kind === 'started') open.add(key);
            else expect(open.delete(key)).toBe(true);
          }
        });
      },
    ),
    { numRuns: 500 },
  );
});

describe('real captures of one key each (SIPp)', () => {
  const folder = fileURLToPath(new URL('../../../shared/captures/sipp-debian/', import.meta.url));
  const names = [...'0123456789'].map((digit) => [digit, digit] as const);
  for (const [file, symbol] of [...names, ['star', '*'] as const, ['pound', '#'] as const]) {
    const path = `${folder}dtmf_2833_${file}.pcap`;
    test.skipIf(!existsSync(path))(`dtmf_2833_${file}.pcap is one press of ${symbol}`, () => {
      const events = received(readFileSync(path), new TelephoneEventReceiver());
      expect(events.map((event) => `${event.kind} ${event.symbol}`)).toEqual([`started ${symbol}`, `ended ${symbol}`]);
      const [start, end] = events as [KeyEvent, KeyEvent];
      // Claims 280 ms of 8 kHz and lasts 140.
      expect(end.durationTicks).toBe(2240);
      expect((end.atUs - start.atUs) / 1000).toBeCloseTo(140, -1);
    });
  }

  const star = `${folder}dtmf_2833_star.pcap`;
  test.skipIf(!existsSync(star))('dtmf_2833_star.pcap played twice, as a SIPp scenario does, is two presses', () => {
    const file = readFileSync(star);
    const receiver = new TelephoneEventReceiver();
    const events = [...received(file, receiver), ...received(file, receiver, 1_500_000)];
    expect(events.filter(({ kind }) => kind === 'started')).toHaveLength(2);
  });
});

/** RTP over UDP over IPv4 over Ethernet in a little-endian pcap of microseconds: what these captures are. */
const received = (file: Buffer, receiver: TelephoneEventReceiver, laterUs = 0): KeyEvent[] => {
  expect(file.readUInt32LE(0)).toBe(0xa1b2c3d4);
  expect(file.readUInt32LE(20)).toBe(1);
  const events: KeyEvent[] = [];
  const rtp = new RtpPacket();
  for (let at = 24; at < file.length; at += 16 + file.readUInt32LE(at + 8)) {
    const frame = file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8));
    const ip = frame.subarray(14);
    const udp = ip.subarray(4 * (ip[0]! & 0x0f), ip.readUInt16BE(2));
    const packet = udp.subarray(8);
    expect(rtp.parse(packet)).toBe(true);
    const atUs = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4) + laterUs;
    events.push(
      ...receiver.push(packet.subarray(rtp.payloadStart, rtp.payloadEnd), rtp.timestamp, rtp.marker, rtp.ssrc, atUs),
    );
  }
  return events;
};
