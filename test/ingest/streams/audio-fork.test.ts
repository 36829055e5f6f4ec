import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { audioForkKind } from '../../../src/ingest/streams/audio-fork.ts';
import { audioStreamKind } from '../../../src/ingest/streams/audio-stream.ts';
import type { StreamKind, StreamRequest } from '../../../src/ingest/streams/stream-dialect.ts';
import { type Message, testDialect } from './dialect-contract.ts';
import { joined, type Told, ToldSink } from './told.ts';

type Query = StreamRequest['query'];

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff);

const JAMBONZ = {
  sampleRate: 16_000,
  mixType: 'stereo',
  callSid: '7d2c',
  callId: 'a@b',
  direction: 'inbound',
  from: '+491',
  to: '+492',
  accountSid: 'acc',
};

/** @param channels 2: stereo */
const begun = (sampleRate: number, channels: 1 | 2, more: object = {}): Told =>
  ({
    kind: 'begin',
    about: {
      format: { encoding: 'l16le', sampleRate, channels },
      parameters: {},
      ...(channels === 2 ? { tracks: ['a', 'b'] } : {}),
      ...more,
    },
  }) as Told;
const audio = (data: Uint8Array): Told => ({ kind: 'audio', track: 'both', bytes: Buffer.from(data) });
const digit = (key: string, track: 'a' | 'b' | 'both' = 'both'): Told => ({ kind: 'digit', track, digit: key });
const END: Told = { kind: 'end', reason: 'closed' };
const STOP: Told = { kind: 'end', reason: 'stop' };

const talk = (kind: StreamKind, messages: readonly Message[], query: Query = {}) => {
  const sink = new ToldSink();
  const dialect = kind.open({ headers: {}, query }, sink);
  let error: AppError | undefined;
  try {
    for (const message of messages) {
      if (typeof message === 'string') dialect.text!(message);
      else dialect.binary!(Uint8Array.from(message));
    }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    error = thrown;
  }
  return { told: sink.told, error, dialect };
};

testDialect(audioForkKind, [
  {
    name: 'jambonz: metadata, stereo, keys, an empty message at the end',
    messages: [
      JSON.stringify(JAMBONZ),
      bytes(1280),
      '{"event":"dtmf","dtmf":"2","duration":"1600"}',
      bytes(2560),
      new Uint8Array(0),
    ],
    told: [
      begun(16_000, 2, { callId: '7d2c', direction: 'inbound', from: '+491', to: '+492', parameters: JAMBONZ }),
      audio(bytes(1280)),
      digit('2', 'a'),
      audio(bytes(2560)),
      STOP,
    ],
  },
  {
    name: 'FreeSWITCH: no metadata',
    request: { query: { mixType: 'mixed', sampleRate: '8k' } },
    messages: [bytes(320), bytes(640)],
    told: [begun(8000, 1), audio(bytes(320)), audio(bytes(640)), END],
  },
]);

testDialect(audioStreamKind, [
  {
    name: 'metadata that is no JSON, audio in messages of 100 ms',
    request: { query: { rate: '16000' } },
    messages: ['test-metadata', bytes(3200), '{"event":"dtmf","digit":"*"}', bytes(3200)],
    told: [begun(16_000, 1), audio(bytes(3200)), digit('*'), audio(bytes(3200)), END],
  },
]);

describe('audio forks: rate and mix', () => {
  for (const { name, metadata, query, rate, channels } of [
    { name: 'neither is said', rate: 8000, channels: 1 },
    { name: 'metadata says both', metadata: { sampleRate: 24_000, mixType: 'stereo' }, rate: 24_000, channels: 2 },
    { name: 'metadata as text', metadata: { sampleRate: '48000' }, rate: 48_000, channels: 1 },
    {
      name: 'metadata of other spelling',
      metadata: { sample_rate: 16_000, mix_type: 'stereo' },
      rate: 16_000,
      channels: 2,
    },
    { name: 'the query says both', query: { sampleRate: '16000', mixType: 'stereo' }, rate: 16_000, channels: 2 },
    { name: "the modules' own words", query: { rate: '16k', mix: 'mixed' }, rate: 16_000, channels: 1 },
    {
      name: 'both differ: metadata, which jambonz writes, goes first',
      metadata: { sampleRate: 8000, mixType: 'mono' },
      query: { sampleRate: '16000', mixType: 'stereo' },
      rate: 8000,
      channels: 1,
    },
    { name: 'one of each', metadata: { sampleRate: 16_000 }, query: { mixType: 'STEREO' }, rate: 16_000, channels: 2 },
    {
      name: 'empty values',
      metadata: { sampleRate: '', mixType: '' },
      query: { rate: '', mix: '' },
      rate: 8000,
      channels: 1,
    },
  ] as { name: string; metadata?: object; query?: Query; rate: number; channels: 1 | 2 }[]) {
    test(`${name}: ${rate} Hz, ${channels}`, () => {
      const { told } = talk(audioForkKind, metadata === undefined ? [bytes(4)] : [JSON.stringify(metadata)], query);
      expect(told[0]).toMatchObject({
        kind: 'begin',
        about: { format: { encoding: 'l16le', sampleRate: rate, channels } },
      });
    });
  }

  for (const metadata of [
    { sampleRate: 64_000 },
    { sampleRate: 0 },
    { sampleRate: -8000 },
    { sampleRate: 7999 },
    { sampleRate: 16_000.5 },
    { sampleRate: '8000Hz' },
    { sampleRate: '1e4' },
    { sampleRate: 1e300 },
    { mixType: 'quad' },
    { mixType: 'constructor' },
  ]) {
    for (const kind of [audioForkKind, audioStreamKind]) {
      test(`${kind.name}: ${JSON.stringify(metadata)} is refused before any audio`, () => {
        const { told, error } = talk(kind, [JSON.stringify(metadata), bytes(320)]);
        expect(error?.code).toBe('STREAM_INVALID');
        expect(told).toEqual([]);
      });
    }
  }

  test('a rate in the query that nobody has is refused with the first audio', () => {
    expect(talk(audioForkKind, [bytes(320)], { rate: '96000' }).error?.message).toContain('8000 to 48000');
  });
});

describe('audio forks: keys', () => {
  for (const [text, expected] of [
    ['{"event":"dtmf","dtmf":"2","duration":"1600"}', [digit('2')]],
    ['{"event":"dtmf","digit":"#","duration":1600}', [digit('#')]],
    ['{"type":"dtmf","data":{"digit":"5"}}', [digit('5')]],
    ['{"event":"DTMF","dtmf":{"digit":"a"}}', [digit('A')]],
    ['{"Event-Name":"DTMF","DTMF-Digit":"9","DTMF-Duration":"2000"}', [digit('9')]],
    ['{"event":"dtmf","dtmf":7}', [digit('7')]],
    ['{"event":"dtmf","dtmf":"*72"}', [digit('*'), digit('7'), digit('2')]],
    ['{"event":"dtmf","dtmf":"3","leg":"b"}', [digit('3', 'b')]],
    ['{"event":"dtmf","dtmf":"1"}{"event":"dtmf","dtmf":"2"}', [digit('1'), digit('2')]],
    ['{"event":"dtmf","dtmf":"1"}\n{"event":"dtmf","dtmf":"2"}\n', [digit('1'), digit('2')]],
    ['{"event":"playDone","data":{"id":"1"}}', []],
  ] as const) {
    test(text, () => {
      const { told, error } = talk(audioForkKind, ['{}', text]);
      expect(error).toBeUndefined();
      expect(told.slice(1)).toEqual(expected);
    });
  }

  for (const text of [
    '{"event":"dtmf"}',
    '{"event":"dtmf","dtmf":"w"}',
    '{"event":"dtmf","dtmf":null}',
    '{"event":"dtmf","dtmf":-1}',
  ]) {
    test(`${text} is no key, and nothing of it is told`, () => {
      expect(talk(audioForkKind, ['{}', text, text]).told.slice(1)).toEqual([
        { kind: 'warn', message: 'a dtmf event without a digit' },
      ]);
    });
  }

  test('joined to the metadata, as the module does when both wait for the socket', () => {
    const { told } = talk(audioForkKind, [`${JSON.stringify(JAMBONZ)}{"event":"dtmf","dtmf":"4"}`]);
    expect(told).toMatchObject([{ kind: 'begin', about: { callId: '7d2c' } }, digit('4', 'a')]);
  });

  test('come first where there is no metadata', () => {
    const { told } = talk(audioForkKind, ['{"event":"dtmf","dtmf":"4"}', bytes(320)], { rate: '16000' });
    expect(told).toEqual([begun(16_000, 1), digit('4'), audio(bytes(320))]);
  });
});

describe('audio forks: oddities', () => {
  test('metadata that comes after audio is not believed, and told when its rate is another', () => {
    const { told } = talk(audioForkKind, [bytes(320), '{"sampleRate":8000}', '{"sampleRate":16000}', bytes(320)]);
    expect(told.map(({ kind }) => kind)).toEqual(['begin', 'audio', 'warn', 'audio']);
  });

  for (const text of ['hello', '2', '"2"', '[1]', 'null', '', '{"event":', '{"a":1}x', '{"a":1}{', '}{']) {
    test(`${JSON.stringify(text)}: refused where only JSON is sent`, () => {
      expect(talk(audioForkKind, ['{}', text]).error).toMatchObject({ code: 'STREAM_INVALID' });
    });
  }

  test('mod_audio_stream may send any text, but what looks like an object must be one: it may have been a key', () => {
    const { told, error } = talk(audioStreamKind, [bytes(320), 'hello', '2', '', '[1', 'hello']);
    expect(error).toBeUndefined();
    expect(told.slice(2)).toEqual([{ kind: 'warn', message: 'a text that is no JSON is ignored' }]);
    expect(talk(audioStreamKind, [bytes(320), '{"event":"dtmf","dtmf":']).error?.code).toBe('STREAM_INVALID');
  });

  test('nothing after the empty message counts', () => {
    const { told, dialect } = talk(audioForkKind, [
      bytes(320),
      bytes(0),
      bytes(320),
      '{"event":"dtmf","dtmf":"1"}',
      'x',
    ]);
    dialect.closed();
    expect(told.map(({ kind }) => kind)).toEqual(['begin', 'audio', 'end']);
  });

  test('metadata of more than the bound is refused', () => {
    const { error } = talk(audioForkKind, [JSON.stringify({ a: 'x'.repeat(140_000) })]);
    expect(error?.message).toContain('140008 characters');
  });

  for (const { mix, width } of [
    { mix: 'mono', width: 2 },
    { mix: 'stereo', width: 4 },
  ]) {
    test(`${mix}: however its messages are cut, samples stay whole and none is lost`, () => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }), (lengths) => {
          const total = lengths.reduce((sum, length) => sum + length, 0);
          const data = bytes(total);
          let at = 0;
          const sink = new ToldSink();
          const dialect = audioForkKind.open({ headers: {}, query: { mix } }, sink);
          const { told } = sink;
          for (const length of lengths) {
            const before = told.length;
            dialect.binary!(Uint8Array.from(data.subarray(at, at + length)));
            at += length;
            // In one piece: a sample by itself would seem to have waited for what came with it.
            expect(told.slice(before).filter(({ kind }) => kind === 'audio').length).toBeLessThan(2);
          }
          dialect.closed();
          for (const each of told) if (each.kind === 'audio') expect(each.bytes.length % width).toBe(0);
          const heard = joined(told).find(({ kind }) => kind === 'audio');
          const whole = Buffer.from(data.subarray(0, total - (total % width)));
          expect(heard?.kind === 'audio' ? heard.bytes : Buffer.alloc(0)).toEqual(whole);
          expect(told.some(({ kind }) => kind === 'warn')).toBe(total % width !== 0);
        }),
      );
    });
  }
});
