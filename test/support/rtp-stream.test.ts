import { expect, test } from 'vitest';
import { RtpPacket } from '../../src/media/rtp-packet.ts';
import { eventCode, RtpStream, rtpPacket, telephoneEvent } from './rtp-stream.ts';

const PAYLOAD = Buffer.from('payload!');

test('a packet has every field where RFC 3550 puts it', () => {
  const data = rtpPacket({
    payloadType: 8,
    sequence: 0x1_0203,
    timestamp: 0x04050607,
    ssrc: 0x08090a0b,
    marker: true,
    csrc: [0x0c0d0e0f],
    extension: { profile: 0xbede, data: Buffer.from([1, 2, 3, 4]) },
    padding: 4,
    payload: PAYLOAD,
  });
  expect(data.toString('hex')).toBe(
    `b1880203${'04050607'}${'08090a0b'}${'0c0d0e0f'}${'bede0001'}${'01020304'}${PAYLOAD.toString('hex')}00000004`,
  );
  const parsed = new RtpPacket();
  expect(parsed.parse(data)).toBe(true);
  expect(data.subarray(parsed.payloadStart, parsed.payloadEnd)).toEqual(PAYLOAD);
});

test('a timestamp below zero or past 2^32 wraps', () => {
  const timestampOf = (timestamp: number): number =>
    rtpPacket({ payloadType: 0, sequence: 0, timestamp, ssrc: 1, payload: PAYLOAD }).readUInt32BE(4);
  expect(timestampOf(2 ** 32 + 5)).toBe(5);
  expect(timestampOf(-160)).toBe(2 ** 32 - 160);
});

test.each([
  ['0', 0],
  ['9', 9],
  ['*', 10],
  ['#', 11],
  ['D', 15],
] as const)('the key %s is event %i', (digit, code) => {
  expect(eventCode(digit)).toBe(code);
});

test.each(['', 'x', '12'])('%j is no key', (digit) => {
  expect(() => eventCode(digit)).toThrow(RangeError);
});

const shape = (packets: ReturnType<typeof telephoneEvent>): unknown[] =>
  packets.map(({ atUs, sequence, timestamp, marker, payload }) => [
    atUs / 1000,
    sequence,
    timestamp,
    marker,
    Buffer.from(payload).toString('hex'),
  ]);

test('a key held for 50 ms is updates, then three end packets, all with the timestamp of its start', () => {
  expect(shape(telephoneEvent({ digit: '*', timestamp: 960, durationMs: 50, sequence: 7 }))).toEqual([
    [0, 7, 960, true, '0a0a00a0'],
    [20, 8, 960, false, '0a0a0140'],
    [40, 9, 960, false, '0a0a0190'],
    [50, 10, 960, false, '0a8a0190'],
    [70, 11, 960, false, '0a8a0190'],
    [90, 12, 960, false, '0a8a0190'],
  ]);
});

test('end packets may share a number, leave at once, and be fewer', () => {
  const options = { digit: '7', timestamp: 0, durationMs: 40, endGapMs: 0 } as const;
  const numbers = (ends: number): number[] =>
    telephoneEvent({ ...options, endsShareSequence: true, ends }).map(({ sequence }) => sequence);
  expect(numbers(3)).toEqual([0, 1, 2, 2, 2]);
  expect(numbers(1)).toEqual([0, 1, 2]);
  expect(numbers(0)).toEqual([0, 1]);
});

const durations = (packets: ReturnType<typeof telephoneEvent>): number[] =>
  packets.map(({ payload }) => Buffer.from(payload).readUInt16BE(2));

test.each([
  { name: 'starting at 0', options: { firstDuration: 0 }, is: [0, 160, 320] },
  { name: 'starting at 1', options: { firstDuration: 1 }, is: [1, 161, 320] },
  { name: 'an update of 30 ms', options: { updateMs: 30 }, is: [240, 320, 320] },
  { name: '8 kHz counts at 48 kHz', options: { clockRate: 48_000, durationScale: 1 / 6 }, is: [160, 320, 320] },
  { name: 'twice the time claimed', options: { durationScale: 2 }, is: [320, 640, 640] },
])('duration oddity: $name', ({ options, is }) => {
  expect(durations(telephoneEvent({ digit: '1', timestamp: 0, durationMs: 40, ends: 1, ...options }))).toEqual(is);
});

test('an event longer than the field goes on as a segment with a later timestamp', () => {
  const packets = telephoneEvent({ digit: '5', timestamp: 100, durationMs: 8300 });
  const timestamps = [...new Set(packets.map(({ timestamp }) => timestamp))];
  expect(timestamps).toEqual([100, 100 + 0xffff]);
  expect(packets.filter(({ marker }) => marker)).toHaveLength(1);
  expect(durations(packets).at(-1)).toBe(8300 * 8 - 0xffff);
});

const frame = new Uint8Array(160);

test('a stream counts on over audio, loss, a pause and a key', () => {
  const packets = new RtpStream({ ssrc: 1, sequence: 65534, timestamp: 1000, startUs: 5e6 })
    .audio(frame, frame)
    .lose(3)
    .audio(frame)
    .pause(100)
    .audio(frame)
    .digit('1', { durationMs: 20, ends: 1 })
    .audio(frame)
    .packets();
  expect(
    packets.map(({ atUs, sequence, timestamp, payloadType, marker }) => [
      (atUs - 5e6) / 1000,
      sequence,
      timestamp - 1000,
      payloadType,
      marker,
    ]),
  ).toEqual([
    [0, 65534, 0, 0, true],
    [20, 65535, 160, 0, false],
    [100, 3, 800, 0, false],
    [220, 4, 1760, 0, true],
    [240, 5, 1920, 101, true],
    [260, 6, 1920, 101, false],
    [280, 7, 2240, 0, true],
  ]);
});

test('a restart is another SSRC with its own numbers, a jump another timestamp, both on the same clock', () => {
  const packets = new RtpStream({ ssrc: 1 })
    .audio(frame)
    .restart({ ssrc: 2, sequence: 500, timestamp: 9 })
    .audio(frame)
    .jump(80_000)
    .audio(frame)
    .packets();
  expect(packets.map(({ atUs, ssrc, sequence, timestamp }) => [atUs / 1000, ssrc, sequence, timestamp])).toEqual([
    [0, 1, 0, 0],
    [20, 2, 500, 9],
    [40, 2, 501, 9 + 160 + 80_000],
  ]);
});

test('a fast clock sends the same ticks in less time', () => {
  const stream = new RtpStream({ ssrc: 1, clockPpm: 200 });
  for (let n = 0; n <= 50_000; n++) stream.audio(frame);
  const last = stream.packets().at(-1)!;
  expect(last.timestamp).toBe(50_000 * 160);
  expect(last.atUs).toBe(Math.round(1e9 / 1.0002));
});
