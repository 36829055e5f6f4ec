/**
 * Plivo's audio streams: numbers are numbers, times are since 1970, µ-law or linear 16 bit. What the customer says comes as one text in
 * `extra_headers` and can hold letters and digits alone, so ids are better put into the URL's query.
 */

import { JsonMediaDialect, type JsonMediaWords } from './json-media.ts';
import { isObject, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { mediaFormat } from './media-format.ts';
import { legsOfTracks } from './media-track.ts';
import type { StreamKind } from './stream-dialect.ts';

const WORDS: JsonMediaWords = {
  name: 'plivo',
  about: (start, message) => {
    const format = isObject(start.mediaFormat) ? start.mediaFormat : {};
    return aboutOf({
      streamId: textIn(start, 'streamId') ?? textIn(message, 'streamId'),
      callId: textIn(start, 'callId'),
      from: textIn(start, 'from'),
      to: textIn(start, 'to'),
      tracks: legsOfTracks(start.tracks),
      format: mediaFormat('plivo', textIn(format, 'encoding') ?? '', {
        rate: format.sampleRate,
        channels: format.channels,
      }),
      parameters: parametersIn('plivo', extraHeaders(message.extra_headers ?? start.extra_headers)),
    });
  },
  untold: 'a',
  ignored: ['playedStream', 'clearedAudio', 'clearAudio'],
};

/** `a=1;b=2`, `a=1,b=2`, JSON in a text, or an object; `X-PH-` before a name is Plivo's own. */
const extraHeaders = (said: unknown): object => {
  if (isObject(said)) return said;
  if (typeof said !== 'string') return {};
  const pairs = said.trim().startsWith('{') ? entriesOf(said) : said.split(/[;,]/).map(pairOf);
  return Object.fromEntries(
    pairs.map(([name, value]) => [name.trim().replace(/^X-PH-/i, ''), value]).filter(([name]) => name !== ''),
  );
};

const pairOf = (text: string): readonly [string, unknown] => {
  const at = text.indexOf('=');
  return at === -1 ? ['', ''] : [text.slice(0, at), text.slice(at + 1).trim()];
};

const entriesOf = (json: string): [string, unknown][] => {
  try {
    return Object.entries(JSON.parse(json) as object);
  } catch {
    return [];
  }
};

export const plivoKind: StreamKind = {
  name: 'plivo',
  transport: 'websocket',
  bringsToken: true,
  open: (request, sink) => new JsonMediaDialect(WORDS, request, sink),
  connect:
    'XML: `<Stream audioTrack="both" contentType="audio/x-l16;rate=16000">wss://HOST/v2/accounts/A/streams/plivo?token=KEY</Stream>`',
};
