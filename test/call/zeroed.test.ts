/** What is not kept does not stay in memory either (rule 2): whichever way a packet goes that is not written, its bytes are zeroes afterwards. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Call } from '../../src/call/call.ts';
import { Holdback } from '../../src/call/holdback.ts';
import { blankPacket, type MediaPacket, MOST_HELD } from '../../src/call/intake.ts';
import type { PacketTimeline } from '../../src/call/stream.ts';
import type { TrackSource } from '../../src/record/track-source.ts';
import { scratchDir } from '../support/scratch.ts';

const START_US = 1.7e15;
const FRAME_US = 20_000;
const PCMU = { name: 'PCMU', clockRate: 8000, channels: 1 };
const SECRET = Buffer.from('feedfacecafebeef', 'hex');
/** Around the payload, as a datagram has its header and its padding there. */
const HEAD = 12;

const sceneOf = (options: { redactTones?: boolean } = {}) => {
  const folder = scratchDir();
  const call = new Call({
    startUs: START_US,
    identity: {
      callId: 'c',
      parties: { from: '', to: '', callerIdName: '', callerIdNumber: '', calleeIdName: '', calleeIdNumber: '' },
    },
    journalPath: (id) => join(folder, id),
    random: (bytes) => new Uint8Array(bytes),
    ...options,
  });
  let frame = 0;
  /** @returns the datagram, its payload being the secret, after the call has had it. */
  const send = (changes: Partial<MediaPacket> = {}, payload: Buffer = Buffer.alloc(160, SECRET)): Buffer => {
    const bytes = Buffer.concat([Buffer.alloc(HEAD, 1), payload]);
    call.packet({
      ...blankPacket('a'),
      ssrc: 7,
      sequence: frame,
      timestamp: frame * 160,
      arrivalUs: START_US + (frame + 1) * FRAME_US,
      codec: PCMU,
      bytes,
      start: HEAD,
      end: bytes.length,
      ...changes,
    });
    frame++;
    return bytes;
  };
  const mask = () => call.command({ action: 'mask', fields: {}, trigger: { kind: 'api' } });
  return { call, send, mask };
};

const isZeroed = (bytes: Buffer): boolean => bytes.subarray(HEAD).every((byte) => byte === 0);

type Way = {
  readonly name: string;
  readonly run: (scene: ReturnType<typeof sceneOf>) => Promise<Buffer> | Buffer;
  readonly redactTones?: boolean;
};

const WAYS: readonly Way[] = [
  {
    name: 'masked, and its line known',
    run: async ({ call, send, mask }) => {
      call.recordFromFirstFrame({}, 't');
      for (let n = 0; n < 20; n++) send();
      await mask();
      return send();
    },
  },
  {
    name: 'masked, and nothing recorded',
    run: async ({ send, mask }) => {
      for (let n = 0; n < 20; n++) send();
      await mask();
      return send();
    },
  },
  { name: 'waiting for its line', run: ({ send }) => send() },
  {
    name: 'waiting for a lookback',
    run: ({ call, send }) => {
      call.recordFromFirstFrame({ mask_lookback_ms: 5000 }, 't');
      for (let n = 0; n < 20; n++) send();
      return send();
    },
  },
  { name: 'waiting for its tones to be heard', redactTones: true, run: ({ send }) => send() },
  { name: 'of a payload type that nobody knows', run: ({ send }) => send({ codec: undefined }) },
  {
    name: 'a key, as a telephone-event',
    run: ({ send }) =>
      send({ codec: { name: 'TELEPHONE-EVENT', clockRate: 8000, channels: 1 } }, Buffer.from([7, 10, 0, 160])),
  },
  {
    name: 'comfort noise, which holds no sound',
    run: ({ send }) => send({ codec: { name: 'CN', clockRate: 8000, channels: 1 } }),
  },
  {
    name: 'with no audio in it',
    run: ({ send }) => send({ codec: { name: 'GSM', clockRate: 8000, channels: 1 } }, Buffer.alloc(5, SECRET)),
  },
  {
    name: 'a duplicate',
    run: ({ send }) => {
      for (let n = 0; n < 20; n++) send();
      return send({ sequence: 19, timestamp: 19 * 160 });
    },
  },
  {
    name: 'of a source beyond all that a leg may have',
    run: ({ send }) => {
      for (let ssrc = 0; ssrc < 1024; ssrc++) send({ ssrc });
      return send({ ssrc: 5000 });
    },
  },
  {
    name: 'beyond all that may wait',
    run: ({ call, send }) => {
      call.recordFromFirstFrame({ mask_lookback_ms: 10_000 }, 't');
      // A flood: a thousand in the time of one.
      for (let n = 0; n < MOST_HELD; n++) send({ arrivalUs: START_US + n * 20 });
      return send({ arrivalUs: START_US + MOST_HELD * 20 });
    },
  },
  {
    name: 'after the call’s end',
    run: async ({ call, send }) => {
      for (let n = 0; n < 20; n++) send();
      await call.end();
      return send();
    },
  },
];

for (const { name, run, redactTones = false } of WAYS)
  test(`${name}: its bytes are zeroes where they came in`, async () => {
    const scene = sceneOf({ redactTones });
    const bytes = await run(scene);
    expect(isZeroed(bytes)).toBe(true);
    expect(bytes.subarray(0, HEAD).every((byte) => byte === 1)).toBe(true);
    await scene.call.end();
  });

test('the search would see bytes that are not zeroed: a frame that is kept stays as it is', async () => {
  const { call, send } = sceneOf();
  call.recordFromFirstFrame({}, 't');
  for (let n = 0; n < 30; n++) send();
  expect(isZeroed(send())).toBe(false);
  await call.end();
});

test('a flood that has to wait is dropped, and counted, beyond a bound', async () => {
  const { call, send } = sceneOf();
  call.recordFromFirstFrame({ mask_lookback_ms: 10_000 }, 't');
  for (let n = 0; n < MOST_HELD + 500; n++) send({ arrivalUs: START_US + n * 20 });
  expect(call.tallies().a).toMatchObject({ received: MOST_HELD + 500, unusable: 500 });
  await call.end();
});

describe('a frame that has waited', () => {
  test('is zeroed in its slot when it goes, and the slot is used again', () => {
    const held = new Holdback();
    const timeline = {} as PacketTimeline;
    const source = {} as TrackSource;
    const first = held.push(timeline, source, 0, Buffer.alloc(200, SECRET), 0, 200).bytes;
    expect(first.includes(SECRET)).toBe(true);
    held.shift();
    expect(first.every((byte) => byte === 0)).toBe(true);
    const second = held.push(timeline, source, 0, SECRET, 0, SECRET.length).bytes;
    expect(second).toBe(first);
    held.shift();
    // One that is longer than its slot gets another; the old one held nothing any more.
    const longer = held.push(timeline, source, 0, Buffer.alloc(1000, SECRET), 0, 1000).bytes;
    expect(longer).not.toBe(first);
    expect(first.every((byte) => byte === 0)).toBe(true);
    held.shift();
    expect(longer.every((byte) => byte === 0)).toBe(true);
  });
});
