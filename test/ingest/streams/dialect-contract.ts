/**
 * What every kind of stream is held to, whatever its words. A kind's test gives conversations as its server has them, and what each
 * must tell:
 *
 *     testDialect(twilioKind, [{ name: 'a call of two tracks', messages: [...], told: [...] }]);
 *
 * Messages of a WebSocket: strings are text, byte arrays binary. Of TCP and HTTP: byte arrays, in any pieces.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { StreamFormat, StreamKind, StreamRequest } from '../../../src/ingest/streams/stream-dialect.ts';
import { joined, type Told, ToldSink } from './told.ts';

export type Message = string | Uint8Array;

export type Conversation = {
  readonly name: string;
  readonly request?: Partial<StreamRequest>;
  readonly messages: readonly Message[];
  /** All that is told until the last message and the peer's close; `warn` may be left out. Audio that follows audio is one piece (`joined`). */
  readonly told: readonly Told[];
};

/** A run of the suite feeds so much without an end of a message … */
const ENDLESS_BYTES = 48 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
/** … and so much may stay in memory: the longest message, its text, and what the collector has not come to. */
const MOST_KEPT_BYTES = 24 * 1024 * 1024;
/** Of a WebSocket's message; what the transport lets through (65,500 is Asterisk's longest). */
const LONGEST_MESSAGE = 1024 * 1024;

const NOT_JSON = ['', ' ', '{', '[', '{"event":', 'MEDIA', '\u0000', '{"a":1}x', `${'['.repeat(50_000)}`, '\uD800'];
const OTHER_JSON = [
  'null',
  'true',
  '0',
  '""',
  '[]',
  '{}',
  '[[[[]]]]',
  '{"event":null}',
  '{"event":{}}',
  '{"event":["media"]}',
  '{"event":"media"}',
  '{"event":"media","media":null}',
  '{"event":"media","media":{"payload":5,"timestamp":{},"track":[]}}',
  '{"event":"media","media":{"payload":"!!!!","timestamp":"-1","chunk":"1e400","track":"__proto__"}}',
  '{"event":"start","start":null}',
  '{"event":"start","start":{"mediaFormat":{"encoding":"constructor","sampleRate":1e999,"channels":-1}}}',
  '{"event":"dtmf","dtmf":{"digit":"12345678901234567890"}}',
  '{"event":"dtmf","digit":{"toString":1}}',
  '{"__proto__":{"event":"start"},"constructor":1}',
  '{"type":"open","version":"2","seq":-1,"id":1,"position":"PT-1S","parameters":{"media":[null]}}',
  '{"version":"2","type":"ping","seq":"1","serverseq":1e999,"position":"PTS","parameters":null}',
];

/** Close codes that may be in a close frame (RFC 6455 §7.4). */
const isCloseCode = (code: number): boolean =>
  Number.isInteger(code) &&
  ((code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999));

export const testDialect = (kind: StreamKind, conversations: readonly Conversation[]): void => {
  const takesBytes = kind.transport !== 'websocket';

  const open = (request: Partial<StreamRequest> = {}, sink = new ToldSink()) => ({
    dialect: kind.open({ headers: {}, query: {}, ...request }, sink),
    sink,
  });
  type Opened = ReturnType<typeof open>;

  /** Feeds a copy, and spoils it afterwards: a dialect keeps nothing of what it was given. */
  const feed = ({ dialect }: Opened, message: Message): void => {
    if (typeof message === 'string') {
      dialect.text?.(message);
      return;
    }
    const copy = Uint8Array.from(message);
    if (takesBytes) dialect.bytes?.(copy);
    else dialect.binary?.(copy);
    copy.fill(0xaa);
  };

  /** @returns the error, which is STREAM_INVALID or none: nothing else may be thrown, whatever comes. */
  const attempt = (work: () => void): AppError | undefined => {
    try {
      work();
      return undefined;
    } catch (error) {
      if (error instanceof AppError && error.code === 'STREAM_INVALID') {
        expect(error.message.length).toBeLessThan(300);
        return error;
      }
      throw error;
    }
  };

  /** What holds at the end of any run. */
  const expectOrder = (told: readonly Told[]): void => {
    const begun = told.findIndex(({ kind: each }) => each === 'begin');
    expect(told.filter(({ kind: each }) => each === 'begin').length).toBeLessThanOrEqual(1);
    told.forEach((each, index) => {
      if (each.kind === 'audio' || each.kind === 'digit' || each.kind === 'mask' || each.kind === 'gap') {
        expect(begun !== -1 && begun < index, `${each.kind} before begin`).toBe(true);
      }
      if (each.kind === 'digit') expect(each.digit).toMatch(/^[0-9*#A-D]$/);
      if (each.kind === 'audio') {
        expect(each.bytes.length).toBeGreaterThan(0);
        if (each.place?.atMs !== undefined) expect(Number.isFinite(each.place.atMs)).toBe(true);
        if (each.place?.sequence !== undefined) expect(Number.isSafeInteger(each.place.sequence)).toBe(true);
      }
      if (each.kind === 'gap') expect(Number.isFinite(each.durationMs) && each.durationMs >= 0).toBe(true);
      if (each.kind === 'mask' && each.atMs !== undefined) expect(Number.isFinite(each.atMs)).toBe(true);
      if (each.kind === 'warn') expect(each.message.length).toBeLessThan(300);
    });
    expect(told.filter(({ kind: each }) => each === 'end').length).toBeLessThanOrEqual(1);
    const ended = told.findIndex(({ kind: each }) => each === 'end');
    const after = ended === -1 ? [] : told.slice(ended + 1);
    expect(after.filter(({ kind: each }) => each !== 'send' && each !== 'warn')).toEqual([]);
    let format: StreamFormat | undefined;
    for (const each of told) {
      if (each.kind === 'begin') format = each.about.format;
      if (each.kind === 'format') format = each.format;
      if (each.kind !== 'audio') continue;
      expect(format, 'a format before audio').toBeDefined();
      if (format?.encoding !== 'l16le' && format?.encoding !== 'l16be') continue;
      const channels = each.track === 'both' ? format.channels : 1;
      expect(each.bytes.length % (2 * channels), 'whole samples of all channels').toBe(0);
    }
  };

  /** Runs a conversation until its own error or the close. */
  const run = (messages: readonly Message[], request: Partial<StreamRequest> = {}): Told[] => {
    const opened = open(request);
    const failed = attempt(() => {
      for (const message of messages) feed(opened, message);
    });
    if (failed !== undefined) {
      const { code, reason, messages: last } = opened.dialect.farewell(failed);
      expect(isCloseCode(code), `close code ${code}`).toBe(true);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
      expect(Array.isArray(last)).toBe(true);
    }
    attempt(() => opened.dialect.closed());
    attempt(() => opened.dialect.closed());
    expectOrder(opened.sink.told);
    return opened.sink.told;
  };

  /** What is compared: bytes as text, which a failure shows and which costs no comparison of each byte. */
  const comparable = (told: readonly Told[]): unknown[] =>
    joined(told.filter(({ kind: each }) => each !== 'warn')).map((each) => {
      if (each.kind === 'audio') return { ...each, bytes: each.bytes.toString('base64') };
      return each.kind === 'send' && typeof each.message !== 'string'
        ? { ...each, message: each.message.toString('base64') }
        : each;
    });

  const bytesOf = ({ messages }: Conversation): Buffer => {
    for (const message of messages) if (typeof message === 'string') throw new Error('bytes alone, on this transport');
    return Buffer.concat(messages as Uint8Array[]);
  };

  describe(`streams of kind ${kind.name}`, () => {
    test('say how they are connected', () => {
      expect(kind.connect.length).toBeGreaterThan(10);
      expect(kind.connect).not.toContain('\n');
      expect(kind.name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    });

    for (const conversation of conversations) {
      const { name, request, messages, told } = conversation;

      test(`${name}: as it comes`, () => {
        const heard = run(messages, request);
        expect(comparable(heard)).toEqual(comparable(told));
        expect(heard.filter(({ kind: each }) => each === 'end')).toHaveLength(1);
      });

      if (takesBytes) {
        test(`${name}: in one piece, in single bytes, split at every border`, () => {
          const bytes = bytesOf(conversation);
          const expected = comparable(run([bytes], request));
          expect(expected).toEqual(comparable(told));
          const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
          expect(comparable(run(single, request))).toEqual(expected);
          const stride = Math.max(1, Math.floor(bytes.length / splits(bytes)));
          for (let at = 0; at <= bytes.length; at += stride) {
            expect(comparable(run([bytes.subarray(0, at), bytes.subarray(at)], request))).toEqual(expected);
          }
        });

        test(`${name}: cut off at every byte`, () => {
          const bytes = bytesOf(conversation);
          const stride = Math.max(1, Math.floor(bytes.length / splits(bytes)));
          for (let at = 0; at <= bytes.length; at += stride) run([bytes.subarray(0, at)], request);
        });

        test(`${name}: in pieces of random lengths, with random bytes changed`, () => {
          const bytes = bytesOf(conversation);
          fc.assert(
            fc.property(
              fc.array(fc.nat({ max: bytes.length }), { maxLength: 6 }),
              fc.array(fc.tuple(fc.nat({ max: Math.max(0, bytes.length - 1) }), fc.nat({ max: 255 })), {
                maxLength: 4,
              }),
              (cuts, changes) => {
                const spoilt = Buffer.from(bytes);
                for (const [at, value] of changes) if (at < spoilt.length) spoilt[at] = value;
                const at = [0, ...cuts.sort((one, other) => one - other), spoilt.length];
                run(
                  at.slice(1).map((end, index) => spoilt.subarray(at[index], end)),
                  request,
                );
              },
            ),
            { numRuns: 100 },
          );
        });
      } else {
        test(`${name}: closed in every state`, () => {
          for (let count = 0; count <= messages.length; count++) {
            const heard = run(messages.slice(0, count), request);
            expect(heard.filter(({ kind: each }) => each === 'end').length, `after ${count} messages`).toBeLessThan(2);
          }
        });

        test(`${name}: text where binary belongs, the reverse, and no JSON, in every state`, () => {
          const wrong: Message[] = [
            ...[...NOT_JSON, ...OTHER_JSON],
            ...[new Uint8Array(0), new Uint8Array(1), new Uint8Array(3), new Uint8Array(70_001), Buffer.from('{}')],
          ];
          for (let count = 0; count <= messages.length; count++) {
            for (const message of wrong) run([...messages.slice(0, count), message, ...messages.slice(count)], request);
          }
          for (let count = 0; count < messages.length; count++) {
            const message = messages[count]!;
            const other = typeof message === 'string' ? Buffer.from(message) : Buffer.from(message).toString('latin1');
            run([...messages.slice(0, count), other, ...messages.slice(count + 1)], request);
          }
        });

        test(`${name}: messages lost, repeated, out of order, cut and changed`, () => {
          if (messages.length === 0) return;
          fc.assert(
            fc.property(
              fc.array(fc.nat({ max: messages.length - 1 }), { maxLength: messages.length * 2 }),
              fc.array(fc.tuple(fc.nat({ max: messages.length - 1 }), fc.nat(), fc.nat({ max: 255 })), {
                maxLength: 4,
              }),
              (order, changes) => {
                const spoilt = messages.map((message): Message => {
                  return typeof message === 'string' ? message : Uint8Array.from(message);
                });
                for (const [index, at, value] of changes) spoilt[index] = changed(spoilt[index]!, at, value);
                run(
                  order.map((index) => spoilt[index]!),
                  request,
                );
                run(spoilt, request);
              },
            ),
            { numRuns: 100 },
          );
        });
      }

      test(`${name}: says goodbye in every state`, () => {
        const step = Math.max(1, Math.floor(messages.length / 50));
        for (let count = 0; count <= messages.length; count += step) {
          const opened = open(request);
          attempt(() => {
            for (const message of messages.slice(0, count)) feed(opened, message);
          });
          for (const error of [
            undefined,
            new AppError('STREAM_INVALID', 'x'.repeat(500)),
            new AppError('CONFLICT', 'ö'),
          ]) {
            const { code, reason } = opened.dialect.farewell(error);
            expect(isCloseCode(code), `close code ${code}`).toBe(true);
            expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
          }
        }
      });
    }

    test('are never broken by random messages', () => {
      fc.assert(
        fc.property(
          fc.array(
            takesBytes
              ? fc.uint8Array({ maxLength: 200 })
              : fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string(), fc.json(), fc.constantFrom(...OTHER_JSON)),
            { maxLength: 12 },
          ),
          (messages) => void run(messages),
        ),
        { numRuns: 200 },
      );
    });

    test('keep a bounded part of what never ends', () => {
      const sink = new ToldSink({ keepsAudio: false });
      for (const conversation of [undefined, ...conversations.slice(0, 1)]) {
        const opened = open(conversation?.request, sink);
        const opening = conversation?.messages.slice(0, Math.ceil(conversation.messages.length / 2)) ?? [];
        const before = process.memoryUsage();
        const failed = attempt(() => {
          for (const message of opening) feed(opened, message);
          if (takesBytes) {
            const piece = new Uint8Array(PIECE_BYTES).fill(1);
            for (let fed = 0; fed < ENDLESS_BYTES; fed += PIECE_BYTES) feed(opened, piece);
          }
        });
        if (!takesBytes && failed === undefined) {
          attempt(() => feed(opened, new Uint8Array(LONGEST_MESSAGE).fill(1)));
          attempt(() => feed(opened, 'x'.repeat(LONGEST_MESSAGE)));
          attempt(() => feed(opened, `{"event":"${'x'.repeat(LONGEST_MESSAGE)}"}`));
        }
        const after = process.memoryUsage();
        expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(MOST_KEPT_BYTES);
        expect(sink.told.length).toBeLessThan(20_000);
        attempt(() => opened.dialect.closed());
      }
    });
  });
};

/** At how many places a conversation is split: all of a short one. */
const splits = ({ length }: Uint8Array): number => (length > 10_000 ? 50 : 500);

const changed = (message: Message, at: number, value: number): Message => {
  if (message.length === 0) return message;
  const place = at % message.length;
  if (typeof message === 'string') {
    return value % 3 === 0
      ? message.slice(0, place)
      : `${message.slice(0, place)}${String.fromCharCode(value)}${message.slice(place + 1)}`;
  }
  if (value % 3 === 0) return message.slice(0, place);
  const copy = Uint8Array.from(message);
  copy[place] = value;
  return copy;
};
