/** What waits for a call to be joined, of a stream that ends before it is. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { STREAM_KINDS } from '../../../src/ingest/streams/stream-kinds.ts';
import { ACCOUNT } from '../live/live-scene.ts';
import { StreamStage, TestPeer } from './stream-stage.ts';

test('a stream that is over before it has joined leaves no audio in memory', async () => {
  const stage = new StreamStage();
  const copied = vi.spyOn(Uint8Array, 'from');
  onTestFinished(() => copied.mockRestore());
  const connection = stage.link.open(
    {
      ...{ kind: STREAM_KINDS.get('vonage')!, accountId: ACCOUNT, remote: '192.0.2.9' },
      request: { headers: {}, query: { call_id: 'c1', leg: 'a' } },
    },
    new TestPeer(),
  );
  connection.text(Buffer.from('{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}'));
  connection.binary(Buffer.alloc(640, 0x53));
  // Behind what breaks it as well.
  connection.text(Buffer.from('"no object"'));
  connection.binary(Buffer.alloc(640, 0x53));
  stage.endTurn();
  stage.ports.deliver();
  const copies = copied.mock.results.map(({ value }) => value as Uint8Array).filter(({ length }) => length === 640);
  expect(copies).not.toEqual([]);
  await expect(stage.within(connection.over)).rejects.toMatchObject({ code: expect.any(String) });
  for (const copy of copies) expect(copy.every((byte) => byte === 0)).toBe(true);
});
