import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { asteriskWebsocketKind } from '../../../src/ingest/streams/asterisk-websocket.ts';
import { type Message, testDialect } from './dialect-contract.ts';
import { joined, type Told, ToldSink } from './told.ts';

const PLAIN_START =
  'MEDIA_START connection_id:conn1 channel:WebSocket/conn1/0x7f969c003dc0 channel_id:1795343263.10 format:ulaw optimal_frame_size:160 ptime:20';

const start = (format: unknown, more: object = {}): string =>
  JSON.stringify({
    event: 'MEDIA_START',
    connection_id: 'conn1',
    channel: 'WebSocket/conn1/0x7f9690004000',
    channel_id: '1795343256.7',
    format,
    optimal_frame_size: 640,
    ptime: 20,
    ...more,
  });

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at & 0xff);

const begun = (encoding: string, sampleRate: number, more: object = {}): Told =>
  ({
    kind: 'begin',
    about: {
      streamId: '1795343256.7',
      callId: '1795343256.7',
      format: { encoding, sampleRate, channels: 1 },
      parameters: {},
      ...more,
    },
  }) as Told;
const digit = (key: string): Told => ({ kind: 'digit', track: 'both', digit: key });
const audio = (length: number): Told => ({ kind: 'audio', track: 'both', bytes: Buffer.from(bytes(length)) });

const talk = (messages: readonly Message[]) => {
  const sink = new ToldSink();
  const dialect = asteriskWebsocketKind.open({ headers: {}, query: {} }, sink);
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

testDialect(asteriskWebsocketKind, [
  {
    name: 'plain text and ulaw, as Asterisk 22.10 sent them',
    messages: [
      PLAIN_START,
      bytes(160),
      bytes(160),
      'DTMF_END digit:* channel_id:1795343263.10',
      'DTMF_END digit:7 channel_id:1795343263.10',
      'MEDIA_XOFF',
      bytes(160),
    ],
    told: [
      begun('pcmu', 8000, { streamId: '1795343263.10', callId: '1795343263.10' }),
      audio(160),
      audio(160),
      digit('*'),
      digit('7'),
      audio(160),
      { kind: 'end', reason: 'closed' },
    ],
  },
  {
    name: 'JSON and slin16',
    messages: [
      start('slin16', { channel_variables: { DIALEDPEERNUMBER: 'conn1/c(slin16)f(json)', RECORD_CALL_LEG: 'b' } }),
      bytes(640),
      '{"event":"DTMF_END","channel_id":"1795343256.7","digit":"2"}',
      '{"event":"STATUS","channel_id":"1795343256.7","queue_length":0,"queue_full":false}',
      bytes(1280),
    ],
    told: [
      begun('l16le', 16_000, { parameters: { leg: 'b' } }),
      audio(640),
      digit('2'),
      audio(1280),
      { kind: 'end', reason: 'closed' },
    ],
  },
]);

describe('chan_websocket: formats', () => {
  for (const [format, encoding, sampleRate] of [
    ['ulaw', 'pcmu', 8000],
    ['alaw', 'pcma', 8000],
    ['g722', 'g722', 16_000],
    ['opus', 'opus', 48_000],
    ['slin', 'l16le', 8000],
    ['slin12', 'l16le', 12_000],
    ['slin16', 'l16le', 16_000],
    ['slin24', 'l16le', 24_000],
    ['slin32', 'l16le', 32_000],
    ['slin44', 'l16le', 44_100],
    ['slin48', 'l16le', 48_000],
  ] as const) {
    test(`${format} is ${encoding} at ${sampleRate} Hz`, () => {
      expect(talk([start(format)]).told).toEqual([begun(encoding, sampleRate)]);
    });
  }

  for (const format of [
    'slin96',
    'slin192',
    'g729',
    'gsm',
    'speex',
    'SLIN16',
    '',
    undefined,
    8,
    { a: 1 },
    '__proto__',
  ]) {
    test(`${JSON.stringify(format)} is refused before any audio, and the reason says what is taken`, () => {
      const { told, error } = talk([start(format), bytes(320)]);
      expect(error?.code).toBe('STREAM_INVALID');
      expect(error?.message).toContain('c(slin48)');
      expect(told).toEqual([]);
    });
  }
});

describe('chan_websocket: oddities', () => {
  for (const { name, messages, told, error } of [
    { name: 'media before MEDIA_START', messages: [bytes(160)], told: [], error: 'media before MEDIA_START' },
    { name: 'half a sample', messages: [start('slin'), bytes(321)], error: '321 bytes of media are no 16-bit samples' },
    { name: 'an odd number of ulaw bytes', messages: [start('ulaw'), bytes(81)], told: [audio(81)] },
    { name: 'MEDIA_START twice', messages: [start('ulaw'), start('ulaw')], error: 'MEDIA_START twice' },
    {
      name: 'a digit before MEDIA_START',
      messages: ['DTMF_END digit:5'],
      told: [],
      error: 'DTMF_END before MEDIA_START',
    },
    { name: 'words of no event', messages: ['hello there'], told: [], error: 'no event' },
    { name: 'an empty text', messages: [''], told: [], error: 'no event' },
    { name: 'JSON of no event', messages: ['{"command":"HANGUP"}'], told: [], error: 'no event' },
    { name: 'broken JSON', messages: ['{"event":"MEDIA_START"'], told: [], error: 'no JSON object' },
    { name: 'no media in a message', messages: [start('ulaw'), bytes(0)], told: [] },
    {
      name: 'an event of a later Asterisk, told once',
      messages: [start('ulaw'), 'MEDIA_SOMETHING_NEW a:b', 'MEDIA_SOMETHING_NEW a:b'],
      told: [{ kind: 'warn', message: 'chan_websocket event MEDIA_SOMETHING_NEW is not known' }],
    },
    {
      name: 'a hook flash, which is no digit and is not repeated',
      messages: [start('ulaw'), 'DTMF_END digit:! channel_id:1', 'DTMF_END channel_id:1'],
      told: [{ kind: 'warn', message: 'DTMF_END without a digit' }],
    },
    { name: 'a key in lower case', messages: [start('ulaw'), 'DTMF_END digit:d'], told: [digit('D')] },
    { name: 'several keys at once', messages: [start('ulaw'), 'DTMF_END digit:12'], told: [{ kind: 'warn' }] },
    {
      name: 'control characters and endless lines',
      messages: [start('ulaw'), `MEDIA_XON ${'x'.repeat(5000)}`],
      error: '5010 characters',
    },
    {
      name: 'two events in one message',
      messages: [`${start('ulaw')}{"event":"DTMF_END","digit":"1"}`],
      told: [digit('1')],
    },
  ] as { name: string; messages: Message[]; told?: object[]; error?: string }[]) {
    test(name, () => {
      const run = talk(messages);
      if (error === undefined) expect(run.error).toBeUndefined();
      else {
        expect(run.error?.code).toBe('STREAM_INVALID');
        expect(run.error?.message).toContain(error);
      }
      if (told !== undefined) expect(run.told.filter(({ kind }) => kind !== 'begin')).toMatchObject(told);
      expect(JSON.stringify([run.error?.message ?? '', run.told.filter(({ kind }) => kind === 'warn')])).not.toMatch(
        /digit:[0-9!]/,
      );
    });
  }

  test('plain values may hold colons and an order of their own', () => {
    const { told } = talk(['MEDIA_START ptime:20 format:slin channel_id:pbx:1:2 channel:WebSocket/a:b/0x1']);
    expect(told).toEqual([begun('l16le', 8000, { streamId: 'pbx:1:2', callId: 'pbx:1:2' })]);
  });

  test('variables of the dialplan with our prefix are parameters; others are not', () => {
    const channel_variables = {
      RECORD_CALL: '{"format":"wav"}',
      RECORD_CALL_CALL_ID: 'c1',
      record_call_token: 'k',
      RECORDED: 'x',
      LEG: 'z',
      RECORD_CALLER: 'y',
    };
    const { told } = talk([start('ulaw', { channel_variables })]);
    expect(told).toEqual([
      begun('pcmu', 8000, { parameters: { record_call: '{"format":"wav"}', call_id: 'c1', token: 'k' } }),
    ]);
  });

  for (const { name, messages, said } of [
    { name: 'nothing before it is known how Asterisk talks', messages: [], said: [] },
    { name: 'HANGUP in plain text', messages: [PLAIN_START], said: ['HANGUP'] },
    { name: 'HANGUP as JSON', messages: [start('ulaw')], said: ['{"command":"HANGUP"}'] },
    { name: 'HANGUP also to a refused format', messages: [start('slin192')], said: ['{"command":"HANGUP"}'] },
  ]) {
    test(`says goodbye with ${name}`, () => {
      const { dialect } = talk(messages);
      expect(dialect.farewell()).toEqual({ messages: said, code: 1001, reason: 'service ends' });
      const error = new AppError('STREAM_INVALID', 'a reason');
      expect(dialect.farewell(error)).toEqual({ messages: said, code: 1007, reason: 'STREAM_INVALID: a reason' });
    });
  }
});

const CAPTURES = new URL('../../../../shared/captures/asterisk-run/', import.meta.url);

describe.skipIf(!existsSync(CAPTURES))('chan_websocket: what Asterisk 22.10.1 sent', () => {
  for (const { name, frame, encoding, sampleRate } of [
    { name: 'chan_websocket-plain-ulaw', frame: 160, encoding: 'pcmu', sampleRate: 8000 },
    { name: 'chan_websocket-json-slin16', frame: 640, encoding: 'l16le', sampleRate: 16_000 },
  ]) {
    test(name, () => {
      const lines = readFileSync(new URL(`${name}.txt`, CAPTURES), 'utf8').split('\n');
      const [first, ...texts] = lines.flatMap((line) => /^\d+ TEXT (.*)$/.exec(line)?.[1] ?? []);
      const pcm = readFileSync(new URL(`${name}.pcm`, CAPTURES));
      const frames = Array.from({ length: pcm.length / frame }, (_, at) => pcm.subarray(at * frame, (at + 1) * frame));
      const { told, error } = talk([first, ...frames, ...texts]);
      expect(error).toBeUndefined();
      expect(told[0]).toMatchObject({ kind: 'begin', about: { format: { encoding, sampleRate, channels: 1 } } });
      expect(joined(told).slice(1)).toEqual([
        { kind: 'audio', track: 'both', bytes: pcm },
        digit('*'),
        digit('7'),
        digit('2'),
      ]);
    });
  }
});
