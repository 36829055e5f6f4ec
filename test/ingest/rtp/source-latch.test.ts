import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SourceLatch } from '../../../src/ingest/rtp/source-latch.ts';
import { RtpPacket } from '../../../src/media/rtp-packet.ts';
import { rtpPacket } from '../../support/rtp-stream.ts';

type Sent = { from?: string; port?: number; ssrc?: number; seq: number; atMs?: number; bytes?: number };

const packet = new RtpPacket();

/** What becomes of a packet: `latched+first` when it made its source the leg's. */
const push = (latch: SourceLatch, { from = 'A', port = 5000, ssrc = 1, seq, atMs = 0, bytes = 160 }: Sent): string => {
  const payload = Buffer.alloc(bytes, seq & 0xff);
  const data = rtpPacket({ payloadType: 0, sequence: seq, timestamp: 0, ssrc, payload });
  expect(packet.parse(data)).toBe(true);
  const atUs = atMs * 1000;
  if (latch.isSource(from, port, atUs)) return 'taken';
  const refused = latch.refused;
  const first = latch.consider(packet, data, from, port, atUs);
  if (first === undefined) return latch.refused === refused ? 'waiting' : 'refused';
  const again = new RtpPacket();
  again.parse(first.bytes);
  expect(first.bytes.subarray(again.payloadStart)).toEqual(Buffer.alloc(bytes, again.sequence & 0xff));
  return `latched+${again.sequence}`;
};

describe('a source latch', () => {
  for (const { name, sent, expected } of [
    {
      name: 'believes a source with its second packet and loses none',
      sent: [{ seq: 7 }, { seq: 8 }, { seq: 9 }],
      expected: ['waiting', 'latched+7', 'taken'],
    },
    {
      name: 'takes the first sequence number 0 and the wrap',
      sent: [{ seq: 65535 }, { seq: 0 }],
      expected: ['waiting', 'latched+65535'],
    },
    { name: 'takes the first two out of order', sent: [{ seq: 8 }, { seq: 7 }], expected: ['waiting', 'latched+8'] },
    { name: 'takes a few lost', sent: [{ seq: 1 }, { seq: 17 }], expected: ['waiting', 'latched+1'] },
    {
      name: 'begins anew when numbers are far apart',
      sent: [{ seq: 1 }, { seq: 18 }, { seq: 19 }],
      expected: ['waiting', 'refused', 'latched+18'],
    },
    {
      name: 'begins anew when the first two have unlike SSRCs',
      sent: [{ seq: 1 }, { seq: 2, ssrc: 2 }, { seq: 3, ssrc: 2 }],
      expected: ['waiting', 'refused', 'latched+2'],
    },
    {
      name: 'begins anew after a duplicate',
      sent: [{ seq: 1 }, { seq: 1 }, { seq: 2 }],
      expected: ['waiting', 'refused', 'latched+1'],
    },
    {
      name: 'begins anew after a pause',
      sent: [{ seq: 1 }, { seq: 2, atMs: 1001 }, { seq: 3, atMs: 1021 }],
      expected: ['waiting', 'refused', 'latched+2'],
    },
    {
      name: 'takes any SSRC of its source once it is believed',
      sent: [{ seq: 1 }, { seq: 2 }, { seq: 900, ssrc: 77 }, { seq: 3 }],
      expected: ['waiting', 'latched+1', 'taken', 'taken'],
    },
    {
      name: 'refuses another address and another port',
      sent: [{ seq: 1 }, { seq: 2 }, { seq: 3, from: 'B' }, { seq: 4, from: 'B' }, { seq: 3, port: 5002 }, { seq: 3 }],
      expected: ['waiting', 'latched+1', 'refused', 'refused', 'refused', 'taken'],
    },
    {
      name: 'a stray packet before does not keep the true source out',
      sent: [{ seq: 99, from: 'stray' }, { seq: 1 }, { seq: 2 }],
      expected: ['waiting', 'waiting', 'latched+1'],
    },
    {
      name: 'noise that interleaves does not either',
      sent: [
        { seq: 500, from: 'N', ssrc: 8 },
        { seq: 1 },
        { seq: 9000, from: 'N', ssrc: 9 },
        { seq: 2 },
        { seq: 9001, from: 'N', ssrc: 9 },
      ],
      expected: ['waiting', 'waiting', 'refused', 'latched+1', 'refused'],
    },
    {
      name: 'nothing without a payload',
      sent: [
        { seq: 1, bytes: 0 },
        { seq: 2, bytes: 0 },
      ],
      expected: ['refused', 'refused'],
    },
    { name: 'nothing too long', sent: [{ seq: 1, bytes: 8989 }], expected: ['refused'] },
    {
      name: 'source port 0 is nobody',
      sent: [
        { seq: 1, port: 0 },
        { seq: 2, port: 0 },
      ],
      expected: ['refused', 'refused'],
    },
  ] satisfies { name: string; sent: Sent[]; expected: string[] }[]) {
    test(name, () => {
      const latch = new SourceLatch();
      expect(sent.map((each) => push(latch, each))).toEqual(expected);
    });
  }

  test('what waits is zeroed and counted when its source is not believed', () => {
    const latch = new SourceLatch();
    const kept: Buffer[] = [];
    const { from } = Buffer;
    // The only copies that the latch makes.
    Buffer.from = ((...given: Parameters<typeof from>) => {
      const copy = from(...given);
      kept.push(copy);
      return copy;
    }) as typeof from;
    try {
      for (const source of ['A', 'B', 'C', 'D', 'E']) push(latch, { from: source, seq: 1 });
      push(latch, { from: 'E', seq: 2 });
    } finally {
      Buffer.from = from;
    }
    const copies = kept.filter(({ length }) => length === 172);
    expect(copies).toHaveLength(5);
    expect(copies.map((copy) => copy.every((byte) => byte === 0))).toEqual([true, true, true, true, false]);
    expect(latch.refused).toBe(4);
  });

  test('a fifth source at once pushes out the oldest, so that what waits is bounded', () => {
    const latch = new SourceLatch();
    for (let port = 1; port <= 1000; port++) push(latch, { port, seq: 1 });
    expect(latch.refused).toBe(996);
    expect(push(latch, { port: 996, seq: 2 })).toBe('refused'); // Which pushes out the next.
    expect(push(latch, { port: 1000, seq: 2 })).toBe('latched+1');
    expect(latch.refused).toBe(1000);
  });
});

describe('a latch that is opened again', () => {
  const latched = (): SourceLatch => {
    const latch = new SourceLatch();
    push(latch, { seq: 1 });
    push(latch, { seq: 2 });
    latch.relatch(1_000_000);
    return latch;
  };

  test('listens to the old source until a new one is believed, and then to that one alone', () => {
    const latch = latched();
    const sent: Sent[] = [
      { seq: 3 },
      { from: 'B', seq: 50 },
      { seq: 4 },
      { from: 'B', seq: 51 },
      { seq: 5 },
      { from: 'C', seq: 1 },
    ];
    expect(sent.map((each) => push(latch, { ...each, atMs: 1100 }))).toEqual([
      'taken',
      'waiting',
      'taken',
      'latched+50',
      'refused',
      'refused',
    ]);
    expect(latch.isOpen).toBe(false);
  });

  test('shuts once the old source still sends after 10 s', () => {
    const latch = latched();
    expect(push(latch, { seq: 3, atMs: 10_999 })).toBe('taken');
    expect(latch.isOpen).toBe(true);
    expect(push(latch, { seq: 3, atMs: 11_000 })).toBe('taken');
    expect(push(latch, { from: 'B', seq: 1, atMs: 11_000 })).toBe('refused');
  });

  test('stays open while nobody sends', () => {
    const latch = latched();
    expect(push(latch, { from: 'B', seq: 1, atMs: 60_000 })).toBe('waiting');
    expect(push(latch, { from: 'B', seq: 2, atMs: 60_020 })).toBe('latched+1');
  });

  test('before there is a source it is open as it was', () => {
    const latch = new SourceLatch();
    latch.relatch(0);
    expect([push(latch, { seq: 1 }), push(latch, { seq: 2 })]).toEqual(['waiting', 'latched+1']);
    expect(latch.isOpen).toBe(false);
  });
});

test('whoever sends what, every packet is taken, waits or is refused, and after the first latch there is one source', () => {
  const sent = fc.record({
    from: fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F'),
    port: fc.constantFrom(1000, 1002),
    ssrc: fc.constantFrom(1, 2),
    seq: fc.nat(40),
    step: fc.nat(300),
  });
  fc.assert(
    fc.property(fc.array(sent, { maxLength: 120 }), (packets) => {
      const latch = new SourceLatch();
      const taken = new Set<string>();
      let heard = 0;
      let atMs = 0;
      for (const each of packets) {
        atMs += each.step;
        const became = push(latch, { ...each, atMs });
        if (became === 'taken' || became.startsWith('latched')) {
          heard += became === 'taken' ? 1 : 2;
          taken.add(`${each.from}:${each.port}`);
        }
      }
      expect(taken.size).toBeLessThanOrEqual(1);
      latch.clear();
      expect(heard + latch.refused).toBe(packets.length);
    }),
    { numRuns: 300 },
  );
});
