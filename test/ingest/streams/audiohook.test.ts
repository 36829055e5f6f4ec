import { expect, test } from 'vitest';
import { audiohookKind } from '../../../src/ingest/streams/audiohook.ts';
import { testDialect } from './dialect-contract.ts';
import { audio, audioBytes, digit, end } from './json-words.ts';
import { describeRefusals } from './refusals.ts';
import { type Told, ToldSink } from './told.ts';

const ID = 'e160e428-53e2-487c-977d-96989bf5c99d';
const CONVERSATION = '090eaa2f-72fa-480a-83e0-8667ff89c0ec';
const ORGANIZATION = 'd7934305-0972-4844-938e-9060eef73d05';
const NOBODY = '00000000-0000-0000-0000-000000000000';
const PCMU = { type: 'audio', format: 'PCMU', channels: ['external', 'internal'], rate: 8000 };

/** A client: numbers its messages and knows how many of the server's have come. */
class Client {
  #seq = 0;
  serverseq = 0;

  says(type: string, parameters: object = {}, position = 0, more: object = {}): string {
    return JSON.stringify({
      version: '2',
      id: ID,
      type,
      seq: ++this.#seq,
      serverseq: this.serverseq,
      position: `PT${position}S`,
      parameters,
      ...more,
    });
  }

  opens(more: object = {}, position = 0): string {
    const message = this.says(
      'open',
      {
        organizationId: ORGANIZATION,
        conversationId: CONVERSATION,
        participant: { id: ORGANIZATION, ani: '+1-555-555-1234', aniName: 'John Doe', dnis: '+1-800-555-6789' },
        media: [PCMU],
        language: 'en-US',
        customConfig: { token: 'x' },
        ...more,
      },
      position,
    );
    this.serverseq = 1;
    return message;
  }
}

/** What the server says, by its number and the client's before it. */
const answer = (type: string, seq: number, clientseq: number, parameters: object = {}): Told => ({
  kind: 'send',
  message: JSON.stringify({ version: '2', type, seq, clientseq, id: ID, parameters }),
});
const opened = (media: object = PCMU): Told => answer('opened', 1, 1, { media: [media], startPaused: false });
const begin = (more: object = {}): Told => ({
  kind: 'begin',
  about: {
    streamId: ID,
    callId: CONVERSATION,
    from: '+1-555-555-1234',
    to: '+1-800-555-6789',
    tracks: ['a', 'b'],
    format: { encoding: 'pcmu', sampleRate: 8000, channels: 2 },
    parameters: { token: 'x' },
    ...more,
  },
});
const mask = (isOn: boolean, atMs: number): Told => ({ kind: 'mask', isOn, atMs });
const gap = (durationMs: number, fromMs: number): Told => ({ kind: 'gap', durationMs, fromMs });

const conversation = (name: string, tell: (client: Client) => (string | Uint8Array)[], told: Told[], request = {}) => ({
  name,
  messages: tell(new Client()),
  told,
  request,
});

testDialect(audiohookKind, [
  conversation(
    'a session with everything in it',
    (client) => [
      client.opens(),
      audioBytes(3200),
      client.says('ping', { rtt: 'PT0.05S' }, 0.2),
      client.says('update', { language: 'es-ES' }, 0.2),
      client.says('dtmf', { digit: '*' }, 0.2),
      client.says('paused', {}, 0.2),
      audioBytes(320),
      client.says('paused', {}, 0.2),
      client.says('resumed', { start: 'PT0.2S', discarded: 'PT5S' }, 5.2),
      audioBytes(3200, 3),
      client.says('discarded', { start: 'PT5.4S', discarded: 'PT0.6S' }, 6),
      audioBytes(16, 5),
      client.says('error', { code: 400, message: 'x' }, 6),
      client.says('playback_started', {}, 6),
      client.says('close', { reason: 'end' }, 6.001),
      client.says('ping'),
    ],
    [
      begin(),
      opened(),
      audio('both', audioBytes(3200), { atMs: 0 }),
      answer('pong', 2, 2),
      answer('updated', 3, 3),
      digit('a', '*'),
      mask(true, 200),
      gap(5000, 200),
      mask(false, 5200),
      audio('both', audioBytes(3200, 3), { atMs: 5200 }),
      mask(true, 5400),
      gap(600, 5400),
      mask(false, 6000),
      audio('both', audioBytes(16, 5), { atMs: 6000 }),
      answer('closed', 4, 11),
      end('hangup'),
    ],
    { headers: { 'audiohook-session-id': ID, 'audiohook-organization-id': ORGANIZATION } },
  ),
  conversation(
    'both channels before one, in the order of the offer; the agent first',
    (client) => [
      client.opens({
        media: [
          null,
          { ...PCMU, channels: ['external'] },
          { ...PCMU, format: 'OPUS' },
          { ...PCMU, channels: ['internal', 'external'] },
          PCMU,
        ],
      }),
      audioBytes(2),
    ],
    [
      begin({ tracks: ['b', 'a'] }),
      opened({ ...PCMU, channels: ['internal', 'external'] }),
      audio('both', audioBytes(2), { atMs: 0 }),
      end('closed'),
    ],
  ),
  conversation(
    'one channel, linear',
    (client) => [
      client.opens({ media: [{ ...PCMU, format: 'L16', channels: ['internal'] }] }),
      audioBytes(16),
      audioBytes(16),
    ],
    [
      begin({ tracks: ['b'], format: { encoding: 'l16le', sampleRate: 8000, channels: 1 } }),
      opened({ ...PCMU, format: 'L16', channels: ['internal'] }),
      audio('b', audioBytes(16), { atMs: 0 }),
      audio('b', audioBytes(16), { atMs: 1 }),
      end('closed'),
    ],
  ),
  conversation(
    'a connection probe leaves nothing',
    (client) => [
      client.opens({ conversationId: NOBODY, participant: { id: NOBODY, ani: '', aniName: '', dnis: '' } }),
      audioBytes(320),
      client.says('paused'),
      client.says('discarded', { start: 'PT0S', discarded: 'PT1S' }),
      client.says('dtmf', { digit: '1' }),
      client.says('ping'),
      client.says('close', { reason: 'end' }),
    ],
    [opened(), answer('pong', 2, 5), answer('closed', 3, 6), end('probe')],
  ),
  conversation(
    'a session that continues another counts from its opening',
    (client) => [
      client.opens({ continuedSessions: [{ id: CONVERSATION, serverseq: 3, clientseq: 4 }] }, 100),
      client.says('discarded', { start: 'PT99.5S', discarded: 'PT2.5S' }, 102),
      audioBytes(160),
      client.says('paused', {}, 102.01),
      client.says('close', { reason: 'reconnect' }, 102.01),
    ],
    [
      begin(),
      opened(),
      mask(true, 0),
      gap(2000, 0),
      mask(false, 2000),
      audio('both', audioBytes(160), { atMs: 2000 }),
      mask(true, 2010),
      answer('closed', 2, 4),
      end('reconnect'),
    ],
  ),
  conversation(
    'a discarded span within a pause, a resume of nothing, a pause that the client dates back',
    (client) => [
      client.opens(),
      audioBytes(1600),
      client.says('resumed', { start: 'PT0.1S', discarded: 'PT0S' }, 0.1),
      client.says('paused', {}, 0.05),
      client.says('discarded', { start: 'PT0.1S', discarded: 'PT1S' }, 1.1),
      client.says('resumed', { start: 'PT1.1S', discarded: 'PT.9S' }, 2),
      audioBytes(16),
      client.says('close', { reason: 'x' }, 2),
    ],
    [
      begin(),
      opened(),
      audio('both', audioBytes(1600), { atMs: 0 }),
      mask(true, 50),
      gap(1000, 100),
      gap(900, 1100),
      mask(false, 2000),
      audio('both', audioBytes(16), { atMs: 2000 }),
      answer('closed', 2, 6),
      end('stop'),
    ],
  ),
  conversation('closed before it was opened', (client) => [client.says('close', { reason: 'error' })], [
    answer('closed', 1, 1),
    end('error'),
  ]),
]);

const refusal = (name: string, tell: (client: Client) => (string | Uint8Array)[], request = {}) => ({
  name,
  messages: tell(new Client()),
  request,
});

describeRefusals(audiohookKind, [
  refusal('audio before open', () => [audioBytes(16)]),
  refusal('a pause before open', (client) => [client.says('paused')]),
  refusal('a second open', (client) => [client.opens(), client.opens()]),
  refusal('text that is no JSON', (client) => [client.opens(), 'paused']),
  refusal('two messages in one', (client) => [client.opens() + client.says('ping')]),
  refusal('another version', (client) => [client.says('ping', {}, 0, { version: '1' })]),
  refusal('a number left out', (client) => [client.opens(), client.says('ping', {}, 0, { seq: 3 })]),
  refusal('a number twice', (client) => [client.opens(), client.says('ping', {}, 0, { seq: 1 })]),
  refusal('a number that is text', (client) => [client.says('ping', {}, 0, { seq: '1' })]),
  refusal('an answer to what was not sent', (client) => [client.opens(), client.says('ping', {}, 0, { serverseq: 2 })]),
  refusal('another session', (client) => [client.opens(), client.says('ping', {}, 0, { id: CONVERSATION })]),
  refusal('an id that is none', (client) => [client.says('ping', {}, 0, { id: 'x' })]),
  ...['', 'PT-1S', 'PTS', 'PT.S', '1', 'PT1M', 1, null, 'PT9999999999S'].map((position) =>
    refusal(`a position of ${JSON.stringify(position)}`, (client) => [client.says('ping', {}, 0, { position })]),
  ),
  refusal('no parameters', (client) => [client.says('ping', {}, 0, { parameters: null })]),
  refusal('another session than the request named', (client) => [client.opens()], {
    headers: { 'audiohook-session-id': CONVERSATION },
  }),
  refusal('another organization than the request named', (client) => [client.opens()], {
    headers: { 'audiohook-organization-id': CONVERSATION },
  }),
  refusal('no conversation', (client) => [client.opens({ conversationId: 'x' })]),
  ...[
    [],
    null,
    [{ ...PCMU, rate: 44_100 }],
    [{ ...PCMU, rate: 16_000 }],
    [{ ...PCMU, channels: [] }],
    [{ ...PCMU, channels: ['external', 'external'] }],
    [{ ...PCMU, channels: ['external', 'internal', 'other'] }],
    [{ ...PCMU, type: 'video' }],
  ].map((media) => refusal(`an offer of ${JSON.stringify(media)}`, (client) => [client.opens({ media })])),
  refusal('half a frame', (client) => [client.opens(), audioBytes(3)]),
  refusal('more than anyone sends at once', (client) => [client.opens(), new Uint8Array(131_074)]),
  refusal('a span without its length', (client) => [client.opens(), client.says('resumed', { start: 'PT1S' })]),
  refusal('a span longer than any call', (client) => [
    client.opens(),
    client.says('discarded', { start: 'PT0S', discarded: 'PT86401S' }),
  ]),
  refusal('a span that begins after any call', (client) => [
    client.opens(),
    client.says('discarded', { start: 'PT86401S', discarded: 'PT1S' }),
  ]),
  refusal('a message longer than the protocol has', (client) => [
    client.opens({ customConfig: { x: 'y'.repeat(65_536) } }),
  ]),
]);

test('whoever is sent away is told why, in the protocol', () => {
  const told = (error?: { code: string; message: string }): unknown[] => {
    const dialect = audiohookKind.open({ headers: {}, query: {} }, new ToldSink());
    dialect.text?.(new Client().opens());
    return dialect.farewell(error).messages.map((message) => JSON.parse(message as string).parameters);
  };
  expect(told()).toEqual([{ reason: 'completed' }]);
  expect(told({ code: 'UNAUTHENTICATED', message: 'x' })).toEqual([
    { reason: 'unauthorized', info: 'UNAUTHENTICATED' },
  ]);
  expect(told({ code: 'STREAM_INVALID', message: 'x' })).toEqual([{ reason: 'error', info: 'STREAM_INVALID' }]);
});

test('audio that comes in a pause is zeroed and told of once', () => {
  const sink = new ToldSink();
  const client = new Client();
  const dialect = audiohookKind.open({ headers: {}, query: {} }, sink);
  dialect.text?.(client.opens());
  dialect.text?.(client.says('paused'));
  const bytes = audioBytes(320);
  dialect.binary?.(bytes);
  dialect.binary?.(audioBytes(320));
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  expect(sink.told.filter(({ kind }) => kind === 'warn')).toHaveLength(1);
});

test('a minute in messages of an odd length ends at 60 seconds', () => {
  const sink = new ToldSink({ keepsAudio: false });
  const client = new Client();
  const dialect = audiohookKind.open({ headers: {}, query: {} }, sink);
  dialect.text?.(client.opens());
  for (let left = 960_000; left > 0; left -= 14) dialect.binary?.(new Uint8Array(Math.min(14, left)));
  dialect.text?.(client.says('paused', {}, 61));
  expect(sink.told.at(-1)).toEqual(mask(true, 60_000));
});
