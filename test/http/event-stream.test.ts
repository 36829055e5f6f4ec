import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EventStream } from '../../src/http/event-stream.ts';
import type { ServiceEvent } from '../../src/http/service.ts';
import { HandClock } from '../support/hand-clock.ts';

const event = (number: number, data: Record<string, unknown> = {}): ServiceEvent => ({
  id: `run-${number}`,
  type: 'mask.on',
  at: '2026-11-22T00:00:00.000Z',
  data,
});

let clock: HandClock;
let stream: EventStream;

beforeEach(() => {
  clock = new HandClock();
  stream = new EventStream({ clock, limitBytes: 10_000 });
});
afterEach(() => void stream.body.destroy());

/** What has come so far. */
const read = async (): Promise<string> => {
  await new Promise((resolve) => setImmediate(resolve));
  return (stream.body.read() ?? '').toString();
};

describe('an event stream', () => {
  test('says when to come back, then each event with its id, type and data', async () => {
    stream.send(event(1, { call_id: 'c1' }));
    expect(await read()).toBe(
      'retry: 3000\n\nid: run-1\nevent: mask.on\n' +
        'data: {"id":"run-1","type":"mask.on","at":"2026-11-22T00:00:00.000Z","data":{"call_id":"c1"}}\n\n',
    );
  });

  test('no id or type can begin a field of its own', async () => {
    await read();
    stream.send({ ...event(1), id: 'a\ndata: x', type: 'b\r\n\r\nevent: y' });
    const lines = (await read()).split('\n');
    expect(lines.slice(0, 2)).toEqual(['id: a data: x', 'event: b    event: y']);
    expect(lines).toHaveLength(5);
  });

  test('its heart beats every 15 s', async () => {
    await read();
    await clock.advance(14_999);
    expect(await read()).toBe('');
    await clock.advance(1);
    expect(await read()).toBe(':\n\n');
    await clock.advance(15_000);
    expect(await read()).toBe(':\n\n');
  });

  test('ends after an hour, so that its listener shows a token again', async () => {
    stream.body.resume();
    await clock.advance(3_599_999);
    expect(stream.body.readableEnded).toBe(false);
    const closed = once(stream.body, 'close');
    await clock.advance(1);
    await closed;
    expect(stream.closed.aborted).toBe(true);
    expect(clock.sleeping).toBe(0);
  });

  test('a reader that lags is told so, has got whole events only, and is let go', async () => {
    for (let number = 1; number <= 400; number++) stream.send(event(number, { filler: 'x'.repeat(100) }));
    const chunks: string[] = [];
    stream.body.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    await once(stream.body, 'end');
    const blocks = chunks.join('').split('\n\n');
    expect(blocks.at(-1)).toBe('');
    expect(blocks.at(-2)).toMatch(/^: closed/);
    const ids = blocks.slice(1, -2).map((block) => /^id: run-(\d+)\n/.exec(block)?.[1]);
    expect(ids).toEqual(ids.map((_, index) => `${index + 1}`));
    expect(ids.length).toBeLessThan(400);
    expect(ids.length).toBeGreaterThan(10);
  });

  test('one that reads nothing at all is cut off five seconds later', async () => {
    for (let number = 1; number <= 400; number++) stream.send(event(number, { filler: 'x'.repeat(100) }));
    await clock.advance(4999);
    expect(stream.body.destroyed).toBe(false);
    await clock.advance(1);
    expect(stream.body.destroyed).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.sleeping).toBe(0);
  });

  test('one that goes away leaves nothing behind', async () => {
    stream.body.destroy();
    await once(stream.body, 'close');
    stream.send(event(1));
    stream.end('late');
    expect(stream.closed.aborted).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.sleeping).toBe(0);
  });

  test('ends once, with a reason, and what waited before it', async () => {
    stream.send(event(1));
    stream.end('the service is closing');
    stream.end('again');
    stream.send(event(2));
    const text = (await stream.body.toArray()).join('');
    expect(text).toMatch(/id: run-1\n.*: the service is closing\n\n$/s);
    expect(text).not.toMatch(/again|run-2/);
  });
});
