import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { sendRtp } from '../../src/app/rtp-sender.ts';
import type { Clock } from '../../src/core/clock.ts';
import { planCapture } from '../../src/ingest/survey/plan-capture.ts';
import { callCapture, legPackets } from '../support/call-scenario.ts';
import { scratchDir } from '../support/scratch.ts';

/** Time that passes only by sleeping; what is awaited is noted. */
class FakeClock implements Clock {
  nowUs = 1e15;
  sleptMs = 0;

  now(): number {
    return this.nowUs;
  }

  async sleep(delayMs: number): Promise<void> {
    this.sleptMs += delayMs;
    this.nowUs += delayMs * 1000;
  }
}

const SCENARIO = {
  durationMs: 1000,
  legs: { a: { tones: [{ hz: 500, startMs: 0, endMs: 1000 }] }, b: { tones: [{ hz: 900, startMs: 0, endMs: 1000 }] } },
};

/** A loopback socket that keeps what it gets. */
const receiver = async () => {
  const socket = createSocket('udp4');
  const got: Buffer[] = [];
  socket.on('message', (message) => got.push(message));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { got, target: { host: '127.0.0.1', port: socket.address().port } };
};

const prepared = async () => {
  const capture = join(scratchDir(), 'call.pcap');
  writeFileSync(capture, callCapture(SCENARIO));
  const [call] = (await planCapture(capture)).calls;
  return { capture, call: call! };
};

describe('send', () => {
  test("gives each leg's packets to its address, byte for byte, at the capture's pace", async () => {
    const [a, b] = [await receiver(), await receiver()];
    const clock = new FakeClock();
    const sent = await sendRtp({ ...(await prepared()), targets: { a: a.target, b: b.target }, speed: 2, clock });
    for (const [leg, { got }] of [
      ['a', a],
      ['b', b],
    ] as const) {
      const expected = legPackets(SCENARIO.legs[leg], leg, SCENARIO).map(({ data }) => data.toString('hex'));
      await expect.poll(() => got.length).toBe(expected.length);
      expect(got.map((message) => message.toString('hex'))).toEqual(expected);
      expect(sent[leg]).toBe(expected.length);
    }
    expect(clock.sleptMs).toBeGreaterThan(450);
    expect(clock.sleptMs).toBeLessThan(520);
  });

  test('sends both legs to one address when there is one', async () => {
    const { got, target } = await receiver();
    const sent = await sendRtp({
      ...(await prepared()),
      targets: { a: target, b: target },
      speed: Number.POSITIVE_INFINITY,
      clock: new FakeClock(),
    });
    await expect.poll(() => got.length).toBe(sent.a + sent.b);
  });

  test('ends when it is told to', async () => {
    const { target } = await receiver();
    const ending = new AbortController();
    ending.abort(new Error('interrupted'));
    await expect(
      sendRtp({
        ...(await prepared()),
        targets: { a: target, b: target },
        speed: 1,
        clock: new FakeClock(),
        signal: ending.signal,
      }),
    ).rejects.toThrow('interrupted');
  });

  test('says where nobody listens', async () => {
    const { target } = await receiver();
    const gone = { host: '127.0.0.1', port: 9 };
    await expect(
      sendRtp({ ...(await prepared()), targets: { a: gone, b: target }, speed: 1, clock: new FakeClock() }),
    ).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:9'),
    });
  });
});
