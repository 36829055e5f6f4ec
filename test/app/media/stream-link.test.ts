/** Streams whose connections another thread has: what came is taken as if it had come here, and what is said goes back. */
import { expect, test } from 'vitest';
import { LoopWatch } from '../../../src/app/live/loop-watch.ts';
import { StreamBatch } from '../../../src/app/media/stream-batch.ts';
import { StreamLanding } from '../../../src/app/media/stream-landing.ts';
import { AppError } from '../../../src/core/errors.ts';
import { ACCOUNT } from '../live/live-scene.ts';
import { PRINCIPAL, StreamStage } from './stream-stage.ts';

const CONNECTED = { event: 'websocket:connected', 'content-type': 'audio/l16;rate=16000' };
const MEDIA = new Uint8Array(640).fill(0x33);

const joined = async () => {
  const stage = new StreamStage();
  await stage.scene.announce({ media: { kind: 'stream' }, record_call: { format: 'wav' } });
  const { connection, peer } = stage.open('vonage', { call_id: 'c1', leg: 'a' });
  stage.text(connection, CONNECTED);
  await stage.settled();
  return { stage, connection, peer };
};

test("a stream joins its call, is known, and its audio is the leg's; every room is zeroed and comes back", async () => {
  const { stage, connection, peer } = await joined();
  expect(peer.said).toEqual(['known']);
  for (let n = 0; n < 50; n++) {
    stage.binary(connection, MEDIA);
    stage.scene.clock.set(stage.scene.clock.us + 20_000);
  }
  expect(await stage.within(stage.link.list(ACCOUNT))).toMatchObject([
    { kind: 'vonage', legs: ['a'], bytes: 50 * 640 },
  ]);
  expect(stage.zeroed.length).toBeGreaterThan(40);
  expect(stage.zeroed).not.toContain(false);
  expect(stage.link.awayBytes).toBe(0);
});

test('the time of what came is when it was read, however late it is taken', async () => {
  const { stage, connection } = await joined();
  const call = stage.scene.calls.find(ACCOUNT, 'c1')!;
  const bytes = Uint8Array.from(MEDIA);
  const readUs = stage.scene.clock.us;
  connection.binary(bytes);
  stage.endTurn();
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  stage.scene.clock.stall(15_000);
  stage.ports.deliver();
  expect(call.legs.a.lastUs).toBe(readUs);
});

test('a stream that has ended says so to who waits for it, and nothing of it is left on either side', async () => {
  const { stage, connection, peer } = await joined();
  connection.closed(true);
  await expect(stage.within(connection.over)).resolves.toMatchObject({
    call_id: 'c1',
    kind: 'vonage',
    reason: 'closed',
  });
  expect(peer.said.at(-1)).toMatchObject({ code: 1000 });
  const late = Uint8Array.from(MEDIA);
  connection.binary(late);
  expect(late.every((byte) => byte === 0)).toBe(true);
  // Nobody reads any more: whatever the clock says, nothing waits.
  expect(stage.elsewhere.sinceUs(stage.scene.clock.us + 1e9)).toBe(stage.scene.clock.us + 1e9);
});

test('what is refused is refused by its code, whole', async () => {
  const stage = new StreamStage();
  const { connection, peer } = stage.open('vonage', { call_id: 'c1', leg: 'x' });
  stage.text(connection, CONNECTED);
  await expect(stage.within(connection.over)).rejects.toMatchObject({ code: 'STREAM_INVALID' });
  expect(peer.said.at(-1)).toMatchObject({ messages: expect.any(Array), reason: expect.any(String) });
});

test('a hang-up takes what its stream had sent before it, though it was not read yet', async () => {
  const { stage, connection } = await joined();
  for (let n = 0; n < 50; n++) {
    stage.binary(connection, MEDIA);
    stage.scene.clock.set(stage.scene.clock.us + 20_000);
  }
  const call = stage.scene.calls.find(ACCOUNT, 'c1')!;
  const { packets } = call.legs.a;
  stage.isStalled = true;
  stage.binary(connection, MEDIA);
  const ending = stage.scene.calls.hangUp(ACCOUNT, 'c1');
  await stage.settled();
  expect(call.legs.a.packets).toBe(packets);
  stage.isStalled = false;
  await stage.within(ending);
  expect(call.legs.a.packets).toBe(packets + 1);
});

test('two legs whose beginnings come in one batch are one call', async () => {
  const stage = new StreamStage();
  for (const leg of ['a', 'b']) stage.text(stage.open('vonage', { call_id: 'c1', leg }).connection, CONNECTED);
  await stage.settled();
  expect(stage.refused).toEqual([]);
  const streams = await stage.streams.list(ACCOUNT);
  expect(streams.map(({ call_id, legs }) => [call_id, ...legs])).toEqual([
    ['c1', 'a'],
    ['c1', 'b'],
  ]);
});

test('while too much is on its way no connection is read; then all are, but those whose streams want to wait', async () => {
  const { stage, connection, peer } = await joined();
  const waiting = stage.open('vonage', { call_id: 'c1', leg: 'b' });
  stage.link.hear(2, { kind: 'pause' });
  expect([peer.isPaused, waiting.peer.isPaused]).toEqual([false, true]);
  for (let sent = 0; !peer.isPaused && sent < 100; sent++) connection.text(new Uint8Array(2 ** 20).fill(0x20));
  expect([peer.isPaused, waiting.peer.isPaused]).toEqual([true, true]);
  const late = stage.open('vonage', { call_id: 'c9' });
  expect(late.peer.isPaused).toBe(true);
  stage.ports.deliver();
  expect([late.peer.isPaused, waiting.peer.isPaused]).toEqual([false, true]);
  // What is not full is still to be handed over.
  stage.turn();
  expect(stage.link.awayBytes).toBe(0);
});

test("a UUID that was announced is its bearer's key here too", async () => {
  const stage = new StreamStage();
  const ticket = stage.link.announce(PRINCIPAL, 'vonage', { leg: 'b', call: { call_id: 'c2' } });
  const { uuid } = await stage.within(ticket);
  expect(await stage.within(stage.link.principalOfTicket('vonage', uuid))).toEqual(PRINCIPAL);
  expect(await stage.within(stage.link.principalOfTicket('twilio', uuid))).toBe(undefined);
});

test('a media thread that is gone ends every stream, and those that come', async () => {
  const { stage, connection, peer } = await joined();
  stage.link.end(new AppError('INTERNAL', 'gone'));
  await expect(connection.over).rejects.toThrow('gone');
  expect(peer.said.at(-1)).toMatchObject({ code: 1011 });
  const late = stage.open('vonage', { call_id: 'c1', leg: 'b' });
  await expect(late.connection.over).rejects.toThrow('gone');
  expect(late.peer.said).toHaveLength(1);
});

test('a stream that fails in its own code takes nothing from the others in its batch, and the room is zeroed', () => {
  const heard: number[] = [];
  const defects: string[] = [];
  const back: ArrayBuffer[] = [];
  const over = new Promise<never>(() => {});
  const connection = (id: number) => ({
    ...{ text: () => {}, bytes: () => {}, heard: () => {}, closed: () => {}, over },
    binary: () => {
      if (id === 1) throw new Error('a defect');
      heard.push(id);
    },
  });
  let opened = 0;
  const landing = new StreamLanding({
    streams: { open: () => connection(++opened) },
    watch: new LoopWatch(Number.POSITIVE_INFINITY),
    say: () => {},
    taken: (room) => back.push(room),
    onDefect: ({ message }) => defects.push(message),
  });
  for (const id of [1, 2])
    landing.openStream(id, { kind: 'vonage', request: { headers: {}, query: {} }, remote: '', openedUs: 0 });
  const batch = new StreamBatch(new ArrayBuffer(4096));
  for (const id of [1, 2, 3]) batch.put(id, 'binary', 0, MEDIA);
  landing.batch(batch.room, batch.used);
  expect([heard, defects.length, back]).toEqual([[2], 1, [batch.room]]);
  expect(new Uint8Array(batch.room).every((byte) => byte === 0)).toBe(true);
});
