/**
 * Exotel's Stream and Voicebot applets: linear 16 bit, little-endian, mono, in messages of 100 ms; the encoding is told as `base64`. One
 * track that is not named, unless both are asked for.
 */

import { JsonMediaDialect, type JsonMediaWords } from './json-media.ts';
import { isObject, textIn } from './json-message.ts';
import { aboutOf, parametersIn } from './media-about.ts';
import { mediaFormat } from './media-format.ts';
import type { StreamKind } from './stream-dialect.ts';

const WORDS: JsonMediaWords = {
  name: 'exotel',
  about: (start, message) => {
    const format = isObject(start.media_format) ? start.media_format : {};
    const encoding = textIn(format, 'encoding') ?? 'base64';
    return aboutOf({
      streamId: textIn(message, 'stream_sid') ?? textIn(start, 'stream_sid'),
      callId: textIn(start, 'call_sid'),
      from: textIn(start, 'from'),
      to: textIn(start, 'to'),
      format: mediaFormat('exotel', encoding === 'base64' ? 'l16' : encoding, { rate: format.sample_rate }),
      parameters: parametersIn('exotel', start.custom_parameters),
    });
  },
  untold: 'both',
  ignored: ['connected', 'mark', 'clear'],
};

export const exotelKind: StreamKind = {
  name: 'exotel',
  transport: 'websocket',
  bringsToken: true,
  open: (request, sink) => new JsonMediaDialect(WORDS, request, sink),
  connect: 'Stream applet, URL: `wss://HOST/v2/accounts/A/streams/exotel?token=KEY`',
};
