/** Every kind of stream: its messages, whole or mutated, text and binary, in any order. */
import { STREAM_KINDS } from '../../src/ingest/streams/stream-kinds.ts';
import { ToldSink } from '../ingest/streams/told.ts';
import { textSeeds } from './seeds.ts';
import type { FuzzTarget } from './targets.ts';

/** One of each family is enough to begin with: the others' words are found by mutation. */
const WORDS = textSeeds(
  '{"event":"connected","protocol":"Call","version":"1.0.0"}',
  '{"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","accountSid":"A","callSid":"C","tracks":["inbound","outbound"],"customParameters":{"call_id":"c1"},"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}',
  '{"event":"media","sequenceNumber":"2","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":"20","payload":"/////w=="}}',
  '{"event":"dtmf","dtmf":{"track":"inbound_track","digit":"1"}}',
  '{"event":"stop","stop":{"accountSid":"A","callSid":"C"}}',
  '{"event":"websocket:connected","content-type":"audio/l16;rate=16000"}',
  '{"version":"2","id":"e160e428-53e2-487c-977d-96989bf5c99d","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{"organizationId":"o","conversationId":"c","participant":{"id":"p","ani":"a","aniName":"n","dnis":"d"},"media":[{"type":"audio","format":"PCMU","channels":["external","internal"],"rate":8000}]}}',
  'MEDIA_START connection_id:1 channel:x channel_id:1 format:ulaw optimal_frame_size:160 ptime:20',
  '{"sampleRate":8000,"mixType":"stereo","callSid":"1"}',
);

/** The first byte says how long the first message is and whether it is text, and so on. */
const feed = (kindName: string, bytes: Uint8Array): void => {
  const kind = STREAM_KINDS.get(kindName)!;
  const dialect = kind.open({ headers: {}, query: {} }, new ToldSink());
  if (kind.transport !== 'websocket') {
    for (let at = 0; at < bytes.length; at += 5) dialect.bytes?.(Uint8Array.from(bytes.subarray(at, at + 5)));
  } else {
    const split = Buffer.from(bytes).toString('latin1').split('\n');
    for (const message of split) {
      if (message.startsWith('\u0001')) dialect.binary?.(Buffer.from(message.slice(1), 'latin1'));
      else dialect.text?.(message);
    }
  }
  dialect.closed();
  dialect.farewell({ code: 'INTERNAL', message: 'x' });
};

const lines = (...pieces: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.from('\n')]));

const CONVERSATIONS = [
  lines(...WORDS),
  lines(WORDS[1]!, WORDS[2]!, WORDS[3]!, WORDS[4]!),
  lines(WORDS[5]!, Buffer.from(`\u0001${'ab'.repeat(160)}`, 'latin1')),
  lines(WORDS[6]!, Buffer.from(`\u0001${'\u00ff'.repeat(320)}`, 'latin1')),
  lines(WORDS[7]!, Buffer.from(`\u0001${'\u00ff'.repeat(160)}`, 'latin1'), Buffer.from('DTMF_END digit:1')),
  lines(WORDS[8]!, Buffer.from(`\u0001${'\u0000'.repeat(640)}`, 'latin1'), Buffer.from('\u0001')),
  Buffer.from(`010010${'ab'.repeat(16)}0300012a100140${'00'.repeat(320)}000000`, 'hex'),
];

export const dialectTargets: readonly FuzzTarget[] = [...STREAM_KINDS.keys()].map((name) => ({
  name: `stream: ${name}`,
  seeds: CONVERSATIONS,
  run: (bytes) => feed(name, bytes),
}));
